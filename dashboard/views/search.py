"""Search by words, with tolerance for typos, by an audio file, or by genre."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.sounding import LARGEST_FILE
from segue.dashboard.text import NO_MUSIC, plain
from segue.dashboard.views import entries, more

_FOUND, _GENRES, _OF_GENRE = 50, 40, 60
"""How many results, genres and songs of a genre the page shows at first."""
_FEW = 5
"""How many artists and albums a search shows at first."""


def show() -> None:
    """A search field, with the matches or the genres below it."""
    catalogue = visit.services().catalogue
    st.title("Search", anchor=False)
    query = st.text_input(
        "Search",
        key="query",
        placeholder="Title, artist, album or genre; typos are tolerated",
        icon=":material/search:",
        label_visibility="collapsed",
        max_chars=200,
        bind="query-params",
    )
    with st.expander("Search with an audio file", icon=":material/graphic_eq:"):
        components.upload(largest=LARGEST_FILE)
    if query.strip():
        place = f"search-{query.strip().casefold()}"
        groups = _show_groups(catalogue, query, place)
        matches = catalogue.search(query, limit=more.asked_for(place, first=_FOUND))
        if matches:
            if groups:
                st.subheader("Songs", anchor=False)
            components.tracks(matches, key="found", layout="list")
            more.offer(place, shown=len(matches), total=matches.total, of="results")
        elif not groups:
            st.info(f"No results for “{query.strip()}”.", icon=":material/search_off:")
        return
    number = more.asked_for("genres", first=_GENRES)
    known = catalogue.genres(limit=number + 1)
    genres = known[:number]
    if not genres:
        st.info(NO_MUSIC, icon=":material/library_music:")
        return
    genre = st.pills("Genre", genres, key="genre", default=genres[0]) or genres[0]
    if len(known) > number:
        more.offer("genres", shown=number, total=None, of="genres, those with most songs first")
    place = f"genre-{genre}"
    songs = catalogue.of_genre(genre, limit=more.asked_for(place, first=_OF_GENRE))
    components.tracks(songs, key="of-genre", layout="grid")
    more.offer(place, shown=len(songs), total=songs.total, of=f"songs in {plain(genre)}")


def _show_groups(catalogue: CatalogueReader, query: str, place: str) -> bool:
    """The artists and albums that match a query; whether there are any."""
    artists_at, albums_at = f"artists-{place}", f"albums-{place}"
    artists = catalogue.search_artists(query, limit=more.asked_for(artists_at, first=_FEW))
    albums = catalogue.search_albums(query, limit=more.asked_for(albums_at, first=_FEW))
    if artists:
        st.subheader("Artists", anchor=False)
        for artist in artists:
            entries.artist(artist)
        more.offer(artists_at, shown=len(artists), total=artists.total, of="artists")
    if albums:
        st.subheader("Albums", anchor=False)
        for album in albums:
            entries.album(album)
        more.offer(albums_at, shown=len(albums), total=albums.total, of="albums")
    return bool(artists or albums)
