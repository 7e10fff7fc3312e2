// The queue as the account has it: a closed tab loses nothing, and another device can continue.
// Each tab has a queue of its own. The songs that the listener added are in all of them: a tab that wants to store its
// queue, and is not the last that did, first takes over the changes made elsewhere.
import { sendParting } from "./parting.js";

const SOON_MS = 1000, POSITION_MS = 15000, REST_MS = 60000, MOST_KEPT = 500, MOST_BEFORE = 30;

export class SharedQueue {
  /** @param {import("./transport.js").Transport} engine */
  constructor(engine) {
    this.engine = engine;
    this.version = 0;
    /** @type {Set<string>} */
    this.added = new Set();
    /** @type {ReturnType<SharedQueue["now"]> | null} */
    this.sent = null;
    this.own = false;
    this.due = Infinity;
    this.resting = 0;
    this.sending = false;
    this.timer = 0;
    addEventListener("visibilitychange", () => { if (!document.hidden) this.look(); });
  }
  get tab() { return this.engine.pendingLeave.tab; }
  now() { // recommendations are left out: they are planned again
    const e = this.engine, { queue, at } = e.private.without(e.queue, e.at), first = Math.max(0, at - MOST_BEFORE);
    const items = queue.slice(first).filter((item, i) => first + i <= at || !item.auto).slice(0, MOST_KEPT)
      .map(({ id, key, source, queued, rec }) => ({ id, key, source: source ?? "search", queued: Boolean(queued), rec }));
    return { at: Math.max(0, at - first), position: Math.max(0, Math.round(e.position)), items, songs: JSON.stringify(items) };
  }
  body(now) {
    const { at, position, items } = now, whole = !this.own || now.songs !== this.sent?.songs;
    return JSON.stringify({ version: this.version, player: this.tab, at, position, ...(whole ? { items } : {}) });
  }
  unsent(now) { // how soon the account should have it: milliseconds, or null
    const { sent } = this;
    if (!sent || now.songs !== sent.songs || now.at !== sent.at || (this.engine.playing && !this.own)) return SOON_MS;
    if (!this.own || now.position === sent.position) return null;
    return this.engine.playing ? POSITION_MS : SOON_MS;
  }
  get hidden() { return this.engine.private.hides("queue", this.engine.current ?? { id: "" }); }
  keep() {
    const wait = this.engine.current && !this.engine.loading && !this.hidden ? this.unsent(this.now()) : null;
    if (wait === null || performance.now() + wait >= this.due || performance.now() < this.resting) return;
    clearTimeout(this.timer);
    this.due = performance.now() + wait;
    this.timer = setTimeout(() => { this.due = Infinity; this.send(); }, wait);
  }
  async send({ again = true } = {}) {
    if (this.sending || this.hidden) return;
    this.sending = true;
    const now = this.now();
    let answer = null;
    try {
      answer = await fetch("/api/queue", { method: "PUT", body: this.body(now), headers: { "Content-Type": "application/json" } });
      const told = answer.ok || answer.status === 409 ? await answer.json() : null;
      if (answer.ok) this.stored(now, told.version);
      else if (told) this.merge(told);
      else this.resting = performance.now() + REST_MS; // refused, such as without a session
    } catch { answer = null; /* the next change is sent */ }
    this.sending = false;
    if (answer?.status === 409 && again) await this.send({ again: false });
  }
  stored(now, version) {
    const before = this.sent?.songs;
    Object.assign(this, { version, sent: now, own: true, added: new Set(now.items.slice(now.at + 1).filter((item) => item.queued).map((item) => item.key)) });
    this.engine.persist();
    if (now.songs !== before) this.engine.tabs.stored();
  }
  beacon() { // the page is closing; a queue that is too long for a beacon was stored a second ago
    const now = this.now();
    if (this.engine.current && !this.hidden && this.unsent(now) !== null) sendParting("/api/queue", this.body(now));
  }
  /** @returns {Promise<import("./messages.d.ts").Queue | null>} */
  async read() {
    try {
      const answer = await fetch("/api/queue");
      return answer.ok ? await answer.json() : null;
    } catch { return null; }
  }
  async restore() { // a new tab: the queue is there, and waits for the listener
    const stored = await this.read();
    if (stored?.items.length && !this.engine.current) this.take(stored, { play: false });
  }
  async look() { // whether another tab or device has stored a queue since
    if (document.hidden) return;
    const e = this.engine, stored = await this.read();
    if (!stored || stored.version <= this.version || this.sending) return;
    this.merge(stored);
    this.sent = this.now(); // nothing for the account to know
    e.elsewhere = stored.player !== this.tab && !e.playing && stored.items.length ? { title: stored.items[stored.at].title, stored } : null;
    e.settle();
  }
  /** @param {import("./messages.d.ts").Queue} stored */
  merge(stored) { // the songs that the listener added or removed elsewhere
    const e = this.engine, there = stored.items.slice(stored.at + 1).filter((item) => item.queued);
    const theirs = new Set(there.map((item) => item.key)), mine = new Set(e.queue.map((item) => item.key));
    const gone = new Set([...this.added].filter((key) => !theirs.has(key)));
    e.queue = e.queue.filter((item, i) => i <= e.at || !gone.has(item.key));
    for (const item of there.filter(({ key }) => !mine.has(key) && !this.added.has(key))) { // after the same song as there
      const before = stored.items[stored.items.indexOf(item) - 1]?.key, place = e.queue.findIndex(({ key }) => key === before);
      const last = e.queue.findLastIndex((other, i) => i <= e.at || other.queued);
      e.queue.splice((place >= Math.max(e.at, 0) ? place : last) + 1, 0, item);
    }
    Object.assign(this, { version: stored.version, own: stored.player === this.tab, added: theirs, sent: null });
  }
  continueHere() {
    const { stored } = this.engine.elsewhere ?? {};
    if (stored) this.take(stored, { play: true });
  }
  take(stored, { play }) {
    const e = this.engine;
    e.elsewhere = null;
    e.finish("leave");
    e.radio = null;
    e.queue = stored.items.map((item) => ({ ...item }));
    this.added = new Set();
    e.load(stored.at, { play, from: stored.position });
    this.merge(stored);
    this.sent = this.now();
    e.extend();
  }
  // --- the state that a reload of the tab keeps
  memory() { return { version: this.version, added: [...this.added] }; }
  remember(kept) { // a queue that 0.1 kept has no version
    Object.assign(this, { version: kept?.version ?? 0, added: new Set(kept?.added ?? []), sent: this.now() });
  }
}
