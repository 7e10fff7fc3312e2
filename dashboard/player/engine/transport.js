// Playback of one song: loading, seeking, faults, and the events that are counted. One engine per tab, outside React, so
// that reruns and page changes do not stop it.
import { formFrom, overloaded, playableForm, reaches } from "./forms.js";
import { uuid } from "./ids.js";
import { factor } from "./loudness.js";
import { mediaSession } from "./media_session.js";
import { Outbox } from "./outbox.js";
import { PendingLeave } from "./pending_leave.js";
import { PrivateSession } from "./private_session.js";
import { LONGEST_MS, Recordings } from "./recordings.js";
import { SavedSongs } from "./saved_songs.js";
import { SharedQueue } from "./shared_queue.js";
import { Sound } from "./sound.js";
import { SoundSettings } from "./sound_settings.js";
import { Tabs } from "./tabs.js";

const DECODE_MS = 60e3; // how long before a song ends it and the next one are decoded
const TOUCH = "(hover: none)";

/** @typedef {import("./messages.d.ts").Item & { key: string, auto?: boolean, queued?: boolean, place?: number }} Entry a song in the queue */
/** @typedef {import("./messages.d.ts").Ticket} Ticket */

export class Transport {
  /** @param {import("./messages.d.ts").BarData} data */
  constructor(data) {
    this.tag = data.tag;
    /** @type {Entry[]} */
    this.queue = [];
    this.at = -1;
    this.heard = 0; // milliseconds
    /** @type {number | null} */
    this.since = null;
    /** @type {Record<string, string>} */
    this.opinions = {};
    /** @type {"off" | "all" | "one"} */
    this.repeat = "off";
    this.shuffled = false;
    this.wanted = false;
    /** @type {Map<string, Ticket>} */
    this.tickets = new Map();
    /** @type {Set<string>} */
    this.undecodable = new Set();
    /** @type {import("./forms.js").Playable | null} */
    this.form = null;
    this.offset = 0; // where the element's recording begins in the song, in milliseconds
    /** @type {import("./messages.d.ts").Upcoming | null} */
    this.recommended = null;
    /** @type {Promise<boolean>} */
    this.refreshing = Promise.resolve(false);
    /** @type {string | null | undefined} */
    this.loading = null;
    this.resume = 0;
    this.begun = false;
    this.loads = 0; // how often a song was loaded: the rest of an earlier load is out of date
    this.failed = 0;
    this.notice = "";
    this.leaveId = uuid();
    /** @type {{ id: string, title: string } | null} */
    this.radio = null;
    /** @type {Entry[] | null} */
    this.cleared = null;
    /** @type {Set<string>} recommendations that the listener has removed */
    this.unwanted = new Set();
    /** @type {{ title: string, stored: import("./messages.d.ts").Queue } | null} */
    this.elsewhere = null;
    this.sleep = "";
    this.announced = ""; // the song that the lock screen shows
    const a = this.audio = new Audio();
    a.preload = "auto";
    this.settings = new SoundSettings(() => { this.even(); this.changed(); });
    this.sound = new Sound(a, { completed: () => this.emit("complete"), flowed: (key) => this.flowed(key), ended: () => this.ended(), ready: () => this.arrange() },
      { vendor: navigator.vendor, touch: matchMedia(TOUCH).matches, hidden: () => document.hidden, open: "AudioContext" in globalThis ? () => new AudioContext({ latencyHint: "playback" }) : null });
    this.recordings = new Recordings((bytes) => /** @type {AudioContext} */ (this.sound.context).decodeAudioData(bytes));
    // While a voice sounds, the element only plays along.
    a.onplaying = () => { this.since ??= performance.now(); this.failed = 0; this.changed(); };
    a.onwaiting = () => { if (this.sound.voice) return; this.count(); this.since = null; this.changed(); };
    a.ontimeupdate = () => { this.count(); this.arrange(); this.listeners("time"); };
    a.onpause = () => this.paused();
    a.onended = () => { if (!this.sound.voice) this.ended(); };
    a.onerror = () => { if (!this.sound.voice && !this.loading) this.broken(); }; // the former song's fault does not matter
    a.onvolumechange = a.ondurationchange = () => this.changed();
    addEventListener("visibilitychange", () => this.hidden());
    this.private = new PrivateSession(this.tag, data.opinions);
    this.saved = new SavedSongs(this.tag, { ticket: (id) => this.ask(id), form: (item, ticket) => this.formOf(item, ticket),
      changed: () => this.listeners("saved"), gone: (id) => this.tickets.delete(id) });
    this.outbox = new Outbox(data, () => this.replan());
    this.tabs = new Tabs({ silence: () => this.silence(), look: () => this.shared.look() });
    this.shared = new SharedQueue(this);
    this.pendingLeave = new PendingLeave(this.tag);
    for (const play of this.pendingLeave.collect()) this.outbox.add(play);
    addEventListener("pagehide", () => this.left());
    setInterval(() => { this.save(); this.pendingLeave.keep(this.leaving()); }, 3000);
    this.restore();
    this.refresh();
  }
  get current() { return this.queue[this.at] ?? null; }
  get playing() { return this.sound.playing; }
  get busy() { return Boolean(this.loading) || (this.playing && !this.sound.voice && this.audio.readyState < 3); } // buffering
  get position() {
    if (this.loading) return this.resume ?? 0;
    return this.sound.voice ? Math.round(this.sound.voice.position * 1000) : this.offset + Math.round(this.audio.currentTime * 1000);
  }
  get duration() { // a converted recording does not state its length before its end
    if (this.sound.voice && !this.loading) return Math.round(this.sound.voice.buffer.duration * 1000);
    const d = this.audio.duration, known = this.current?.duration;
    return Math.round(Number.isFinite(d) && (this.form?.original || !known) ? this.offset + d * 1000 : known ?? 0);
  }
  get ending() { return this.audio.ended && !this.sound.voice; }
  // --- of the subclasses
  save() {}
  persist() {}
  restore() {}
  mix() {}
  settle() {}
  fallAsleep() {}
  async extend() {}
  async tune() {}
  async replan() {}
  async playRecommended() {}
  /** @returns {Promise<boolean>} */
  async refresh() { return false; }
  /** @param {{ silent?: boolean }} [_] */
  shuffle(_) {}

