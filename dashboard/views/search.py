"""Search by words, with tolerance for typos, by an audio file, or by genre."""

from __future__ import annotations

import streamlit as st

from segue.catalog.search import LONGEST_QUERY
from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries.sounding import LARGEST_FILE
from segue.dashboard.text import NO_MUSIC, plain
from segue.dashboard.views import more

_GENRES, _OF_GENRE = 40, 60
"""How many genres and songs of a genre the page shows at first."""


def show() -> None:
    """A search field with its results, a search by a file, and the genres."""
    catalogue = visit.services().catalogue
    st.title("Search", anchor=False)
    components.search(st.query_params.get("query", "")[:LONGEST_QUERY])
    with st.expander("Search with an audio file", icon=":material/graphic_eq:"):
        components.upload(largest=LARGEST_FILE)
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
