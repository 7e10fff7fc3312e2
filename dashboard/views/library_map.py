"""The map of the library."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components
from segue.dashboard.text import no_index, reload_page


def show() -> None:
    """The map, centred on the track named by `?id=` in the address, if any."""
    st.title(gettext("Map"), anchor=False)
    if visit.listener() is None:
        st.info(reload_page(), icon=":material/refresh:")
        return
    if not visit.services().catalogue.indexed():
        st.info(
            f"{gettext('There is no map yet.')} {no_index()}",
            icon=":material/explore:",
        )
        return
    components.library_map(track_id=st.query_params.get("id", "")[:64])
