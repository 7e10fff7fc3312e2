"""The browsers in which a listener is logged in: ends one of them, or all others."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.formats import ago, day
from segue.dashboard.language.words import gettext
from segue.dashboard.text import plain
from segue.people.handovers import PREFIX
from segue.people.login_sessions import Listener, LoginSessions, OpenSession


def show(listener: Listener) -> None:
    """The log-in sessions of an account, with this browser first.

    Not for users of an identity provider, which would log a browser in again at once.
    """
    if listener.name is None or listener.user_id.startswith(PREFIX):
        return
    with st.expander(gettext("Where you are logged in"), icon=":material/important_devices:"):
        sessions = LoginSessions(visit.services().store).of(listener.user_id)
        for session in sorted(sessions, key=lambda one: one.session_id != listener.session_id):
            _row(listener, session)
        if len(sessions) > 1:
            st.button(
                gettext("Log out all other devices"),
                key="end-others",
                on_click=visit.by_listener(listener.user_id, lambda: _end_others(listener)),
            )


def _row(listener: Listener, session: OpenSession) -> None:
    here = session.session_id == listener.session_id
    name = plain(session.browser or gettext("A browser"))
    since = gettext("logged in on {day}", day=day(session.began_at, skeleton="yMMMMd"))
    seen = gettext("last used {when}", when=ago(session.seen_at.timestamp() * 1000))
    left, right = st.columns([4, 1], vertical_alignment="center")
    facts = [gettext("this device"), since] if here else [since, seen]
    left.markdown(" · ".join([f"**{name}**", *facts]))
    if not here:
        right.button(
            gettext("Log out"),
            key=f"end-{session.session_id}",
            on_click=visit.by_listener(listener.user_id, lambda: _end(listener, session)),
        )


def _end(listener: Listener, session: OpenSession) -> None:
    if visit.services().login_sessions.end(listener.user_id, session.session_id):
        visit.services().audit.note("session-ended", user_id=listener.user_id)


def _end_others(listener: Listener) -> None:
    if visit.services().login_sessions.end_others(listener.user_id, listener.session_id):
        visit.services().audit.note("session-ended", user_id=listener.user_id)
