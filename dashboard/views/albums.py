"""The list of all albums."""

from __future__ import annotations

from segue.catalog.albums import AlbumOrder
from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.views import entries, gathered_list, more
from segue.phrases import marked

_ORDERS: dict[str, AlbumOrder] = {
    marked("Name"): "name",
    marked("Artist"): "artist",
    marked("Newest release"): "year",
    marked("Newly added"): "added",
}


def show() -> None:
    """The albums in an order that the listener chooses."""
    gathered_list.show(
        visit.services().catalogue.albums,
        named=gettext("Albums"),
        key="albums",
        words=more.albums,
        orders=_ORDERS,
        entry=entries.album,
    )
