// The "…" menu of a song: radio, queue, playlists, artist, album, map.
const post = (path, body) => fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

const showMenu = (anchor, item) => {
  const root = anchor.getRootNode();
  root.querySelector(".menu")?.remove();
  const menu = h("div", { class: "menu", role: "menu", popover: "auto", "aria-label": item.title });
  const close = () => { menu.remove(); anchor.focus({ preventScroll: true }); };
  const entry = (name, text, onclick) => h("button", { type: "button", role: "menuitem", onclick }, icon(name), h("span", { dir: "auto" }, text));
  const say = (text) => engineHere()?.say(text);
  const goes = (page, named) => () => { close(); visit(address(page, named)); };

  const added = async (answer, name) => {
    const fault = answer.ok ? null : await answer.text();
    close();
    say(answer.ok ? gettext("{title} was added to {playlist}", { title: item.title, playlist: name }) : answer.status === 422 ? fault : gettext("Something went wrong. Try again."));
  };
  const toPlaylist = async () => {
    menu.replaceChildren(h("p", {}, gettext("Add to")));
    let playlists = [];
    try { playlists = await (await fetch("/api/playlists")).json(); } catch { close(); return say(gettext("The server does not respond")); }
    const field = h("input", { type: "text", maxlength: 100, placeholder: gettext("New playlist"), "aria-label": gettext("Name of a new playlist") });
    const form = h("form", { onsubmit: async (event) => {
      event.preventDefault();
      if (field.value.trim()) await added(await post("/api/playlists", { name: field.value, tracks: [item.id] }), field.value.trim());
    } }, field, h("button", { type: "submit", class: "send", "aria-label": gettext("Create the playlist") }, icon("add")));
    menu.append(h("div", { class: "names" }, ...playlists.map((playlist) => entry("queue", playlist.name, async () =>
      added(await post(`/api/playlists/${playlist.id}/tracks`, { tracks: [item.id] }), playlist.name)))), form);
    place();
    (playlists.length ? menu.querySelector("button") : field).focus();
  };
  const place = () => {
    const at = anchor.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: tall } = menu;
    menu.style.left = `${Math.max(8, Math.min(at.right - wide, innerWidth - wide - 8))}px`;
    menu.style.top = `${at.bottom + tall + 8 > innerHeight ? Math.max(8, at.top - tall - 4) : at.bottom + 4}px`;
  };

  menu.append(entry("radio", gettext("Start a radio"), () => { close(); engineHere()?.startRadio(item); }),
    entry("playnext", gettext("Play next"), () => { close(); engineHere()?.playNext(item); }),
    entry("add", gettext("Add to the queue"), () => { close(); engineHere()?.add(item); }),
    entry("queue", gettext("Add to a playlist"), toPlaylist));
  const disliked = engineHere()?.opinions[item.id] === "dislike";
  menu.append(entry("notforme", disliked ? gettext("Remove the dislike") : gettext("Dislike"), () => {
    close();
    const engine = engineHere();
    engine?.opinion("dislike", item.id === engine.current?.id ? undefined : item);
  }));
  if (item.artist) menu.append(entry("artist", gettext("Go to the artist"), goes("artist", { name: item.artist })));
  if (item.artist && item.album) menu.append(entry("album", gettext("Go to the album"), goes("album", { artist: item.artist, name: item.album })));
  menu.append(entry("map", gettext("Show on the map"), goes("map", { id: item.id })));
  menu.addEventListener("toggle", (event) => { if (event.newState === "closed") menu.remove(); });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation(); // the player's keys are off while a menu is open
    if (!step) return;
    event.preventDefault();
    const all = [...menu.querySelectorAll("button[role=menuitem], input")], now = all.indexOf(root.activeElement);
    all[(now + step + all.length) % all.length]?.focus();
  });
  (anchor.closest(".tracks, .map, .upload") ?? root).append(menu);
  menu.showPopover();
  place();
  menu.querySelector("button").focus({ preventScroll: true });
};
