// A decoded song that sounds. Unlike an element it begins and ends at a given sample.
export const SOFT_S = 0.01; // a start or a stop within a song, too short to be heard as a fade
export const LEAD_S = 1 / 64; // a start in the past begins late by an unknown number of samples, and so would the next song

/** Raised cosines, whose sum is 1: two songs together are never louder than one. */
const RISE = Float32Array.from({ length: 65 }, (_, i) => (1 - Math.cos((Math.PI * i) / 64)) / 2), FALL = RISE.slice().reverse();

export class Voice {
  /**
   * @param {BaseAudioContext} context
   * @param {AudioNode} output
   * @param {{ key: string, buffer: AudioBuffer, factor: number }} song `key` is its place in the queue
   */
  constructor(context, output, { key, buffer, factor }) {
    this.key = key;
    this.context = context;
    this.buffer = buffer;
    this.loudness = context.createGain();
    this.fader = context.createGain();
    this.loudness.gain.value = factor;
    this.loudness.connect(this.fader).connect(output);
    /** @type {AudioBufferSourceNode | null} */
    this.node = null;
    this.origin = 0; // the time at which its first sample sounds or would have sounded
    this.rest = 0;   // the second at which it was stopped
    /** @type {() => void} */
    this.onend = () => {};
  }
  get sounds() { return this.node !== null; }
  /** The second that sounds now. */
  get position() { return Math.min(this.buffer.duration, this.node ? Math.max(0, this.context.currentTime - this.origin) : this.rest); }
  /** The time at which the last sample has sounded. */
  get end() { return this.origin + this.buffer.duration; }
  /**
   * @param {number} from a second of the song
   * @param {{ at?: number, fade?: number, lead?: number }} [when] `at`: the time of the context, otherwise `lead` seconds from now;
   *   `fade`: how long the song rises
   */
  start(from, { at, fade = from > 0 ? SOFT_S : 0, lead = LEAD_S } = {}) {
    this.silence();
    const node = (this.node = this.context.createBufferSource());
    node.buffer = this.buffer;
    node.connect(this.loudness);
    const begin = at ?? this.context.currentTime + lead;
    this.origin = begin - from;
    this.fader.gain.cancelScheduledValues(0);
    this.fader.gain.setValueAtTime(fade ? 0 : 1, 0);
    if (fade) this.fader.gain.setValueCurveAtTime(RISE, begin, fade);
    node.onended = () => { if (this.node === node) { this.rest = this.buffer.duration; this.silence(); this.onend(); } };
    node.start(begin, from);
    if (at === undefined && this.context.currentTime > begin) this.start(from, { fade, lead: 2 * lead }); // a busy machine
  }
  /** @param {number} at @param {number} seconds how long the song falls to silence */
  fall(at, seconds) {
    this.steady();
    if (seconds) this.fader.gain.setValueCurveAtTime(FALL, Math.max(at, this.context.currentTime), seconds);
  }
  /** Take back a fall that has not begun. */
  steady() {
    this.fader.gain.cancelScheduledValues(this.context.currentTime);
    this.fader.gain.setValueAtTime(1, this.context.currentTime);
  }
  pause() {
    if (!this.node) return;
    this.rest = this.position;
    const node = this.node, now = this.context.currentTime;
    this.node = null;
    node.onended = () => node.disconnect();
    this.fader.gain.cancelScheduledValues(0);
    this.fader.gain.setValueAtTime(1, now);
    this.fader.gain.setValueCurveAtTime(FALL, now, SOFT_S);
    node.stop(now + SOFT_S);
  }
  silence() {
    if (!this.node) return;
    const node = this.node;
    this.node = null;
    node.onended = null;
    node.stop();
    node.disconnect();
  }
  /** The song is not heard again. */
  remove() { this.silence(); this.fader.disconnect(); }
}
