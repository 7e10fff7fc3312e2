// Keys for the whole page, except in text fields and controls that use the same keys.
const KEYS = {
  " ": [gettext("Space"), gettext("play or pause"), (e) => e.toggle()],
  ArrowLeft: ["←", gettext("5 s back"), (e) => e.seek(e.position - 5000)],
  ArrowRight: ["→", gettext("5 s forward"), (e) => e.seek(e.position + 5000)],
  n: ["N", gettext("next"), (e) => e.next()],
  p: ["P", gettext("previous"), (e) => e.previous()],
  m: ["M", gettext("mute"), (e) => { e.muted = !e.muted; }],
  l: ["L", gettext("like"), (e) => e.opinion("like")],
  q: ["Q", gettext("queue"), () => dispatchEvent(new CustomEvent("segue:panel", { detail: "queue" }))],
  "/": ["/", gettext("search"), () => {
    if (!dispatchEvent(new CustomEvent("segue:search", { cancelable: true }))) return; // the page has the field
    window.__segueSeeks = true;
    visit("/search");
  }],
  "?": ["?", gettext("these keys"), () => dispatchEvent(new CustomEvent("segue:panel", { detail: "keys" }))],
};
const WRITES = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], [role=combobox], [role=listbox], [role=option], [role=textbox]";
const PRESSES = "button, a, summary, [role=button], [role=tab], [role=checkbox], [role=menuitem], [role=radio]";
const MOVES = "input, [role=slider], [role=tab], [role=tablist], [role=radio], [role=menu]";

const bindKeys = (engine) => addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const key = KEYS[event.key] ? event.key : event.key.toLowerCase();
  if (!KEYS[key]) return;
  const at = event.composedPath()[0];
  if (at instanceof Element && (at.closest(WRITES) || (key === " " && at.closest(PRESSES)) || (key.startsWith("Arrow") && at.closest(MOVES)))) return;
  event.preventDefault();
  KEYS[key][2](engine);
}, true);
