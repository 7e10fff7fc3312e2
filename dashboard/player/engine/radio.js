// A radio: an endless queue of songs near a seed song.
import { uuid } from "./ids.js";
import { AHEAD, Queue } from "./queue.js";
export class Radio extends Queue {
  startRadio(item) {
    if (this.current?.id === item.id && this.begun) { // keep the song that is playing
      this.queue = this.queue.slice(0, this.at + 1);
    } else {
      this.play([{ ...item, source: "radio", rec: undefined }], 0);
    }
    this.radio = { id: item.id, title: item.title };
    this.queue = this.queue.filter((item, i) => i <= this.at || !item.auto);
    this.say(gettext("Radio from {title}", { title: item.title }));
    this.tune();
  }
  stopRadio() { // the present song plays on, and recommendations follow
    this.radio = null;
    this.queue = this.queue.filter((item, i) => i <= this.at || !item.auto);
    this.extend();
    this.settle();
  }
  async tune() {
    const { radio } = this;
    if (!radio) return;
    const planned = this.queue.slice(this.at + 1);
    if (planned.length >= AHEAD / 2 && planned.every((item) => item.source === "radio" || !item.auto)) return this.settle();
    const kept = this.queue.filter((item, i) => i <= this.at || !item.auto || item.source === "radio");
    const after = kept.map((item) => item.id).slice(-100).join(",");
    let next;
    try {
      const answer = await fetch(`/api/radio/${encodeURIComponent(radio.id)}?after=${encodeURIComponent(after)}`);
      if (answer.status === 404) { this.radio = null; this.say(gettext("There is no radio yet: the song is newer than the index")); return this.extend(); }
      if (!answer.ok) return;
      next = (await answer.json()).items;
    } catch { return; } // retried with the next song
    if (this.radio !== radio) return; // another radio was started meanwhile
    const kinds = this.queue.filter((item, i) => i <= this.at || !item.auto || item.source === "radio");
    if (kinds.map((item) => item.id).slice(-100).join(",") !== after) return this.tune(); // the queue has changed meanwhile
    this.queue = [...kinds, ...next.map((item) => ({ ...item, key: `${item.id}-${uuid()}`, auto: true }))];
    this.settle();
  }
}
