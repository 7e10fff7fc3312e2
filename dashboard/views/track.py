"""A track: its tags, similar tracks, and the other tracks of its album."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from segue.catalog.tracks import MOST_OF_ARTIST
from segue.dashboard import visit
from segue.dashboard.language.formats import percent
from segue.dashboard.language.words import gettext
from segue.dashboard.navigation import address
from segue.dashboard.player import components
from segue.dashboard.player.components import Entry
from segue.dashboard.queries import sounding
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.items import Item, item_of
from segue.dashboard.queries.reasons import alike
from segue.dashboard.text import no_index, plain
from segue.dashboard.views import album, heading, made, mood, sharing
from segue.errors import SegueError


def show() -> None:
    """The track named by `?id=` in the address."""
    catalogue = visit.services().catalogue
    track = catalogue.track(st.query_params.get("id", ""))
    if track is None:
        heading.title(gettext("No such track"))
        st.info(
            gettext("It may have left the library. Use Search to find other tracks."),
            icon=":material/music_off:",
        )
        return
    item = item_of(track, source="search")
    heading.title(item.title)
    facts = [item.artist, item.album, str(track.year) if track.year else None, item.genre]
    st.caption(" · ".join(plain(fact) for fact in facts if fact))
    left, right = st.columns([1, 2], gap="large")
    with left:
        components.tracks([item], key="this", layout="grid", whole=False)
        mood.shown(item.track_id)
        if listener := visit.listener():
            with st.container(horizontal=True):
                sharing.offer(listener, "track", item.track_id, title=item.title)
                made.path_from(item)
        _credits(catalogue, item)
    with right:
        _near(catalogue, item)
    _album(catalogue, item)


def _credits(catalogue: CatalogueReader, item: Item) -> None:
    """Links to each artist, to the album and to the map."""
    placed = catalogue.placed(item.track_id)
    artists = dict.fromkeys(placed.artists + placed.featured if placed else (item.artist,))
    links = [Entry(name=name, href=address("artist", name=name), icon="artist") for name in artists if name]
    if item.album and placed and placed.album_id:
        links.append(Entry(name=item.album, href=address("album", id=placed.album_id), icon="album"))
    elif item.artist and item.album:
        href = address("album", artist=item.artist, name=item.album)
        links.append(Entry(name=item.album, href=href, icon="album"))
    links.append(Entry(name=gettext("Show on map"), href=address("map", id=item.track_id), icon="map"))
    components.entries(links, key="credits", layout="list")


def _album(catalogue: CatalogueReader, item: Item) -> None:
    if not item.album:
        return
    placed = catalogue.placed(item.track_id)
    if placed and placed.album_id:
        on_album = catalogue.on_album(placed.album_id, limit=MOST_OF_ARTIST)
        tracks = on_album.each(album.item)
    else:
        tracks = catalogue.of_album(item.artist, item.album)
    if len(tracks) > 1:
        st.header(gettext("On {album}", album=plain(item.album)), anchor=False)
        components.tracks(tracks, key="album", layout="list")
        if tracks.rest:
            st.caption(
                gettext(
                    "{shown} of {total} songs: the album's page shows all of them.",
                    shown=len(tracks),
                    total=tracks.total,
                )
            )


def _near(catalogue: CatalogueReader, item: Item) -> None:
    st.header(gettext("Similar tracks"), anchor=False)
    try:
        near = catalogue.neighbours(item.track_id)
    except SegueError:
        st.info(no_index(), icon=":material/hub:")
        return
    if not near:
        st.info(
            gettext("This track is newer than the index. Similar tracks appear after the next index build."),
            icon=":material/hub:",
        )
        return
    why = sounding.reasons(visit.services().store, item.track_id, [similar.item.track_id for similar in near])
    items = [
        replace(
            similar.item,
            note=_similarity(similar.score),
            why=alike(why[similar.item.track_id]) or None if similar.item.track_id in why else None,
        )
        for similar in near
    ]
    components.tracks(items, key="near", layout="list")


def _similarity(score: float) -> str:
    return gettext("{percent} similar", percent=percent(max(0.0, score)))
