"""The list of all artists."""

from __future__ import annotations

from segue.catalog.artists import ArtistOrder
from segue.dashboard import visit
from segue.dashboard.views import entries, gathered_list

_ORDERS: dict[str, ArtistOrder] = {"Name": "name", "Most albums": "albums", "Most songs": "tracks"}


def show() -> None:
    """The artists in an order that the listener chooses."""
    gathered_list.show(visit.services().catalogue.artists, of="artists", orders=_ORDERS, entry=entries.artist)
