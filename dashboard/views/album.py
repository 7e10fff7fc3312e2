"""An album: its discs and sides with their songs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import streamlit as st

from segue.catalog.browsed_tracks import TrackOnAlbum
from segue.catalog.tracks import MOST_OF_ARTIST
from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.navigation import address
from segue.dashboard.player import components, entries
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.items import Item, item_of
from segue.dashboard.text import plain
from segue.dashboard.views import heading, more, sharing, ungrouped


def show() -> None:
    """The album named by `?id=`, or by `?artist=` and `?name=`, in the address."""
    catalogue = visit.services().catalogue
    asked = st.query_params
    album = catalogue.album(asked.get("id", ""), artist=asked.get("artist", ""), name=asked.get("name", ""))
    if album is None:
        if ungrouped.album(asked.get("artist", ""), asked.get("name", "")):
            return
        heading.title(gettext("No such album"))
        st.info(
            gettext("It may have left the library. Use Search to find other albums."),
            icon=":material/album:",
        )
        return
    place = f"album-{album['_id']}"
    tracks = catalogue.on_album(album["_id"], limit=more.asked_for(place, first=MOST_OF_ARTIST))
    heading.title(album["name"])
    left, right = st.columns([1, 2], gap="large")
    with left:
        items = [item(track) for track in tracks]
        components.collection(
            items,
            key="all",
            name=album["name"],
            cover=album["cover_id"],
            together=place,
            saves=components.Saves("albums", album["_id"], album["name"]),
        )
        st.caption(" · ".join(plain(fact) for fact in entries.facts(album)))
        artists = [catalogue.artists.get(key) for key in album["artist_keys"]]
        by = [
            Entry(
                name=gettext("More by {name}", name=artist["name"]),
                href=address("artist", name=artist["name"]),
                icon="artist",
            )
            for artist in artists
            if artist
        ]
        components.entries(by, key="by", layout="links")
        listener = visit.listener()
        if tracks and listener is not None:
            sharing.offer(listener, "album", album["_id"], title=album["name"])
    with right:
        for number, (part, those) in enumerate(_parts(tracks)):
            if part:
                st.header(plain(part), anchor=False)
            components.tracks(
                [item(track) for track in those],
                key=f"album-{number}",
                layout="list",
                together=place,
            )
        more.offer(place, shown=len(tracks), words=more.songs, total=tracks.total)


def _parts(tracks: Sequence[TrackOnAlbum]) -> list[tuple[str, list[TrackOnAlbum]]]:
    """The tracks by disc and side with headings; one part without a heading for a single disc."""
    found = [(key, list(those)) for key, those in groupby(tracks, key=lambda t: (t.disc or 1, t.side or ""))]
    several = len({disc for (disc, _), _ in found}) > 1
    return [(_heading(those[0], several=several), those) for _, those in found]


def _heading(track: TrackOnAlbum, *, several: bool) -> str:
    disc = gettext("Disc {number}", number=track.disc or 1) if several else ""
    side = gettext("Side {name}", name=track.side) if track.side else ""
    return " · ".join(part for part in (disc, track.disc_title or "", side) if part)


def item(track: TrackOnAlbum) -> Item:
    """A track with its number."""
    number = f"{track.side or ''}{track.number}" if track.number else None
    return replace(item_of(track.summary, source="search"), number=number)
