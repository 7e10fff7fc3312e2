"""The player's parts in the browser, as Streamlit components: the bar, lists of tracks, the map, forms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import streamlit as st

from segue.dashboard.language.spoken import language
from segue.dashboard.player.component_data import BarData
from segue.dashboard.player.modules import HERE, bundled
from segue.dashboard.player.texts import prefix
from segue.dashboard.queries.items import Item
from segue.plays.delivery import WORTH_KEEPING
from segue.plays.event_types import OPINIONS, SIGNALS

BAR = (
    "dom",
    "navigation",
    "queue_actions",
    "keys",
    "still",
    "panel",
    "sound_panel",
    "lyrics",
    "skip",
    "quiet",
    "streamlit_texts",
    "install",
    "bar",
)


@dataclass(frozen=True)
class Live:
    """A list of recommendations, which changes while it is shown."""

    fresh: Sequence[str] = ()
    """Ids of new tracks, which appear with an animation."""
    dial: str = ""
    """The mood of the dial. When it changes, the queue changes too."""


@dataclass(frozen=True)
class Editable:
    """A list of the songs of a listener's playlist, which can be moved and removed, by a route."""

    playlist_id: str
    version: int
    """The version of the playlist that the list shows."""


def _component(
    name: str, html: str, scripts: tuple[str, ...], styles: tuple[str, ...], *, modules: tuple[str, ...] = ()
) -> Callable[..., Any]:
    files = ("js/words.js", *modules, *(f"js/{script}.js" for script in scripts))
    return _in_language(language(), name, html, files, styles)


@cache
def _in_language(
    code: str, name: str, html: str, files: tuple[str, ...], styles: tuple[str, ...]
) -> Callable[..., Any]:
    script = bundled(*files)
    return st.components.v2.component(
        f"segue_{name}_{code}",
        html=html,
        js=prefix(code, script) + script,
        css="\n".join((HERE / "css" / f"{style}.css").read_text() for style in styles),
    )


def bar(user_id: str) -> None:
    """The player bar; mounted before the page runs, so that a change of page does not unmount it."""
    show = _component(
        "bar", '<div id="segue-bar"></div>', BAR, ("base", "bar"), modules=("engine/engine.js",)
    )
    show(key="player", data=bar_data(tag(user_id)).model_dump(mode="json"))


def bar_data(listener: str) -> BarData:
    """The data of the bar for a listener, of whom :func:`tag` gives the key."""
    kept = WORTH_KEEPING // timedelta(milliseconds=1)
    return BarData(tag=listener, signals=SIGNALS, opinions=OPINIONS, keptMs=kept)


def tag(user_id: str) -> str:
    """A key for a listener's data in the browser's storage that does not reveal the user id."""
    return hashlib.sha256(f"tag:{user_id}".encode()).hexdigest()[:16]


def tracks(
    items: Sequence[Item],
    *,
    key: str,
    layout: Literal["grid", "shelf", "list"] = "list",
    whole: bool = True,
    live: Live | None = None,
    edit: Editable | None = None,
    together: str | None = None,
) -> None:
    """A grid of cards, a shelf (a row of cards that scrolls sideways), or a list.

    Parameters
    ----------
    whole
        Whether playing a track queues those after it; otherwise recommendations follow.
    live
        For recommendations: the surrounding fragment reruns as soon as they change.
    edit
        For the songs of a playlist that the listener may change.
    together
        The name of the :func:`collection` that has all songs, of which this list is a part, such as a disc.
    """
    show = _component(
        "tracks",
        '<div class="tracks"></div>',
        ("dom", "navigation", "menu", "select", "tracks", "still", "arrange", "list"),
        ("base", "tracks", "menu", "select"),
    )
    data = {
        "items": [_placed(item, place) for place, item in enumerate(items)]
        if edit
        else [item.data() for item in items],
        "layout": layout,
        "whole": whole,
        "fresh": list(live.fresh) if live else [],
        "live": live is not None,
        "dial": live.dial if live else "",
        "edit": edit.playlist_id if edit else None,
        "version": edit.version if edit else 0,
        "together": together,
    }
    show(key=key, data=data, on_replanned_change=_nothing, on_edited_change=_nothing)


def _placed(item: Item, place: int) -> dict[str, Any]:
    return {**item.data(), "place": place}


def playlist(data: Mapping[str, Any], *, key: str) -> None:
    """The head of a playlist: cover, name, description and folder, which the listener changes in place.

    Parameters
    ----------
    data
        As :func:`segue.dashboard.player.library.head` gives it.
    """
    show = _component(
        "playlist", '<div class="playlist"></div>', ("dom", "playlist"), ("base", "collection", "playlist")
    )
    show(key=key, data=dict(data), on_changed_change=_nothing)


def rules(data: Mapping[str, Any], *, key: str) -> None:
    """The editor of a playlist's rules, as :func:`segue.dashboard.player.rules.editor` describes them."""
    show = _component("rules", '<div class="rules"></div>', ("dom", "navigation", "rules"), ("base", "rules"))
    show(key=key, data=dict(data), on_changed_change=_nothing)


