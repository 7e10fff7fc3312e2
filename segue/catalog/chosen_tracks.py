"""The part of `tracks` that finds the tracks for the rules of a playlist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from segue.catalog.browsed_tracks import SongOrder
from segue.catalog.tracks import ORDERS, PLAYABLE, Tracks
from segue.storage.keyset import page_of
from segue.storage.mongo import Document


@dataclass(frozen=True)
class Among:
    """Tracks that are in a list; without `inside`, tracks that are not."""

    ids: Sequence[str]
    inside: bool = True


@dataclass(frozen=True)
class WithGenre:
    """Tracks of a genre; without `inside`, tracks of others."""

    genre: str
    inside: bool = True


@dataclass(frozen=True)
class WithTag:
    """Tracks with a tag; without `inside`, tracks without it."""

    tag: str
    inside: bool = True


@dataclass(frozen=True)
class OfYears:
    """Tracks of the years from `first` to `last`, both included."""

    first: int
    last: int


Condition: TypeAlias = Among | WithGenre | WithTag | OfYears


class ChosenTracks(Tracks):
    """The tracks, for playlists by rules."""

    def chosen(self, conditions: Sequence[Condition], *, every: bool, by: SongOrder, limit: int) -> list[str]:
        """The ids of the playable tracks that fit every condition, or one of them, in an order."""
        wanted = self._fitting(conditions, every)
        found = page_of(self.documents, wanted, order=ORDERS[by], limit=limit, fields={"_id": 1})
        return [track["_id"] for track in found]

    def chosen_among(self, ids: Sequence[str], conditions: Sequence[Condition], *, every: bool) -> list[str]:
        """The playable ones among some tracks that fit every condition, or one of them, in their order."""
        wanted = {"$and": [{"_id": {"$in": list(ids)}}, self._fitting(conditions, every)]}
        known = {track["_id"] for track in self.documents.find(wanted, {"_id": 1})}
        return [own for own in ids if own in known]

    def _fitting(self, conditions: Sequence[Condition], every: bool) -> Document:
        filters = [_filter(one) for one in conditions]
        return self.visible({"$and": [{"$and" if every else "$or": filters}, PLAYABLE]})


def _filter(condition: Condition) -> Document:
    match condition:
        case Among(ids, inside):
            return {"_id": {"$in" if inside else "$nin": list(ids)}}
        case WithGenre(genre, inside):
            return {"genres": genre if inside else {"$ne": genre}}
        case WithTag(tag, inside):
            return {"tags": tag if inside else {"$ne": tag}}
        case OfYears(first, last):
            return {"year": {"$gte": first, "$lte": last}}
