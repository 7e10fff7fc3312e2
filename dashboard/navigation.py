"""The addresses of pages, and the pages of this run.

A link of a page changes the address without a reload, so that the music continues, and adds one entry to the
browser's history (`player/js/navigation.js`). :func:`open_page` is for the buttons of forms.
"""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st


def address(page: str, **named: str) -> str:
    """The address of a page by :attr:`segue.dashboard.pages.Page.url`, with parameters."""
    return f"/{page}?{urlencode(named)}" if named else f"/{page}"


def open_page(page: str, **named: str) -> None:
    """Open a page after the work of a form or a button."""
    st.switch_page(pages()[page], query_params=named)


def pages() -> dict[str, st.Page]:
    """The pages of this run by :attr:`segue.dashboard.pages.Page.url`."""
    own: dict[str, st.Page] = st.session_state["pages"]
    return own