def search(query: str, *, key: str = "search") -> None:
    """A field whose results appear while the listener types; `query` is that of the address."""
    show = _component(
        "search",
        '<div class="search"></div>',
        ("dom", "navigation", "menu", "select", "tracks", "entry_card", "search"),
        ("base", "tracks", "menu", "select", "entries", "search"),
    )
    show(key=key, data={"query": query})


def library_map(*, track_id: str = "", key: str = "map") -> None:
    """The library as a map, centred on the track `track_id` if given."""
    _with_tracks("map", data={"track": track_id}, key=key)


def library(data: Mapping[str, Any]) -> None:
    """The page Library: its controls, and the first entries of the list; it loads others as they are reached.

    Parameters
    ----------
    data
        As `frame` and `page` of :mod:`segue.dashboard.player.library` give it.
    """
    show = _component(
        "library",
        '<div class="library"></div>',
        ("dom", "navigation", "menu", "select", "tracks", "entry_card", "library"),
        ("base", "tracks", "menu", "select", "entries", "library"),
    )
    show(key="library", data=dict(data))


def upload(*, largest: int, key: str = "upload") -> None:
    """A field for an audio file of at most `largest` bytes, and the tracks similar to it."""
    _with_tracks("upload", data={"largest": largest}, key=key)


def _with_tracks(name: str, *, data: dict[str, Any], key: str) -> None:
    show = _component(
        name,
        f'<div class="{name}"></div>',
        ("dom", "navigation", "menu", "select", "tracks", name),
        ("base", "tracks", "menu", "select", name),
    )
    show(key=key, data=data)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A link to an album, an artist or another page."""

    name: str
    href: str
    note: str = ""
    cover: str | Literal[False] | None = False
    """Id of a cover, or None for a picture with initials; False for a line without a picture."""
    icon: str = ""
    """For a line: an icon of `player/js/dom.js`."""

    def data(self) -> dict[str, Any]:
        """The JSON object for the browser."""
        shown = {"name": self.name, "href": self.href, "note": self.note, "icon": self.icon}
        return shown if self.cover is False else {**shown, "cover": self.cover}


def entries(items: Sequence[Entry], *, key: str, layout: Literal["grid", "shelf", "list", "links"]) -> None:
    """Links to pages, as cards (grid, shelf), as rows (list), or as one line (links)."""
    if not items:
        return
    show = _component(
        "entries",
        '<div class="entries"></div>',
        ("dom", "navigation", "entry_card", "entries"),
        ("base", "tracks", "entries"),
    )
    show(key=key, data={"items": [item.data() for item in items], "layout": layout})


@dataclass(frozen=True)
class Saves:
    """A list of the library that the browser can save: an album or a playlist with its id and name."""

    show: Literal["albums", "playlists"]
    id: str
    name: str


def collection(
    items: Sequence[Item],
    *,
    key: str,
    name: str | None = None,
    cover: str | None = None,
    together: str | None = None,
    saves: Saves | None = None,
) -> None:
    """Buttons that play, shuffle, queue or save all of the songs; with a name, a large cover above them.

    Parameters
    ----------
    saves
        The list to save for a time without a network; without it, there is no such button.
    together
        A name for the lists of :func:`tracks` that show parts of the songs.
    """
    if not items:
        return
    show = _component(
        "collection", '<div class="collection"></div>', ("dom", "collection"), ("base", "collection")
    )
    picture = {} if name is None else {"name": name, "cover": cover}
    source = None if saves is None else vars(saves)
    data = {"items": [item.data() for item in items], "together": together, "saves": source, **picture}
    show(key=key, data=data)


def saved() -> None:
    """The songs that the browser has saved for a time without a network, and the room that they may take."""
    show = _component(
        "saved",
        '<div class="saved"></div>',
        ("dom", "saved", "saved_component"),
        ("base", "collection", "saved"),
        modules=("engine/saved_caches.js",),
    )
    show(key="saved", data={})


def entry(
    kind: Literal[
        "log-in",
        "sign-up",
        "hand-over",
        "log-out",
        "log-out-everywhere",
        "change-password",
        "forgot-password",
        "reset-password",
        "mail-address",
        "confirm-address",
    ],
    *,
    label: str,
    code: str | None = None,
    nobody: bool = False,
) -> None:
    """A form that starts a new session and reloads the first page. With a code it is sent without a click.

    Forms about mail explain the next step. Those that a link leads to take its token from the page's address.

    Parameters
    ----------
    nobody
        Whether nobody is logged in and guests see nothing: songs saved in the browser are removed.
    """
    show = _component(
        "entry",
        '<div id="segue-entry" class="entry"></div>',
        ("dom", "entry"),
        ("base", "entry"),
        modules=("engine/saved_caches.js",),
    )
    show(key=f"entry-{kind}", data={"kind": kind, "label": label, "code": code, "nobody": nobody})


def leave(*, label: str, confirmation: str, password: bool) -> None:
    """A button that removes the listener after a confirmation, which is part of the request.

    Parameters
    ----------
    password
        Whether the listener has one, which is asked for.
    """
    show = _component(
        "leave",
        '<div id="segue-leave" class="entry"></div>',
        ("dom", "leave"),
        ("base", "entry"),
        modules=("engine/saved_caches.js",),
    )
    show(key="leave", data={"label": label, "confirm": confirmation, "password": password})


def _nothing() -> None:
    """The callback without which Streamlit does not report a trigger; the caller reads the result."""
