// The listener's sound. The element plays every song. Where the browser allows it, a decoded song (a voice) takes over
// from the element before the end, and the next voice begins at the sample at which it ends. The element then plays
// the same song unheard: it keeps the lock screen and the media keys, and takes over again when a phone is locked.
import { alignment } from "./alignment.js";
import { SOFT_S, Voice } from "./voice.js";

const HEARD = 2048, NEAR_S = 0.04, REACH_S = 0.2, SOON_S = 0.06, LATEST_S = 1, TRIES = 12;

export class Sound {
  /**
   * @param {HTMLAudioElement} element
   * @param {{ completed: () => void, flowed: (key: string) => void, ended: () => void, ready: () => void }} events `completed`: the next
   *   song begins at once; `flowed`: it sounds; `ended`: none follows
   * @param {{ vendor: string, touch: boolean, hidden: () => boolean, open: (() => AudioContext) | null }} browser
   */
  constructor(element, events, browser) {
    this.element = element;
    this.events = events;
    this.browser = browser;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {{ own: GainNode, tap: AnalyserNode, mix: GainNode, master: GainNode, analyser: AnalyserNode } | null} */
    this.nodes = null;
    /** @type {Voice | null} */
    this.voice = null;
    /** @type {{ voice: Voice, overlap: number, marker: ConstantSourceNode } | null} */
    this.next = null;
    /** @type {Voice | null} */
    this.fading = null;
    this.factor = 1;
    this.volume = 1;
    this.tries = 0;
    this.soon = SOON_S; // how long it takes to prepare a voice, on a busy machine longer
    element.addEventListener("volumechange", () => this.level());
  }
  /** Whether voices may sound now. A hidden page on a phone may be asleep when a song ends. */
  get able() { return this.nodes !== null && this.context?.state === "running" && !(this.browser.touch && this.browser.hidden()); }
  get playing() { return this.voice ? this.voice.sounds : !this.element.paused; }
  /** Whether this browser can play voices at all. */
  get decodes() { return this.browser.open !== null && !this.browser.vendor.startsWith("Apple"); }
  get analyser() { return this.nodes?.analyser ?? null; }

  /** To be called when the listener presses play: browsers start no sound without that. */
  wake() {
    if (!this.browser.open || !this.decodes) return;
    if (!this.context) {
      try { this.context = this.browser.open(); } catch { this.browser.open = null; return; }
      this.context.onstatechange = () => this.connect();
    }
    if (this.context.state === "suspended") this.context.resume().catch(() => {});
    this.connect();
  }
  connect() { // a context that does not run would silence the element
    if (this.nodes || !this.context || this.context.state !== "running") return;
    const { context } = this, own = context.createGain(), tap = context.createAnalyser(), mix = context.createGain();
    const master = context.createGain(), analyser = context.createAnalyser();
    tap.fftSize = HEARD;
    analyser.fftSize = 256;
    const source = context.createMediaElementSource(this.element);
    source.connect(tap);
    source.connect(own).connect(mix).connect(analyser).connect(master).connect(context.destination);
    this.nodes = { own, tap, mix, master, analyser };
    this.level();
    this.events.ready();
  }
  /** Apply the volume and the loudness. Without a context a song can only become quieter. */
  level(factor = this.factor) {
    this.factor = factor;
    const wanted = this.nodes ? 1 : Math.min(1, Math.max(0, this.volume * Math.min(1, factor)));
    if (this.element.volume !== wanted) this.element.volume = wanted;
    if (!this.nodes) return;
    const { own, master } = this.nodes;
    master.gain.value = this.element.muted ? 0 : this.volume;
    own.gain.cancelScheduledValues(0);
    own.gain.value = this.voice ? 0 : factor;
    if (this.voice) this.voice.loudness.gain.value = factor;
  }

