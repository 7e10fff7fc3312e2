"""The present visitor of a page or a route, and the libraries that this visitor does not see.

The store of the services asks here at each read of the catalogue. A visitor who is not known is a guest, so
that code without a visitor reads only tracks that everybody sees.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from segue.dashboard.language.spoken import of_request, spoken
from segue.people.library_access import NOTHING, AdmittedListeners, LibraryAccess
from segue.people.login_sessions import COOKIE, Listener, LoginSessions

_REMEMBERED_SECONDS = 2.0
_MOST_REMEMBERED = 10_000
_PAGES = "streamlit.runtime.scriptrunner_utils.script_run_context"
_requested: ContextVar[str | None] = ContextVar("session_of_request", default=None)
"""The token of the request's session."""
_known: ContextVar[tuple[str, str] | None] = ContextVar("listener_of_request", default=None)
"""The listener's id and name, of a request that has no session."""


class Visitors:
    """Finds the libraries that the present visitor does not see; safe for use by several threads."""

    def __init__(
        self, access: LibraryAccess, login_sessions: LoginSessions, admitted: AdmittedListeners
    ) -> None:
        self._access, self._login_sessions, self._admitted = access, login_sessions, admitted
        self._known: dict[str, tuple[float, frozenset[str]]] = {}

    def hidden_libraries(self) -> frozenset[str]:
        """The hidden libraries; without a read of the session while no library is for certain accounts."""
        if not self._access.restricted:
            return NOTHING
        if (listener := _known.get()) is not None:
            user_id, name = listener
            return self._hidden_from(Listener(user_id=user_id, name=name, session_id=""))
        token = _requested.get() or _token_of_page()
        if token is None:
            return self._access.restricted
        at, hidden = self._known.get(token, (0.0, NOTHING))
        if at and time.monotonic() - at < _REMEMBERED_SECONDS:
            return hidden
        hidden = self._hidden_from(self._login_sessions.find(token))
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[token] = time.monotonic(), hidden
        return hidden

    def _hidden_from(self, listener: Listener | None) -> frozenset[str]:
        if listener is None or listener.name is None:
            return self._access.restricted
        if self._access.names(listener.user_id, listener.name):
            self._admitted.note(listener.user_id, listener.name)
        return self._access.hidden_from(listener.user_id, listener.name)


def _token_of_page() -> str | None:
    """The session of the page that this thread draws; None in other threads and where no pages run."""
    if _PAGES not in sys.modules:
        return None
    import streamlit as st
    from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    return st.context.cookies.get(COOKIE)


@contextmanager
def seen_by(user_id: str, name: str) -> Iterator[None]:
    """Within it, reads of the catalogue are those of a listener who has no session."""
    before = _known.set((user_id, name))
    try:
        yield
    finally:
        _known.reset(before)


def seen_by_visitor(route: Route) -> Route:
    """A route whose reads of the catalogue are those of the request's visitor, in their language."""
    endpoint: Callable[[Request], Awaitable[Response]] = route.endpoint

    async def answer(request: Request) -> Response:
        before = _requested.set(request.cookies.get(COOKIE))
        try:
            with spoken(of_request(request)):
                return await endpoint(request)
        finally:
            _requested.reset(before)

    methods = sorted(route.methods - {"HEAD"}) if route.methods else None
    return Route(route.path, answer, methods=methods, name=route.name)
