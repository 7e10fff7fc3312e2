import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { openBrowser, settle } from "./browser.js";
import { Outbox } from "../../../dashboard/player/engine/outbox.js";

const DATA = { tag: "t", signals: ["skip"], keptMs: 60e3 };
const play = (id, type = "skip", at = Date.now()) => ({ event_id: id, track_id: "x", type, occurred_at: at });
const open = (answer) => {
  const browser = openBrowser({ "/api/events": answer });
  let signals = 0;
  const outbox = new Outbox(DATA, () => { signals++; });
  const pass = async (ms) => { mock.timers.tick(ms); await settle(); };
  return { ...browser, outbox, pass, signals: () => signals, waiting: () => outbox.waiting().map((event) => event.event_id) };
};
const taking = (...ids) => () => ({ json: { taken: ids, refused: { bad: "malformed" } } });

test("delivered and refused events leave, the others wait", async () => {
  const { outbox, pass, waiting, signals } = open(taking("a"));
  for (const id of ["a", "b", "bad"]) outbox.add(play(id));
  await pass(30);
  assert.deepEqual(waiting(), ["b"]);
  assert.equal(signals(), 1);
});

test("events of one millisecond keep their order, and a clock that was set back is believed", () => {
  const { outbox, waiting } = open(taking());
  const now = Date.now();
  for (const id of ["c", "a", "b"]) outbox.add(play(id, "skip", now));
  assert.deepEqual(waiting(), ["c", "a", "b"]);
  outbox.add(play("earlier", "skip", now - 10e3));
  assert.deepEqual(waiting(), ["earlier", "c", "a", "b"]);
});

test("without a network, events wait with the time at which they happened", async () => {
  let away = true;
  const sent = [];
  const { outbox, pass, waiting } = open(({ body }) => {
    if (away) throw new TypeError("no network");
    sent.push(...JSON.parse(body).plays);
    return { json: { taken: sent.map((event) => event.event_id), refused: {} } };
  });
  const happened = Date.now() - 30e3;
  outbox.add(play("a", "complete", happened));
  await pass(30);
  assert.deepEqual(waiting(), ["a"]);
  away = false;
  dispatchEvent(new Event("online")); // the outboxes of the tests before hear it, too
  await settle();
  assert.deepEqual([waiting(), [...new Set(sent.map((event) => event.occurred_at))]], [[], [happened]]);
});

test("events of an earlier version of the player are sent, those of another listener are not", async () => {
  const { outbox, waiting } = open(taking());
  localStorage.setItem("segue.play.t.old", JSON.stringify(play("old")));
  localStorage.setItem("segue.play.u.other", JSON.stringify(play("other")));
  assert.deepEqual(waiting(), ["old"]);
  assert.equal(outbox.prefix, "segue.play.t.");
});

test("after six days without a network, events are sent with the times at which they happened, and older ones are dropped", async () => {
  const day = 24 * 3600e3, now = Date.now(), sent = [];
  openBrowser({ "/api/events": ({ body }) => {
    const { sent_at, plays } = JSON.parse(body);
    sent.push(...plays.map((event) => [event.event_id, sent_at - event.occurred_at]));
    return { json: { taken: plays.map((event) => event.event_id), refused: {} } };
  } });
  const keep = (tag, id, at) => localStorage.setItem(`segue.play.${tag}.${id}`, JSON.stringify(play(id, "complete", at)));
  keep("t", "kept", now - 6 * day + 3600e3);
  keep("t", "dropped", now - 6 * day - 1);
  keep("u", "another listener's", now - 6 * day + 3600e3);
  keep("u", "another listener's, dropped", now - 6 * day - 1);
  localStorage.setItem("segue.volume", "1");
  localStorage.setItem("segue.play.t.malformed", "{"); // it keeps no other from being sent
  const outbox = new Outbox({ ...DATA, keptMs: 6 * day }, () => {});
  await settle();
  assert.deepEqual(sent.map(([id]) => id), ["kept"]);
  assert.ok(Math.abs(sent[0][1] - (6 * day - 3600e3)) < 60e3, "its time is not changed");
  assert.deepEqual(outbox.waiting(), []);
  const left = Array.from({ length: localStorage.length }, (_, i) => localStorage.key(i)).sort();
  assert.deepEqual(left, ["segue.play.t.malformed", "segue.play.u.another listener's", "segue.volume"]);
});

test("events that are too old are dropped, and a malformed body is not sent for ever", async () => {
  const { outbox, pass, waiting } = open(() => ({ status: 400 }));
  outbox.add(play("ancient", "skip", Date.now() - 120e3));
  assert.deepEqual(waiting(), []);
  outbox.add(play("a"));
  await pass(30);
  assert.deepEqual(waiting(), []);
});

test("where storage is blocked, events wait in memory", async () => {
  const { outbox, pass, waiting } = open(taking("a"));
  Object.defineProperty(globalThis, "localStorage", { get() { throw new Error("blocked"); }, configurable: true });
  outbox.add(play("a"));
  assert.deepEqual(waiting(), ["a"]);
  await pass(30);
  assert.deepEqual(waiting(), []);
});
