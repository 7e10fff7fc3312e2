"""Export and removal of a listener's data, on the page You."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.player import components
from segue.people.accounts import Accounts
from segue.people.login_sessions import Listener
from segue.privacy.leaving import CONFIRMATION


def show(listener: Listener) -> None:
    """Export and removal, and how long data are kept."""
    st.header(gettext("Your data"), anchor=False)
    kept = visit.services().settings.retention
    st.write(
        gettext(
            "Your listening is kept for {listening}, single events for {events}. "
            "Totals over all listeners, which identify nobody, are kept.",
            listening=_days(kept.listening.days),
            events=_days(kept.plays.days),
        )
    )
    st.link_button(gettext("Export my data"), "/api/me/export", icon=":material/download:")
    with st.expander(gettext("Remove my account and all my data")):
        st.write(
            gettext(
                "Your account, taste, history, likes, playlists, share links and follows are removed at "
                "once. Your plays are no longer used. This cannot be undone."
            )
        )
        has_password = Accounts(visit.services().store).of(listener.user_id) is not None
        components.leave(label=gettext("Remove everything"), confirmation=CONFIRMATION, password=has_password)


def _days(count: int) -> str:
    return ngettext("{count} day", "{count} days", count)
