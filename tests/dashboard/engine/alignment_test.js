import assert from "node:assert/strict";
import { test } from "node:test";
import { alignment } from "../../../dashboard/player/engine/alignment.js";

const noise = (count) => Float32Array.from({ length: count }, () => Math.random() - 0.5);

test("the place of heard samples is found to the sample", () => {
  const song = noise(48000);
  for (const end of [4000, 20001, 47999]) {
    for (const off of [-1900, -3, 0, 7, 1800]) {
      if (end + off > song.length) continue;
      assert.equal(alignment(song.slice(end - 1024, end), song, end + off, 2000), end);
    }
  }
});

test("a quieter or slightly different decoding is found, too", () => {
  const song = noise(20000), heard = song.slice(8000, 9024).map((sample) => 0.3 * sample + 0.01 * (Math.random() - 0.5));
  assert.equal(alignment(heard, song, 9500, 1000), 9024);
});

test("another sound is not taken for the song", () => {
  assert.equal(alignment(noise(1024), noise(20000), 9000, 2000), null);
  assert.equal(alignment(noise(1024), noise(500), 500, 2000), null, "the song is shorter than the heard part");
});

test("silence fits anywhere", () => {
  assert.equal(alignment(new Float32Array(1024), noise(20000), 9000, 2000), 9000);
});
