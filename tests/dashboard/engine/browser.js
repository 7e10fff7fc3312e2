// As much of a browser as the engine needs: an element, a context with a clock that a test turns, storage, a server.
import { mock } from "node:test";

export class Element extends EventTarget {
  paused = true; ended = false; muted = false; volume = 1; readyState = 4; duration = NaN; currentTime = 0; src = ""; error = null; started = 0;
  seekable = { length: 1, start: () => 0, end: () => 1e6 };
  canPlayType() { return "maybe"; }
  play() { this.paused = false; this.started++; this.onplaying?.(); return Promise.resolve(); }
  pause() { if (this.paused) return; this.paused = true; this.onpause?.(); }
  load() {}
  removeAttribute() { this.src = ""; }
}

const filled = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
globalThis.gettext = filled;
globalThis.ngettext = (one, several, count) => filled(count === 1 ? one : several, { count });

class Param {
  value = 1; events = [];
  setValueAtTime(value, time) { this.value = value; this.events.push({ value, time }); return this; }
  linearRampToValueAtTime(value, time) { this.value = value; this.events.push({ value, time }); return this; }
  setValueCurveAtTime(curve, time, seconds) { this.events.push({ curve: [...curve], time, seconds }); return this; }
  cancelScheduledValues() { this.events = []; return this; }
}

class Node {
  gain = new Param(); frequencyBinCount = 128;
  constructor(context) { this.context = context; }
  connect(other) { return other; }
  disconnect() {}
  getFloatTimeDomainData(samples) { samples.fill(0); } // silence fits anywhere
  start(at = 0, from = 0) { this.at = at; this.from = from; if (this.buffer) this.stops(at + this.buffer.duration - from); }
  stop(at = this.context.currentTime) { this.stops(at); }
  stops(at) { this.context.ends.set(this, at); }
}

export class Context {
  currentTime = 0; state = "running"; ends = new Map(); made = []; destination = {};
  make() { const node = new Node(this); this.made.push(node); return node; }
  createGain() { return this.make(); }
  createAnalyser() { return this.make(); }
  createBufferSource() { return this.make(); }
  createConstantSource() { return this.make(); }
  createMediaElementSource() { return this.make(); }
  resume() { return Promise.resolve(); }
  async decodeAudioData(bytes) { return buffer(bytes.byteLength / 10); }
  pass(seconds) { // the time passes; songs that end meanwhile send their events in order
    const until = this.currentTime + seconds;
    for (;;) {
      const next = [...this.ends].filter(([, at]) => at <= until + 1e-9).sort(([, a], [, b]) => a - b)[0];
      if (!next) break;
      this.ends.delete(next[0]);
      this.currentTime = Math.max(this.currentTime, next[1]);
      next[0].onended?.();
    }
    this.currentTime = until;
  }
  get sources() { return this.made.filter((node) => node.buffer); }
}

export const buffer = (duration, rate = 1000) => ({ duration, sampleRate: rate, length: duration * rate, numberOfChannels: 1, getChannelData: () => new Float32Array(duration * rate) });

class Storage {
  #kept = new Map();
  get length() { return this.#kept.size; }
  key(i) { return [...this.#kept.keys()][i] ?? null; }
  getItem(key) { return this.#kept.get(key) ?? null; }
  setItem(key, value) { this.#kept.set(key, String(value)); this[key] = String(value); }
  removeItem(key) { this.#kept.delete(key); delete this[key]; }
}

// A browser whose server answers by `routes`: path, up to the first "?" or the last part, to a function of the request.
export const openBrowser = (routes = {}) => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
  const context = new Context(), requests = [], document = { hidden: false };
  const put = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  put("localStorage", new Storage());
  put("sessionStorage", new Storage());
  put("document", document);
  put("matchMedia", () => ({ matches: false }));
  put("Audio", Element);
  put("AudioContext", class { constructor() { return context; } });
  put("BroadcastChannel", class extends EventTarget { postMessage() {} });
  put("navigator", { vendor: "", sendBeacon: () => true });
  put("fetch", async (path, options = {}) => {
    const request = { path, ...options };
    requests.push(request);
    const name = Object.keys(routes).find((known) => path.startsWith(known));
    const answer = name ? await routes[name](request) : { status: 404 };
    return { ok: (answer.status ?? 200) < 400, status: answer.status ?? 200, headers: new Headers(answer.headers), json: async () => answer.json, text: async () => answer.text ?? "", arrayBuffer: async () => answer.bytes ?? new ArrayBuffer(0) };
  });
  return { context, requests, document };
};

export const settle = async () => { for (let i = 0; i < 60; i++) await Promise.resolve(); };
