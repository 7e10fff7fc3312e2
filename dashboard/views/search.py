"""Looking for music: by words, with typos forgiven, or by genre."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries.sounding import LARGEST_FILE


def show() -> None:
    """A search field; below it the matches, or the genres to browse."""
    catalogue = visit.services().catalogue
    st.title("Search", anchor=False)
    query = st.text_input(
        "Search",
        key="query",
        placeholder="Title, artist, album or genre; a typo does no harm",
        icon=":material/search:",
        label_visibility="collapsed",
        max_chars=200,
        bind="query-params",
    )
    with st.expander("Or search with a song of your own", icon=":material/graphic_eq:"):
        components.upload(largest=LARGEST_FILE)
    if query.strip():
        matches = catalogue.search(query)
        if matches:
            components.tracks(matches, key="found", layout="list")
        else:
            st.info(f"Nothing here is called anything like “{query.strip()}”.", icon=":material/search_off:")
        return
    genres = catalogue.genres()
    if not genres:
        st.info(
            "There is no music here yet: `./run.sh library ingest DIR` takes some in.",
            icon=":material/library_music:",
        )
        return
    genre = st.pills("Genre", genres, key="genre", default=genres[0]) or genres[0]
    components.tracks(catalogue.of_genre(genre), key="of-genre", layout="grid")
