"""The player's parts in the browser, as Streamlit components: the bar, lists of tracks, the log-in form."""

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
_BAR = ("dom", "outbox", "unsaid", "engine", "queue", "radio", "keys", "panel", "bar")


@dataclass(frozen=True)
class Edit:
    """A listener moves a song within a list of their own `to` another place, or out of it (None)."""

    place: int
    track_id: str
    to: int | None

    @classmethod
    def read(cls, event: Any) -> Edit | None:
        """The edit of a browser's event; None for an event that no list of ours sends."""
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
    """The player; mounted in the entry script before the page runs, so that it is never taken away."""
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
    """Tells listeners apart in the browser's storage without naming them."""
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
    """A grid of covers, a shelf of them (one line that can be moved sideways), or a list.

    Parameters
    ----------
    whole
        Whether playing one queues the others after it; without it recommendations follow.
    fresh
        Ids of tracks that have just come in, which is shown.
    live
        Whether the fragment that this stands in is drawn again as soon as recommendations have changed.
    dial
        Of a live list: the mood that it is steered by, which the queue then follows too.
    edit
        Whether songs can be moved and taken out; then the edit that was just made is returned.
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
    """The library as a map; `track_id` is the track in its middle."""
    _opening("map", scripts=("dom", "menu", "tracks", "map"), data={"track": track_id}, key=key)


def upload(*, largest: int, key: str = "upload") -> None:
    """A place for a file, and what in the library sounds like it."""
    _opening("upload", scripts=("dom", "menu", "tracks", "upload"), data={"largest": largest}, key=key)


def _opening(name: str, *, scripts: tuple[str, ...], data: dict[str, Any], key: str) -> None:
    show = _component(name, f'<div class="{name}"></div>', scripts, ("base", "tracks", "menu", name))
    result = show(key=key, data=data, on_open_change=_nothing)
    if result.open:
        open_page(result.open)


def entry(
    kind: Literal["log-in", "sign-up", "hand-over", "log-out"], *, label: str, code: str | None = None
) -> None:
    """A form that answers with a new session and opens the first page again; with a code, by itself."""
    show = _component(
        "entry", '<div id="segue-entry" class="entry"></div>', ("dom", "entry"), ("base", "entry")
    )
    show(key=f"entry-{kind}", data={"kind": kind, "label": label, "code": code})


def leave(*, label: str, confirmation: str) -> None:
    """A button that removes the listener, after asking; the request has the confirmation in it."""
    show = _component(
        "leave", '<div id="segue-leave" class="entry"></div>', ("dom", "leave"), ("base", "entry")
    )
    show(key="leave", data={"label": label, "confirm": confirmation})


def _nothing() -> None:
    """A trigger needs a callback to be known; its work is done after mounting."""
