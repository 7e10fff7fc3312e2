"""Ways from page to page that keep the browser's page, and so the music."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st


def open_track(track_id: str) -> NoReturn:
    """Go to a track's page."""
    st.switch_page(pages()["track"], query_params={"id": track_id})


def pages() -> dict[str, st.Page]:
    """The pages of this run, by their address."""
    return st.session_state["pages"]
