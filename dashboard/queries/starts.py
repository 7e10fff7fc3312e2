"""What a new listener has said to like: the selection that they begin with is made of it.

It is kept apart from the plays: saying that one likes folk is not the same as having heard a song, and the
taste is made of what was heard. With the first play the taste takes over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, zip_longest

from pymongo.database import Database

from segue.catalog.tracks import PLAYABLE
from segue.storage.mongo import Document

MOST = 20
"""Picks of a kind; more is no choice."""
_LOOKED_AT = 200
_THERE = {"state": PLAYABLE}


@dataclass(frozen=True)
class Picks:
    """What somebody wants to begin with."""

    genres: Sequence[str] = ()
    artists: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.genres or self.artists)


def read_picks(database: Database[Document], user_id: str) -> Picks:
    """A listener's picks; empty ones where there are none."""
    found = database.starts.find_one({"_id": user_id}) or {}
    return Picks(tuple(found.get("genres", ())), tuple(found.get("artists", ())))


def keep_picks(database: Database[Document], user_id: str, picks: Picks) -> None:
    """Write a listener's picks over the former ones."""
    fields = {
        "genres": list(picks.genres[:MOST]),
        "artists": list(picks.artists[:MOST]),
        "at": datetime.now(UTC),
    }
    database.starts.update_one({"_id": user_id}, {"$set": fields}, upsert=True)


def selection(database: Database[Document], picks: Picks, *, size: int) -> list[tuple[str, str]]:
    """Tracks of the picks in turn, one artist after another, each with the pick it is there for.

    Returns
    -------
    (track id, genre or artist) pairs, at most `size`, each track once.
    """
    genres = [_of(database, {"genres": genre}, genre) for genre in picks.genres[:MOST]]
    artists = [_of(database, {"artist": artist}, artist) for artist in picks.artists[:MOST]]
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
