"""Search by words, with tolerance for typos, by an audio file, or by genre."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries.sounding import LARGEST_FILE


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
        matches = catalogue.search(query)
        if matches:
            components.tracks(matches, key="found", layout="list")
        else:
            st.info(f"No results for “{query.strip()}”.", icon=":material/search_off:")
        return
    genres = catalogue.genres()
    if not genres:
        st.info(
            "There is no music here yet. Run `./run.sh library ingest DIR`.",
            icon=":material/library_music:",
        )
        return
    genre = st.pills("Genre", genres, key="genre", default=genres[0]) or genres[0]
    components.tracks(catalogue.of_genre(genre), key="of-genre", layout="grid")
