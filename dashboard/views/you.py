"""The page You: likes, history, share links and account."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.dashboard.queries import history
from segue.dashboard.views import account, more, own_data, sharing

_LIKED, _PLAYED = 200, 300
"""How many songs the tabs show at first."""


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
        _liked(listener.user_id)
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
    limit = more.asked_for("history", first=_PLAYED)
    days, total = history.played_by_day(visit.services().store, user_id, offset=offset, limit=limit)
    if not days:
        st.info("Songs that you play appear here.", icon=":material/history:")
    for number, (name, items) in enumerate(days):
        st.subheader(name, anchor=False)
        components.tracks(items, key=f"history-{number}", layout="list")
    more.offer("history", shown=min(limit, total), total=total, of="songs")
    most = visit.services().settings.taste.max_signals
    if days and total >= most:
        st.caption(f"The history has your last {total:,} songs. “Your listening” counts all of your plays.")


def _liked(user_id: str) -> None:
    items = history.liked(visit.services().store, user_id, limit=more.asked_for("liked", first=_LIKED))
    if not items:
        st.info("Songs that you like appear here.", icon=":material/favorite:")
        return
    components.tracks(items, key="liked", layout="list")
    more.offer("liked", shown=len(items), total=items.total, of="songs that you like")
