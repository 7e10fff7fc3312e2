"""Lists that a page cuts: how many it shows, and the button for more."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from segue.dashboard.language.words import gettext

MOST = 5_000
"""The most entries of a list on a page, which is made anew, and sent, each time it runs."""


def asked_for(key: str, *, first: int) -> int:
    """How many entries of a list the visitor wants to see; `first` before the button was pressed."""
    return int(st.session_state.get(_name(key), first))


Counted = Callable[[int, int | None], str]
"""Says how many entries of a list are shown, and of how many; None if nobody has counted them."""


def songs(shown: int, total: int | None) -> str:
    """ "200 of 50,000 songs" """
    if total is None:
        return gettext("The first {shown} songs", shown=shown)
    return gettext("{shown} of {total} songs", shown=shown, total=total)


def albums(shown: int, total: int | None) -> str:
    """ "60 of 1,000 albums" """
    if total is None:
        return gettext("The first {shown} albums", shown=shown)
    return gettext("{shown} of {total} albums", shown=shown, total=total)


def offer(key: str, *, shown: int, total: int | None, words: Counted) -> None:
    """Below a cut list: "200 of 50,000 songs", and a button that doubles it; nothing for a whole list.

    Parameters
    ----------
    total
        The number of all entries; None if there are more, but nobody has counted them.
    words
        Says how many entries are shown.
    """
    if total is not None and shown >= total:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(words(shown, total), width="content")
        if shown >= MOST:
            return

        def double() -> None:
            st.session_state[_name(key)] = min(2 * max(shown, 1), MOST)

        st.button(
            gettext("Show more"),
            icon=":material/expand_more:",
            type="tertiary",
            key=_name(key, "button"),
            on_click=double,
        )


def _name(key: str, part: str = "count") -> str:
    return f"more-{part}-{key}"
