"""The list of all albums."""

from __future__ import annotations

from segue.catalog.albums import AlbumOrder
from segue.dashboard import visit
from segue.dashboard.views import entries, gathered_list

_ORDERS: dict[str, AlbumOrder] = {
    "Name": "name",
    "Artist": "artist",
    "Newest release": "year",
    "Newly added": "added",
}


def show() -> None:
    """The albums in an order that the listener chooses."""
    gathered_list.show(visit.services().catalogue.albums, of="albums", orders=_ORDERS, entry=entries.album)
