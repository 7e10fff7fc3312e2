"""The page You: beliefs, dislikes, history, links, saved songs and account; likes are in the library."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components
from segue.dashboard.queries import history
from segue.dashboard.text import reload_page
from segue.dashboard.views import (
    account,
    apps,
    beliefs,
    developers,
    devices,
    heading,
    imports,
    language,
    more,
    own_data,
    scrobbling,
    servers,
    sharing,
)

_AT_FIRST, _PLAYED = 200, 300
"""How many songs the tabs show at first."""


def show() -> None:
    """Tabs of beliefs, dislikes, history, share links, saved songs and account."""
    listener = visit.listener()
    if listener is None:
        st.title(gettext("You"), anchor=False)
        st.info(reload_page(), icon=":material/refresh:")
        return
    heading.title(listener.name or gettext("You are a guest"))
    taste, dislikes, played, shared, saved, account_tab = st.tabs(
        [
            gettext("Taste"),
            gettext("Disliked"),
            gettext("History"),
            gettext("Sharing"),
            gettext("Offline"),
            gettext("Account"),
        ],
        default=None if listener.name else gettext("Account"),  # with the forms to log in and to sign up
    )
    with taste:
        beliefs.show(listener)
    with dislikes:
        _disliked(listener.user_id)
    with played:
        _history(listener.user_id)
    with shared:
        sharing.listed(listener)
    with saved:
        components.saved()
    with account_tab:
        account.show(listener)
        devices.show(listener)
        language.choice(listener)
        apps.show(listener)
        servers.show(listener)
        developers.show(listener)
        scrobbling.show(listener)
        imports.show(listener)
        own_data.show(listener)


def _history(user_id: str) -> None:
    limit = more.asked_for("history", first=_PLAYED)
    days, total = history.played_by_day(visit.services().store, user_id, offset=visit.offset(), limit=limit)
    if not days:
        st.info(gettext("Songs that you play appear here."), icon=":material/history:")
    for number, (name, items) in enumerate(days):
        st.header(name, anchor=False)
        components.tracks(items, key=f"history-{number}", layout="list")
    more.offer("history", shown=min(limit, total), total=total, words=more.songs)
    most = visit.services().settings.taste.max_signals
    if days and total >= most:
        st.caption(
            gettext(
                "The history has your last {total} songs. “Your listening” counts all of your plays.",
                total=total,
            )
        )


def _disliked(user_id: str) -> None:
    """The disliked songs; a dislike is taken back where it was given, in the song's menu."""
    limit = more.asked_for("disliked", first=_AT_FIRST)
    items = history.judged(visit.services().store, user_id, "dislike", limit=limit)
    if not items:
        st.info(gettext("Songs that you dislike appear here."), icon=":material/thumb_down:")
        return
    st.caption(
        gettext(
            "These songs are not recommended to you. “Remove the dislike” is in the “…” menu of each song."
        )
    )
    components.tracks(items, key="disliked", layout="list")
    more.offer("disliked", shown=len(items), total=items.total, words=_shown)


def _shown(shown: int, total: int | None) -> str:
    return gettext("{shown} of {total} songs that you dislike", shown=shown, total=total)
