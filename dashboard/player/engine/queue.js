import { uuid } from "./ids.js";
import { Transport } from "./transport.js";

export const AHEAD = 12; // recommendations queued after the listener's choices
const ASKING_MS = 30e3; // how long recommendations are waited for
const chosen = (item) => (item.auto ? { ...item, auto: false, queued: true } : item);
// The queue: the listener's choices, then recommendations, which change while the listener plays songs.
export class Queue extends Transport {
  playNext(...items) { this.insert(this.at + 1, items); }
  add(...items) {
    let place = this.at + 1;
    while (place < this.queue.length && !this.queue[place].auto) place++;
    this.insert(place, items);
  }
  insert(place, items) {
    if (!items.length) return;
    this.cleared = null;
    this.queue.splice(place, 0, ...items.map((item) => ({ ...item, key: uuid(), auto: false, queued: true })));
    if (!this.current) this.load(0);
    else this.say(items.length === 1 ? gettext("{title} was added to the queue", { title: items[0].title }) : ngettext("{count} song was added to the queue", "{count} songs were added to the queue", items.length));
    this.extend();
  }
  remove(key) {
    const i = this.queue.findIndex((item) => item.key === key);
    if (i < 0 || i === this.at) return;
    const [gone] = this.queue.splice(i, 1);
    if (gone.auto) this.unwanted.add(gone.id);
    if (i < this.at) this.at--;
    this.settle();
  }
  move(key, by) {
    const i = this.queue.findIndex((item) => item.key === key), j = i + by;
    if (i <= this.at || j <= this.at || j >= this.queue.length) return;
    const [item] = this.queue.splice(i, 1);
    this.queue.splice(j, 0, chosen(item)); // a moved recommendation becomes the listener's choice
    for (let k = this.at + 1; k < j; k++) this.queue[k] = chosen(this.queue[k]);
    this.settle();
  }
  clear() { // the songs that the listener chose; recommendations follow
    const gone = this.queue.filter((item, i) => i > this.at && !item.auto);
    if (!gone.length) return;
    this.cleared = gone;
    this.queue = this.queue.filter((item) => !gone.includes(item));
    this.extend();
    this.settle();
  }
  unclear() {
    this.queue.splice(this.at + 1, 0, ...(this.cleared ?? []));
    this.cleared = null;
    this.settle();
  }
  jump(item) { // a row of the panel may show a recommendation that has left the queue since
    let i = this.queue.findIndex(({ key }) => key === item.key);
    if (i === this.at) return;
    this.finish("skip");
    if (i < 0) this.queue.splice(i = this.at + 1, 0, item);
    this.load(i);
    this.extend();
  }
  shuffle({ silent = false } = {}) { // turning it off restores the order of the listener's choices
    this.shuffled = !this.shuffled;
    if (this.shuffled) this.mix();
    else {
      const rest = this.queue.splice(this.at + 1);
      this.queue.push(...rest.filter((item) => !item.auto).sort((a, b) => (a.place ?? 0) - (b.place ?? 0)), ...rest.filter((item) => item.auto));
    }
    if (!silent) this.say(this.shuffled ? gettext("Shuffle is on") : gettext("Shuffle is off"));
    this.settle();
  }
  mix() {
    const rest = this.queue.splice(this.at + 1), chosen = rest.filter((item) => !item.auto).map((item, i) => ({ ...item, place: i + 1 }));
    for (let i = chosen.length - 1; i > 0; i--) { const j = Math.floor(Math.random() * (i + 1)); [chosen[i], chosen[j]] = [chosen[j], chosen[i]]; }
    this.queue.push(...chosen, ...rest.filter((item) => item.auto));
  }
  turnRepeat() { this.repeat = /** @type {const} */ ({ off: "all", all: "one", one: "off" })[this.repeat]; this.settle(); }
  settle() { this.save(); this.changed(); }

