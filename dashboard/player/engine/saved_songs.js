// Songs that the browser keeps for a time without a network: those of the lists that the listener has saved, up to a size.
// The bytes, the covers and an index are in one cache, which is removed as a whole. Tabs share it.
import { formFrom } from "./forms.js";
import { ROOMS, cacheOf, canSave, keepSavedOf, presentListener } from "./saved_caches.js";

const INDEX = "/saved/index", RETRIES = 5, BUSY_MS = 5000, SYNC_MS = 8000;
const USUAL_ROOM = ROOMS[3];

/** @typedef {import("./messages.d.ts").Item} Item */
/** @typedef {{ show: "liked" | "playlists" | "albums", id: string, name: string }} Source a list of the library */
/** @typedef {Source & { items: Item[] }} SavedList */
/** @typedef {{ bytes: number, type: string, gain: import("./messages.d.ts").Gain, cover: string | null }} SavedSong */
/** @typedef {{ room: number, lists: SavedList[], songs: Record<string, SavedSong> }} Index `room` in bytes */
/** @typedef {"room" | "full" | "away" | "session"} Stop why songs are not saved: the listener's limit, the browser's, no server, no log-in */

/**
 * The bytes of a recording, which play without a network only if they are all there.
 * @param {Response} answer @returns {Promise<Blob | null>} null for a part, an error, or the answer of another site
 */
export const wholeRecording = async (answer) => {
  const type = answer.headers.get("content-type") ?? "", stated = answer.headers.get("content-length");
  if (answer.status !== 200 || answer.type === "opaque" || answer.headers.has("content-range") || !type.startsWith("audio/")) return null;
  const bytes = await answer.blob(), packed = answer.headers.has("content-encoding");
  return bytes.size > 0 && (packed || stated === null || Number(stated) === bytes.size) ? bytes : null;
};

/** @param {string} id */
const pathOf = (id) => `/saved/songs/${encodeURIComponent(id)}`;
/** @param {string} cover */
const coverOf = (cover) => `/api/covers/${encodeURIComponent(cover)}`;
/** @param {Source} one @param {Source} other */
const same = (one, other) => one.show === other.show && one.id === other.id;
/** @returns {Index} */
const nothing = () => ({ room: USUAL_ROOM, lists: [], songs: {} });

export class SavedSongs {
  /**
   * @param {string} tag the listener
   * @param {{ ticket: (id: string) => Promise<import("./messages.d.ts").Ticket>, form: (item: Item, ticket: import("./messages.d.ts").Ticket) => import("./forms.js").Playable,
   *   changed: () => void, gone: (id: string) => void }} engine `gone`: the saved copy of a song is there no more
   */
  constructor(tag, engine) {
    this.tag = tag;
    this.engine = engine;
    this.name = cacheOf(tag);
    this.able = canSave();
    this.index = nothing();
    /** @type {Map<string, string>} addresses of the saved bytes */
    this.addresses = new Map();
    /** @type {Set<string>} songs that cannot be saved, until the page is loaded again */
    this.failed = new Set();
    /** @type {Stop | null} */
    this.stop = null;
    this.working = false;
    /** @type {Cache | null} */
    this.cache = null;
    this.channel = this.able && "BroadcastChannel" in globalThis ? new BroadcastChannel(this.name) : null;
    this.channel?.addEventListener("message", () => this.read().then(() => this.engine.changed()));
    this.ready = this.open();
    if (!this.able) return;
    addEventListener("online", () => this.sync());
    setTimeout(() => this.sync(), SYNC_MS); // the first page comes first
  }
  async open() {
    await keepSavedOf(this.tag);
    if (!this.able || !await caches.has(this.name)) return;
    await this.read();
    this.engine.changed();
  }
  async read() {
    try {
      this.cache ??= await caches.open(this.name);
      const stored = await this.cache.match(INDEX);
      this.index = { ...nothing(), ...(stored ? await stored.json() : {}) };
    } catch { this.index = nothing(); }
  }
  /** Change the index as it is stored now: another tab may have changed it. @param {(index: Index) => void} does */
  async change(does) {
    const gone = await navigator.locks.request(this.name, async () => {
      await this.read();
      does(this.index);
      const wanted = new Set(this.index.lists.flatMap((list) => list.items.map((item) => item.id)));
      const left = Object.keys(this.index.songs).filter((id) => !wanted.has(id));
      for (const id of left) await this.drop(id);
      await this.cache?.put(INDEX, new Response(JSON.stringify(this.index), { headers: { "content-type": "application/json" } }));
      return left;
    });
    for (const id of gone) this.engine.gone(id);
    this.channel?.postMessage("changed");
    this.engine.changed();
  }
  /** @param {string} id */
  async drop(id) {
    const { cover } = this.index.songs[id];
    delete this.index.songs[id];
    const address = this.addresses.get(id);
    if (address) URL.revokeObjectURL(address);
    this.addresses.delete(id);
    await this.cache?.delete(pathOf(id));
    if (cover && !Object.values(this.index.songs).some((song) => song.cover === cover)) await this.cache?.delete(coverOf(cover));
  }