  // --- one song
  /**
   * The element's song continues as a voice, unnoticed.
   * @param {{ key: string, buffer: AudioBuffer, factor: number }} song
   * @param {number} offset where the element's recording begins in the song, in seconds
   * @returns {boolean} false where the voice does not fit yet
   */
  takeOver(song, offset) {
    if (!this.able || !this.nodes || this.voice || this.element.paused) return false;
    const context = /** @type {AudioContext} */ (this.context), place = this.place(song.buffer, offset);
    if (place === null || place.second + this.soon + SOFT_S >= song.buffer.duration) return false;
    const at = place.time + this.soon, { own } = this.nodes;
    if (at < context.currentTime) { this.soon = Math.min(LATEST_S, 2 * this.soon); return false; }
    this.sing(song).start(place.second + this.soon, { at });
    own.gain.cancelScheduledValues(0);
    own.gain.setValueAtTime(song.factor, at);
    own.gain.linearRampToValueAtTime(0, at + SOFT_S);
    return true;
  }
  /** @param {AudioBuffer} buffer @param {number} offset @returns {{ time: number, second: number } | null} */
  place(buffer, offset) {
    const { tap } = /** @type {NonNullable<typeof this.nodes>} */ (this.nodes), context = /** @type {AudioContext} */ (this.context);
    const heard = new Float32Array(HEARD), rate = buffer.sampleRate;
    let time = -1;
    for (let again = 0; again < 5 && time !== context.currentTime; again++) { // no block is rendered between the two
      time = context.currentTime;
      tap.getFloatTimeDomainData(heard);
    }
    const stated = this.element.currentTime + offset, about = Math.round(stated * rate);
    for (const seconds of [NEAR_S, REACH_S]) {
      const reach = Math.round(seconds * rate), from = Math.max(0, about - reach - HEARD);
      const sample = alignment(heard, mono(buffer, from, Math.min(buffer.length, about + reach)), about - from, reach);
      if (sample !== null) return { time, second: (from + sample) / rate };
    }
    return ++this.tries < TRIES ? null : { time, second: stated };
  }
  /**
   * A song that is decoded already sounds as a voice from its beginning; the element plays along.
   * @param {{ key: string, buffer: AudioBuffer, factor: number }} song
   * @param {number} from in seconds
   */
  begin(song, from) {
    this.sing(song).start(from);
    this.level(song.factor);
  }
  /** @param {{ key: string, buffer: AudioBuffer, factor: number }} song @returns {Voice} */
  sing(song) {
    const voice = this.voiceOf(song);
    this.voice = voice;
    voice.onend = () => this.over(voice);
    return voice;
  }
  /** @param {Voice} voice */
  over(voice) {
    if (this.voice !== voice) return;
    if (this.next && !this.next.overlap) this.flow(); else this.events.ended();
  }
  /** @param {{ key: string, buffer: AudioBuffer, factor: number }} song @returns {Voice} */
  voiceOf(song) {
    const { mix } = /** @type {NonNullable<typeof this.nodes>} */ (this.nodes);
    return new Voice(/** @type {AudioContext} */ (this.context), mix, song);
  }
  resume() {
    if (this.voice && !this.voice.sounds) this.voice.start(this.voice.position);
  }
  pause() {
    this.unschedule();
    this.hush();
    this.voice?.pause();
  }
  /** @param {number} second */
  seek(second) {
    this.unschedule();
    this.hush();
    if (!this.voice) return;
    if (this.voice.sounds) this.voice.start(second, { fade: SOFT_S });
    else this.voice.rest = second;
  }
  /** Only the element sounds from now on. */
  stop() {
    this.unschedule();
    this.hush();
    this.voice?.remove();
    this.voice = null;
    this.tries = 0;
    if (this.nodes) this.level();
  }

  // --- the next song
  /**
   * The next song begins where the present one ends, or `overlap` seconds before.
   * @param {{ key: string, buffer: AudioBuffer, factor: number }} song
   * @param {number} overlap
   */
  follow(song, overlap) {
    if (this.next && this.next.voice.key === song.key && this.next.voice.buffer === song.buffer && this.next.overlap === overlap) return;
    this.unschedule();
    const { voice, context } = this;
    if (!this.able || !context || !voice?.sounds) return;
    const at = voice.end - overlap;
    if (at < context.currentTime + SOON_S) return; // too late
    const next = this.voiceOf(song), marker = context.createConstantSource();
    next.start(0, { at, fade: overlap });
    if (overlap) voice.fall(at, overlap);
    marker.onended = () => this.flow();
    marker.start(context.currentTime);
    marker.stop(at);
    marker.connect(context.createGain()); // unconnected, it would not run
    this.next = { voice: next, overlap, marker };
  }
  unschedule() {
    if (!this.next) return;
    const { voice, overlap, marker } = this.next;
    marker.onended = null;
    marker.disconnect();
    voice.remove();
    if (overlap) this.voice?.steady();
    this.next = null;
  }
  flow() {
    const former = this.voice, { next } = this;
    if (!next) return;
    next.marker.onended = null; // the end of the former song may have come first
    next.marker.disconnect();
    this.events.completed();
    this.next = null;
    this.hush();
    if (former) {
      this.fading = next.overlap ? former : null;
      former.onend = () => { former.remove(); if (this.fading === former) this.fading = null; };
      if (!next.overlap) former.remove();
    }
    this.voice = next.voice;
    this.factor = next.voice.loudness.gain.value;
    next.voice.onend = () => this.over(next.voice);
    this.events.flowed(next.voice.key);
  }
  hush() { // the end of a song that fades
    this.fading?.remove();
    this.fading = null;
  }
}

/** @param {AudioBuffer} buffer @param {number} from @param {number} to @returns {Float32Array} the samples in between, as an analyser mixes them */
const mono = (buffer, from, to) => {
  const first = buffer.getChannelData(0).subarray(from, to);
  if (buffer.numberOfChannels === 1) return first;
  const second = buffer.getChannelData(1).subarray(from, to);
  return first.map((sample, i) => (sample + second[i]) / 2);
};
