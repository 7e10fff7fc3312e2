"""The map of the library."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.text import NO_INDEX


def show() -> None:
    """The map, centred on the track named by `?id=` in the address, if any."""
    st.title("Map", anchor=False)
    if visit.listener() is None:
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    if not visit.services().catalogue.indexed():
        st.info(
            f"There is no map yet. {NO_INDEX}",
            icon=":material/explore:",
        )
        return
    components.library_map(track_id=st.query_params.get("id", "")[:64])
