"""The map of the library, to wander through."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components


def show() -> None:
    """The map; with `?id=` in the address, around that track."""
    st.title("Map", anchor=False)
    if visit.listener() is None:
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    if not visit.services().catalogue.indexed():
        st.info(
            "There is no map yet: it is drawn from the index, which `./run.sh index build` makes.",
            icon=":material/explore:",
        )
        return
    components.library_map(track_id=st.query_params.get("id", "")[:64])
