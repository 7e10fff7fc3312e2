"""The listener: who they are here, what they liked, what they played."""

from __future__ import annotations

import streamlit as st

from dashboard import service
from dashboard.finding import history
from dashboard.player import components
from dashboard.player.items import Item
from dashboard.views import account, own_data, sharing


def show() -> None:
    """Hearts and history; logging in or out."""
    listener = service.listener()
    if listener is None:
        st.title("You", anchor=False)
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    st.title(listener.name or "You are here as a guest", anchor=False)
    hearts, played, shared, who = st.tabs(["Liked", "History", "Sharing", "Account"])
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
    with shared:
        sharing.listed(listener)
    with who:
        account.show(listener)
        own_data.show()


def _listed(items: list[Item], *, key: str, empty: str) -> None:
    if items:
        components.tracks(items, key=key, layout="list")
    else:
        st.info(empty, icon=":material/favorite:")
