"""Lists that a page cuts: how many it shows, and the button for more."""

from __future__ import annotations

import streamlit as st


def asked_for(key: str, *, first: int) -> int:
    """How many entries of a list the visitor wants to see; `first` before the button was pressed."""
    return int(st.session_state.get(_name(key), first))


def offer(key: str, *, shown: int, total: int | None, of: str) -> None:
    """Below a cut list: "200 of 50,000 songs", and a button that doubles it; nothing for a whole list.

    Parameters
    ----------
    total
        The number of all entries; None if there are more, but nobody has counted them.
    of
        The listed things, in the plural.
    """
    if total is not None and shown >= total:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"The first {shown:,} {of}" if total is None else f"{shown:,} of {total:,} {of}"
        st.caption(words, width="content")

        def double() -> None:
            st.session_state[_name(key)] = 2 * max(shown, 1)

        st.button(
            "Show more",
            icon=":material/expand_more:",
            type="tertiary",
            key=_name(key, "button"),
            on_click=double,
        )


def _name(key: str, part: str = "count") -> str:
    return f"more-{part}-{key}"
