"""The addresses of pages.

A link of a page changes the address without a reload, so that the music continues, and adds one entry to the
browser's history (`player/js/navigation.js`). :func:`reopen` is for the buttons of forms.
"""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st


def address(page: str, **named: str) -> str:
    """The address of a page by :attr:`segue.dashboard.pages.Page.url`, with parameters."""
    return f"/{page}?{urlencode(named)}" if named else f"/{page}"


def reopen(**named: str) -> None:
    """Show the page of a form or a button again with other parameters, which are an entry in the history."""
    st.query_params.from_dict(named)
    st.rerun()