  /** @param {boolean} on */
  playPrivately(on) {
    this.private.note(this.current?.key); // of the song that plays, nothing more is reported
    this.private.turn(on);
    this.private.note(this.current?.key);
    this.pendingLeave.keep(this.leaving());
    this.changed();
    this.save();
  }
  listeners(kind) { dispatchEvent(new CustomEvent(`segue:${kind}`)); }
  changed() { this.arrange(); this.listeners("state"); mediaSession(this); }
  count() { // the time for which audio played, without pauses and buffering
    if (this.loading) { this.since = null; return; } // the previous track is still playing
    const now = performance.now();
    if (this.since !== null) this.heard += now - this.since;
    this.since = this.playing && (this.since !== null || this.sound.voice || this.audio.readyState >= 3) ? now : null;
  }
  /** @param {string} type @param {Entry | import("./messages.d.ts").Item | null} [item] @param {object} [extra] */
  emit(type, item = this.current, extra = {}) { if (item && !this.private.hides(type, item)) this.outbox.add(this.playEvent(type, item, extra)); }
  leaving() { return this.current && this.heard > 0 && !this.ending && !this.private.hides("leave", this.current) ? this.playEvent("leave", this.current, { event_id: this.leaveId }) : null; }
  playEvent(type, item, extra) {
    this.count();
    const own = item === this.current;
    const play = { event_id: uuid(), track_id: item.id, type, ms_played: own ? Math.round(this.heard) : 0, position_ms: own ? this.position : 0,
      duration_ms: (own && this.duration) || item.duration || 0, occurred_at: Date.now(), source: item.source ?? "search", ...extra };
    if (item.rec) Object.assign(play, { recommendation_id: item.rec.id, rank: item.rec.rank, model: item.rec.model });
    return play;
  }
  left() { // the page is closing: send the leave event now
    const play = this.leaving();
    if (play) this.outbox.add(play);
    this.private.note(this.current?.key);
    this.leaveId = uuid(); // a page restored from the browser's cache leaves a second time
    this.pendingLeave.keep(null);
    this.save();
    this.shared.beacon();
    this.outbox.beacon();
  }
  // --- playback
  play(items, index = 0) { // the songs that the listener has queued come next, whatever is played
    this.finish("skip");
    this.radio = this.cleared = null;
    const queued = this.queue.slice(this.at + 1).filter((item) => item.queued);
    this.queue = items.map((item) => ({ ...item, key: uuid() }));
    this.queue.splice(index + 1, 0, ...queued);
    this.load(index);
    if (this.shuffled) this.mix();
    this.extend();
  }
  playAll(items, { shuffled = false } = {}) {
    if (!items.length) return;
    if (this.shuffled !== shuffled) this.shuffle({ silent: true });
    this.play(items, shuffled ? Math.floor(Math.random() * items.length) : 0);
  }
  finish(how) { if (this.current && this.begun && !this.ending) this.emit(how); this.begun = false; this.pendingLeave.keep(null); }
  /** @param {number} at @param {{ play?: boolean, from?: number, kept?: { begun?: boolean, heard?: number, leaveId?: string } }} [how] */
  async load(at, { play = true, from = 0, kept = {} } = {}) {
    const mine = ++this.loads;
    this.at = at;
    this.wanted = play;
    this.loading = this.current?.key;
    this.sound.stop();
    Object.assign(this, { heard: 0, since: null, begun: false, leaveId: uuid(), resume: from }, kept);
    const item = this.current;
    this.changed();
    if (!item) { this.audio.removeAttribute("src"); this.audio.load(); this.loading = null; return; }
    let ticket;
    try { ticket = await this.ticket(item.id); } catch { if (this.loads === mine) this.broken(); return; }
    if (this.loads !== mine) return; // a track was chosen meanwhile, perhaps the same one
    this.form = this.formOf(item, ticket);
    const decoded = play && this.sound.able ? this.recordings.at(item.id) : null;
    this.offset = decoded || this.form.original ? 0 : this.resume;
    this.audio.src = decoded ? decoded.address : formFrom(this.form, this.resume);
    if (this.resume && !this.offset) this.audio.currentTime = this.resume / 1000;
    this.even();
    if (decoded) this.sound.begin(this.song(item, decoded), this.resume / 1000);
    this.loading = null;
    if (this.wanted) this.start();
    this.changed();
    this.save();
    if (this.queue[at + 1]) this.ticket(this.queue[at + 1].id).catch(() => {});
  }
  start() {
    this.wanted = true;
    this.sound.wake();
    if (this.loading) { this.changed(); return; } // it starts, where it was left, once its address is there
    this.private.note(this.current?.key);
    this.sound.resume();
    const begun = () => {
      this.tabs.sound();
      this.elsewhere = null;
      if (!this.begun) { this.begun = true; this.emit("play"); }
    };
    const started = this.audio.play();
    if (this.sound.voice) { this.since ??= performance.now(); begun(); started.catch(() => {}); this.changed(); return; }
    started.then(begun).catch((error) => { if (error.name === "NotAllowedError") this.say(gettext("Press play to continue")); });
  }
  formOf(item, ticket) {
    return playableForm(ticket, { canPlay: (type) => this.audio.canPlayType(type), vendor: navigator.vendor, undecodable: this.undecodable.has(item.id) });
  }
  /** @param {string} id @returns {Promise<Ticket>} */
  async ticket(id) {
    const kept = this.tickets.get(id);
    if (kept && kept.expires > Date.now() + 600e3) return kept;
    const fresh = await this.saved.ticket(id) ?? await this.ask(id);
    this.tickets.set(id, fresh);
    return fresh;
  }
  /** @param {string} id @returns {Promise<Ticket>} */
  async ask(id) {
    const answer = await fetch(`/api/tickets/${encodeURIComponent(id)}`);
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }
  pause() {
    this.wanted = false;
    if (this.sound.voice?.sounds) {
      this.count();
      this.sound.pause();
      this.since = null;
      this.emit("pause");
    }
    this.audio.pause();
    this.changed();
  }
  paused() { // the element has paused: by the listener, or by the system, such as for a call
    if (this.sound.voice) { if (this.sound.voice.sounds && !this.audio.ended && this.audio.paused) this.pause(); return; }
    this.count();
    this.since = null;
    if (!this.audio.ended && !this.loading) this.emit("pause");
    this.changed();
  }
  silence() { // another tab sounds
    if (!this.wanted) return;
    this.pause();
    this.say(gettext("Playing in another tab"));
  }
  toggle() {
    if (!this.current) return this.playRecommended();
    if (this.playing || (this.failed && this.wanted)) return this.pause();
    if (!this.loading && (this.ending || !this.audio.src)) return this.load(this.at);
    return this.start();
  }
  next() { if (!this.current) return; this.finish("skip"); this.onward(); }
  onward() {
    const there = this.at + 1 < this.queue.length;
    if (there) this.load(this.at + 1);
    else if (this.repeat === "all" && this.queue.length) this.load(0);
    else this.extend().then(() => { if (this.at + 1 < this.queue.length) this.load(this.at + 1); else this.changed(); });
    this.extend();
  }
  ended() {
    if (this.loading) return; // the previous track ended while the next one was loading
    this.emit("complete");
    this.begun = false;
    this.pendingLeave.keep(null);
    if (this.sleep === "song") {
      this.fallAsleep();
      if (this.at + 1 < this.queue.length) this.load(this.at + 1, { play: false });
    } else if (this.repeat === "one") this.load(this.at); else this.onward();
  }
  previous() {
    if (this.position > 3000 || this.at <= 0) return this.seek(0);
    this.finish("skip");
    this.load(this.at - 1);
  }
  seek(ms) {
    if (!this.current) return;
    const to = Math.max(0, Math.min(Math.round(ms), this.duration - 50)), there = (to - this.offset) / 1000;
    if (this.loading) this.resume = to;
    else if (this.sound.voice) {
      this.sound.seek(to / 1000);
      if (reaches(this.audio, there)) this.audio.currentTime = there;
      if (this.wanted && this.audio.paused) this.audio.play().catch(() => {});
    } else if (this.form?.original || reaches(this.audio, there)) this.audio.currentTime = there;
    else this.reload(to, this.playing);
    this.emit("seek", this.current, { position_ms: to });
    this.listeners("time");
  }
  reload(from, play = this.wanted) { // the same listening, from another place or in another form
    this.count();
    const { begun, heard, leaveId } = this;
    this.load(this.at, { play, from, kept: { begun, heard, leaveId } });
  }
  async broken() { // a network error is retried; another form is tried once; a missing file is skipped
    if (!this.current) return;
    const { id, title } = this.current, at = this.position, { form, loads } = this;
    const still = () => this.loads === loads && !this.sound.voice; // nobody has started a song since, not even the same one
    this.failed = (this.failed || 0) + 1;
    const code = this.audio.error?.code, gone = code === 4 || code === 3, valid = (this.tickets.get(id)?.expires ?? 0) > Date.now();
    this.tickets.delete(id);
    if (gone && form?.url.startsWith("blob:")) await this.saved.distrust(id);
    const there = await this.ticket(id).catch(() => null);
    if (!still()) return;
    if (there && gone && valid && form?.original && there.forms?.length) { this.undecodable.add(id); return this.reload(at); }
    const busy = gone && form && !form.original && await overloaded(formFrom(form, at));
    if (!still()) return;
    if (there && gone && !busy && this.failed > 1) {
      this.say(gettext("{title} cannot be played", { title }));
      this.failed = 0;
      this.begun = false;
      setTimeout(() => still() && this.onward(), 800);
      return;
    }
    this.say(busy ? gettext("Waiting for the server to convert other recordings") : gettext("Waiting for the server"));
    // `wanted` is false if the listener has paused meanwhile
    setTimeout(() => still() && this.reload(this.position), Math.min(8000, 400 * 2 ** this.failed));
  }
  say(text) { this.notice = text; this.changed(); clearTimeout(this.quiet); this.quiet = setTimeout(() => { this.notice = ""; this.changed(); }, 5000); }
  /** @param {"like" | "dislike"} type @param {Entry | null} [item] */
  opinion(type, item = this.current) { // the same opinion a second time takes it back
    if (!item) return;
    const back = this.opinions[item.id] === type;
    if (back) delete this.opinions[item.id]; else this.opinions[item.id] = type;
    this.emit(back ? `un${type}` : type, item);
    this.changed();
    if (back) this.say(type === "like" ? gettext("You no longer like {title}", { title: item.title }) : gettext("You no longer dislike {title}", { title: item.title }));
    else if (type === "dislike" && item === this.current) this.next();
  }

