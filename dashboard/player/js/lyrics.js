// The panel of lyrics. Where the lines have times, the present one is marked, and a click on a line plays from there.
const drawLyrics = async (bar, close) => {
  const e = bar.engine, item = e.current, say = (text) => h("p", { class: "empty", role: "status" }, text);
  if (bar.panel.querySelector(".lyrics") && bar.lyricsOf === item?.id) return;
  bar.lyricsOf = item?.id;
  const list = h("div", { class: "rows lyrics", tabindex: 0, role: "region", "aria-label": gettext("Lines") }, say(item ? gettext("Looking for lyrics…") : gettext("Nothing is playing")));
  bar.panel.replaceChildren(h("header", {}, h("h2", {}, item ? gettext("Lyrics of {title}", { title: item.title }) : gettext("Lyrics")), close), list);
  if (!item) return;
  let versions = null;
  try {
    const answer = await fetch(`/api/tracks/${encodeURIComponent(item.id)}/lyrics`);
    versions = answer.ok ? (await answer.json()).versions : [];
  } catch { /* the panel states it */ }
  if (!list.isConnected || bar.lyricsOf !== item.id) return; // another song or panel by now
  const best = versions?.find(({ synced }) => synced) ?? versions?.[0];
  if (!best) { list.replaceChildren(say(versions ? gettext("There are no lyrics for this song.") : gettext("The server does not respond. Open the panel again."))); return; }
  list.lang = best.language === "und" ? "" : best.language;
  list.replaceChildren(...best.lines.map(({ text, start_ms: ms }) => (ms === undefined
    ? h("p", { class: "verse" }, text || " ")
    : h("button", { type: "button", class: "verse", dir: "auto", "data-ms": ms, onclick: () => e.seek(ms) }, text || "· · ·"))));
  followLyrics(bar);
};

const followLyrics = (bar) => {
  const list = bar.panel.querySelector(".lyrics");
  if (!list || bar.panel.hidden) return;
  const sung = [...list.querySelectorAll("[data-ms]")].findLast((verse) => Number(verse.dataset.ms) <= bar.engine.position);
  const before = list.querySelector(".sung");
  if (!sung || sung === before) return;
  before?.classList.remove("sung");
  before?.removeAttribute("aria-current");
  sung.classList.add("sung");
  sung.setAttribute("aria-current", "true");
  if (bar.still.inUse) return; // the listener reads elsewhere
  list.scrollTo({ top: sung.offsetTop - list.offsetTop - list.clientHeight / 2, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
};
