// The menu of a song, of several songs, or of an album and the like: the queue, playlists, opinions, pages.
const post = (path, body, method = "POST") => fetch(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

const PER_REQUEST = 500; // the songs that one request adds to a playlist

// Adds songs to a playlist, or to a new one of that name; says how it went.
const addToPlaylist = async (items, { id, name }) => {
  const say = (text) => engineHere()?.say(text);
  try {
    const ids = items.map((item) => item.id);
    let to = id, answer;
    for (let first = 0; first < Math.max(1, ids.length); first += PER_REQUEST) {
      const tracks = ids.slice(first, first + PER_REQUEST);
      answer = await (to ? post(`/api/playlists/${to}/tracks`, { tracks }) : post("/api/playlists", { name, tracks }));
      if (!answer.ok) { say(answer.status === 422 ? await answer.text() : gettext("Something went wrong. Try again.")); return; }
      if (!to) to = (await answer.json()).id;
    }
    say(items.length === 1 ? gettext("{title} was added to {playlist}", { title: items[0].title, playlist: name })
      : ngettext("{count} song was added to {playlist}", "{count} songs were added to {playlist}", items.length, { playlist: name }));
  } catch { say(gettext("The server does not respond")); }
};

// `subject`: { title, songs: () => items or a promise, item: the song if it is a single one, others: more entries }.
const showMenu = (anchor, subject, at) => {
  const root = anchor.getRootNode();
  root.querySelector(".menu")?.remove();
  const { title, item, others = [] } = subject, say = (text) => engineHere()?.say(text);
  const menu = h("div", { class: "menu", role: "menu", popover: at?.touch ? "manual" : "auto", "aria-label": title });
  const close = () => { menu.remove(); (anchor.matches("button, a") ? anchor : anchor.querySelector("a, button"))?.focus({ preventScroll: true }); };
  const entry = (name, text, onclick) => h("button", { type: "button", role: "menuitem", onclick }, icon(name), h("span", { dir: "auto" }, text));
  const goes = (page, named) => () => { close(); visit(address(page, named)); };
  const withSongs = (does) => async () => {
    close();
    const engine = engineHere(), items = await Promise.resolve(subject.songs()).catch(() => null);
    if (!items) say(gettext("The server does not respond"));
    else if (engine && items.length) does(engine, items);
    else say(gettext("There are no songs."));
  };

  const toPlaylist = async () => {
    menu.replaceChildren(h("p", {}, gettext("Add to")));
    let playlists = [];
    try { playlists = (await (await fetch("/api/playlists")).json()).filter((one) => !one.by_rules); } catch { close(); return say(gettext("The server does not respond")); }
    const field = h("input", { type: "text", maxlength: 100, placeholder: gettext("New playlist"), "aria-label": gettext("Name of a new playlist") });
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      const name = field.value.trim();
      if (name) withSongs((_, items) => addToPlaylist(items, { name }))();
    } }, field, h("button", { type: "submit", class: "send", "aria-label": gettext("Create the playlist") }, icon("add")));
    menu.append(h("div", { class: "names" }, ...playlists.map((playlist) => entry("queue", playlist.name, withSongs((_, items) => addToPlaylist(items, playlist))))), form);
    place();
    (playlists.length ? menu.querySelector("button") : field).focus();
  };
  const place = () => {
    const box = at ? { right: at.x + menu.offsetWidth, top: at.y, bottom: at.y } : anchor.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: tall } = menu;
    menu.style.left = `${Math.max(8, Math.min(box.right - wide, innerWidth - wide - 8))}px`;
    menu.style.top = `${box.bottom + tall + 8 > innerHeight ? Math.max(8, box.top - tall - 4) : box.bottom + 4}px`;
  };

  if (item) menu.append(entry("radio", gettext("Start a radio"), () => { close(); engineHere()?.startRadio(item); }));
  else {
    menu.append(entry("play", gettext("Play"), withSongs((e, items) => e.playAll(items))),
      entry("shuffle", gettext("Shuffle"), withSongs((e, items) => e.playAll(items, { shuffled: true }))));
  }
  menu.append(entry("playnext", gettext("Play next"), withSongs((e, items) => e.playNext(...items))),
    entry("add", gettext("Add to the queue"), withSongs((e, items) => e.add(...items))),
    entry("queue", gettext("Add to a playlist"), toPlaylist));
  if (item) {
    const disliked = engineHere()?.opinions[item.id] === "dislike";
    menu.append(entry("notforme", disliked ? gettext("Remove the dislike") : gettext("Dislike"), () => {
      close();
      const engine = engineHere();
      engine?.opinion("dislike", item.id === engine.current?.id ? undefined : item);
    }));
    if (item.artist) menu.append(entry("artist", gettext("Go to the artist"), goes("artist", { name: item.artist })));
    if (item.artist && item.album) menu.append(entry("album", gettext("Go to the album"), goes("album", { artist: item.artist, name: item.album })));
    menu.append(entry("map", gettext("Show on the map"), goes("map", { id: item.id })));
  }
  for (const [name, text, does] of others) menu.append(entry(name, text, () => { close(); does(); }));
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed") menu.remove(); });
  if (at?.touch) { // the browser would close an automatic one as soon as the finger that opened it is lifted
    const outside = (event) => {
      if (menu.isConnected && event.composedPath().includes(menu)) return;
      menu.remove();
      document.removeEventListener("pointerdown", outside, true);
    };
    document.addEventListener("pointerdown", outside, true);
  }
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); close(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation(); // the player's keys are off while a menu is open
    if (!step) return;
    event.preventDefault();
    const all = [...menu.querySelectorAll("button[role=menuitem], input")], now = all.indexOf(root.activeElement);
    all[(now + step + all.length) % all.length]?.focus();
  });
  (anchor.closest(".tracks, .entries, .map, .upload") ?? root).append(menu);
  menu.showPopover();
  place();
  menu.querySelector("button").focus({ preventScroll: true });
};

// The songs of an album, an artist, a playlist or a genre.
const songsOf = async (show, id) => {
  const answer = await fetch(`/api/library/songs?${new URLSearchParams({ show, id })}`);
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).items;
};
