// The bar at the bottom: shows the engine's state and passes clicks to it.
const engineOf = (data) => {
  if (window.__segue?.tag !== data.tag) { // another listener has logged in: stop the music of the previous one
    window.__segue?.pause();
    window.__segue = new Engine(data);
    if (!window.__segueKeys) bindKeys(window.__segueKeys = new Proxy({}, { get: (_, name) => {
      const value = window.__segue[name];
      return typeof value === "function" ? value.bind(window.__segue) : value;
    }, set: (_, name, value) => Reflect.set(window.__segue, name, value) }));
  }
  return window.__segue;
};

const slider = (name, label, oninput, onchange) => {
  const input = h("input", { type: "range", class: name, min: 0, max: 1000, value: 0, step: 1, "aria-label": label, oninput, onchange });
  return input;
};
const fill = (input, share) => input.style.setProperty("--fill", `${Math.round(1000 * Math.max(0, Math.min(1, share || 0))) / 10}%`);

class Bar {
  constructor(engine, root) {
    Object.assign(this, { engine, root, seeking: false });
    const e = engine;
    this.cover = h("button", { class: "art", type: "button", onclick: () => this.show("queue") });
    this.title = linkTo("", { class: "title", dir: "auto" });
    this.artist = h("span", { class: "artist", dir: "auto" });
    this.like = button("heartline", gettext("Like"), () => e.opinion("like"), { class: "like" });
    this.not = button("notforme", gettext("Dislike and skip"), () => e.opinion("dislike"), { class: "wide" });
    this.toggle = button("play", gettext("Play"), () => e.toggle(), { class: "main", id: "toggle" });
    this.previous = button("previous", gettext("Previous"), () => e.previous(), { class: "wide", id: "previous" });
    this.next = button("next", gettext("Next"), () => e.next(), { id: "next" });
    this.shuffle = button("shuffle", gettext("Shuffle: off"), () => e.shuffle(), { class: "wide", "aria-pressed": "false" });
    this.repeat = button("repeat", gettext("Repeat: off"), () => e.turnRepeat(), { class: "wide" });
    this.now = h("span", { class: "time" }, "0:00");
    this.end = h("span", { class: "time" }, "0:00");
    this.progress = slider("progress", gettext("Position"), () => { this.seeking = true; this.time(); },
      () => { e.seek((this.progress.value / 1000) * e.duration); this.seeking = false; });
    this.mute = button("sound", gettext("Mute"), () => { e.muted = !e.muted; }, { class: "wide" });
    this.volume = slider("volume wide", gettext("Volume"), () => { e.volume = this.volume.value / 1000; e.muted = false; });
    this.queueButton = button("queue", gettext("Queue"), () => this.show("queue"), { "aria-expanded": "false" });
    this.soundButton = button("tune", gettext("Sound"), () => this.show("sound"), { class: "wide", "aria-expanded": "false" });
    this.lyricsButton = button("lyrics", gettext("Lyrics"), () => this.show("lyrics"), { class: "wide", "aria-expanded": "false" });
    this.panel = h("section", { class: "panel", hidden: true });
    this.still = new Still(this.panel, (change) => change());
    this.secret = h("button", { type: "button", class: "secret", hidden: true, title: gettext("Songs that you play in it leave no trace in your account."), onclick: () => this.show("queue") }, icon("private"), h("span", {}, gettext("Private session")));
    this.elsewhere = h("button", { type: "button", class: "elsewhere", dir: "auto", hidden: true, onclick: () => e.shared.continueHere() });
    this.status = h("span", { class: "status", role: "status", "aria-live": "polite" });
    root.replaceChildren(this.panel, h("div", { class: "bar", role: "region", "aria-label": gettext("Player") },
      h("div", { class: "what" }, this.cover, h("div", { class: "names" }, this.title, this.artist, this.status, this.secret, this.elsewhere), this.like, this.not),
      h("div", { class: "how" }, h("div", { class: "buttons" }, this.shuffle, this.previous, this.toggle, this.next, this.repeat),
        h("div", { class: "line" }, this.now, this.progress, this.end)),
      h("div", { class: "rest" }, this.mute, this.volume, this.soundButton, this.lyricsButton, this.queueButton)));
    this.escape = (event) => { if (event.key === "Escape" && !event.defaultPrevented && !this.panel.hidden) { event.preventDefault(); this.show(this.view); } };
    addEventListener("keydown", this.escape);
    this.handlers = { "segue:state": () => this.draw(), "segue:time": () => this.time(),
      "segue:panel": (event) => this.show(event.detail), "segue:replanned": () => this.flash() };
    for (const [name, handler] of Object.entries(this.handlers)) addEventListener(name, handler);
    this.draw();
  }
  off() { removeEventListener("keydown", this.escape); this.still.end(); for (const [name, handler] of Object.entries(this.handlers)) removeEventListener(name, handler); cancelAnimationFrame(this.frame); }
  draw() {
    const e = this.engine, item = e.current;
    this.root.firstElementChild?.parentElement.classList?.toggle?.("idle", !item);
    if (this.shown !== (item?.key ?? "")) {
      this.shown = item?.key ?? "";
      this.cover.replaceChildren(picture(item?.cover, item?.album ?? item?.title));
      this.title.textContent = item?.title ?? gettext("Nothing is playing");
      if (item) this.title.href = address("track", { id: item.id }); else this.title.removeAttribute("href");
      this.artist.textContent = item?.artist ?? gettext("Press play for something new");
      this.cover.setAttribute("aria-label", item ? gettext("Queue, now {title}", { title: item.title }) : gettext("Queue"));
    }
    this.status.textContent = e.notice ?? "";
    this.status.hidden = !e.notice;
    this.secret.hidden = !e.private.on || Boolean(e.notice);
    this.elsewhere.hidden = !e.elsewhere || Boolean(e.notice);
    this.elsewhere.textContent = e.elsewhere ? gettext("Continue {title} here", { title: e.elsewhere.title }) : "";
    setIcon(this.toggle, e.playing ? "pause" : "play", e.playing ? gettext("Pause") : gettext("Play"));
    setIcon(this.mute, e.muted ? "muted" : "sound", e.muted ? gettext("Unmute") : gettext("Mute"));
    const liked = item && e.opinions[item.id] === "like";
    setIcon(this.like, liked ? "heart" : "heartline", liked ? gettext("Remove the like") : gettext("Like"));
    this.like.classList.toggle("on", !!liked);
    const disliked = item && e.opinions[item.id] === "dislike";
    setIcon(this.not, "notforme", disliked ? gettext("Remove the dislike") : gettext("Dislike and skip"));
    this.not.classList.toggle("on", !!disliked);
    this.like.disabled = this.not.disabled = !item;
    this.repeat.classList.toggle("on", e.repeat !== "off");
    this.repeat.dataset.one = e.repeat === "one" ? "1" : "";
    setIcon(this.repeat, "repeat", repeatLabel(e));
    this.shuffle.classList.toggle("on", e.shuffled);
    setIcon(this.shuffle, "shuffle", e.shuffled ? gettext("Shuffle: on") : gettext("Shuffle: off"));
    this.shuffle.setAttribute("aria-pressed", String(e.shuffled));
    this.toggle.classList.toggle("busy", e.busy);
    this.volume.value = (e.muted ? 0 : e.volume) * 1000;
    fill(this.volume, e.muted ? 0 : e.volume);
    this.time();
    if (!this.panel.hidden) this.drawPanel();
  }
  time() {
    const e = this.engine, duration = e.duration;
    const at = this.seeking ? (this.progress.value / 1000) * duration : e.position;
    if (!this.seeking) this.progress.value = duration ? (1000 * at) / duration : 0;
    fill(this.progress, duration ? at / duration : 0);
    this.progress.disabled = !e.current;
    this.progress.setAttribute("aria-valuetext", gettext("{time} of {length}", { time: clock(at), length: clock(duration) }));
    this.now.textContent = clock(at);
    this.end.textContent = clock(duration);
    followLyrics(this);
    const both = this.panel.querySelector(".clock");
    if (both) both.textContent = gettext("{time} of {length}", { time: clock(at), length: clock(duration) });
  }
  flash() { this.queueButton.classList.remove("flash"); void this.queueButton.offsetWidth; this.queueButton.classList.add("flash"); }
  show(view) {
    const same = !this.panel.hidden && this.view === view, shadow = this.root.getRootNode();
    const within = this.panel.contains(shadow.activeElement);
    if (this.panel.hidden) this.opener = shadow.activeElement ?? document.activeElement;
    this.panel.hidden = same;
    this.panel.setAttribute("aria-label", { keys: gettext("Keys"), lyrics: gettext("Lyrics"), sound: gettext("Sound") }[view] ?? gettext("Queue"));
    this.view = view;
    this.queueButton.setAttribute("aria-expanded", String(!same && view === "queue"));
    this.lyricsButton.setAttribute("aria-expanded", String(!same && view === "lyrics"));
    this.soundButton.setAttribute("aria-expanded", String(!same && view === "sound"));
    if (!same) { this.drawPanel(); this.panel.querySelector("button")?.focus({ preventScroll: true }); }
    else if (within) (this.opener?.isConnected && this.opener !== document.body ? this.opener : this.queueButton).focus({ preventScroll: true });
  }
  drawPanel() {
    const close = button("close", gettext("Close"), () => this.show(this.view), { class: "close" });
    if (this.view === "keys") {
      const rows = Object.values(KEYS).map(([key, action]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, action)]).flat();
      this.panel.replaceChildren(h("header", {}, h("h2", {}, gettext("Keys")), close), h("dl", {}, ...rows));
      return;
    }
    if (this.view === "sound") return drawSound(this, close);
    if (this.view === "lyrics") drawLyrics(this, close); else drawQueue(this, close);
  }
}

export default function mountBar({ data, parentElement }) {
  const root = parentElement.querySelector("#segue-bar");
  root.__bar?.off();
  const engine = engineOf(data);
  const former = root.__bar;
  root.__bar = new Bar(engine, root);
  skipLinks(root.__bar.toggle);
  quietStreamlit();
  speakForStreamlit();
  makeInstallable();
  if (former && !former.panel.hidden) root.__bar.show(former.view);
  return () => root.__bar.off();
}
