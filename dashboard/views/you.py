"""The listener: who they are here, what they liked, what they played."""

from __future__ import annotations

import streamlit as st

from dashboard import service
from dashboard.finding import history
from dashboard.player import components
from dashboard.player.items import Item
from dashboard.views import account


def show() -> None:
    """Hearts and history; logging in or out."""
    listener = service.listener()
    if listener is None:
        st.title("You", anchor=False)
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    st.title(listener.name or "You are here as a guest", anchor=False)
    hearts, played, who = st.tabs(["Liked", "History", "Account"])
    with hearts:
        _listed(
            history.liked(service.database(), listener.user_id),
            key="liked",
            empty="Press the heart of a song, and it will be here.",
        )
    with played:
        _listed(
            history.recently_played(service.database(), listener.user_id, limit=100),
            key="history",
            empty="What you play will be here.",
        )
    with who:
        account.show(listener)


def _listed(items: list[Item], *, key: str, empty: str) -> None:
    if items:
        components.tracks(items, key=key, layout="list")
    else:
        st.info(empty, icon=":material/favorite:")
