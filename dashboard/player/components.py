"""The player's parts in the browser, as Streamlit components: the bar, lists of tracks, the map, forms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from segue.dashboard.navigation import open_page
from segue.dashboard.queries.items import Item
from segue.plays.delivery import WORTH_KEEPING
from segue.plays.event_types import SIGNALS

_HERE = Path(__file__).parent
_BAR = ("dom", "outbox", "pending_leave", "forms", "engine", "queue", "radio", "keys", "panel", "bar")


@dataclass(frozen=True)
class Edit:
    """An edit of the listener's playlist: a song moves from `place` `to` another, or is removed (None).

    Places count from 0."""

    place: int
    track_id: str
    to: int | None

    @classmethod
    def read(cls, event: Any) -> Edit | None:
        """The edit of a browser's event; None for a malformed event."""
        match event:
            case {"place": int(place), "track": str(track_id)}:
                to = event.get("to")
                return cls(place, track_id, to if isinstance(to, int) else None)
        return None


def _joined(kind: str, *names: str) -> str:
    return "\n".join((_HERE / kind / f"{name}.{kind}").read_text() for name in names)


@cache
def _component(name: str, html: str, scripts: tuple[str, ...], styles: tuple[str, ...]) -> Callable[..., Any]:
    return st.components.v2.component(
        f"segue_{name}", html=html, js=_joined("js", *scripts), css=_joined("css", *styles)
    )


def bar(user_id: str) -> None:
    """The player bar; mounted before the page runs, so that a change of page does not unmount it."""
    show = _component("bar", '<div id="segue-bar"></div>', _BAR, ("base", "bar"))
    data = {
        "tag": tag(user_id),
        "signals": SIGNALS,
        "keptMs": WORTH_KEEPING // timedelta(milliseconds=1),
    }
    result = show(key="player", data=data, on_open_change=_nothing)
    if result.open:
        open_page(result.open)


def tag(user_id: str) -> str:
    """A key for a listener's data in the browser's storage that does not reveal the user id."""
    return hashlib.sha256(f"tag:{user_id}".encode()).hexdigest()[:16]


def tracks(
    items: Sequence[Item],
    *,
    key: str,
    layout: Literal["grid", "shelf", "list"] = "list",
    whole: bool = True,
    fresh: Sequence[str] = (),
    live: bool = False,
    dial: str = "",
    edit: bool = False,
) -> Edit | None:
    """A grid of cards, a shelf (a row of cards that scrolls sideways), or a list.

    Returns the edit that the listener has just made, with `edit`; else None.

    Parameters
    ----------
    whole
        Whether playing a track queues those after it; otherwise recommendations follow.
    fresh
        Ids of new tracks, which appear with an animation.
    live
        Whether the surrounding fragment reruns as soon as the recommendations change.
    dial
        For a live list: the mood of the dial. When it changes, the queue changes too.
    edit
        Whether the listener can move and remove songs.
    """
    show = _component(
        "tracks", '<div class="tracks"></div>', ("dom", "menu", "tracks", "list"), ("base", "tracks", "menu")
    )
    data = {
        "items": [_placed(item, place) for place, item in enumerate(items)]
        if edit
        else [item.data() for item in items],
        "layout": layout,
        "whole": whole,
        "fresh": list(fresh),
        "live": live,
        "dial": dial,
        "edit": edit,
    }
    result = show(
        key=key, data=data, on_open_change=_nothing, on_replanned_change=_nothing, on_edit_change=_nothing
    )
    if result.open:
        open_page(result.open)
    return Edit.read(result.edit) if edit and result.edit else None


def _placed(item: Item, place: int) -> dict[str, Any]:
    return {**item.data(), "place": place}


def library_map(*, track_id: str = "", key: str = "map") -> None:
    """The library as a map, centred on the track `track_id` if given."""
    _opening("map", scripts=("dom", "menu", "tracks", "map"), data={"track": track_id}, key=key)


def upload(*, largest: int, key: str = "upload") -> None:
    """A field for an audio file of at most `largest` bytes, and the tracks similar to it."""
    _opening("upload", scripts=("dom", "menu", "tracks", "upload"), data={"largest": largest}, key=key)


def _opening(name: str, *, scripts: tuple[str, ...], data: dict[str, Any], key: str) -> None:
    show = _component(name, f'<div class="{name}"></div>', scripts, ("base", "tracks", "menu", name))
    result = show(key=key, data=data, on_open_change=_nothing)
    if result.open:
        open_page(result.open)


def entry(
    kind: Literal["log-in", "sign-up", "hand-over", "log-out", "log-out-everywhere", "change-password"],
    *,
    label: str,
    code: str | None = None,
) -> None:
    """A form that starts a new session and reloads the first page. With a code it is sent without a click."""
    show = _component(
        "entry", '<div id="segue-entry" class="entry"></div>', ("dom", "entry"), ("base", "entry")
    )
    show(key=f"entry-{kind}", data={"kind": kind, "label": label, "code": code})


def leave(*, label: str, confirmation: str) -> None:
    """A button that removes the listener after a confirmation, which is part of the request."""
    show = _component(
        "leave", '<div id="segue-leave" class="entry"></div>', ("dom", "leave"), ("base", "entry")
    )
    show(key="leave", data={"label": label, "confirm": confirmation})


def _nothing() -> None:
    """The callback without which Streamlit does not report a trigger; the caller reads the result."""