  // --- recommendations
  refresh() { // one request after the other, so that no older answer replaces a newer one
    this.refreshing = this.refreshing.catch(() => false).then(() => this.readUpcoming());
    return this.refreshing;
  }
  async readUpcoming() {
    let answer;
    try { answer = await fetch("/api/upcoming", { signal: AbortSignal.timeout(ASKING_MS) }); } catch { return false; }
    const upcoming = answer.ok ? await answer.json().catch(() => null) : null; // null: it has broken off
    if (!upcoming) return false;
    const changed = upcoming.recommendation_id !== this.recommended?.recommendation_id;
    this.recommended = upcoming;
    this.judge(upcoming.opinions);
    return changed;
  }
  judge(opinions) { // the opinions of the server, with those that still wait in the outbox
    this.opinions = { ...opinions };
    for (const { type, track_id: id } of this.outbox.waiting()) {
      if (type === "like" || type === "dislike") this.opinions[id] = type;
      else if (type.startsWith("un") && this.opinions[id] === type.slice(2)) delete this.opinions[id];
    }
    this.changed();
  }
  fresh() {
    const kept = this.queue.filter((item, i) => (i <= this.at ? i >= this.at - 30 : !item.auto));
    const taken = new Set(kept.map((item) => item.id)), former = new Map(this.queue.slice(this.at + 1).filter((item) => item.auto).map((item) => [item.id, item.key]));
    const free = (this.recommended?.items ?? []).filter((item) => !taken.has(item.id) && !this.unwanted.has(item.id) && this.opinions[item.id] !== "dislike");
    return free.slice(0, AHEAD).map((item) => ({ ...item, key: former.get(item.id) ?? `${item.id}-${uuid()}`, auto: true }));
  }
  async extend() { // keeps the listener's choices and replaces the recommendations after them
    if (this.radio) return this.tune();
    if (!this.recommended) await this.refresh();
    if (this.repeat === "all" && this.queue.some((item) => !item.auto)) return;
    this.queue = [...this.queue.filter((item, i) => i <= this.at || !item.auto), ...this.fresh()];
    this.settle();
  }
  async replan() { // after Kafka has a signal: poll until the recommendations reflect it
    const asked = this.asked = performance.now();
    for (const ms of [150, 150, 200, 200, 300, 500, 1000, 1500, 3000, 5000]) {
      await new Promise((done) => setTimeout(done, ms));
      if (this.asked !== asked) return; // a newer signal has started to poll
      if (await this.refresh()) {
        this.replanned = { ms: Math.round(performance.now() - asked), at: Date.now() };
        await this.extend();
        this.listeners("replanned");
        return;
      }
    }
  }
  async playRecommended() {
    await this.refresh();
    const items = this.fresh();
    if (!items.length) return this.say(gettext("There is no music here yet"));
    this.play(items.slice(0, 1), 0);
  }

  // --- state that survives a reload of the tab
  save() {
    this.persist();
    this.shared.keep();
  }
  persist() {
    const kept = { tag: this.tag, queue: this.queue.slice(Math.max(0, this.at - 30)), at: Math.min(this.at, 30), position: this.position,
      volume: this.volume, muted: this.audio.muted, repeat: this.repeat, radio: this.radio, shuffled: this.shuffled, shared: this.shared.memory(), secret: [...this.private.songs] };
    try { sessionStorage.setItem("segue.player", JSON.stringify(kept)); localStorage.setItem("segue.volume", String(this.volume)); } catch { /* storage is blocked: nothing is kept */ }
  }
  restore() {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem("segue.player") ?? "null"); this.volume = Number(localStorage.getItem("segue.volume") ?? 1); } catch { /* storage is blocked or malformed */ }
    if (!kept || kept.tag !== this.tag) return this.shared.restore();
    this.volume = kept.volume ?? this.volume;
    this.audio.muted = kept.muted;
    this.queue = kept.queue;
    this.repeat = kept.repeat ?? "off";
    this.radio = kept.radio ?? null;
    this.shuffled = kept.shuffled ?? false;
    this.private.songs = new Set(kept.secret ?? []);
    if (kept.at < 0) return;
    this.load(kept.at, { play: false, from: kept.position });
    this.shared.remember(kept.shared);
    this.shared.look();
  }
}
