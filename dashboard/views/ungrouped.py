"""Artists and albums of a catalogue that no ingest of this release has grouped yet."""

from __future__ import annotations

from itertools import groupby

import streamlit as st

from segue.catalog.tracks import MOST_OF_ARTIST
from segue.dashboard import visit
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.navigation import address
from segue.dashboard.player import components
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.times import length
from segue.dashboard.text import plain
from segue.dashboard.views import heading, more


def artist(name: str) -> bool:
    """Show the tracks with this very text as the artist; False if there are none."""
    place = f"artist-{name}"
    limit = more.asked_for(place, first=MOST_OF_ARTIST)
    songs = visit.services().catalogue.of_album(name, None, limit=limit) if name else None
    if not songs:
        return False
    heading.title(name)
    genres = list(dict.fromkeys(song.genre for song in songs if song.genre))
    count = ngettext("{count} song", "{count} songs", songs.total)
    st.caption(" · ".join([count, *(plain(genre) for genre in genres[:4])]))
    for number, (album_name, those) in enumerate(groupby(songs, key=lambda song: song.album)):
        if album_name:
            st.header(plain(album_name), anchor=False)
            href = address("album", artist=name, name=album_name)
            opened = Entry(name=gettext("Open {album}", album=album_name), href=href, icon="album")
            components.entries([opened], key=f"open-{number}", layout="links")
        elif number:
            st.header(gettext("Songs"), anchor=False)
        components.tracks(list(those), key=f"album-{number}", layout="list")
    more.offer(place, shown=len(songs), total=songs.total, words=more.songs)
    return True


def album(artist_name: str, name: str) -> bool:
    """Show the tracks with these very texts as artist and album; False if there are none."""
    place = f"album-{artist_name}-{name}"
    limit = more.asked_for(place, first=MOST_OF_ARTIST)
    catalogue = visit.services().catalogue
    songs = catalogue.of_album(artist_name, name, limit=limit) if artist_name and name else None
    if not songs:
        return False
    heading.title(name)
    left, right = st.columns([1, 2], gap="large")
    with left:
        components.collection(songs, key="all", name=name, cover=songs[0].cover_id)
        count = ngettext("{count} song", "{count} songs", songs.total)
        st.caption(f"{plain(artist_name)} · {count if songs.rest else length(songs)}")
        href = address("artist", name=artist_name)
        by = Entry(name=gettext("More by {name}", name=artist_name), href=href, icon="artist")
        components.entries([by], key="by", layout="links")
    with right:
        components.tracks(songs, key="album", layout="list")
        more.offer(place, shown=len(songs), total=songs.total, words=more.songs)
    return True
