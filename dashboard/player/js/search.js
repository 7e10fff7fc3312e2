// The search: results appear while the listener types. The address follows, so that Back returns to the results.
const AFTER_MS = 120, SONGS = 50;

class Search {
  constructor(root, query) {
    this.root = root;
    this.input = h("input", { type: "search", class: "field", placeholder: gettext("Title, artist, album or genre"), "aria-label": gettext("Search"),
      maxlength: 200, autocomplete: "off", spellcheck: "false", oninput: () => this.typed(), value: query });
    this.status = h("p", { class: "found", role: "status" });
    this.pages = h("div", { class: "entries shelf" });
    this.songs = h("div", { class: "tracks list none" });
    this.more = h("button", { type: "button", class: "further", hidden: true, onclick: () => { this.limit *= 2; this.ask(); } }, gettext("Show more"));
    root.replaceChildren(h("div", { role: "search" }, this.input), this.status, this.pages, this.songs, this.more);
    root.addEventListener("keydown", (event) => this.key(event));
    this.limit = SONGS;
    if (query) this.ask();
    else if (window.__segueSeeks) this.input.focus();
    window.__segueSeeks = false;
  }
  get query() { return this.input.value.trim(); }
  typed() {
    this.limit = SONGS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      history.replaceState(history.state, "", this.query ? address("search", { query: this.query }) : "/search");
      this.ask();
    }, AFTER_MS);
  }
  async ask() {
    this.asked?.abort();
    const asked = this.asked = new AbortController(), { query } = this;
    if (!query) return this.show({ songs: [], total: 0, artists: [], albums: [], playlists: [] });
    try {
      const answer = await fetch(`/api/search?${new URLSearchParams({ q: query, songs: this.limit })}`, { signal: asked.signal });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (this.asked === asked) this.show(found);
    } catch (error) {
      if (error.name !== "AbortError" && this.asked === asked) this.status.textContent = gettext("The server does not respond. Type again to repeat the search.");
    }
  }
  show({ songs, total, artists, albums, playlists }) {
    const pages = [
      ...artists.map(({ name, cover }) => ({ name, cover, note: gettext("Artist"), href: address("artist", { name }) })),
      ...albums.map(({ id, name, artist, cover }) => ({ name, cover, note: gettext("Album · {artist}", { artist }), href: address("album", { id }) })),
      ...playlists.map(({ id, name, tracks }) => ({ name, cover: null, note: ngettext("Playlist · {count} song", "Playlist · {count} songs", tracks), href: address("playlists", { id }) }))];
    this.pages.replaceChildren(...pages.map(entry));
    this.pages.hidden = !pages.length;
    this.songs.__data = { items: songs, layout: "list", whole: true };
    this.songs.classList.toggle("none", !songs.length);
    draw(this.songs, this.songs.__data);
    chooseIn(this.songs);
    mark(this.songs);
    this.more.hidden = songs.length >= total;
    const count = ngettext("{count} song", "{count} songs", total);
    this.status.textContent = !this.query ? "" : !total && !pages.length ? gettext("No results for “{query}”.", { query: this.query }) : songs.length < total ? gettext("{shown} of {total} songs", { shown: songs.length, total }) : count;
  }
  key(event) { // the arrows move from the field through the results
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], at = this.root.getRootNode().activeElement;
    if (!step || this.root.querySelector(".menu")) return;
    const all = [this.input, ...this.root.querySelectorAll("a.title")], now = all.indexOf(at);
    if (now < 0) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, now + step))].focus();
  }
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".search");
  root.__search ??= new Search(root, data.query);
  const search = root.__search;
  if (root.__query !== undefined && data.query !== root.__query && data.query !== search.query) { // Back or a link
    search.input.value = data.query;
    search.ask();
  }
  root.__query = data.query;
  root.__off?.();
  const update = () => mark(search.songs), focus = (event) => { event.preventDefault(); search.input.focus(); search.input.select(); };
  addEventListener("segue:state", update);
  addEventListener("segue:search", focus);
  return (root.__off = () => { removeEventListener("segue:state", update); removeEventListener("segue:search", focus); });
}
