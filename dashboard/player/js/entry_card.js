// An album, an artist, a playlist or another page as a card or a row.
const entry = (item, layout) => {
  const title = linkTo(item.href, { class: "title", dir: "auto", title: item.name }, item.name), note = item.note ? h("div", { class: "artist", dir: "auto", title: item.note }, item.note) : null;
  if (item.cover === undefined) return h("div", { class: "row" }, item.icon ? icon(item.icon) : null, h("div", { class: "names" }, title, note));
  const frame = linkTo(item.href, { class: "frame", tabindex: -1, "aria-hidden": "true" }, picture(item.cover, item.name));
  if (layout === "list") return h("article", { class: "row" }, frame, h("div", { class: "names" }, title, note));
  return h("article", { class: "card" }, frame, title, note);
};
