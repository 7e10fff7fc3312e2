// Even loudness: the factor by which a song is played. It never makes a sample exceed full scale.
/** @typedef {"off" | "track" | "album"} Evenness */

/** @type {Evenness[]} */
export const EVENNESS = ["track", "album", "off"];

/**
 * A gain without a known peak only makes a song quieter: louder, it might clip.
 * @param {import("./messages.d.ts").Gain | undefined} gain
 * @param {Evenness} evenness
 * @returns {number} a factor for the samples; 1 for a song whose loudness is not known
 */
export const factor = (gain, evenness) => {
  if (!gain || evenness === "off") return 1;
  const ofAlbum = evenness === "album" ? gain.album_gain : null, decibels = ofAlbum ?? gain.track_gain ?? gain.album_gain ?? NaN;
  if (!Number.isFinite(decibels)) return 1;
  const peak = (ofAlbum == null ? null : gain.album_peak) ?? gain.track_peak ?? gain.album_peak ?? 1;
  return Math.min(10 ** (decibels / 20), peak > 0 ? 1 / peak : 1);
};
