"""A list of all albums or all artists, in an order that the listener chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from segue.catalog.gathered import GatheredCollection, OrderT, RecordT
from segue.dashboard.player import components
from segue.dashboard.player.components import Entry
from segue.dashboard.text import NO_MUSIC
from segue.dashboard.views import more

_AT_FIRST = 60


def show(
    owner: GatheredCollection[RecordT, OrderT],
    *,
    of: str,
    orders: Mapping[str, OrderT],
    entry: Callable[[Any], Entry],
) -> None:
    """The page.

    Parameters
    ----------
    of
        The entries in the plural, such as "albums".
    orders
        The orders by the label of their button, the first by default.
    entry
        Describes an entry.
    """
    st.title(of.capitalize(), anchor=False)
    first = next(iter(orders))
    chosen = st.pills("Order", list(orders), key=f"order-of-{of}", default=first) or first
    place = f"{of}-{chosen}"
    found = owner.page(by=orders[chosen], limit=more.asked_for(place, first=_AT_FIRST))
    if not found:
        st.info(NO_MUSIC, icon=":material/library_music:")
        return
    components.entries([entry(one) for one in found], key=of, layout="grid")
    more.offer(place, shown=len(found), total=found.total, of=of)
