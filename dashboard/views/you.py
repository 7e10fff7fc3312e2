"""The page You: likes, history, share links and account."""

from __future__ import annotations

from datetime import timedelta

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components
from segue.dashboard.queries import history
from segue.dashboard.text import reload_page
from segue.dashboard.views import account, apps, heading, imports, language, more, own_data, sharing
from segue.taste.opinions import Kind

_AT_FIRST, _PLAYED = 200, 300
"""How many songs the tabs show at first."""


def show() -> None:
    """Tabs of likes, history, share links and account."""
    listener = visit.listener()
    if listener is None:
        st.title(gettext("You"), anchor=False)
        st.info(reload_page(), icon=":material/refresh:")
        return
    heading.title(listener.name or gettext("You are a guest"))
    likes, dislikes, played, shared, account_tab = st.tabs(
        [gettext("Liked"), gettext("Disliked"), gettext("History"), gettext("Sharing"), gettext("Account")],
        default=None if listener.name else gettext("Account"),  # with the forms to log in and to sign up
    )
    with likes:
        _judged(listener.user_id, "like", icon=":material/favorite:")
    with dislikes:
        _judged(listener.user_id, "dislike", icon=":material/thumb_down:")
    with played:
        _history(listener.user_id)
    with shared:
        sharing.listed(listener)
    with account_tab:
        account.show(listener)
        language.choice(listener)
        apps.show(listener)
        imports.show(listener)
        own_data.show()


def _history(user_id: str) -> None:
    # timezone_offset: minutes that the browser's clock is behind UTC.
    offset = timedelta(minutes=-(st.context.timezone_offset or 0))
    limit = more.asked_for("history", first=_PLAYED)
    days, total = history.played_by_day(visit.services().store, user_id, offset=offset, limit=limit)
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


def _judged(user_id: str, kind: Kind, *, icon: str) -> None:
    """The liked or disliked songs; an opinion is taken back where it was given, by its button."""
    place = f"{kind}d"
    items = history.judged(
        visit.services().store, user_id, kind, limit=more.asked_for(place, first=_AT_FIRST)
    )
    if not items:
        empty = (
            gettext("Songs that you like appear here.")
            if kind == "like"
            else gettext("Songs that you dislike appear here.")
        )
        st.info(empty, icon=icon)
        return
    if kind == "dislike":
        st.caption(
            gettext(
                "These songs are not recommended to you. “Remove the dislike” is in the “…” menu of each "
                "song."
            )
        )
    components.tracks(items, key=place, layout="list")
    more.offer(place, shown=len(items), total=items.total, words=_liked if kind == "like" else _disliked)


def _liked(shown: int, total: int | None) -> str:
    return gettext("{shown} of {total} songs that you like", shown=shown, total=total)


def _disliked(shown: int, total: int | None) -> str:
    return gettext("{shown} of {total} songs that you dislike", shown=shown, total=total)
