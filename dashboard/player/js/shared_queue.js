// The queue as the account has it: a closed tab loses nothing, and another device can continue.
const KEEP_MS = 3000, MOST_KEPT = 500;

class SharedQueue {
  constructor(engine) {
    this.engine = engine;
    addEventListener("visibilitychange", () => { if (!document.hidden) this.look(); });
  }
  get tab() { return this.engine.pendingLeave.tab; }
  body() { // recommendations are left out: they are planned again
    const e = this.engine, first = Math.max(0, e.at - 30);
    const items = e.queue.slice(first).filter((item, i) => first + i <= e.at || !item.auto).slice(0, MOST_KEPT);
    return JSON.stringify({ player: this.tab, at: Math.max(0, e.at - first), position: Math.max(0, Math.round(e.position)),
      items: items.map(({ id, source, queued, rec }) => ({ id, source: source ?? "search", queued: Boolean(queued), rec })) });
  }
  keep() {
    if (!this.engine.current || this.timer) return;
    this.timer = setTimeout(() => { this.timer = null; this.send(); }, KEEP_MS);
  }
  async send() {
    const body = this.body();
    if (body === this.sent) return;
    try { if ((await fetch("/api/queue", { method: "PUT", body, headers: { "Content-Type": "application/json" } })).ok) this.sent = body; }
    catch { /* the next change is sent */ }
  }
  beacon() {
    if (this.engine.current && this.body() !== this.sent) navigator.sendBeacon("/api/queue", new Blob([this.body()], { type: "application/json" }));
  }
  async read() {
    try {
      const answer = await fetch("/api/queue");
      const stored = answer.ok ? await answer.json() : null;
      return stored?.items.length ? stored : null;
    } catch { return null; }
  }
  async restore() { // a new tab: the queue is there, and waits for the listener
    const stored = await this.read();
    if (stored && !this.engine.current) this.take(stored, { play: false });
  }
  async look() { // whether another tab or device has played since
    const e = this.engine;
    if (e.playing) return;
    const stored = await this.read();
    const newer = stored && stored.player !== this.tab && stored.changed_at > (this.known ?? 0);
    e.elsewhere = newer && !e.playing ? { title: stored.items[stored.at].title, stored } : null;
    e.changed();
  }
  continueHere() {
    const { stored } = this.engine.elsewhere ?? {};
    if (stored) this.take(stored, { play: true });
  }
  take(stored, { play }) {
    const e = this.engine;
    this.known = stored.changed_at;
    e.elsewhere = null;
    e.finish("leave");
    e.radio = null;
    e.queue = stored.items.map((item) => ({ ...item, key: uuid() }));
    e.load(stored.at, { play, from: stored.position });
    e.extend();
  }
}
