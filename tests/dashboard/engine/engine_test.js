import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Engine } from "../../../dashboard/player/engine/engine.js";
import { openBrowser, settle } from "./browser.js";

const TICKET = { url: "/api/audio/x", type: "audio/mpeg", forms: [], gain: { track_gain: -6, track_peak: 1 }, expires: 9e15 };
const items = (...ids) => ids.map((id) => ({ id, title: id.toUpperCase(), artist: "A", duration: 10000, source: "search" }));
const open = async (routes = {}) => {
  const sent = [];
  const browser = openBrowser({
    "/api/tickets/": ({ path }) => ({ json: { ...TICKET, url: `/api/audio/${path.split("/").pop()}` } }),
    "/api/audio/": () => ({ bytes: new ArrayBuffer(100), headers: { "content-type": "audio/mpeg" } }), // 10 s
    "/api/upcoming": () => ({ json: { recommendation_id: "r", items: [], opinions: {} } }),
    "/api/queue": () => ({ json: { player: "", at: 0, position: 0, changed_at: 0, version: 0, items: [] } }),
    "/api/events": ({ body }) => { const { plays } = JSON.parse(body); sent.push(...plays); return { json: { taken: plays.map((play) => play.event_id), refused: {} } }; },
    ...routes,
  });
  const engine = new Engine({ tag: "t", signals: ["complete", "skip"], opinions: ["like", "unlike"], keptMs: 1e9 });
  await settle();
  const types = async () => { mock.timers.tick(50); await settle(); return sent.map(({ type, track_id: id }) => `${type} ${id}`); };
  return { ...browser, engine, sent, types };
};
const playing = async (engine, ...ids) => {
  engine.play(items(...ids));
  await settle();
  assert.equal(engine.playing, true);
};

test("songs follow each other as voices, and each is counted once", async () => {
  const { engine, context, types } = await open();
  await playing(engine, "a", "b", "c");
  assert.ok(engine.sound.voice, "the first song has been decoded and taken over");
  assert.equal(engine.sound.next.voice.key, engine.queue[1].key);
  context.pass(10);
  await settle();
  assert.equal(engine.current.id, "b");
  assert.equal(engine.sound.next.voice.key, engine.queue[2].key);
  assert.match(engine.audio.src, /^blob:/);
  assert.deepEqual(await types(), ["play a", "complete a", "play b"]);
});

test("recommendations are asked for one request after the other", async () => {
  const answers = [];
  const upcoming = (id) => ({ json: { recommendation_id: id, items: items(`${id}1`, `${id}2`), opinions: {} } });
  const { engine } = await open({ "/api/upcoming": () => new Promise((done) => { answers.push((id) => done(upcoming(id))); }) });
  answers.shift()("first");
  await settle();
  const older = engine.refresh(), newer = engine.refresh();
  await settle();
  assert.equal(answers.length, 1, "the second request waits for the first answer");
  answers.shift()("first");
  await settle();
  answers.shift()("second");
  assert.deepEqual(await Promise.all([older, newer]), [false, true]);
  assert.equal(engine.recommended.recommendation_id, "second");
});

test("a song that leaves the queue does not follow", async () => {
  const { engine, context } = await open();
  await playing(engine, "a", "b", "c");
  engine.remove(engine.queue[1].key);
  await settle();
  assert.equal(engine.sound.next.voice.key, engine.queue[1].key);
  context.pass(10);
  assert.equal(engine.current.id, "c");
});

test("songs of one album are not crossfaded", async () => {
  const { engine } = await open();
  engine.settings.choose({ crossfade: 3 });
  await playing(engine, "a", "b");
  assert.equal(engine.sound.next.overlap, 3);
  for (const item of engine.queue) item.album = "One";
  engine.arrange();
  assert.equal(engine.sound.next.overlap, 0);
});

test("a crossfade is at most half of a song", async () => {
  const { engine } = await open();
  engine.settings.choose({ crossfade: 12 });
  await playing(engine, "a", "b");
  assert.equal(engine.sound.next.overlap, 5);
});

test("a skip within a crossfade plays one song", async () => {
  const { engine, context, types } = await open();
  engine.settings.choose({ crossfade: 4 });
  await playing(engine, "a", "b", "c");
  context.pass(7);
  await settle();
  assert.equal(engine.current.id, "b");
  engine.next();
  await settle();
  assert.equal(engine.current.id, "c");
  assert.equal(engine.sound.fading, null);
  assert.deepEqual(await types(), ["play a", "complete a", "play b", "skip b", "play c"]);
});

