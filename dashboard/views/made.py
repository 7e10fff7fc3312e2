"""Lists that are made when they are asked for, named by `?made=` in the address of the playlists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.navigation import link
from segue.dashboard.player import components
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.items import Item, read_items
from segue.dashboard.queries.sounding import Unknown
from segue.dashboard.queries.times import length
from segue.dashboard.text import plain
from segue.errors import SegueError
from segue.playlists.playlists import LONGEST_NAME, Playlist, PlaylistError

BY_DAY = {
    "mix": (
        "Daily mix",
        "Songs you like and new ones around them; another mix every day",
        ":material/today:",
    ),
    "discovery": (
        "Never heard",
        "Near what you like, and never played by you; others every day",
        ":material/travel_explore:",
    ),
}
"""Name, subtitle and icon of the lists of a day."""
_FOUND = 6


def open_made(**query: str) -> None:
    """Show a list that is made; to be called on the playlists' page."""
    st.query_params.from_dict(query)
    st.rerun()


def path_from(item: Item) -> None:
    """A button that asks for the song at the other end of a path, and opens the path."""
    with st.popover("A path from here", icon=":material/conversion_path:", key="path"):
        query = st.text_input("To which song?", key="path-to", placeholder="Title or artist", max_chars=200)
        matches = visit.services().catalogue.search(query, limit=_FOUND) if query.strip() else []
        others = [playlist for playlist in matches if playlist.track_id != item.track_id]
        for playlist in others:
            link(
                f"{playlist.title}, {playlist.artist}",
                icon=":material/flag:",
                to={"made": "path", "from": item.track_id, "to": playlist.track_id},
            )
        if query.strip() and not others:
            st.caption("No other song is called anything like it.")


def show(user_id: str) -> None:
    """The list that the address names, with ways to keep it."""
    if st.button("All playlists", icon=":material/arrow_back:", type="tertiary", key="back"):
        open_made()
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
            _nothing("No such list", "It is not a list that can be made.")
    except Unknown as error:
        _nothing("No path", str(error))
    except SegueError:
        _nothing("No list yet", "There is no index yet: `./run.sh index build` makes it.")


def _of_the_day(generator: PlaylistGenerator, user_id: str, kind: str) -> None:
    day, (name, subtitle, _) = _today(), BY_DAY[kind]
    items = generator.daily_mix(day) if kind == "mix" else generator.discovery(day)
    if not items:
        why = (
            "Play some songs to the end, or press their hearts: the mix is made of what you like."
            if kind == "mix"
            else "You have heard all that is near what you like."
        )
        _nothing(name, why)
        return
    _head(items, title=name, subtitle=subtitle)
    _keep(user_id, items, name=f"{name}, {day.day} {day:%B}")
    components.tracks(items, key=f"made-{kind}", layout="list")


def _continued(generator: PlaylistGenerator, user_id: str, playlist_id: str) -> None:
    playlist = visit.services().playlists.read(user_id, playlist_id)
    if playlist is None:
        _nothing("No such playlist", "There is no such playlist any more.")
        return
    items = generator.going_on(playlist.tracks)
    if not items:
        _nothing(playlist.name, "Nothing goes on from it: its songs are newer than the index.")
        return
    _head(
        items,
        title=f"To go on from {playlist.name}",
        subtitle="Each is near several of its songs, and the first is near its last",
    )
    if st.button("Add them to it", icon=":material/playlist_add:", key="add-made"):
        _add(user_id, playlist, items)
    components.tracks(items, key="made-continued", layout="list")


def _add(user_id: str, playlist: Playlist, items: list[Item]) -> None:
    try:
        visit.services().playlists.add(user_id, playlist.playlist_id, [item.track_id for item in items])
    except PlaylistError as error:
        st.error(str(error))
        return
    open_made(id=playlist.playlist_id)


def _path(generator: PlaylistGenerator, user_id: str) -> None:
    first, last = (st.query_params.get(end, "") for end in ("from", "to"))
    items = generator.path(first, last)
    ends = read_items(visit.services().store, [first, last], source="playlist")
    if not items or first not in ends or last not in ends:
        raise Unknown("One of the two songs has left the library.")
    name = f"{ends[first].title} to {ends[last].title}"
    _head(items, title=name, subtitle="In small steps of sound, energy and tempo from the one to the other")
    _keep(user_id, items, name=name[:LONGEST_NAME])
    components.tracks(items, key="made-path", layout="list")


def _head(items: list[Item], *, title: str, subtitle: str) -> None:
    st.title(plain(title), anchor=False)
    st.caption(f"{subtitle}. {length(items)}.")


def _keep(user_id: str, items: list[Item], *, name: str) -> None:
    if not st.button("Keep it as a playlist", icon=":material/playlist_add:", key="keep-made"):
        return
    try:
        made = visit.services().playlists.create(user_id, name, tracks=[item.track_id for item in items])
    except PlaylistError as error:
        st.error(str(error))
        return
    open_made(id=made.playlist_id)


def _nothing(title: str, why: str) -> None:
    st.title(plain(title), anchor=False)
    st.info(why, icon=":material/queue_music:")


def _today() -> date:
    """The listener's own day."""
    return (datetime.now(UTC) - timedelta(minutes=st.context.timezone_offset or 0)).date()
