"""The heading of a page, which is also the title of its tab."""

from __future__ import annotations

import streamlit as st

from segue.dashboard.text import plain


def title(text: str) -> None:
    """Show a text, which is no Markdown, as the page's heading and in the title of the tab."""
    st.title(plain(text), anchor=False)
    name_tab(text)


def name_tab(text: str) -> None:
    """Give the browser's tab a title."""
    st.set_page_config(page_title=f"{text} · Segue")
