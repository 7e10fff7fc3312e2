// The songs that this browser keeps for a time without a network: how many, how large, and their lists.
const LIKED = { show: "liked", id: "" };
const size = (bytes) => (bytes < 1e9 ? gettext("{count} MB", { count: number(bytes / 1e6, { maximumFractionDigits: 0 }) }) : gettext("{count} GB", { count: number(bytes / 1e9, { maximumFractionDigits: 1 }) }));

const stopText = (saved) => ({
  room: gettext("There is no more room for saved songs. Allow more, or remove some."),
  full: gettext("The browser has no more room for songs. Free some space on this device, or remove some songs."),
  away: gettext("The server does not respond. Saving continues when it is back."),
  session: gettext("Reload the page: you are no longer logged in."),
})[saved.stop] ?? (saved.failed.size ? ngettext("{count} song could not be saved.", "{count} songs could not be saved.", saved.failed.size) : "");

const countText = (saved, items) => {
  const there = saved.there(items).length;
  return there === items.length ? ngettext("{count} song", "{count} songs", there) : ngettext("{there} of {count} song", "{there} of {count} songs", items.length, { there });
};

class Shelf { // `travelling`: the page without a network
  constructor(root, { travelling = false } = {}) {
    Object.assign(this, { root, travelling, open: new Set() });
    this.state = h("p", { class: "state" });
    this.bar = h("progress", { max: 1, "aria-label": gettext("Songs saved") });
    this.stop = h("p", { class: "stop", role: "status" });
    this.room = h("select", { id: "segue-room", onchange: () => this.saved.allow(Number(this.room.value)) }, ...ROOMS.map((bytes) => h("option", { value: bytes }, size(bytes))));
    this.likes = this.action("heartline", gettext("Save liked songs"), () => this.saved.save({ ...LIKED, name: gettext("Liked songs") }));
    this.all = this.action("remove", gettext("Remove all saved songs"), () => this.saved.clear());
    this.tools = h("div", { class: "actions" }, this.likes, this.all, h("label", { for: "segue-room", class: "room" }, gettext("Room for saved songs"), this.room));
    this.rows = h("div", { class: "lists" });
    root.replaceChildren(this.state, this.bar, this.stop, ...(travelling ? [] : [this.tools]), this.rows);
    this.draw = () => this.show();
    for (const name of ["saved", "state"]) addEventListener(`segue:${name}`, this.draw);
    this.show();
  }
  off() { for (const name of ["saved", "state"]) removeEventListener(`segue:${name}`, this.draw); }
  get engine() { return window.__segue; }
  get saved() { return this.engine.saved; }
  action(name, text, does, props = {}) { return h("button", { type: "button", "data-focus": text, ...props, onclick: does }, icon(name), h("span", {}, text)); }
  show() {
    if (!this.engine) return;
    const { saved } = this, items = [...new Map(saved.lists.flatMap((list) => list.items.map((item) => [item.id, item]))).values()], there = saved.there(items).length;
    if (!saved.able) { this.root.replaceChildren(h("p", { class: "state" }, gettext("Songs can be saved where the address of this page begins with https."))); return; }
    const used = gettext("{used} of {room}", { used: size(saved.used), room: size(saved.room) });
    const none = this.travelling ? gettext("No songs are saved in this browser.") : gettext("Saved songs play without a network. Save your liked songs here, and a playlist or an album on its page.");
    this.state.textContent = !items.length ? none : saved.working ? gettext("Saving: {songs}, {used}", { songs: countText(saved, items), used }) : `${countText(saved, items)} · ${used}`;
    this.bar.hidden = !saved.working;
    this.bar.value = items.length ? there / items.length : 0;
    if (this.stop.textContent !== stopText(saved)) this.stop.textContent = stopText(saved);
    this.likes.hidden = Boolean(saved.list(LIKED));
    this.all.hidden = !saved.lists.length;
    this.room.value = String(saved.room);
    this.fill();
  }
  fill() {
    const { saved } = this, shown = JSON.stringify([saved.lists.map((list) => [list, this.open.has(list.show + list.id), saved.there(list.items).map((item) => item.id)]), this.engine.current?.id]);
    if (shown === this.drawn) return;
    this.drawn = shown;
    const focus = this.rows.getRootNode().activeElement?.dataset?.focus;
    this.rows.replaceChildren(...saved.lists.map((list) => this.list(list)));
    if (focus) this.rows.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  }
  list(list) {
    const { saved, engine } = this, there = saved.there(list.items), own = list.show + list.id;
    const play = (how) => () => engine.playAll(there, how), labelled = (text) => ({ "aria-label": `${text}: ${list.name}`, "data-focus": text + own, disabled: !there.length });
    const songs = h("details", { open: this.travelling || this.open.has(own), ontoggle: (event) => { this.open[event.target.open ? "add" : "delete"](own); this.fill(); } },
      h("summary", { "data-focus": `songs${own}` }, gettext("Songs")), this.travelling || this.open.has(own) ? h("ol", {}, ...list.items.map((item) => this.row(item, there))) : null);
    return h("section", { class: "list", "aria-label": list.name }, h("h2", { dir: "auto" }, list.name), h("p", { class: "note" }, countText(saved, list.items)),
      h("div", { class: "actions" }, this.action("play", gettext("Play"), play(), { ...labelled(gettext("Play")), class: "send" }), this.action("shuffle", gettext("Shuffle"), play({ shuffled: true }), labelled(gettext("Shuffle"))),
        this.action("remove", gettext("Remove from this device"), () => saved.remove(list), { "aria-label": gettext("Remove {name} from this device", { name: list.name }), "data-focus": `remove${own}` })), songs);
  }
  row(item, there) {
    const at = there.findIndex((one) => one.id === item.id);
    return h("li", { class: item.id === this.engine.current?.id ? "row now" : "row" }, h("button", { type: "button", class: "go", disabled: at < 0, "data-focus": `song${item.id}`,
      "aria-label": gettext("Play {title}", { title: item.title }), onclick: () => this.engine.play(there, at) }, picture(item.cover, item.album ?? item.title),
    h("span", { class: "names" }, h("span", { class: "title", dir: "auto" }, item.title), h("span", { class: "artist", dir: "auto" }, at < 0 ? gettext("Not saved yet") : item.artist))));
  }
}