  // --- volume and loudness
  get volume() { return this.sound.volume; }
  set volume(volume) {
    this.sound.volume = Math.max(0, Math.min(1, Number(volume) || 0));
    this.sound.level();
    this.changed();
  }
  get muted() { return this.audio.muted; }
  set muted(muted) { this.audio.muted = muted; }
  song({ key, id }, { buffer }) { return { key, buffer, factor: this.factorOf(id) }; }
  factorOf(id) { return factor(this.tickets.get(id)?.gain, this.settings.evenness); }
  even() { if (this.current) this.sound.level(this.factorOf(this.current.id)); }

  // --- from one song to the next
  get following() { // the song that comes by itself
    if (this.sleep === "song") return null;
    if (this.repeat === "one") return this.current;
    return this.queue[this.at + 1] ?? (this.repeat === "all" ? this.queue[0] : null);
  }
  overlap(next) { // seconds; songs of an album follow each other as they were recorded
    const item = this.current;
    if (next !== item && item.album && item.album === next.album) return 0;
    return Math.max(0, Math.min(this.settings.crossfade, this.duration / 2000, (next.duration ?? Infinity) / 2000));
  }
  arrange() { // decode the end of this song and the next one in time, so that one voice follows the other
    const { sound, recordings, current } = this;
    if (!sound.able || !current || this.loading || !this.playing) return;
    const left = this.duration - this.position, next = this.following;
    if (!(left < DECODE_MS + 1000 * this.settings.crossfade)) { sound.unschedule(); recordings.keep([current.id]); return; }
    recordings.keep([current.id, next?.id ?? ""]);
    if (!sound.voice) {
      const decoded = this.decoded(current);
      if (decoded) sound.takeOver(this.song(current, decoded), this.offset / 1000);
    }
    const following = next ? this.decoded(next) : null;
    if (!next || !following) return sound.unschedule();
    if (sound.voice) sound.follow(this.song(next, following), this.overlap(next));
  }
  decoded(item) {
    if ((item.duration ?? 0) > LONGEST_MS) return null;
    const there = this.recordings.at(item.id);
    if (!there) this.recordings.get(item.id, async () => formFrom(this.formOf(item, await this.ticket(item.id)), 0)).then((found) => { if (found) this.arrange(); });
    return there;
  }
  flowed(key) { // the next song sounds already
    const at = key === this.current?.key ? this.at : this.queue.findIndex((item) => item.key === key);
    if (at < 0) return this.onward(); // it has left the queue at the last moment
    this.at = at;
    this.loads++;
    this.private.note(key);
    Object.assign(this, { heard: 0, since: performance.now(), begun: true, leaveId: uuid(), resume: 0, offset: 0 });
    this.pendingLeave.keep(null);
    const { id } = this.current, decoded = this.recordings.at(id), ticket = this.tickets.get(id);
    if (ticket) this.form = this.formOf(this.current, ticket);
    if (decoded) this.audio.src = decoded.address;
    this.audio.play().catch(() => {});
    this.even();
    this.emit("play");
    this.changed();
    this.save();
    this.extend();
  }
  hidden() {
    if (!document.hidden || this.sound.able || !this.sound.voice) return this.arrange();
    const at = this.position, there = (at - this.offset) / 1000;
    this.sound.stop();
    if (Math.abs(this.audio.currentTime - there) < 0.05) return undefined;
    if (reaches(this.audio, there)) this.audio.currentTime = there; else this.reload(at);
    return undefined;
  }
}
