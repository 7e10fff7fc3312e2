"""Generated playlists, named by `?made=` in the address of the page Playlists."""

from __future__ import annotations

from datetime import UTC, date, datetime

import streamlit as st

from segue.catalog.part import Part
from segue.dashboard import given, visit
from segue.dashboard.language.formats import day as named_day
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.navigation import address, reopen
from segue.dashboard.player import components
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.items import Item, read_items
from segue.dashboard.queries.sounding import UnknownTrack
from segue.dashboard.queries.times import length
from segue.dashboard.text import no_index
from segue.dashboard.views import heading, more
from segue.errors import SegueError
from segue.phrases import marked
from segue.playlists.playlist import Playlist, PlaylistError
from segue.playlists.playlists import LONGEST_NAME

BY_DAY = {
    "mix": (
        marked("Daily mix"),
        marked("Songs that you like and similar new ones; changes every day"),
        "today",
    ),
    "discovery": (
        marked("New to you"),
        marked("Similar to songs that you like, but never played by you; changes every day"),
        "explore",
    ),
}
"""Name, subtitle and icon of the lists that change every day."""
_FOUND = 6


def back() -> None:
    """A link to all playlists."""
    link = Entry(name=gettext("All playlists"), href=address("library", show="playlists"), icon="back")
    components.entries([link], key="back", layout="links")


def path_from(item: Item) -> None:
    """A button that asks for the last song of a path and opens the path."""
    with st.popover(
        gettext("Path to another song"), icon=":material/conversion_path:", type="tertiary", key="path"
    ):
        entered = st.text_input(
            gettext("Last song of the path"),
            key="path-to",
            placeholder=gettext("Title or artist"),
            max_chars=200,
        )
        query = given.text(entered)[:200]
        number = more.asked_for(f"path-{query.strip()}", first=_FOUND)
        search = visit.services().catalogue.search
        matches = search(query, limit=number) if query.strip() else Part[Item]()
        others = [other for other in matches if other.track_id != item.track_id]
        ends = [
            Entry(
                name=other.title,
                href=address("playlists", made="path", **{"from": item.track_id, "to": other.track_id}),
                note=other.artist,
                cover=other.cover_id,
            )
            for other in others
        ]
        components.entries(ends, key="path-ends", layout="links")
        more.offer(f"path-{query.strip()}", shown=len(matches), total=matches.total, words=more.songs)
        if query.strip() and not others:
            st.caption(gettext("No other song matches."))


def show(user_id: str) -> None:
    """The generated playlist that the address names, with buttons to save it."""
    back()
    kind = st.query_params["made"]
    try:
        generator = PlaylistGenerator(
            visit.services().catalogue, visit.services().settings, user_id, kept=visit.services().day_lists
        )
        if kind in BY_DAY:
            _of_the_day(generator, user_id, kind)
        elif kind == "continued":
            _continued(generator, user_id, st.query_params.get("id", ""))
        elif kind == "path":
            _path(generator, user_id)
        else:
            _nothing(gettext("No such list"), gettext("Segue generates no list of this name."))
    except UnknownTrack as error:
        _nothing(gettext("No path"), translated(error))
    except SegueError:
        _nothing(gettext("No list yet"), no_index())


def _of_the_day(generator: PlaylistGenerator, user_id: str, kind: str) -> None:
    day, (name, subtitle, _) = _today(), BY_DAY[kind]
    name, subtitle = translated(name), translated(subtitle)
    items = generator.daily_mix(day) if kind == "mix" else generator.discovery(day)
    if not items:
        why = (
            gettext("Finish or like a few songs first: the mix is made from songs that you like.")
            if kind == "mix"
            else gettext("You have heard every song that is similar to the songs that you like.")
        )
        _nothing(name, why)
        return
    _head(items, title=name, subtitle=subtitle)
    components.collection(items, key="all")
    _keep(user_id, items, name=f"{name}, {named_day(day, skeleton='MMMMd')}")
    components.tracks(items, key=f"made-{kind}", layout="list")


def _continued(generator: PlaylistGenerator, user_id: str, playlist_id: str) -> None:
    playlist = visit.services().playlists.read(user_id, playlist_id)
    if playlist is None:
        _nothing(gettext("No such playlist"), gettext("This playlist no longer exists."))
        return
    items = generator.continuation(playlist.tracks)
    if not items:
        _nothing(
            playlist.name,
            gettext("There is no continuation: all songs of the playlist are newer than the index."),
        )
        return
    _head(
        items,
        title=gettext("Continuation of {name}", name=playlist.name),
        subtitle=gettext(
            "Each song is similar to several in the playlist, and the first is similar to its last"
        ),
    )
    if st.button(gettext("Add to the playlist"), icon=":material/playlist_add:", key="add-made"):
        _add(user_id, playlist, items)
    components.tracks(items, key="made-continued", layout="list")


def _add(user_id: str, playlist: Playlist, items: list[Item]) -> None:
    try:
        visit.services().playlists.add(user_id, playlist.playlist_id, [item.track_id for item in items])
    except PlaylistError as error:
        st.error(translated(error))
        return
    reopen(id=playlist.playlist_id)


def _path(generator: PlaylistGenerator, user_id: str) -> None:
    first, last = (st.query_params.get(end, "") for end in ("from", "to"))
    items = generator.path(first, last)
    ends = read_items(visit.services().store, [first, last], source="playlist")
    if not items or first not in ends or last not in ends:
        raise UnknownTrack(marked("One of the two songs has left the library."))
    name = gettext("{first} to {last}", first=ends[first].title, last=ends[last].title)
    _head(
        items,
        title=name,
        subtitle=gettext("In small steps of sound, energy and tempo from the first song to the last"),
    )
    components.collection(items, key="all")
    _keep(user_id, items, name=name[:LONGEST_NAME])
    components.tracks(items, key="made-path", layout="list")


def _head(items: list[Item], *, title: str, subtitle: str) -> None:
    heading.title(title)
    st.caption(f"{subtitle}. {length(items)}.")


def _keep(user_id: str, items: list[Item], *, name: str) -> None:
    if not st.button(gettext("Save as a playlist"), icon=":material/playlist_add:", key="keep-made"):
        return
    try:
        made = visit.services().playlists.create(user_id, name, tracks=[item.track_id for item in items])
    except PlaylistError as error:
        st.error(translated(error))
        return
    reopen(id=made.playlist_id)


def _nothing(title: str, why: str) -> None:
    heading.title(title)
    st.info(why, icon=":material/queue_music:")


def _today() -> date:
    """The date in the listener's time zone."""
    return (datetime.now(UTC) + visit.offset()).date()
