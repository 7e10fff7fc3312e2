"""The list of all albums."""

from __future__ import annotations

import streamlit as st

from segue.catalog.albums import AlbumOrder
from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.text import NO_MUSIC, plain
from segue.dashboard.views import album, more

_AT_FIRST = 60
_ORDERS: dict[str, AlbumOrder] = {
    "Name": "name",
    "Artist": "artist",
    "Newest release": "year",
    "Newly added": "added",
}


def show() -> None:
    """The albums in an order that the listener chooses."""
    st.title("Albums", anchor=False)
    chosen = st.pills("Order", list(_ORDERS), key="order-of-albums", default="Name") or "Name"
    place = f"albums-{chosen}"
    albums = visit.services().catalogue.albums.page(
        by=_ORDERS[chosen], limit=more.asked_for(place, first=_AT_FIRST)
    )
    if not albums:
        st.info(NO_MUSIC, icon=":material/library_music:")
        return
    for one in albums:
        link(one["name"], icon=":material/album:", to={"album_id": one["_id"]})
        st.caption(" · ".join(plain(fact) for fact in album.facts(one)))
    more.offer(place, shown=len(albums), total=albums.total, of="albums")
