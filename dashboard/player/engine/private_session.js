// A private session: the songs that are played in it leave no trace in the account. It ends when the listener ends it, or
// hours after the last song. All tabs of the browser share it.
const LASTS_MS = 6 * 3600e3;

export class PrivateSession {
  /** @param {string} tag the listener @param {string[]} opinions types of events that the listener asks to be kept */
  constructor(tag, opinions) {
    this.opinions = new Set(opinions);
    this.name = `segue.private.${tag}`;
    this.until = 0; // used where localStorage is blocked
    /** @type {Set<string>} songs of the queue, by key, that were played in private */
    this.songs = new Set();
  }
  get on() {
    try { return Number(localStorage.getItem(this.name) ?? 0) > Date.now(); } catch { return this.until > Date.now(); }
  }
  /** @param {boolean} on */
  turn(on) {
    this.until = on ? Date.now() + LASTS_MS : 0;
    try {
      if (on) localStorage.setItem(this.name, String(this.until)); else localStorage.removeItem(this.name);
    } catch { /* storage is blocked: this tab remembers it */ }
  }
  /** @param {string | undefined} key the song that plays or is about to */
  note(key) {
    if (!this.on || !key) return;
    this.songs.add(key);
    this.turn(true);
  }
  /** Whether an event stays in the browser. @param {string} type @param {{ id: string, key?: string }} item */
  hides(type, item) { return !this.opinions.has(type) && (this.on || this.songs.has(item.key ?? "")); }
  /** The songs of a queue for the account, and the place of the current one. @template {{ key: string }} T @param {T[]} queue @param {number} at */
  without(queue, at) {
    return { queue: queue.filter((item, i) => i >= at || !this.songs.has(item.key)), at: at - queue.slice(0, Math.max(0, at)).filter((item) => this.songs.has(item.key)).length };
  }
}
