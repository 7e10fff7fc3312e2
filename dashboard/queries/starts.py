"""What a new listener has said to like: the selection that they begin with is made of it.

It is kept apart from the plays: saying that one likes folk is not the same as having heard a song, and the
taste is made of what was heard. With the first play the taste takes over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, zip_longest

from pymongo.database import Database

from segue.catalog.tracks import Tracks
from segue.storage.mongo import Document
from segue.storage.store import Store

MOST = 20
"""Picks of a kind; more is no choice."""
_LOOKED_AT = 200


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


def selection(store: Store, picks: Picks, *, size: int) -> list[tuple[str, str]]:
    """Tracks of the picks in turn, one artist after another, each with the pick it is there for.

    Returns
    -------
    (track id, genre or artist) pairs, at most `size`, each track once.
    """
    tracks = Tracks(store)
    genres = [_picked(tracks.some_of_genre(one, limit=_LOOKED_AT), one) for one in picks.genres[:MOST]]
    artists = [_picked(tracks.some_of_artist(one, limit=_LOOKED_AT), one) for one in picks.artists[:MOST]]
    chosen: dict[str, str] = {}
    for pair in _in_turn([*genres, *artists]):
        chosen.setdefault(*pair)
    return list(chosen.items())[:size]


def _picked(artists: Mapping[str, str], pick: str) -> list[tuple[str, str]]:
    """Tracks, of which the artists are given by id, one artist after another, with their pick."""
    by_artist: dict[str, list[tuple[str, str]]] = {}
    for track_id, artist in artists.items():
        by_artist.setdefault(artist, []).append((track_id, pick))
    return list(_in_turn(by_artist.values()))


def _in_turn(groups: Iterable[Sequence[tuple[str, str]]]) -> Iterable[tuple[str, str]]:
    """The first of each group, then the second of each, and so on."""
    return (one for one in chain.from_iterable(zip_longest(*groups)) if one is not None)
