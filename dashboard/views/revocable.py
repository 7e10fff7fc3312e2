"""A row for something that the listener can revoke: an app password, an API key."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.people.audit import Action


def revocable(text: str, *, key: str, revoke: Callable[[str], bool], action: Action) -> None:
    """Draw the row.

    Parameters
    ----------
    text
        Markdown, with names escaped.
    key
        The button's key, unique on the page.
    revoke
        Called with the id of the visitor, not with that of the listener for whom the page was
        drawn; returns whether anything of theirs was revoked.
    action
        Its name in the audit log.
    """
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(text)
    if right.button(gettext("Revoke"), key=key):
        current = visit.listener()
        if current is not None and revoke(current.user_id):
            visit.services().audit.note(action, user_id=current.user_id)
        st.rerun()