test("a pause keeps the place, and the system may pause, too", async () => {
  const { engine, context } = await open();
  await playing(engine, "a", "b");
  context.pass(4);
  engine.pause();
  context.pass(20);
  assert.equal(engine.playing, false);
  assert.equal(engine.current.id, "a");
  assert.ok(Math.abs(engine.position - 4000) < 100);
  engine.toggle();
  await settle();
  assert.equal(engine.playing, true);
  engine.audio.pause(); // a call
  assert.equal(engine.playing, false);
  assert.equal(engine.sound.voice.sounds, false);
});

test("a song that is still loading plays from the place where it was left", async () => {
  const answers = [];
  const { engine, types } = await open({ "/api/tickets/": () => new Promise((done) => { answers.push(() => done({ json: TICKET })); }) });
  engine.queue = items("a").map((item) => ({ ...item, key: item.id }));
  engine.load(0, { play: false, from: 3000 });
  await settle();
  engine.toggle();
  await settle();
  assert.deepEqual([engine.playing, engine.position], [false, 3000]);
  for (const answer of answers) answer();
  await settle();
  assert.deepEqual([engine.playing, engine.position, engine.audio.started], [true, 3000, 1]);
  assert.deepEqual(await types(), ["play a"]);
});

test("after the sleep timer's song there is silence", async () => {
  const { engine, context } = await open();
  await playing(engine, "a", "b");
  engine.sleepAfter("song");
  assert.equal(engine.sound.next, null);
  context.pass(10);
  await settle();
  assert.equal(engine.playing, false);
  assert.equal(engine.current.id, "b");
});

test("one song repeats without a gap", async () => {
  const { engine, context, types } = await open();
  await playing(engine, "a", "b");
  engine.turnRepeat();
  engine.turnRepeat();
  assert.equal(engine.repeat, "one");
  context.pass(10);
  await settle();
  assert.equal(engine.current.id, "a");
  assert.deepEqual(await types(), ["play a", "complete a", "play a"]);
});

test("recordings that are not needed any more are given up", async () => {
  const { engine, context } = await open();
  await playing(engine, "a", "b", "c", "d");
  context.pass(10);
  await settle();
  assert.deepEqual([...engine.recordings.kept.keys()], ["b", "c"]);
});

test("a locked phone goes on with the element", async () => {
  const { engine, document } = await open();
  engine.sound.browser.touch = true;
  await playing(engine, "a", "b");
  document.hidden = true;
  engine.hidden();
  assert.equal(engine.sound.voice, null);
  assert.equal(engine.playing, true);
  const before = engine.audio.started;
  engine.audio.ended = true;
  engine.audio.onended();
  await settle();
  assert.equal(engine.current.id, "b");
  assert.equal(engine.audio.started, before + 1);
});

test("loudness is applied to each song, without a reload", async () => {
  const { engine } = await open();
  await playing(engine, "a", "b");
  assert.ok(Math.abs(engine.sound.voice.loudness.gain.value - 10 ** (-6 / 20)) < 1e-9);
  engine.settings.choose({ evenness: "off" });
  assert.equal(engine.sound.voice.loudness.gain.value, 1);
});

test("the listener's choices for the sound are kept, and a malformed choice is not", async () => {
  const { engine } = await open();
  engine.settings.choose({ evenness: "album", crossfade: 99 });
  assert.deepEqual(JSON.parse(localStorage.getItem("segue.sound")), { evenness: "album", crossfade: 12 });
  engine.settings.choose({ evenness: "loud", crossfade: "x" });
  assert.deepEqual(JSON.parse(localStorage.getItem("segue.sound")), { evenness: "album", crossfade: 12 });
});

const NO_VOICES = { "/api/audio/": () => ({ status: 404 }) }; // the element plays alone
const fails = async (engine, code) => {
  engine.audio.error = { code };
  engine.audio.onerror();
  await settle();
};
const waits = async (ms) => { mock.timers.tick(ms); await settle(); };

test("a song that the network has cut off continues at its place", async () => {
  const { engine, types } = await open(NO_VOICES);
  await playing(engine, "a", "b");
  engine.audio.currentTime = 4;
  const before = engine.audio.started;
  await fails(engine, 2);
  await waits(10e3);
  assert.deepEqual([engine.current.id, engine.position, engine.audio.started], ["a", 4000, before + 1]);
  assert.deepEqual(await types(), ["play a"]);
});

