"""Export and removal of a listener's data, on the page You."""

from __future__ import annotations

import streamlit as st

from segue.counted import counted
from segue.dashboard import visit
from segue.dashboard.player import components
from segue.privacy.leaving import CONFIRMATION


def show() -> None:
    """Export and removal, and how long data are kept."""
    st.header("Your data", anchor=False)
    kept = visit.services().settings.retention
    st.write(
        f"Your listening is kept for {counted(kept.listening.days, 'day')}, "
        f"single events for {counted(kept.plays.days, 'day')}. "
        "Totals over all listeners, which identify nobody, are kept."
    )
    st.link_button("Export my data", "/api/me/export", icon=":material/download:")
    with st.expander("Remove my account and all my data"):
        st.write(
            "Your account, taste, history, likes, playlists, share links and follows are removed at once. "
            "Your plays are no longer used. This cannot be undone."
        )
        components.leave(label="Remove everything", confirmation=CONFIRMATION)
