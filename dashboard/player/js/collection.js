// Actions on all songs of an album, an artist or a playlist.

// Saves the list in this browser, or removes it again.
const saving = (root, source, action) => {
  const text = () => {
    const saved = window.__segue?.saved, list = saved?.list(source), there = list ? saved.there(list.items).length : 0;
    const label = !list ? gettext("Save for offline") : there < list.items.length && saved.working ? gettext("Saving {there} of {count}", { there, count: list.items.length }) : gettext("Saved for offline");
    pressed.hidden = !saved?.able;
    pressed.setAttribute("aria-pressed", String(Boolean(list)));
    if (pressed.lastElementChild.textContent !== label) pressed.lastElementChild.textContent = label;
  };
  const pressed = action("offline", "", (e) => (e.saved.list(source) ? e.saved.remove(source) : e.saved.save(source)));
  for (const name of ["saved", "state"]) addEventListener(`segue:${name}`, text);
  root.__off = () => { for (const name of ["saved", "state"]) removeEventListener(`segue:${name}`, text); };
  text();
  return pressed;
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".collection");
  const drawn = JSON.stringify(data);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  root.__off?.();
  if (data.together) (window.__segueTogether ??= new Map()).set(data.together, data.items);
  const action = (name, text, does, props = {}) => h("button", { type: "button", ...props, onclick: () => window.__segue && does(window.__segue) }, icon(name), h("span", {}, text));
  root.replaceChildren(
    ...(data.name === undefined ? [] : [h("div", { class: "frame" }, picture(data.cover, data.name))]),
    h("div", { class: "actions", role: "group", "aria-label": data.name ? gettext("All songs of {name}", { name: data.name }) : gettext("All songs") },
      action("play", gettext("Play"), (e) => e.playAll(data.items), { class: "send" }),
      action("shuffle", gettext("Shuffle"), (e) => e.playAll(data.items, { shuffled: true })),
      action("playnext", gettext("Play next"), (e) => e.playNext(...data.items)),
      action("add", gettext("Add to queue"), (e) => e.add(...data.items)), ...(data.saves ? [saving(root, data.saves, action)] : [])));
}
