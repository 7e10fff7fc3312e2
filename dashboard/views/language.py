"""The choice of the interface's language, on the page You."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.catalogues import LANGUAGES
from segue.dashboard.language.words import gettext
from segue.people.login_sessions import Listener
from segue.people.preferences import Preferences


def choice(listener: Listener) -> None:
    """A list of the languages; the page appears in the chosen one at once, and so do the next ones."""
    preferences = Preferences(visit.services().store)
    now = preferences.language(listener.user_id)
    codes = [None, *LANGUAGES]

    def keep() -> None:
        chosen = given.one_of(st.session_state["language-choice"], codes, default=None)
        preferences.choose_language(listener.user_id, chosen)

    st.selectbox(
        gettext("Language"),
        codes,
        index=codes.index(now) if now in codes else 0,
        format_func=lambda code: LANGUAGES[code] if code else gettext("As the browser"),
        key="language-choice",
        on_change=visit.by_listener(listener.user_id, keep),
        width=260,
    )
