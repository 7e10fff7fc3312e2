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
