// The queue's panel: the current song with a spectrum, the listener's choices, then recommendations.
const visualise = (bar, canvas) => {
  const engine = bar.engine;
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const { analyser } = engine.sound;
  if (!analyser) return; // only where the browser lets the sound through a context
  const bins = new Uint8Array(analyser.frequencyBinCount), paint = canvas.getContext("2d");
  const draw = () => {
    if (!canvas.isConnected) return;
    analyser.getByteFrequencyData(bins);
    const { width, height } = canvas, n = 40, w = width / n;
    paint.clearRect(0, 0, width, height);
    paint.fillStyle = getComputedStyle(canvas).color;
    for (let i = 0; i < n; i++) {
      const bin = Math.floor(((i / n) ** 1.6) * bins.length * 0.8);
      const tall = Math.max(2, (bins[bin] / 255) ** 2 * height);
      paint.fillRect(i * w + 1, height - tall, w - 2, tall);
    }
    bar.frame = requestAnimationFrame(draw);
  };
  cancelAnimationFrame(bar.frame);
  draw();
};

// Changes of the listener appear at once. New recommendations wait while the list is in use.
const drawQueue = (bar, close) => {
  const e = bar.engine, rest = e.queue.slice(e.at + 1);
  const keys = (auto) => rest.filter((item) => Boolean(item.auto) === auto).map((item) => item.key);
  const own = JSON.stringify([e.at, e.current?.key, keys(false), e.opinions[e.current?.id], e.shuffled, e.repeat, e.muted, e.sleep, e.private.on, Boolean(e.cleared), e.radio?.id]), whole = JSON.stringify([own, keys(true)]);
  const rows = bar.panel.querySelector(".rows:not(.lyrics)");
  if (rows && bar.drawn?.whole === whole) return;
  const show = () => { if (bar.view !== "queue") return; bar.drawn = { own, whole }; fillQueue(bar, close, rest); };
  if (rows && bar.drawn?.own === own && !bar.acting) {
    bar.still.show(show);
  } else {
    bar.still.waiting = null;
    show();
  }
};

const heading = (engine, acts) => (engine.radio
  ? h("div", { class: "tuned" }, h("h3", {}, gettext("Radio from {title}", { title: engine.radio.title })), h("button", { type: "button", "data-focus": "radio", onclick: acts(() => engine.stopRadio()) }, gettext("Stop the radio")))
  : h("h3", {}, gettext("Planned for you")));

const repeatLabel = (engine) => ({ off: gettext("Repeat: off"), all: gettext("Repeat: all"), one: gettext("Repeat: one") })[engine.repeat];

// The controls for which a narrow bar has no room.
const narrow = (bar, acts) => {
  const e = bar.engine, { title } = e.current, disliked = e.opinions[e.current.id] === "dislike", { muted } = e;
  const toggle = (name, label, on, does) => button(name, label, acts(does), { class: on ? "on" : null, "aria-pressed": String(on), "data-focus": name });
  return h("div", { class: "narrow", role: "group", "aria-label": gettext("More controls for {title}", { title }) },
    toggle("shuffle", gettext("Shuffle"), e.shuffled, () => e.shuffle()),
    button("previous", gettext("Previous"), acts(() => e.previous()), { "data-focus": "previous" }),
    toggle("repeat", repeatLabel(e), e.repeat !== "off", () => e.turnRepeat()),
    toggle("notforme", disliked ? gettext("Remove the dislike") : gettext("Dislike and skip"), disliked, () => e.opinion("dislike")),
    toggle(muted ? "muted" : "sound", muted ? gettext("Unmute") : gettext("Mute"), muted, () => { e.muted = !muted; e.changed(); }),
    button("tune", gettext("Sound"), () => bar.show("sound")),
    button("lyrics", gettext("Lyrics"), () => bar.show("lyrics")),
    h("span", { class: "clock" }, gettext("{time} of {length}", { time: clock(e.position), length: clock(e.duration) })));
};

const fillQueue = (bar, close, rest) => {
  const e = bar.engine, item = e.current;
  const acts = (does) => () => { bar.acting = true; try { does(); } finally { bar.acting = false; } };
  const focus = bar.root.getRootNode().activeElement?.dataset?.focus;
  const top = bar.panel.querySelector(".rows")?.scrollTop ?? 0;
  const row = (entry, i, count) => h("li", { class: "row" },
    h("button", { type: "button", class: "go", "aria-label": gettext("Play {title}", { title: entry.title }), onclick: acts(() => e.jump(entry)) }, picture(entry.cover, entry.album ?? entry.title),
      h("span", { class: "names" }, h("span", { class: "title", dir: "auto" }, entry.title), h("span", { class: "artist", dir: "auto" }, entry.why ? `${entry.artist} · ${entry.why}` : entry.artist))),
    h("span", { class: "tools" },
      button("up", gettext("Move {title} up", { title: entry.title }), acts(() => e.move(entry.key, -1)), { disabled: i === 0, "data-focus": `up${entry.id}` }),
      button("down", gettext("Move {title} down", { title: entry.title }), acts(() => e.move(entry.key, 1)), { disabled: i === count - 1, "data-focus": `down${entry.id}` }),
      button("close", gettext("Remove {title}", { title: entry.title }), acts(() => e.remove(entry.key)))));
  const rows = rest.map((entry, i) => row(entry, i, rest.length));
  const chosen = rows.filter((_, i) => !rest[i].auto), planned = rows.filter((_, i) => rest[i].auto);
  const canvas = h("canvas", { width: 320, height: 44, "aria-hidden": "true" });
  const list = h("div", { class: "rows" },
    chosen.length ? h("h3", {}, gettext("In the queue")) : null, chosen.length ? h("ol", {}, ...chosen) : null,
    planned.length ? heading(e, acts) : null, planned.length ? h("ol", {}, ...planned) : null,
    rows.length ? null : h("p", { class: "empty" }, gettext("The queue is empty. Play a song, and recommendations follow.")));
  bar.panel.replaceChildren(h("header", {}, h("h2", {}, item ? gettext("Now playing") : gettext("Queue")), close),
    item ? h("div", { class: "nowplaying" }, picture(item.cover, item.album ?? item.title), h("div", { class: "names" }, h("span", { class: "title", dir: "auto" }, item.title), h("span", { class: "artist", dir: "auto" }, item.artist), canvas)) : "", item ? narrow(bar, acts) : "", list, queueActions(bar, acts));
  list.scrollTop = top;
  if (focus) bar.panel.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  if (item) visualise(bar, canvas);
};
