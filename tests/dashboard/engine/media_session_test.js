import assert from "node:assert/strict";
import { test } from "node:test";
import { openBrowser } from "./browser.js";
import { mediaSession } from "../../../dashboard/player/engine/media_session.js";

const shown = (engine) => {
  openBrowser();
  const told = [], handlers = {};
  navigator.mediaSession = { setPositionState: (state) => told.push(state), setActionHandler: (name, does) => { if (name === "stop") throw new TypeError(name); handlers[name] = does; } };
  globalThis.MediaMetadata = class { constructor(data) { Object.assign(this, data); } };
  const done = [], one = { current: { key: "k", title: "T", artist: "A", cover: "c" }, playing: true, loading: null, announced: "", position: 5000, duration: 10000,
    seek: (ms) => done.push(["seek", ms]), next: () => done.push(["next"]), ...engine };
  mediaSession(one);
  return { told, handlers, done, session: navigator.mediaSession, engine: one };
};

test("the lock screen gets the song, its cover and a position within it", () => {
  const { told, session } = shown({ position: 10020 });
  assert.deepEqual(told, [{ duration: 10, position: 10 }]);
  assert.deepEqual([session.metadata.title, session.metadata.artwork, session.playbackState], ["T", [{ src: "/api/covers/c" }], "playing"]);
});

test("an unknown length and a song that is still loading give no position", () => {
  assert.deepEqual(shown({ duration: 0 }).told, []);
  assert.deepEqual(shown({ loading: "k" }).told, []);
});

test("media keys skip and seek", () => {
  const { handlers, done } = shown();
  handlers.seekto({ seekTime: 3 });
  handlers.seekforward();
  handlers.seekbackward();
  handlers.nexttrack();
  assert.deepEqual(done, [["seek", 3000], ["seek", 15000], ["seek", -5000], ["next"]]);
});
