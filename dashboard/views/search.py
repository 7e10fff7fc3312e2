"""Search by words, with tolerance for typos, by an audio file, or by genre."""

from __future__ import annotations

from functools import partial

import streamlit as st

from segue.catalog.search import LONGEST_QUERY
from segue.dashboard import given, visit
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components
from segue.dashboard.queries.sounding import LARGEST_FILE
from segue.dashboard.text import no_music, plain
from segue.dashboard.views import more

_GENRES, _OF_GENRE = 40, 60
"""How many genres and songs of a genre the page shows at first."""


def show() -> None:
    """A search field with its results, a search by a file, and the genres."""
    catalogue = visit.services().catalogue
    st.title(gettext("Search"), anchor=False)
    components.search(st.query_params.get("query", "")[:LONGEST_QUERY])
    with st.expander(gettext("Search with an audio file"), icon=":material/graphic_eq:"):
        components.upload(largest=LARGEST_FILE)
    number = more.asked_for("genres", first=_GENRES)
    known = catalogue.genres(limit=number + 1)
    genres = known[:number]
    if not genres:
        st.info(no_music(), icon=":material/library_music:")
        return
    # Labels of pills are Markdown.
    chosen = st.pills(gettext("Genre"), genres, key="genre", default=genres[0], format_func=plain)
    genre = given.one_of(chosen, genres, default=genres[0])
    if len(known) > number:
        more.offer("genres", shown=number, total=None, words=_genres)
    place = f"genre-{genre}"
    songs = catalogue.of_genre(genre, limit=more.asked_for(place, first=_OF_GENRE))
    components.tracks(songs, key="of-genre", layout="grid")
    more.offer(place, shown=len(songs), total=songs.total, words=partial(_in_genre, genre))


def _genres(shown: int, _: int | None) -> str:
    return gettext("The first {shown} genres, those with the most songs first", shown=shown)


def _in_genre(genre: str, shown: int, total: int | None) -> str:
    return gettext("{shown} of {total} songs in {genre}", shown=shown, total=total, genre=plain(genre))
