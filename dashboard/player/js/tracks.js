// Tracks as cards or rows. Playing and queueing go directly to the engine; only opening a page reaches the server.
const seen = (window.__segueSeen ??= new Set());

// All songs of lists that belong together, such as the discs of an album, by name; see collection.js.
const together = (window.__segueTogether ??= new Map());

const engineHere = () => window.__segue;
const playFrom = (data, item) => {
  const engine = engineHere();
  if (!engine) return;
  if (engine.current?.id === item.id) return engine.toggle();
  if (data.whole) {
    const items = together.get(data.together) ?? data.items, index = items.indexOf(item); // an item of an earlier run is found by id
    return playWindow(engine, items, index < 0 ? items.findIndex(({ id, place }) => id === item.id && place === item.place) : index);
  }
  engine.play([item], 0); // a recommendation: others follow
};

// A long list is queued around the song only.
const BEFORE = 50, AFTER = 450;
const playWindow = (engine, items, index) => {
  const first = Math.max(0, index - BEFORE);
  engine.play(items.slice(first, index + AFTER), index - first);
};

const tools = (item, root) => h("span", { class: "tools" },
  ...(root.__data.edit ? editing(item, root) : []),
  button("playnext", gettext("Play {title} next", { title: item.title }), () => engineHere()?.playNext(item), { class: "roomy" }),
  button("add", gettext("Add {title} to the queue", { title: item.title }), () => engineHere()?.add(item), { class: root.__data.edit ? "roomy" : null }),
  button("heartline", gettext("Like {title}", { title: item.title }), () => engineHere()?.opinion("like", item.id === engineHere().current?.id ? undefined : item), { class: "like" }),
  button("more", gettext("More options for {title}", { title: item.title }), ({ currentTarget: anchor }) => showMenu(anchor, root.__selection?.subject(anchor.closest("[data-id]")) ?? { title: item.title, item, songs: () => [item] }), { class: "more", "aria-haspopup": "menu" }));

const editing = (item, root) => { // a playlist of the listener; `place` is the song's position on the server
  const here = (event) => [event.currentTarget.closest("article")], last = root.__data.items.length - 1;
  return [button("up", gettext("Move {title} up", { title: item.title }), (event) => root.__move(here(event), -1), { disabled: item.place === 0, "data-way": "up" }),
    button("down", gettext("Move {title} down", { title: item.title }), (event) => root.__move(here(event), 1), { disabled: item.place >= last, "data-way": "down" }),
    button("close", gettext("Remove {title}", { title: item.title }), (event) => root.__remove(here(event)), { class: "roomy" })];
};

const named = (item) => linkTo(address("track", { id: item.id }), { class: "title", dir: "auto", title: item.title }, item.title);

const card = (root, item) => choosable(h("article", { class: "card", "data-id": item.id },
  h("div", { class: "frame" }, picture(item.cover, item.album ?? item.title), button("play", gettext("Play {title}", { title: item.title }), () => playFrom(root.__data, item), { class: "go" }), tools(item, root)),
  named(item), h("div", { class: "artist", dir: "auto" }, [item.artist, item.genre].filter(Boolean).join(" · ")),
  item.why ? h("div", { class: "why", dir: "auto", title: item.why }, item.why) : null,
  item.score === undefined ? null : h("div", { class: "score", title: gettext("similarity: {score}", { score: number(item.score, { maximumFractionDigits: 2 }) }) }, h("i", { style: `width:${Math.round(100 * Math.max(0, Math.min(1, item.score)))}%` }))), item);

const row = (root, item) => choosable(h("article", { class: "row", "data-id": item.id },
  h("div", { class: item.number ? "frame numbered" : "frame" }, item.number ? h("span", { class: "number" }, item.number) : picture(item.cover, item.album ?? item.title), button("play", gettext("Play {title}", { title: item.title }), () => playFrom(root.__data, item), { class: "go" })),
  h("div", { class: "names" }, named(item), h("div", { class: "artist", dir: "auto" }, [item.artist, item.album].filter(Boolean).join(" · ")),
    item.why ? h("div", { class: "why", dir: "auto", title: item.why }, item.why) : null),
  h("span", { class: "genre" }, item.genre ?? ""), item.note ? h("span", { class: `note ${item.tone ?? ""}` }, item.note) : null,
  h("span", { class: "time" }, item.duration ? clock(item.duration) : ""), tools(item, root)), item);

const mark = (root) => { // mark the playing track and the liked tracks
  const engine = engineHere();
  if (!engine) return;
  for (const element of root.querySelectorAll("[data-id]")) {
    const now = element.dataset.id === engine.current?.id, title = element.querySelector(".title").textContent;
    element.classList.toggle("now", now);
    element.classList.toggle("sounds", now && engine.playing);
    setIcon(element.querySelector(".go"), now && engine.playing ? "pause" : "play", now && engine.playing ? gettext("Pause {title}", { title }) : gettext("Play {title}", { title }));
    const liked = engine.opinions[element.dataset.id] === "like";
    setIcon(element.querySelector(".like"), liked ? "heart" : "heartline", liked ? gettext("Remove the like of {title}", { title }) : gettext("Like {title}", { title }));
    element.querySelector(".like").classList.toggle("on", liked);
  }
};

const watchImpressions = (root, items) => { // an impression: half of a track is visible for a second
  const timers = new Map();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(timers.get(target));
      const item = items.find((candidate) => candidate.id === target.dataset.id), name = `${item?.rec?.id} ${item?.id}`;
      if (isIntersecting && item?.rec && !seen.has(name)) {
        timers.set(target, setTimeout(() => { if (engineHere() && !document.hidden) { seen.add(name); engineHere().emit("impression", item); } }, 1000));
      }
    }
  }, { threshold: 0.5 });
  for (const element of root.querySelectorAll("[data-id]")) observer.observe(element);
  return () => { observer.disconnect(); for (const timer of timers.values()) clearTimeout(timer); };
};

const drawnOf = (data, item) => JSON.stringify([data.layout, data.whole, item]);

const draw = (root, data) => { // unchanged elements stay in the page, so that covers do not flicker and focus is kept
  const former = new Map([...root.children].map((element) => [element.dataset.drawn, element]));
  root.replaceChildren(...data.items.map((item) => {
    const drawn = drawnOf(data, item);
    const kept = former.get(drawn);
    former.delete(drawn);
    const element = kept ?? (data.layout === "list" ? row : card)(root, item);
    element.dataset.drawn = drawn;
    element.__item = item;
    element.classList.toggle("new", !kept && Boolean(data.fresh?.includes(item.id)));
    return element;
  }));
};
