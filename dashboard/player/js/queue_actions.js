// Actions on the whole queue: clear it, save it as a playlist, play it in private, and stop after a while.
const SLEEPS = [["", gettext("Sleep timer: off")], ...["15", "30", "60"].map((minutes) => [minutes, gettext("Stop in {minutes} minutes", { minutes })]), ["song", gettext("Stop after this song")]];

const queueActions = (bar, acts) => {
  const e = bar.engine, chosen = e.queue.slice(e.at + 1).filter((item) => !item.auto);
  const action = (name, text, does, props = {}) => h("button", { type: "button", "data-focus": text, ...props, onclick: acts(does) }, icon(name), h("span", {}, text));
  const sleep = h("select", { "aria-label": gettext("Sleep timer"), "data-focus": "sleep", onchange: acts(() => e.sleepAfter(sleep.value)) },
    ...SLEEPS.map(([value, text]) => h("option", { value, selected: value === (e.sleep ?? "") }, text)));
  const secret = e.private.on;
  return h("footer", { class: "actions" },
    e.cleared && !chosen.length ? action("back", gettext("Undo"), () => e.unclear()) : action("close", gettext("Clear"), () => e.clear(), { disabled: !chosen.length }),
    action("queue", gettext("Save as a playlist"), () => saveQueue(e), { disabled: !e.current }),
    action("private", gettext("Private session"), () => e.playPrivately(!secret), { "aria-pressed": String(secret), class: secret ? "on" : null, title: gettext("Songs that you play in it leave no trace in your account.") }), sleep);
};

const saveQueue = async (engine) => {
  const day = new Date().toLocaleDateString(SPOKEN, { day: "numeric", month: "long" }), name = gettext("Queue, {day}", { day });
  const tracks = engine.queue.slice(Math.max(0, engine.at)).map((item) => item.id);
  try {
    const answer = await fetch("/api/playlists", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ name, tracks: tracks.slice(0, 500) }) });
    engine.say(answer.ok ? gettext("Saved as “{name}”", { name }) : answer.status === 422 ? await answer.text() : gettext("Something went wrong. Try again."));
  } catch { engine.say(gettext("The server does not respond")); }
};
