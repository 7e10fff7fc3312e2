// Where in a decoded song the sound of an element is. An element states its time to some milliseconds only; to take
// over from it without a click, the decoded song must begin at the very sample.
const LEAST_LIKENESS = 0.9, SILENCE = 1e-4;

/**
 * The sample of a song at which the heard samples end, by normalised cross-correlation.
 * @param {Float32Array} heard the newest samples of the element
 * @param {Float32Array} song the decoded samples, at the same rate
 * @param {number} about the sample at which they should end
 * @param {number} reach how many samples before and after `about` are searched
 * @returns {number | null} `about` for silence, where any place is right; null if the sounds differ
 */
export const alignment = (heard, song, about, reach) => {
  const size = heard.length, first = Math.max(0, about - reach - size), last = Math.min(song.length - size, about + reach - size);
  if (energy(heard, 0, size, 1) / size < SILENCE ** 2) return about;
  if (last < first) return null;
  const coarse = best(heard, song, first, last, 4), fine = best(heard, song, Math.max(first, coarse.at - 4), Math.min(last, coarse.at + 4), 1);
  return fine.likeness >= LEAST_LIKENESS ? fine.at + size : null;
};

/** @param {Float32Array} samples @param {number} from @param {number} size @param {number} step */
const energy = (samples, from, size, step) => {
  let sum = 0;
  for (let i = 0; i < size; i += step) sum += samples[from + i] ** 2;
  return sum;
};

/** @param {Float32Array} heard @param {Float32Array} song @param {number} first @param {number} last @param {number} step of the samples that are compared */
const best = (heard, song, first, last, step) => {
  const size = heard.length, own = energy(heard, 0, size, step);
  let at = first, likeness = -Infinity;
  for (let lag = first; lag <= last; lag++) {
    let product = 0, there = 0;
    for (let i = 0; i < size; i += step) {
      const sample = song[lag + i];
      product += heard[i] * sample;
      there += sample * sample;
    }
    const alike = product / (Math.sqrt(own * there) || 1);
    if (alike > likeness) { likeness = alike; at = lag; }
  }
  return { at, likeness };
};
