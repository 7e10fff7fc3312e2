// Actions on all songs of an album, an artist or a playlist.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".collection");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  if (data.together) (window.__segueTogether ??= new Map()).set(data.together, data.items);
  const action = (name, text, does, props = {}) => h("button", { type: "button", ...props, onclick: () => window.__segue && does(window.__segue) }, icon(name), h("span", {}, text));
  root.replaceChildren(
    ...(data.name === undefined ? [] : [h("div", { class: "frame" }, picture(data.cover, data.name))]),
    h("div", { class: "actions", role: "group", "aria-label": data.name ? gettext("All songs of {name}", { name: data.name }) : gettext("All songs") },
      action("play", gettext("Play"), (e) => e.playAll(data.items), { class: "send" }),
      action("shuffle", gettext("Shuffle"), (e) => e.playAll(data.items, { shuffled: true })),
      action("playnext", gettext("Play next"), (e) => e.playNext(...data.items)),
      action("add", gettext("Add to queue"), (e) => e.add(...data.items))));
}
