// A radio: what follows the song it began with is like it, for as long as it is left on.
Object.assign(Engine.prototype, {
  startRadio(item) {
    if (this.current?.id === item.id && this.begun) { // it goes on from the song that sounds
      this.queue = this.queue.slice(0, this.at + 1);
    } else {
      this.play([{ ...item, source: "radio", rec: undefined }], 0);
    }
    this.radio = { id: item.id, title: item.title };
    this.queue = this.queue.filter((one, i) => i <= this.at || !one.auto);
    this.say(`Radio from ${item.title}`);
    this.tune();
  },
  async tune() {
    const radio = this.radio, planned = this.queue.slice(this.at + 1);
    if (planned.length >= AHEAD / 2 && planned.every((one) => one.source === "radio" || !one.auto)) return this.settle();
    const kept = this.queue.filter((one, i) => i <= this.at || !one.auto || one.source === "radio");
    const after = kept.map((one) => one.id).slice(-100).join(",");
    let found;
    try {
      const answer = await fetch(`/api/radio/${encodeURIComponent(radio.id)}?after=${encodeURIComponent(after)}`);
      if (answer.status === 404) { this.radio = null; this.say("This song is newer than the index: no radio yet"); return this.extend(); }
      if (!answer.ok) return;
      found = (await answer.json()).items;
    } catch { return; } // the next song asks again
    if (this.radio !== radio) return; // another was chosen meanwhile
    const kinds = this.queue.filter((one, i) => i <= this.at || !one.auto || one.source === "radio");
    if (kinds.map((one) => one.id).slice(-100).join(",") !== after) return this.tune(); // so was the queue
    this.queue = [...kinds, ...found.map((one) => ({ ...one, key: `${one.id}-${uuid()}`, auto: true }))];
    this.settle();
  },
});
