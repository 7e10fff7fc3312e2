// Albums, artists and playlists as cards, rows or a line of links.
const entry = (item) => {
  const title = linkTo(item.href, { class: "title", title: item.name }, item.name), note = item.note ? h("div", { class: "artist", title: item.note }, item.note) : null;
  if (item.cover === undefined) return h("div", { class: "row" }, item.icon ? icon(item.icon) : null, h("div", { class: "names" }, title, note));
  const frame = linkTo(item.href, { class: "frame", tabindex: -1, "aria-hidden": "true" }, picture(item.cover, item.name));
  return h("article", { class: "card" }, frame, title, note);
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".entries");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  root.className = `entries ${data.layout}`;
  root.replaceChildren(...data.items.map(entry));
}
