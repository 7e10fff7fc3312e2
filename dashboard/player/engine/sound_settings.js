// How this browser plays: even loudness, and the overlap of songs. Kept in the browser, like the volume.
import { EVENNESS } from "./loudness.js";

const KEY = "segue.sound";
export const LONGEST_CROSSFADE = 12; // seconds

export class SoundSettings {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {import("./loudness.js").Evenness} */
    this.evenness = "track";
    this.crossfade = 0;
    try { this.take(JSON.parse(localStorage.getItem(KEY) ?? "{}")); } catch { /* storage is blocked or malformed: the defaults */ }
  }
  /** @param {{ evenness?: unknown, crossfade?: unknown }} kept */
  take({ evenness, crossfade }) {
    this.evenness = EVENNESS.find((known) => known === evenness) ?? this.evenness;
    if (typeof crossfade === "number" && crossfade >= 0) this.crossfade = Math.min(LONGEST_CROSSFADE, crossfade);
  }
  /** @param {{ evenness?: unknown, crossfade?: unknown }} chosen */
  choose(chosen) {
    this.take(chosen);
    try { localStorage.setItem(KEY, JSON.stringify({ evenness: this.evenness, crossfade: this.crossfade })); } catch { /* storage is blocked: until the tab is closed */ }
    this.changed();
  }
}
