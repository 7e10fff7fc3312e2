// Events that wait in the browser until the server has delivered them to Kafka. Each event has its own entry, so that
// tabs share the outbox without overwriting each other; the server recognises duplicates by event_id.
// `signals` are the event types that change the recommendations; `keptMs` is the age at which unsent events are
// dropped.
import { sendParting } from "./parting.js";

const OF_ANYBODY = "segue.play.";
const CLOSE_MS = 100; // further back, the clock has been set

/** @param {string} prefix */
const keysOf = (prefix) => {
  try { return Object.keys(localStorage).filter((key) => key.startsWith(prefix)); } catch { return []; } // storage is blocked
};
/** @param {string} key @returns {import("./messages.d.ts").Plays["plays"]} the event; none if the entry is malformed */
const stored = (key) => {
  try { return [JSON.parse(localStorage.getItem(key) ?? "")].filter((play) => play?.event_id); } catch { return []; }
};

export class Outbox {
  /** @param {import("./messages.d.ts").BarData} data @param {() => void} onSignal */
  constructor({ tag, signals, keptMs }, onSignal) {
    this.signals = new Set(signals);
    this.keptMs = keptMs;
    this.prefix = `${OF_ANYBODY}${tag}.`; // another listener's events wait until that listener is back
    this.onSignal = onSignal;
    /** @type {Map<string, import("./messages.d.ts").Plays["plays"][number]>} */
    this.memory = new Map(); // used where localStorage is full or blocked
    this.pause = 0;
    this.failures = 0;
    this.timer = 0;
    this.latest = 0; // when the event added last occurred
    addEventListener("online", () => { this.pause = this.failures = 0; this.flush(); });
    setInterval(() => this.flush(), 15000);
    this.dropOld();
    this.flush();
  }
  /** @param {import("./messages.d.ts").Plays["plays"][number]} play */
  add(play) {
    // Events of the same millisecond keep their order: storage returns them in any.
    if (play.occurred_at <= this.latest && this.latest - play.occurred_at < CLOSE_MS) play.occurred_at = this.latest + 1;
    this.latest = play.occurred_at;
    try { localStorage.setItem(this.prefix + play.event_id, JSON.stringify(play)); }
    catch { this.memory.set(play.event_id, play); }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), play.type === "impression" ? 400 : 20);
  }
  waiting() {
    const plays = [...this.memory.values()];
    for (const key of keysOf(this.prefix)) plays.push(...stored(key));
    const old = Date.now() - this.keptMs;
    for (const play of plays) if (play.occurred_at < old) this.remove(play.event_id);
    return plays.filter((play) => play.occurred_at >= old).sort((a, b) => a.occurred_at - b.occurred_at);
  }
  dropOld() { // also those of listeners who do not come back to this browser
    const old = Date.now() - this.keptMs;
    for (const key of keysOf(OF_ANYBODY)) {
      if (stored(key).some((play) => play.occurred_at < old)) localStorage.removeItem(key);
    }
  }
  remove(id) {
    this.memory.delete(id);
    try { localStorage.removeItem(this.prefix + id); } catch { /* storage is blocked: nothing is stored */ }
  }
  envelope(plays) { return JSON.stringify({ sent_at: Date.now(), waiting: this.waiting().length, plays }); }
  async flush() {
    if (this.busy || performance.now() < this.pause) return;
    const plays = this.waiting().slice(0, 50);
    if (!plays.length) return;
    this.busy = true;
    let again = 0;
    try {
      const answer = await fetch("/api/events", { method: "POST", keepalive: true, body: this.envelope(plays), headers: { "Content-Type": "application/json" } });
      if (answer.ok) {
        const { taken, refused } = await answer.json();
        for (const id of [...taken, ...Object.keys(refused)]) this.remove(id);
        this.failures = 0;
        again = taken.length ? 10 : 2000;
        if (plays.some((play) => this.signals.has(play.type) && taken.includes(play.event_id))) this.onSignal();
      } else if (answer.status === 400) {
        for (const play of plays) this.remove(play.event_id);
      } else again = this.wait();
    } catch { again = this.wait(); }
    this.busy = false;
    if (again && this.waiting().length) setTimeout(() => this.flush(), again);
  }
  wait() {
    this.failures++;
    const ms = Math.min(30000, 500 * 2 ** this.failures);
    this.pause = performance.now() + ms - 50;
    return ms;
  }
  beacon() { // events stay stored: only the next visit can confirm their delivery
    const plays = this.waiting().slice(-50);
    if (plays.length) sendParting("/api/events", this.envelope(plays));
  }
}
