"""The list of all artists."""

from __future__ import annotations

import streamlit as st

from segue.catalog.artists import ArtistOrder
from segue.counted import counted
from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.text import NO_MUSIC, plain
from segue.dashboard.views import more

_AT_FIRST = 60
_ORDERS: dict[str, ArtistOrder] = {"Name": "name", "Most albums": "albums", "Most songs": "tracks"}


def show() -> None:
    """The artists in an order that the listener chooses."""
    st.title("Artists", anchor=False)
    chosen = st.pills("Order", list(_ORDERS), key="order-of-artists", default="Name") or "Name"
    place = f"artists-{chosen}"
    artists = visit.services().catalogue.artists.page(
        by=_ORDERS[chosen], limit=more.asked_for(place, first=_AT_FIRST)
    )
    if not artists:
        st.info(NO_MUSIC, icon=":material/library_music:")
        return
    for artist in artists:
        link(artist["name"], icon=":material/artist:", to={"artist": artist["name"]})
        songs = counted(artist["tracks"] + artist["featured"], "song")
        albums = [counted(artist["albums"], "album")] if artist["albums"] else []
        st.caption(" · ".join([*albums, songs, *(plain(genre) for genre in artist["genres"])]))
    more.offer(place, shown=len(artists), total=artists.total, of="artists")
