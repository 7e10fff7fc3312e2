"""The list of all artists."""

from __future__ import annotations

from segue.catalog.artists import ArtistOrder
from segue.dashboard import visit
from segue.dashboard.language.words import gettext
from segue.dashboard.views import entries, gathered_list, more
from segue.phrases import marked

_ORDERS: dict[str, ArtistOrder] = {
    marked("Name"): "name",
    marked("Most albums"): "albums",
    marked("Most songs"): "tracks",
}


def show() -> None:
    """The artists in an order that the listener chooses."""
    gathered_list.show(
        visit.services().catalogue.artists,
        named=gettext("Artists"),
        key="artists",
        words=more.artists,
        orders=_ORDERS,
        entry=entries.artist,
    )
