"""The current visitor of a page, and the services. Pages only: routes have a request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache, wraps
from typing import Concatenate, ParamSpec

import streamlit as st

from segue.dashboard.language import spoken
from segue.dashboard.language.words import gettext
from segue.dashboard.operators import is_operator
from segue.dashboard.services import Services
from segue.local.stack import connected
from segue.people.accounts import Account
from segue.people.forgotten import Forgotten
from segue.people.login_sessions import COOKIE, Listener
from segue.people.newcomers import limited_network
from segue.people.preferences import Preferences
from segue.settings import load_settings
from segue.storage.store import open_store

Given = ParamSpec("Given")
_FARTHEST_MINUTES = 14 * 60
"""Between a time zone and UTC."""


_making = threading.Lock()


def services() -> Services:
    """The process's services; they use the embedded servers where the settings name no others."""
    with _making:
        return _services()


@cache
def _services() -> Services:
    settings = connected(load_settings(), kafka=False)
    return Services(open_store(settings), settings)


def listener() -> Listener | None:
    """The listener of the session cookie; None without a valid cookie."""
    return services().login_sessions.find(st.context.cookies.get(COOKIE))


def speak() -> str:
    """Use the language that the listener has chosen, or that of the browser; returns its code."""
    known = listener()
    return spoken.speak(Preferences(services().store).language(known.user_id) if known else None)


def must_log_in() -> bool:
    """Whether this visitor sees only the log-in page."""
    known = listener()
    guest = known is None or known.name is None
    return guest and (services().settings.dashboard.login_required or (known is None and is_refused()))


def is_refused() -> bool:
    """Whether this visitor is no guest because too many come from their network."""
    return listener() is None and services().login_sessions.is_refused(st.context.cookies.get(COOKIE))


def hand_over(account: Account) -> str:
    """A code with which this browser logs in to the account (:mod:`segue.people.handovers`)."""
    return services().handovers.offer(account, token=st.context.cookies[COOKIE])


def left_until(account: Account) -> datetime | None:
    """Until when nothing is stored about somebody who has removed everything; None for all others."""
    return Forgotten(services().store).until(account.user_id)


def end_session() -> None:
    """Close the browser's session; its next page opens a new one."""
    services().login_sessions.close(st.context.cookies[COOKIE])


def of_listener(
    draw: Callable[Concatenate[str, Given], None],
) -> Callable[Concatenate[str, Given], None]:
    """A fragment about a listener, whose id is its first parameter, draws for this listener only.

    A fragment runs again with the parameters of its page, which stays open after a log-out.
    """

    @wraps(draw)
    def drawing(user_id: str, /, *given: Given.args, **named: Given.kwargs) -> None:
        if is_here(user_id):
            draw(user_id, *given, **named)
        else:
            _say_reload()

    return drawing


def of_operators(draw: Callable[Given, None]) -> Callable[Given, None]:
    """A fragment for operators draws for operators only, however long its page has been open."""

    @wraps(draw)
    def drawing(*given: Given.args, **named: Given.kwargs) -> None:
        if operator():
            draw(*given, **named)
        else:
            _say_reload()

    return drawing


def by_listener(user_id: str, change: Callable[[], None]) -> Callable[[], None]:
    """The callback of a widget, which changes data of a listener: for this listener only."""

    def changing() -> None:
        if is_here(user_id):
            change()

    return changing


def is_here(user_id: str) -> bool:
    """Whether the visitor is this listener."""
    here = listener()
    return here is not None and here.user_id == user_id


def is_still_here(known: Listener) -> bool:
    """Whether the visitor is the listener for whom the page was drawn; if not, it says how to continue.

    A page stays open after a log-out in another tab.
    """
    if listener() == known:
        return True
    _say_reload()
    return False


def _say_reload() -> None:
    st.error(gettext("Reload the page: you are no longer logged in."))


def network() -> str | None:
    """The visitor's network; None for a visitor on this machine (:func:`limited_network`)."""
    address = st.context.ip_address
    return limited_network(address) if address else None


def offset() -> timedelta:
    """How far the browser's clock is ahead of UTC; nothing for an offset that no place has."""
    behind = st.context.timezone_offset or 0
    return timedelta(minutes=-behind) if abs(behind) <= _FARTHEST_MINUTES else timedelta()


def operator() -> bool:
    """Whether the visitor is an operator, who may open the pages about all listeners."""
    return is_operator(listener(), services().settings.dashboard, headers=st.context.headers)
