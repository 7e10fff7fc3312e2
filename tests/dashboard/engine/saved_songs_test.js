import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "./browser.js";
import { SavedSongs, wholeRecording } from "../../../dashboard/player/engine/saved_songs.js";
import { keepSavedOf } from "../../../dashboard/player/engine/saved_caches.js";

const LIST = { show: "playlists", id: "p", name: "Train" };
const item = (id, more = {}) => ({ id, title: id, artist: "A", source: "playlist", ...more });
const sound = (bytes, { status = 200, type = "audio/mpeg", headers = {} } = {}) => new Response(new Uint8Array(bytes), { status, headers: { "content-type": type, ...headers } });

class OneCache {
  kept = new Map();
  async match(path) { return this.kept.get(path)?.clone(); }
  async put(path, answer) { if (OneCache.full) throw new DOMException("no room", "QuotaExceededError"); this.kept.set(path, answer); }
  async delete(path) { return this.kept.delete(path); }
}

// A browser whose server has a list of songs and their recordings, by id.
const open = async (songs, { items = Object.keys(songs).map((id) => item(id)), tag = "t", routes = {} } = {}) => {
  openBrowser();
  OneCache.full = false;
  const found = new Map(), asked = [], server = { songs, items }, state = { gone: [] };
  const put = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  put("isSecureContext", true);
  put("caches", { has: async (name) => found.has(name), keys: async () => [...found.keys()], delete: async (name) => found.delete(name),
    open: async (name) => { if (!found.has(name)) found.set(name, new OneCache()); return found.get(name); } });
  navigator.locks = { request: (name, ...how) => how.at(-1)({ name }) };
  put("fetch", async (path, options) => {
    asked.push([path, options?.cache]);
    for (const [start, answer] of Object.entries(routes)) if (path.startsWith(start)) return answer(path);
    if (path.startsWith("/api/library/songs")) return Response.json({ items: server.items });
    if (path.startsWith("/api/covers/")) return sound(5, { type: "image/png" });
    return server.songs[path.split("/").pop()]?.() ?? new Response("", { status: 404 });
  });
  const saved = new SavedSongs(tag, { changed: () => {}, gone: (id) => state.gone.push(id), form: (_, ticket) => ({ ...ticket, original: true }),
    ticket: async (id) => ({ url: `/api/audio/${id}`, type: "audio/mpeg", forms: [], gain: { track_gain: -3 }, expires: 9e15 }) });
  await saved.ready;
  const paths = (name = "segue.saved.t") => [...found.get(name)?.kept.keys() ?? []].filter((path) => path !== "/saved/index");
  return { saved, found, asked, server, paths, gone: state.gone };
};
const three = { a: () => sound(10), b: () => sound(20), c: () => sound(30) };

test("a recording is whole only if all of it has come from this server", async () => {
  const size = async (answer) => (await wholeRecording(answer))?.size ?? null;
  assert.equal(await size(sound(10)), 10);
  assert.equal(await size(sound(10, { headers: { "content-length": "10" } })), 10);
  assert.equal(await size(sound(10, { headers: { "content-length": "11" } })), null);
  assert.equal(await size(sound(0)), null);
  assert.equal(await size(sound(10, { status: 206, headers: { "content-range": "bytes 0-9/1000" } })), null);
  assert.equal(await size(sound(10, { headers: { "content-range": "bytes 0-9/1000" } })), null);
  assert.equal(await size(sound(10, { type: "text/html" })), null);
  assert.equal(await size(sound(10, { status: 404 })), null);
  const opaque = Object.defineProperty(sound(10), "type", { value: "opaque" });
  assert.equal(await size(opaque), null);
});

test("a list is saved with its songs, without the browser's other cache, and read again", async () => {
  const { saved, asked, paths, found } = await open(three);
  await saved.save(LIST);
  assert.deepEqual([paths(), saved.used, saved.missing], [["/saved/songs/a", "/saved/songs/b", "/saved/songs/c"], 60, []]);
  assert.deepEqual(asked.filter(([path]) => path.startsWith("/api/audio")).map(([, cache]) => cache), ["no-store", "no-store", "no-store"]);
  const again = new SavedSongs("t", { changed: () => {}, gone: () => {}, form: () => null, ticket: async () => null });
  await again.ready;
  const ticket = await again.ticket("b");
  assert.match(ticket.url, /^blob:/);
  assert.deepEqual([ticket.gain, ticket.type, await again.ticket("x"), [...found.keys()]], [{ track_gain: -3 }, "audio/mpeg", null, ["segue.saved.t"]]);
});

