import assert from "node:assert/strict";
import { test } from "node:test";
import { factor } from "../../../dashboard/player/engine/loudness.js";

const near = (found, expected) => assert.ok(Math.abs(found - expected) < 1e-9, `${found}, not ${expected}`);

test("a song gets the gain of its track or of its album", () => {
  const gain = { track_gain: -6, track_peak: 0.9, album_gain: -3, album_peak: 1 };
  near(factor(gain, "track"), 10 ** (-6 / 20));
  near(factor(gain, "album"), 10 ** (-3 / 20));
  assert.equal(factor(gain, "off"), 1);
});

test("an album's gain of 0 dB is a value, and a song without one is played by its own", () => {
  near(factor({ track_gain: -9.1, album_gain: 0, album_peak: 1 }, "album"), 1);
  near(factor({ track_gain: -9.1 }, "album"), 10 ** (-9.1 / 20));
  near(factor({ track_gain: 0, track_peak: 1, album_gain: -9.1 }, "track"), 1);
});

test("a missing gain is replaced by the other, and none at all changes nothing", () => {
  near(factor({ track_gain: -6 }, "album"), 10 ** (-6 / 20));
  near(factor({ album_gain: -6 }, "track"), 10 ** (-6 / 20));
  assert.equal(factor({}, "track"), 1);
  assert.equal(factor({ track_gain: null }, "track"), 1);
  assert.equal(factor({ track_gain: NaN }, "track"), 1);
  assert.equal(factor(undefined, "album"), 1);
});

test("no song is played beyond full scale", () => {
  for (let i = 0; i < 1000; i++) {
    const peak = 0.01 + 1.4 * Math.random(), gain = { track_gain: 60 * Math.random() - 30, track_peak: peak, album_gain: 60 * Math.random() - 30, album_peak: peak * (1 + Math.random()) };
    for (const evenness of ["track", "album"]) assert.ok(peak * factor(gain, evenness) <= 1 + 1e-12);
  }
  assert.equal(factor({ track_gain: 9 }, "track"), 1, "its peak is not known");
  assert.equal(factor({ track_gain: 9, track_peak: 0 }, "track"), 1);
});
