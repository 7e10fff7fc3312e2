"""The visit of a browser to a page: the services, and the visitor. Functions for pages only."""

from __future__ import annotations

import streamlit as st

from segue.dashboard.operators import is_operator
from segue.dashboard.services import Services
from segue.local.stack import connected
from segue.people.accounts import Account
from segue.people.login_sessions import COOKIE, Listener
from segue.settings import load_settings
from segue.storage.store import open_store


@st.cache_resource(show_spinner=False)
def services() -> Services:
    """The process's services; embedded servers are used where the settings name no others."""
    settings = connected(load_settings(), kafka=False)
    return Services(open_store(settings), settings)


def listener() -> Listener | None:
    """The listener of this page, by the session's cookie; None when the browser has sent no valid one."""
    return services().login_sessions.find(st.context.cookies.get(COOKIE))


def must_log_in() -> bool:
    """Whether this visitor sees nothing but the log-in page."""
    known = listener()
    guest = known is None or known.name is None
    return guest and services().settings.dashboard.login_required


def hand_over(account: Account) -> str:
    """A code by which this page's browser becomes that account (:mod:`segue.people.handovers`)."""
    return services().handovers.offer(account, token=st.context.cookies[COOKIE])


def end_session() -> None:
    """Close the session of this page's browser; its next page begins another one."""
    services().login_sessions.close(st.context.cookies[COOKIE])


def operator() -> bool:
    """Whether the visitor runs the service, and so may open the pages of all listeners."""
    return is_operator(listener(), services().settings.dashboard, headers=st.context.headers)