test("parts and pages that say they are songs are not saved", async () => {
  const { saved, paths } = await open({ a: () => sound(10, { status: 206 }), b: () => sound(10, { type: "text/html" }), c: () => sound(30) });
  await saved.save(LIST);
  assert.deepEqual([paths(), saved.failed.size, saved.stop], [["/saved/songs/c"], 2, null]);
});

test("songs stop at the room that the listener allows, and go on with more", async () => {
  const { saved, paths } = await open(three);
  await saved.allow(35);
  await saved.save(LIST);
  assert.deepEqual([paths().length, saved.stop], [2, "room"]);
  await saved.allow(100);
  assert.deepEqual([paths().length, saved.stop], [3, null]);
});

test("a full browser stops the saving and keeps what is there", async () => {
  const { saved, paths } = await open(three);
  await saved.save(LIST);
  OneCache.full = true;
  saved.failed.clear();
  await saved.take(item("d")).catch(() => {});
  assert.equal(saved.stop, null, "the song is not on the server");
  await saved.take(item("a"));
  assert.deepEqual([saved.stop, paths().length], ["full", 3]);
});

test("without a server or a session, saving stops and says why", async () => {
  const away = await open(three, { routes: { "/api/audio/b": () => { throw new TypeError("no network"); } } });
  await away.saved.save(LIST);
  assert.deepEqual([away.paths().length, away.saved.stop], [1, "away"]);
  const out = await open(three, { routes: { "/api/library": () => new Response("", { status: 401 }) } });
  await out.saved.save(LIST);
  assert.deepEqual([out.saved.stop, out.saved.lists], ["session", []]);
});

test("a removed list takes its songs along, but not those of another list", async () => {
  const { saved, server, paths, gone } = await open(three, { items: [item("a", { cover: "x" }), item("b", { cover: "x" })] });
  await saved.save(LIST);
  server.items = [item("b", { cover: "x" }), item("c")];
  await saved.save({ show: "liked", id: "", name: "Liked" });
  await saved.remove(LIST);
  assert.deepEqual([paths().sort(), gone], [["/api/covers/x", "/saved/songs/b", "/saved/songs/c"], ["a"]]);
  await saved.clear();
  assert.deepEqual([paths(), saved.used], [[], 0]);
});

test("lists follow the library; an empty answer removes nothing", async () => {
  const { saved, server, paths } = await open(three);
  await saved.save(LIST);
  server.items = [];
  await saved.sync();
  assert.equal(paths().length, 3);
  server.items = [item("c")];
  await saved.sync();
  assert.deepEqual(paths(), ["/saved/songs/c"]);
});

test("another listener's songs are removed, and a tab of the former listener saves no more", async () => {
  const { saved, found, paths } = await open(three);
  await saved.save(LIST);
  const other = new SavedSongs("u", { changed: () => {}, gone: () => {}, form: () => null, ticket: async () => null });
  await other.ready;
  assert.deepEqual([[...found.keys()], other.lists, await other.ticket("a")], [[], [], null]);
  saved.index.songs = {};
  await saved.work();
  assert.deepEqual(paths("segue.saved.t"), []);
  await keepSavedOf();
  assert.equal(localStorage.getItem("segue.listener"), null);
});

test("a copy that does not play is forgotten", async () => {
  const { saved, paths, gone } = await open(three);
  await saved.save(LIST);
  await saved.distrust("b");
  assert.deepEqual([paths().length, await saved.ticket("b"), gone], [2, null, ["b"]]);
});

test("where pages may not keep songs, nothing is asked for", async () => {
  const { asked } = await open(three);
  globalThis.isSecureContext = false;
  const saved = new SavedSongs("t", { changed: () => {}, gone: () => {}, form: () => null, ticket: async () => null });
  await saved.save(LIST);
  assert.deepEqual([saved.able, asked, await saved.ticket("a")], [false, [], null]);
});
