"""Navigation between pages without a reload, so that the music continues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from segue.dashboard.text import plain


def open_page(target: Mapping[str, Any]) -> None:
    """Open the page that `target`, often an event from the browser, names.

    A target has the key `track`, `map` (a track id), `artist`, `album_id`, `album` with `artist`, or `made`
    (:mod:`segue.dashboard.views.made`). Others, which a browser may send, are ignored.
    """
    match {key: value for key, value in target.items() if isinstance(value, str)}:
        case {"track": track_id}:
            st.switch_page(pages()["track"], query_params={"id": track_id})
        case {"map": track_id}:
            st.switch_page(pages()["map"], query_params={"id": track_id})
        case {"album_id": album_id}:
            st.switch_page(pages()["album"], query_params={"id": album_id})
        case {"album": album, "artist": artist}:
            st.switch_page(pages()["album"], query_params={"artist": artist, "name": album})
        case {"made": kind, **named}:
            st.switch_page(pages()["playlists"], query_params={"made": kind, **named})
        case {"artist": artist}:
            st.switch_page(pages()["artist"], query_params={"name": artist})


def link(label: str, *, icon: str, to: Mapping[str, str]) -> None:
    """A button that opens a page: see :func:`open_page`."""
    key = "-".join(["link", *(f"{name}-{value}" for name, value in to.items())])
    if st.button(plain(label), icon=icon, type="tertiary", key=key):
        open_page(to)


def pages() -> dict[str, st.Page]:
    """The pages of this run by :attr:`segue.dashboard.pages.Page.url`."""
    own: dict[str, st.Page] = st.session_state["pages"]
    return own
