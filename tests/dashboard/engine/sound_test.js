import assert from "node:assert/strict";
import { test } from "node:test";
import { Sound } from "../../../dashboard/player/engine/sound.js";
import { LEAD_S, SOFT_S } from "../../../dashboard/player/engine/voice.js";
import { buffer, Context, Element } from "./browser.js";

const opened = (browser = {}) => {
  const element = new Element(), context = new Context(), happened = [];
  const sound = new Sound(element, { completed: () => happened.push(`completed at ${sound.voice?.position}`), flowed: (key) => happened.push(`flowed to ${key}`), ended: () => happened.push("ended"), ready: () => {} },
    { vendor: "Google Inc.", touch: false, hidden: () => false, open: () => context, ...browser });
  sound.wake();
  return { sound, element, context, happened };
};
const song = (key, seconds, factor = 1) => ({ key, buffer: buffer(seconds), factor });
const begun = (browser) => {
  const one = opened(browser);
  one.element.play();
  one.sound.begin(song("a", 10), 0);
  one.context.pass(LEAD_S);
  return one;
};

test("the next song begins at the sample at which the former ends", () => {
  const { sound, context, happened } = begun();
  sound.follow(song("b", 5), 0);
  const [first, second] = context.sources;
  assert.equal(second.at, first.at + 10);
  context.pass(10);
  assert.deepEqual(happened, ["completed at 10", "flowed to b"]);
  context.pass(2);
  assert.equal(sound.voice.position, 2);
  context.pass(3);
  assert.deepEqual(happened.slice(2), ["ended"]);
});

test("a crossfade begins before the end, and the two songs together are never louder than one", () => {
  const { sound, context, happened } = begun();
  sound.follow(song("b", 8), 4);
  const former = sound.voice.fader.gain.events.at(-1), later = sound.next.voice.fader.gain.events.at(-1);
  assert.deepEqual([former.time, former.seconds, later.time, later.seconds], [LEAD_S + 6, 4, LEAD_S + 6, 4]);
  former.curve.forEach((gain, i) => assert.ok(Math.abs(gain + later.curve[i] - 1) < 1e-6));
  context.pass(6);
  assert.deepEqual(happened, ["completed at 6", "flowed to b"]);
  assert.equal(sound.fading.sounds, true);
  context.pass(4);
  assert.equal(sound.fading, null);
  assert.deepEqual(happened.length, 2, "the end of the former song is no end");
});

test("a seek or a pause takes back the next song, and the former is as loud as before", () => {
  const { sound, context } = begun();
  sound.follow(song("b", 8), 4);
  sound.seek(2);
  assert.equal(sound.next, null);
  context.pass(LEAD_S);
  assert.equal(sound.voice.position, 2);
  sound.follow(song("b", 8), 4);
  assert.equal(context.sources.at(-1).at, context.currentTime + 4);
  sound.pause();
  assert.equal(sound.next, null);
  context.pass(60);
  assert.equal(sound.voice.position, 2);
  sound.resume();
  context.pass(LEAD_S + 1);
  assert.equal(sound.voice.position, 3);
  assert.equal(sound.voice.fader.gain.events[0].value, 0, "it rises from silence");
  assert.equal(sound.voice.fader.gain.events.at(-1).seconds, SOFT_S);
});

test("a song never begins in the past, where its first sample would be late and the next song early", () => {
  const { sound, context } = begun();
  const inTime = context.createBufferSource.bind(context);
  context.createBufferSource = () => { // the machine is busy, and the time goes on before the song is started
    context.currentTime += 2 * LEAD_S;
    context.createBufferSource = inTime;
    return inTime();
  };
  sound.seek(2);
  assert.ok(context.sources.at(-1).at >= context.currentTime);
  assert.equal(sound.voice.end, context.sources.at(-1).at + 8);
});

test("during a crossfade, a seek silences the former song", () => {
  const { sound, context } = begun();
  sound.follow(song("b", 8), 4);
  context.pass(7);
  assert.ok(sound.fading);
  sound.seek(5);
  assert.equal(sound.fading, null);
});

test("a song takes over from the element, which plays on unheard", () => {
  const { sound, element, context } = opened();
  element.play();
  context.pass(3);
  element.currentTime = 3;
  assert.equal(sound.takeOver(song("a", 10), 0), true);
  const [source] = context.sources;
  assert.ok(Math.abs(source.at - source.from) < 1e-9, "it continues at the same place");
  assert.equal(sound.nodes.own.gain.value, 0);
  assert.equal(element.paused, false);
  sound.stop();
  assert.equal(sound.nodes.own.gain.value, 1);
});

test("neither WebKit nor a locked phone plays voices", () => {
  assert.equal(opened({ vendor: "Apple Computer, Inc." }).sound.able, false);
  assert.equal(opened({ open: null }).sound.able, false);
  let hidden = false;
  const { sound } = opened({ touch: true, hidden: () => hidden });
  assert.equal(sound.able, true);
  hidden = true;
  assert.equal(sound.able, false);
  sound.follow(song("b", 5), 0);
  assert.equal(sound.next, null);
});

test("the loudness is that of the song, and the volume that of the listener", () => {
  const { sound, element } = begun();
  sound.level(0.5);
  sound.volume = 0.8;
  sound.level();
  assert.deepEqual([element.volume, sound.nodes.master.gain.value, sound.voice.loudness.gain.value], [1, 0.8, 0.5]);
  element.muted = true;
  sound.level();
  assert.equal(sound.nodes.master.gain.value, 0);
  const single = opened({ vendor: "Apple Computer, Inc." });
  single.sound.volume = 0.8;
  single.sound.level(2);
  assert.equal(single.element.volume, 0.8, "an element alone cannot make a song louder");
  single.sound.level(0.5);
  assert.equal(single.element.volume, 0.4);
});
