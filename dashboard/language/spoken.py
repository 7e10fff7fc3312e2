"""The language of the present reader of a page or a route."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import Request

from segue.dashboard.language.catalogues import LANGUAGES, SOURCE, accepted

COOKIE = "segue_language"
"""The cookie in which a page tells the routes its language; the account's choice is in it."""
_PAGES = "streamlit.runtime.scriptrunner_utils.script_run_context"
_KEY = "language"
_requested: ContextVar[str | None] = ContextVar("language_of_request", default=None)


def language() -> str:
    """The code of the language of the request, else of the page; English where there is neither."""
    return _requested.get() or _of_page() or SOURCE


@contextmanager
def spoken(code: str) -> Iterator[None]:
    """Within it, texts are in a language."""
    before = _requested.set(code)
    try:
        yield
    finally:
        _requested.reset(before)


def of_request(request: Request) -> str:
    """The language of the page that sent a request, else that of the browser."""
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else accepted(request.headers.get("accept-language"))


def speak(chosen: str | None) -> str:
    """Use a language for the page and its fragments: the listener's choice, or that of the browser (None)."""
    import streamlit as st

    code = chosen if chosen in LANGUAGES else accepted(st.context.headers.get("accept-language"))
    st.session_state[_KEY] = code
    return code


def _of_page() -> str | None:
    """The language of the page that this thread draws; None in other threads and where no pages run."""
    if _PAGES not in sys.modules:
        return None
    import streamlit as st
    from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

    if get_script_run_ctx(suppress_warning=True) is None:
        return None
    code = st.session_state.get(_KEY)
    return code if code in LANGUAGES else accepted(st.context.headers.get("accept-language"))
