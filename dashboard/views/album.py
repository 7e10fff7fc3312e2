"""An album: its songs in album order."""

from __future__ import annotations

import streamlit as st

from segue.catalog.part import Part
from segue.catalog.tracks import MOST_OF_ARTIST
from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.player import components
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.times import length
from segue.dashboard.text import plain
from segue.dashboard.views import more


def show() -> None:
    """The album named by `?artist=` and `?name=` in the address."""
    artist, name = st.query_params.get("artist", ""), st.query_params.get("name", "")
    place = f"album-{artist}-{name}"
    limit = more.asked_for(place, first=MOST_OF_ARTIST)
    catalogue = visit.services().catalogue
    songs = catalogue.of_album(artist, name, limit=limit) if artist and name else Part[Item]()
    if not songs:
        st.title("No such album", anchor=False)
        st.info("It may have left the library. Use Search to find other albums.", icon=":material/album:")
        return
    st.title(plain(name), anchor=False)
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.caption(f"{plain(artist)} · {length(songs) if not songs.rest else f'{songs.total:,} songs'}")
        link(f"More by {artist}", icon=":material/artist:", to={"artist": artist})
        components.tracks(songs[:1], key="cover", layout="grid")
    with right:
        components.tracks(songs, key="album", layout="list")
        more.offer(place, shown=len(songs), total=songs.total, of="songs")
