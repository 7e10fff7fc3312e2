"""The page Library for the browser: its lists as JSON objects, and the texts around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from segue.catalog.albums import Album
from segue.catalog.artists import Artist
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.navigation import address
from segue.dashboard.player import entries
from segue.dashboard.player.components import Entry
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.library import ORDERS, VIEWS, Asked, Genre, View
from segue.playlists.playlist import Playlist
from segue.playlists.playlists import LONGEST_COMMENT, LONGEST_NAME
from segue.storage.keyset import Page

_SONGS: tuple[View, ...] = ("songs", "liked")
_MOST_COVERS = 24
_ROWS: tuple[View, ...] = ("songs", "liked", "playlists")
"""The lists that are tables by default."""


def page(asked: Asked, found: Page[Any]) -> dict[str, Any]:
    """A page of a list: its entries, and whether others follow."""
    return {"items": [_DATA[asked.view](one) for one in found], "more": found.more}


def frame(asked: Asked, *, layout: str, total: int | None, empty: str) -> dict[str, Any]:
    """The list's controls and texts.

    Parameters
    ----------
    layout
        "grid" or "table"; the list's own by default.
    total
        The number of all entries, if it is known.
    empty
        The text of a list without entries.
    """
    own = "table" if asked.view in _ROWS else "grid"
    return {
        "views": [[view, translated(label)] for view, label in VIEWS.items()],
        "orders": [[order, translated(label)] for order, label in ORDERS[asked.view].items()],
        "show": asked.view,
        "by": asked.by,
        "backwards": asked.backwards,
        "filter": asked.words,
        "genre": asked.genre,
        "songs": asked.view in _SONGS,
        "layout": layout if layout in ("grid", "table") else own,
        "own": own,
        "total": None if total is None else _COUNTED[asked.view](total),
        "empty": gettext("Nothing here contains these words.") if asked.words else empty,
    }


_COUNTED: dict[View, Callable[[int], str]] = {
    "albums": lambda n: ngettext("{count} album", "{count} albums", n),
    "added": lambda n: ngettext("{count} album", "{count} albums", n),
    "artists": lambda n: ngettext("{count} artist", "{count} artists", n),
    "songs": lambda n: ngettext("{count} song", "{count} songs", n),
    "liked": lambda n: ngettext("{count} song", "{count} songs", n),
    "playlists": lambda n: ngettext("{count} playlist", "{count} playlists", n),
    "genres": lambda n: ngettext("{count} genre", "{count} genres", n),
}


def _album(one: Album) -> dict[str, Any]:
    return {"id": one["_id"], **entries.album(one).data()}


def _artist(one: Artist) -> dict[str, Any]:
    return {"id": one["_id"], **entries.artist(one).data()}


def cover_of(one: Playlist) -> str | None:
    """The cover of a playlist for the browser: the address of its own picture, or the id of a cover."""
    if one.picture:
        return f"/api/playlists/{one.playlist_id}/picture?version={one.picture}"
    return one.cover_id or None


def head(one: Playlist, songs: Sequence[Item], *, folders: Sequence[str]) -> dict[str, Any]:
    """A playlist's head, with the covers of its songs and the listener's folders to choose from."""
    covers = {song.cover_id: song.album or song.title for song in songs if song.cover_id}
    return {
        "id": one.playlist_id,
        "name": one.name,
        "comment": one.comment,
        "folder": one.folder,
        "cover": cover_of(one),
        "covers": list(covers.items())[:_MOST_COVERS],
        "folders": list(folders),
        "longest": {"name": LONGEST_NAME, "comment": LONGEST_COMMENT},
    }


def _playlist(one: Playlist) -> dict[str, Any]:
    songs = ngettext("{count} song", "{count} songs", len(one.tracks))
    shown = Entry(
        name=one.name,
        href=address("playlists", id=one.playlist_id),
        note=" · ".join([songs, *([one.folder] if one.folder else [])]),
        cover=cover_of(one),
    )
    return {"id": one.playlist_id, **shown.data()}


def _genre(one: Genre) -> dict[str, Any]:
    shown = Entry(
        name=one.name,
        href=address("library", show="songs", genre=one.name),
        note=ngettext("{count} song", "{count} songs", one.tracks),
        cover=None,
    )
    return {"id": one.name, **shown.data()}


_DATA: dict[View, Callable[[Any], dict[str, Any]]] = {
    "albums": _album,
    "added": _album,
    "artists": _artist,
    "songs": lambda item: item.data(),
    "liked": lambda item: item.data(),
    "playlists": _playlist,
    "genres": _genre,
}
