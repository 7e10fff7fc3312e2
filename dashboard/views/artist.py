"""An artist: their albums and songs."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from segue.catalog.part import Part
from segue.catalog.tracks import MOST_OF_ARTIST
from segue.counted import counted
from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.player import components
from segue.dashboard.queries.items import Item
from segue.dashboard.text import plain
from segue.dashboard.views import more


def show() -> None:
    """The artist named by `?name=` in the address."""
    name = st.query_params.get("name", "")
    place = f"artist-{name}"
    limit = more.asked_for(place, first=MOST_OF_ARTIST)
    songs = visit.services().catalogue.of_album(name, None, limit=limit) if name else Part[Item]()
    if not songs:
        st.title("No such artist", anchor=False)
        st.info(
            "The artist may have left the library. Use Search to find other artists.",
            icon=":material/person_off:",
        )
        return
    st.title(plain(name), anchor=False)
    genres = list(dict.fromkeys(song.genre for song in songs if song.genre))
    count = counted(songs.total, "song")
    st.caption(" · ".join([count, *(plain(genre) for genre in genres[:4])]))
    for number, (album, those) in enumerate(groupby(songs, key=lambda song: song.album)):
        if album:
            st.subheader(plain(album), anchor=False)
            link(f"Open {album}", icon=":material/album:", to={"artist": name, "album": album})
        elif number:
            st.subheader("Songs", anchor=False)
        components.tracks(list(those), key=f"album-{number}", layout="list")
    more.offer(place, shown=len(songs), total=songs.total, of="songs")
