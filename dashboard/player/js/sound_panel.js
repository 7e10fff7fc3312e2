// The panel of the sound: even loudness and crossfade, kept in this browser.
const LOUDNESS = [["track", gettext("Each song equally loud")], ["album", gettext("Each album equally loud")], ["off", gettext("As recorded")]];
const seconds = (value) => (value ? gettext("{seconds} s", { seconds: value }) : gettext("off"));

const drawSound = (bar, close) => {
  const { settings, sound } = bar.engine;
  if (bar.panel.querySelector(".sound")) return;
  const loudness = h("select", { id: "segue-loudness", onchange: () => settings.choose({ evenness: loudness.value }) },
    ...LOUDNESS.map(([value, text]) => h("option", { value, selected: value === settings.evenness }, text)));
  const said = h("output", { for: "segue-crossfade" }, seconds(settings.crossfade));
  const crossfade = h("input", { type: "range", id: "segue-crossfade", min: 0, max: LONGEST_CROSSFADE, step: 1, value: settings.crossfade,
    "aria-valuetext": seconds(settings.crossfade),
    oninput: () => { show(); settings.choose({ crossfade: Number(crossfade.value) }); } });
  const show = () => {
    said.textContent = seconds(Number(crossfade.value));
    crossfade.setAttribute("aria-valuetext", said.textContent);
    fill(crossfade, crossfade.value / LONGEST_CROSSFADE);
  };
  show();
  bar.panel.replaceChildren(h("header", {}, h("h2", {}, gettext("Sound")), close),
    h("div", { class: "sound" },
      h("label", { for: "segue-loudness" }, gettext("Loudness")), loudness,
      h("label", { for: "segue-crossfade" }, gettext("Crossfade")), h("span", { class: "pair" }, crossfade, said),
      h("p", { class: "empty" }, sound.decodes
        ? gettext("Songs of an album are never crossfaded: they follow each other without a gap.")
        : gettext("This browser plays one song after the other, without crossfade, and makes songs only quieter."))));
};
