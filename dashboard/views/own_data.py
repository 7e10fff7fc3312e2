"""A listener's own data, on their page: to take along, and to have removed."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.privacy.leaving import CONFIRMATION


def show() -> None:
    """Export and removal, and how long data are kept."""
    st.subheader("Your data", anchor=False)
    kept = visit.services().settings.retention
    st.write(
        f"What you play is kept for {kept.listening.days} days, each single event for {kept.plays.days}. "
        "Sums over all listeners, in which nobody can be told apart, stay."
    )
    st.link_button("Save all that is stored of me", "/api/me/export", icon=":material/download:")
    with st.expander("Remove me and everything stored of me"):
        st.write(
            "Your account, taste, history, hearts, playlists, links and whom you follow are removed at once, "
            "and nothing is made any more of what you played. This cannot be undone."
        )
        components.leave(label="Remove everything", confirmation=CONFIRMATION)
