"""An album: its songs in album order."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.player import components
from segue.dashboard.queries.times import length
from segue.dashboard.text import plain


def show() -> None:
    """The album named by `?artist=` and `?name=` in the address."""
    artist, name = st.query_params.get("artist", ""), st.query_params.get("name", "")
    songs = visit.services().catalogue.of_album(artist, name) if artist and name else []
    if not songs:
        st.title("No such album", anchor=False)
        st.info("It may have left the library. Use Search to find other albums.", icon=":material/album:")
        return
    st.title(plain(name), anchor=False)
    left, right = st.columns([1, 2], gap="large")
    with left:
        st.caption(f"{plain(artist)} · {length(songs)}")
        link(f"More by {artist}", icon=":material/artist:", to={"artist": artist})
        components.tracks(songs[:1], key="cover", layout="grid")
    with right:
        components.tracks(songs, key="album", layout="list")