  // --- saved songs
  get used() { return Object.values(this.index.songs).reduce((sum, song) => sum + song.bytes, 0); }
  get lists() { return this.index.lists; }
  get room() { return this.index.room; }
  /** @param {string} id */
  has(id) { return id in this.index.songs; }
  /** @param {Source} source */
  list(source) { return this.index.lists.find((list) => same(list, source)) ?? null; }
  /** @param {Item[]} items @returns {Item[]} those that play without a network */
  there(items) { return items.filter((item) => this.has(item.id)); }
  get missing() {
    const items = new Map(this.index.lists.flatMap((list) => list.items.map((item) => [item.id, item])));
    return [...items.values()].filter((item) => !this.has(item.id) && !this.failed.has(item.id));
  }
  /** An address of the saved bytes, in the form of a ticket. @param {string} id @returns {Promise<import("./messages.d.ts").Ticket | null>} */
  async ticket(id) {
    await this.ready;
    if (!this.has(id)) return null;
    const { type, gain } = this.index.songs[id];
    let url = this.addresses.get(id);
    if (!url) {
      const kept = await this.cache?.match(pathOf(id));
      if (!kept) return null;
      this.addresses.set(id, url = URL.createObjectURL(await kept.blob()));
    }
    return { url, type, forms: [], gain, expires: Infinity };
  }

  // --- saving and removing
  /** Save the songs of a list, and those that are added to it later. @param {Source} source */
  async save(source) {
    if (!this.able) return;
    navigator.storage?.persist?.().catch(() => {}); // otherwise the browser may remove them when the disk is full
    await this.ready;
    let items;
    try { items = await this.ask(source); } catch { return this.halt("away"); }
    if (!items) return this.halt("session");
    const { show, id, name } = source;
    await this.change((index) => { index.lists = [...index.lists.filter((list) => !same(list, source)), { show, id, name, items }]; });
    await this.work();
  }
  /** @param {Source} source */
  async remove(source) {
    await this.change((index) => { index.lists = index.lists.filter((list) => !same(list, source)); });
    this.halt(null);
    await this.work(); // there may be room for others now
  }
  async clear() {
    await this.change((index) => { index.lists = []; });
    this.halt(null);
  }
  /** Songs that are saved already stay. @param {number} bytes */
  async allow(bytes) {
    await this.change((index) => { index.room = bytes; });
    await this.work();
  }
  /** The saved copy does not play: forget it. @param {string} id */
  async distrust(id) {
    if (!this.has(id)) return;
    this.failed.add(id);
    await navigator.locks.request(this.name, async () => {
      await this.read();
      if (this.has(id)) await this.drop(id);
      await this.cache?.put(INDEX, new Response(JSON.stringify(this.index)));
    });
    this.engine.gone(id);
  }
  /** @param {Stop | null} why */
  halt(why) { this.stop = why; this.engine.changed(); }
  /** The songs of a list; null without a session. @param {Source} source @returns {Promise<Item[] | null>} */
  async ask({ show, id }) {
    const answer = await fetch(`/api/library/songs?${new URLSearchParams({ show, id })}`);
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error(String(answer.status));
    return (await answer.json()).items;
  }
  async sync() { // lists follow the library; an empty answer may be a fault, and removes nothing
    if (presentListener() !== this.tag) return;
    await this.ready;
    for (const list of this.index.lists) {
      const items = await this.ask(list).catch(() => null);
      if (!items?.length || JSON.stringify(items) === JSON.stringify(list.items)) continue;
      await this.change((index) => { const kept = index.lists.find((one) => same(one, list)); if (kept) kept.items = items; });
    }
    await this.work();
  }
  async work() { // one tab saves at a time
    if (!this.able || this.working || !this.missing.length) return;
    this.working = true;
    this.halt(null);
    await navigator.locks.request(`${this.name}.work`, { ifAvailable: true }, async (lock) => {
      while (lock && !this.stop && presentListener() === this.tag && this.missing.length) await this.take(this.missing[0]);
    }).catch(() => {});
    this.working = false;
    this.engine.changed();
  }
  /** @param {Item} item */
  async take(item) {
    try {
      const ticket = await this.engine.ticket(item.id), form = this.engine.form(item, ticket);
      const answer = await this.whole(formFrom(form, 0));
      if (this.stop) return;
      if (!answer) { this.failed.add(item.id); return; }
      if (this.used + answer.size > this.room) { this.halt("room"); return; }
      const cover = item.cover ?? null, extra = cover ? await this.picture(cover) : 0;
      await this.cache?.put(pathOf(item.id), new Response(answer, { headers: { "content-type": answer.type, "content-length": String(answer.size) } }));
      await this.change((index) => { index.songs[item.id] = { bytes: answer.size + extra, type: form.type ?? answer.type, gain: ticket.gain, cover }; });
    } catch (error) {
      const { name, message } = /** @type {Error} */ (error);
      if (message === "404") this.failed.add(item.id);
      else this.halt(name === "QuotaExceededError" ? "full" : message === "401" ? "session" : "away");
    }
  }
  /** @param {string} address @returns {Promise<Blob | null>} */
  async whole(address) {
    for (let tries = 0; ; tries++) { // without the browser's other cache, which may have a part, and would keep it twice
      const answer = await fetch(address, { cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) throw new Error("401");
      if (answer.status === 503 && tries < RETRIES) { await new Promise((done) => setTimeout(done, BUSY_MS)); continue; }
      if (this.used + Number(answer.headers.get("content-length") ?? 0) > this.room) { answer.body?.cancel(); this.halt("room"); return null; }
      return wholeRecording(answer);
    }
  }
  /** @param {string} cover @returns {Promise<number>} its bytes, unless it is there already */
  async picture(cover) {
    const path = coverOf(cover);
    if (await this.cache?.match(path)) return 0;
    const answer = await fetch(path).catch(() => null);
    if (answer?.status !== 200 || answer.type === "opaque") return 0;
    const bytes = await answer.blob();
    await this.cache?.put(path, new Response(bytes, { headers: { "content-type": bytes.type } }));
    return bytes.size;
  }
}