test("a song that was started again is not loaded once more because of an earlier fault", async () => {
  const { engine } = await open(NO_VOICES);
  await playing(engine, "a", "b");
  await fails(engine, 2);
  engine.next();
  await settle();
  engine.previous();
  await settle();
  assert.deepEqual([engine.current.id, engine.playing], ["a", true]);
  const before = engine.audio.started;
  await waits(10e3);
  assert.deepEqual([engine.current.id, engine.audio.started], ["a", before]);
});

test("a song that was started again is not skipped because of an earlier fault", async () => {
  const { engine } = await open(NO_VOICES);
  await playing(engine, "a", "b");
  engine.audio.onplaying = null; // nothing can be played
  await fails(engine, 4);
  await waits(800);
  await fails(engine, 4);
  assert.equal(engine.notice, "A cannot be played");
  engine.next();
  await settle();
  engine.previous();
  await settle();
  await waits(10e3);
  assert.equal(engine.current.id, "a");
});

test("a fault of the former song does not concern the next one, which is still loading", async () => {
  const answers = [];
  const { engine } = await open({ ...NO_VOICES, "/api/tickets/": () => new Promise((done) => { answers.push(() => done({ json: TICKET })); }) });
  const answer = async () => { for (const one of answers.splice(0)) one(); await settle(); };
  engine.play(items("a", "b"));
  await settle();
  await answer();
  engine.tickets.delete("b");
  engine.next();
  await settle();
  await fails(engine, 2);
  await answer();
  assert.deepEqual([engine.current.id, engine.playing], ["b", true]);
  const before = engine.audio.started;
  await waits(10e3);
  await answer();
  assert.equal(engine.audio.started, before);
});

test("a song that plays on from its decoded sound is not loaded again because the element failed", async () => {
  let there;
  const { engine } = await open({ "/api/audio/": () => new Promise((done) => { there = () => done({ bytes: new ArrayBuffer(100) }); }) });
  await playing(engine, "a");
  await fails(engine, 2);
  there();
  await settle();
  assert.equal(engine.sound.voice?.sounds, true);
  const before = engine.audio.started;
  await waits(10e3);
  assert.equal(engine.audio.started, before);
  assert.equal(engine.sound.voice?.sounds, true);
});

test("a private session reports nothing but opinions, and ends with the song that plays", async () => {
  const { engine, sent, types } = await open();
  await playing(engine, "a", "b", "c", "d");
  engine.playPrivately(true);
  engine.next();
  await settle();
  engine.opinion("like");
  engine.emit("impression", items("x")[0]);
  engine.next();
  await settle();
  assert.equal(engine.leaving(), null);
  engine.playPrivately(false);
  assert.equal(engine.private.on, false);
  engine.next();
  await settle();
  assert.deepEqual(await types(), ["play a", "like b", "play d"]);
  assert.equal(sent.length, 3);
});

test("the account's queue has no songs of a private session", async () => {
  const stored = [];
  const { engine } = await open({ "/api/queue": ({ body }) => {
    if (body) stored.push(JSON.parse(body));
    return { json: body ? { version: stored.length } : { player: "", at: 0, position: 0, changed_at: 0, version: 0, items: [] } };
  } });
  const pass = async () => { mock.timers.tick(1100); await settle(); };
  await playing(engine, "a", "b", "c", "d");
  await pass();
  const before = stored.length;
  engine.playPrivately(true);
  engine.next();
  await settle();
  await pass();
  engine.playPrivately(false);
  await pass();
  assert.equal(stored.length, before);
  engine.next();
  await settle();
  await pass();
  const last = stored.at(-1);
  assert.equal(last.items[last.at].id, "c");
  assert.deepEqual(last.items.slice(0, last.at).map(({ id }) => id), []);
});

test("a private session ends hours after the last song", async () => {
  const { engine } = await open();
  engine.playPrivately(true);
  await playing(engine, "a", "b");
  const began = Date.now(), clock = mock.method(Date, "now", () => began + 5 * 3600e3);
  assert.equal(engine.private.on, true);
  engine.next();
  await settle();
  clock.mock.mockImplementation(() => began + 7 * 3600e3);
  assert.equal(engine.private.on, true);
  clock.mock.mockImplementation(() => began + 14 * 3600e3);
  assert.equal(engine.private.on, false);
  clock.mock.restore();
});
