"""An artist: the most played songs, albums, albums of others, and all songs."""

from __future__ import annotations

import streamlit as st

from segue.catalog.albums import Album
from segue.catalog.part import Part
from segue.catalog.tracks import MOST_OF_ARTIST
from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components, entries
from segue.dashboard.queries.items import item_of
from segue.dashboard.queries.popular import top_songs
from segue.dashboard.text import plain
from segue.dashboard.views import heading, more, ungrouped

_ALBUMS = 60
_TOP = 5


def show() -> None:
    """The artist named by `?name=` in the address."""
    catalogue = visit.services().catalogue
    name = st.query_params.get("name", "")
    artist = catalogue.artist(name)
    if artist is None:
        if ungrouped.artist(name):
            return
        heading.title(gettext("No such artist"))
        st.info(
            gettext("The artist may have left the library. Use Search to find other artists."),
            icon=":material/person_off:",
        )
        return
    key = artist["_id"]
    heading.title(artist["name"])
    counts = entries.counts(artist)
    st.caption(" · ".join([*counts, *(plain(genre) for genre in artist["genres"])]))
    if top := top_songs(catalogue.store, catalogue.ids_with_artist(key), limit=_TOP):
        st.header(gettext("Top songs"), anchor=False)
        components.tracks(top, key="top-songs", layout="list")
    place = f"albums-of-{key}"
    limit = more.asked_for(place, first=_ALBUMS)
    _listed(gettext("Albums"), catalogue.albums.by_artist(key, limit=limit), place)
    place = f"others-with-{key}"
    limit = more.asked_for(place, first=_ALBUMS)
    _listed(gettext("Appears on"), catalogue.albums.with_artist(key, limit=limit), place)
    place = f"songs-of-{key}"
    songs = catalogue.with_artist(key, limit=more.asked_for(place, first=MOST_OF_ARTIST))
    if songs:
        st.header(gettext("Songs"), anchor=False)
        items = [item_of(track.summary, source="search") for track in songs]
        components.collection(items, key="all")
        components.tracks(items, key="songs", layout="list")
        more.offer(place, shown=len(songs), total=songs.total, words=more.songs)


def _listed(name: str, albums: Part[Album], place: str) -> None:
    if not albums:
        return
    st.header(name, anchor=False)
    components.entries([entries.album(one) for one in albums], key=place, layout="grid")
    more.offer(place, shown=len(albums), total=albums.total, words=more.albums)
