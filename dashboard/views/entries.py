"""Albums and artists as entries of lists: a link to the page, and facts below it."""

from __future__ import annotations

import streamlit as st

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.counted import counted
from segue.dashboard.navigation import link
from segue.dashboard.text import plain


def album(one: Album) -> None:
    """An album with its artist, years, edition and length."""
    link(one["name"], icon=":material/album:", to={"album_id": one["_id"]})
    st.caption(" · ".join(plain(fact) for fact in facts(one)))


def artist(one: Artist) -> None:
    """An artist with the numbers of albums and songs, and genres."""
    link(one["name"], icon=":material/artist:", to={"artist": one["name"]})
    songs = counted(one["tracks"] + one["featured"], "song")
    albums = [counted(one["albums"], "album")] if one["albums"] else []
    st.caption(" · ".join([*albums, songs, *(plain(genre) for genre in one["genres"])]))


def facts(album: Album) -> list[str]:
    """An album's artist, years, edition and length."""
    year, original = album["year"], album["original_year"]
    years = f"{original}, released {year}" if year and original and original != year else year or original
    minutes = round(album["duration_ms"] / 60_000)
    length = f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"
    discs = counted(album["discs"], "disc") if album["discs"] > 1 else ""
    given = [album["artist"], years, album["edition"], discs, counted(album["tracks"], "song"), length]
    return [str(fact) for fact in given if fact]
