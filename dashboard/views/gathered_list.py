"""A list of all albums or all artists, in an order that the listener chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from segue.catalog.gathered import GatheredCollection, OrderT, RecordT
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.player import components
from segue.dashboard.player.components import Entry
from segue.dashboard.text import no_music
from segue.dashboard.views import more

_AT_FIRST = 60


def show(
    owner: GatheredCollection[RecordT, OrderT],
    *,
    named: str,
    key: str,
    words: more.Counted,
    orders: Mapping[str, OrderT],
    entry: Callable[[Any], Entry],
) -> None:
    """The page.

    Parameters
    ----------
    named
        The heading.
    key
        The name of the list, unique on the page.
    words
        Says how many of the entries are shown.
    orders
        The orders by the marked label of their button, the first by default.
    entry
        Describes an entry.
    """
    st.title(named, anchor=False)
    first = next(iter(orders))
    chosen = (
        st.pills(gettext("Order"), list(orders), key=f"order-of-{key}", default=first, format_func=translated)
        or first
    )
    place = f"{key}-{chosen}"
    found = owner.page(by=orders[chosen], limit=more.asked_for(place, first=_AT_FIRST))
    if not found:
        st.info(no_music(), icon=":material/library_music:")
        return
    components.entries([entry(one) for one in found], key=key, layout="grid")
    more.offer(place, shown=len(found), total=found.total, words=words)
