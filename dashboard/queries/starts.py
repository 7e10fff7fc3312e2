"""The selection that a new listener begins with, made of the genres and artists they have chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, zip_longest

from pymongo.database import Database

from segue.catalog.tracks import PLAYABLE
from segue.storage.mongo import Document
from segue.taste.starts import MOST, StartingChoice

_LOOKED_AT = 200
_THERE = {"state": PLAYABLE}


def selection(database: Database[Document], choice: StartingChoice, *, size: int) -> list[tuple[str, str]]:
    """Tracks of the picks in turn, one artist after another, each with the pick it is there for.

    Returns
    -------
    (track id, genre or artist) pairs, at most `size`, each track once.
    """
    genres = [_of(database, {"genres": genre}, genre) for genre in choice.genres[:MOST]]
    artists = [_of(database, {"artist": artist}, artist) for artist in choice.artists[:MOST]]
    chosen: dict[str, str] = {}
    for pair in _in_turn([*genres, *artists]):
        chosen.setdefault(*pair)
    return list(chosen.items())[:size]


def _of(database: Database[Document], wanted: Document, pick: str) -> list[tuple[str, str]]:
    found = database.tracks.find({**wanted, **_THERE}, {"artist": 1}).limit(_LOOKED_AT)
    by_artist: dict[str, list[tuple[str, str]]] = {}
    for track in sorted(found, key=lambda one: str(one["_id"])):
        by_artist.setdefault(track.get("artist") or "", []).append((track["_id"], pick))
    return list(_in_turn(by_artist.values()))


def _in_turn(groups: Iterable[Sequence[tuple[str, str]]]) -> Iterable[tuple[str, str]]:
    """The first of each group, then the second of each, and so on."""
    return (one for one in chain.from_iterable(zip_longest(*groups)) if one is not None)
