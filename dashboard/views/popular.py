"""What all listeners hear, as parts of the first page."""

from __future__ import annotations

import streamlit as st

from dashboard import service
from dashboard.finding.popular import popular_now, rising_now
from dashboard.player import components
from dashboard.player.items import Item

SHOWN = 12


def show() -> None:
    """Rows of rising and of popular tracks; nothing where too little has been heard."""
    up, much = _found()
    if up:
        st.subheader("Rising now", anchor=False)
        components.tracks(up, key="rising", layout="grid")
    if much:
        st.subheader("Popular today", anchor=False)
        components.tracks(much, key="popular", layout="grid")


@st.cache_data(ttl=15.0, show_spinner=False)
def _found() -> tuple[list[Item], list[Item]]:
    """The same for everybody, and counted anew now and then."""
    database = service.database()
    return rising_now(database, limit=SHOWN), popular_now(database, limit=SHOWN)
