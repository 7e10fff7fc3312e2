// Audio and queue: one engine per tab, outside React, so that reruns and page changes do not stop it.
const uuid = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
  (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16)); // randomUUID exists in secure contexts only
const AHEAD = 12; // recommendations queued after the listener's choices

class Engine {
  constructor(data) {
    const tag = data.tag;
    Object.assign(this, { tag, queue: [], at: -1, heard: 0, since: null, opinions: {}, repeat: "off", shuffled: false, wanted: false, tickets: new Map(), undecodable: new Set(), form: null, offset: 0, recommended: null });
    const a = this.audio = new Audio();
    a.preload = "auto";
    a.onplaying = () => { this.since = performance.now(); this.failed = 0; this.changed(); };
    a.onwaiting = () => { this.count(); this.since = null; this.changed(); };
    a.ontimeupdate = () => { this.count(); this.listeners("time"); };
    a.onpause = () => { this.count(); this.since = null; if (!a.ended && !this.loading) this.emit("pause"); this.changed(); };
    a.onended = () => this.ended();
    a.onerror = () => this.broken();
    a.onvolumechange = a.ondurationchange = () => this.changed();
    this.outbox = new Outbox(data, () => this.replan());
    this.tabs = new Tabs({ silence: () => this.silence(), look: () => this.shared.look() });
    this.shared = new SharedQueue(this);
    this.pendingLeave = new PendingLeave(tag);
    for (const play of this.pendingLeave.collect()) this.outbox.add(play);
    addEventListener("pagehide", () => this.left());
    setInterval(() => { this.save(); this.pendingLeave.keep(this.leaving()); }, 3000);
    this.restore();
    this.refresh();
  }
  get current() { return this.queue[this.at] ?? null; }
  get playing() { return !this.audio.paused; }
  get busy() { return Boolean(this.loading) || (this.playing && this.audio.readyState < 3); } // buffering
  get position() { return this.loading ? this.resume ?? 0 : this.offset + Math.round(this.audio.currentTime * 1000); }
  get duration() { // a converted recording does not state its length before its end
    const d = this.audio.duration, known = this.current?.duration;
    return Math.round(Number.isFinite(d) && (this.form?.original || !known) ? this.offset + d * 1000 : known ?? 0);
  }
  listeners(kind) { dispatchEvent(new CustomEvent(`segue:${kind}`)); }
  changed() { this.listeners("state"); mediaSession(this); }
  count() { // the time for which audio played, without pauses and buffering
    if (this.loading) { this.since = null; return; } // the previous track is still playing
    const now = performance.now();
    if (this.since !== null) this.heard += now - this.since;
    this.since = this.since === null || this.audio.paused ? null : now;
  }
  emit(type, item = this.current, extra = {}) { if (item) this.outbox.add(this.playEvent(type, item, extra)); }
  leaving() { return this.current && this.heard > 0 && !this.audio.ended ? this.playEvent("leave", this.current, { event_id: this.leaveId }) : null; }
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
  finish(how) { if (this.current && this.begun && !this.audio.ended) this.emit(how); this.begun = false; this.pendingLeave.keep(null); }
  async load(at, { play = true, from = 0, kept = {} } = {}) {
    this.at = at;
    this.wanted = play;
    this.loading = this.current?.key;
    Object.assign(this, { heard: 0, since: null, begun: false, leaveId: uuid(), resume: from }, kept);
    const item = this.current, mine = this.loading;
    this.changed();
    if (!item) { this.audio.removeAttribute("src"); this.audio.load(); this.loading = null; return; }
    let ticket;
    try { ticket = await this.ticket(item.id); } catch { if (this.loading === mine) this.broken(); return; }
    if (this.loading !== mine) return; // another track was chosen meanwhile
    this.form = playableForm(ticket, { canPlay: (type) => this.audio.canPlayType(type), vendor: navigator.vendor, undecodable: this.undecodable.has(item.id) });
    this.offset = this.form.original ? 0 : this.resume;
    this.audio.src = formFrom(this.form, this.resume);
    if (this.form.original && this.resume) this.audio.currentTime = this.resume / 1000;
    this.loading = null;
    if (this.wanted) this.start();
    this.changed();
    this.save();
    if (this.queue[at + 1]) this.ticket(this.queue[at + 1].id).catch(() => {});
  }
  start() {
    this.wanted = true;
    this.audio.play().then(() => {
      this.tabs.sound();
      this.elsewhere = null;
      if (!this.begun) { this.begun = true; this.emit("play"); }
    }).catch((error) => { if (error.name === "NotAllowedError") this.say(gettext("Press play to continue")); });
  }
  async ticket(id) {
    const kept = this.tickets.get(id);
    if (kept && kept.expires > Date.now() + 600e3) return kept;
    const answer = await fetch(`/api/tickets/${encodeURIComponent(id)}`);
    if (!answer.ok) throw new Error(answer.status);
    const fresh = await answer.json();
    this.tickets.set(id, fresh);
    return fresh;
  }
  pause() { this.wanted = false; this.audio.pause(); }
  silence() { // another tab sounds
    if (!this.wanted) return;
    this.pause();
    this.say(gettext("Playing in another tab"));
  }
  toggle() {
    if (!this.current) return this.playRecommended();
    if (this.playing || (this.failed && this.wanted)) return this.pause();
    if (this.audio.ended || !this.audio.src) return this.load(this.at);
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
    const to = Math.max(0, Math.min(Math.round(ms), this.duration - 50));
    if (this.loading) this.resume = to;
    else if (this.form?.original || reaches(this.audio, (to - this.offset) / 1000)) this.audio.currentTime = (to - this.offset) / 1000;
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
    const { key, id, title } = this.current, at = this.position, { form } = this;
    this.failed = (this.failed || 0) + 1;
    const code = this.audio.error?.code, gone = code === 4 || code === 3, valid = this.tickets.get(id)?.expires > Date.now();
    this.tickets.delete(id);
    const there = await this.ticket(id).catch(() => null);
    if (this.current?.key !== key) return;
    if (there && gone && valid && form?.original && there.forms?.length) { this.undecodable.add(id); return this.reload(at); }
    const busy = gone && form && !form.original && await overloaded(formFrom(form, at));
    if (this.current?.key !== key) return;
    if (there && gone && !busy && this.failed > 1) {
      this.say(gettext("{title} cannot be played", { title }));
      this.failed = 0;
      this.begun = false;
      setTimeout(() => this.current?.key === key && this.onward(), 800);
      return;
    }
    this.say(busy ? gettext("Waiting for the server to convert other recordings") : gettext("Waiting for the server"));
    // `wanted` is false if the listener has paused meanwhile
    setTimeout(() => this.current?.key === key && this.reload(this.position), Math.min(8000, 400 * 2 ** this.failed));
  }
  say(text) { this.notice = text; this.changed(); clearTimeout(this.quiet); this.quiet = setTimeout(() => { this.notice = ""; this.changed(); }, 5000); }
  opinion(type, item = this.current) { // the same opinion a second time takes it back
    if (!item) return;
    const back = this.opinions[item.id] === type;
    if (back) delete this.opinions[item.id]; else this.opinions[item.id] = type;
    this.emit(back ? `un${type}` : type, item);
    this.changed();
    if (back) this.say(type === "like" ? gettext("You no longer like {title}", { title: item.title }) : gettext("You no longer dislike {title}", { title: item.title }));
    else if (type === "dislike" && item === this.current) this.next();
  }
}
