"""Ways from page to page that keep the browser's page, and so the music."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from segue.dashboard.text import plain


def open_page(target: Mapping[str, Any]) -> None:
    """Go where the browser's part says: to a track, an artist, an album of an artist, a track on the map, or
    a list that is made (:mod:`segue.dashboard.views.made`).

    Nothing happens when it names none of them.
    """
    match {key: value for key, value in target.items() if isinstance(value, str)}:
        case {"track": track_id}:
            st.switch_page(pages()["track"], query_params={"id": track_id})
        case {"map": track_id}:
            st.switch_page(pages()["map"], query_params={"id": track_id})
        case {"album": album, "artist": artist}:
            st.switch_page(pages()["album"], query_params={"artist": artist, "name": album})
        case {"made": kind, **named}:
            st.switch_page(pages()["playlists"], query_params={"made": kind, **named})
        case {"artist": artist}:
            st.switch_page(pages()["artist"], query_params={"name": artist})


def link(label: str, *, icon: str, to: Mapping[str, str]) -> None:
    """A line that leads to a page: see :func:`open_page`."""
    key = "-".join(["link", *(f"{name}-{value}" for name, value in to.items())])
    if st.button(plain(label), icon=icon, type="tertiary", key=key):
        open_page(to)


def pages() -> dict[str, st.Page]:
    """The pages of this run, by their address."""
    own: dict[str, st.Page] = st.session_state["pages"]
    return own
