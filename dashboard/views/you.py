"""The page You: likes, history, share links and account."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries import history
from segue.dashboard.queries.items import Item
from segue.dashboard.views import account, own_data, sharing


def show() -> None:
    """Tabs of likes, history, share links and account."""
    listener = visit.listener()
    if listener is None:
        st.title("You", anchor=False)
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    st.title(listener.name or "You are a guest", anchor=False)
    likes, played, shared, account_tab = st.tabs(["Liked", "History", "Sharing", "Account"])
    with likes:
        _listed(
            history.liked(visit.services().store, listener.user_id),
            key="liked",
            empty="Songs that you like appear here.",
        )
    with played:
        _history(listener.user_id)
    with shared:
        sharing.listed(listener)
    with account_tab:
        account.show(listener)
        own_data.show()


def _history(user_id: str) -> None:
    # timezone_offset: minutes that the browser's clock is behind UTC.
    offset = timedelta(minutes=-(st.context.timezone_offset or 0))
    days = history.played_by_day(visit.services().store, user_id, offset=offset)
    if not days:
        st.info("Songs that you play appear here.", icon=":material/history:")
    for number, (name, items) in enumerate(days):
        st.subheader(name, anchor=False)
        components.tracks(items, key=f"history-{number}", layout="list")


def _listed(items: list[Item], *, key: str, empty: str) -> None:
    if items:
        components.tracks(items, key=key, layout="list")
    else:
        st.info(empty, icon=":material/favorite:")
