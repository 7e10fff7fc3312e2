"""The long memory of listeners: the tracks that they loved by calendar month, and the owner of its documents.

A taste forgets within weeks. The memory keeps, for each month, the tracks that a listener liked and disliked
most, with the sum of their signals: at most :data:`MONTHS` months of :data:`TRACKS_IN_MONTH` tracks. A month
follows from its plays alone, in whatever order they arrived. Older months count less when they are added up.

Delivery: a month is computed from all of its plays and replaces the stored one, so that a repetition changes
nothing. Only the stream writes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, NotRequired, TypedDict

from segue.storage.mongo import DeleteOne, ReplaceOne
from segue.storage.records import Aligned, Between, EpochMs, Numeral
from segue.storage.store import Collection, Job, Personal, Policy, Right

MONTHS = 120
"""Calendar months that are kept, the newest ones: ten years."""
TRACKS_IN_MONTH = 30
"""Tracks of a month, those with the strongest signals; as many again from imported plays."""
_MONTH = timedelta(days=365.25 / 12)
_LONG = 6
"""Months."""


class StoredTracks(TypedDict):
    """Tracks with the sums of their signals: aligned lists."""

    tracks: list[str]
    """Ids of tracks."""
    weights: list[Annotated[float, Between(-1e9, 1e9)]]
    """The sum of the signals on each."""
    at: list[EpochMs]
    """Epoch ms of the window with its last play."""


class StoredMonth(TypedDict):
    """A month of a memory. A play may be in both parts, so that they are not added up."""

    live: NotRequired[Annotated[StoredTracks, Aligned()]]
    """From the facts of plays that the stream counted."""
    imported: NotRequired[Annotated[StoredTracks, Aligned()]]
    """From imported and delayed plays."""


StoredMonths = dict[Annotated[str, Numeral(200_000)], StoredMonth]
"""The number of a month, as text (:func:`month_of`) -> the month."""


class StoredMemory(TypedDict):
    """A document of `memories`."""

    _id: str
    """The listener's id."""
    months: StoredMonths
    """Month, as a text with its number since the year 0 -> its tracks."""
    loved: Annotated[StoredTracks, Aligned()]
    """The months added up: the tracks with the largest sums, with decay, best first."""
    returning: Annotated[float, Between(0, 1)]
    """The share of the songs of half a year ago or more to which the listener has returned after as long."""


@dataclass(frozen=True)
class Loved:
    """Tracks with sums of signals, aligned lists."""

    tracks: Sequence[str] = ()
    weights: Sequence[float] = ()
    at: Sequence[int] = ()
    """Epoch ms of the last play that the memory knows of."""
    returning: float = 1.0
    """How often the listener returns to a song after half a year or more: the share of the songs that were
    first heard so long ago; 1 if there are none."""

    @cached_property
    def digest(self) -> str:
        """A hash of the tracks; empty without any."""
        if not self.tracks:
            return ""
        return hashlib.blake2b("\n".join(self.tracks).encode(), digest_size=8).hexdigest()

    @cached_property
    def last(self) -> dict[str, int]:
        """Track -> epoch ms of its last play."""
        return dict(zip(self.tracks, self.at, strict=True))

    @classmethod
    def of(cls, stored: StoredTracks) -> Loved:
        return cls(stored["tracks"], stored["weights"], stored["at"])

    def stored(self) -> StoredTracks:
        return {"tracks": list(self.tracks), "weights": list(self.weights), "at": list(self.at)}


NOTHING_LOVED = Loved()


@dataclass(frozen=True)
class Month:
    """The strongest signals of a calendar month."""

    live: Loved = field(default_factory=Loved)
    imported: Loved = field(default_factory=Loved)

    @property
    def is_empty(self) -> bool:
        return not self.live.tracks and not self.imported.tracks

    def together(self) -> dict[str, tuple[float, int]]:
        """Track -> (weight, epoch ms of the last play).

        Of a track in both parts, the stronger sum counts: an import may contain the plays that Segue has
        counted itself.
        """
        tracks: dict[str, tuple[float, int]] = {}
        for part in (self.live, self.imported):
            for track_id, weight, at in zip(part.tracks, part.weights, part.at, strict=True):
                known, last = tracks.get(track_id, (0.0, 0))
                tracks[track_id] = (weight if abs(weight) > abs(known) else known, max(at, last))
        return tracks


Months = dict[int, Month]
"""Number of a month (:func:`month_of`) -> its tracks."""


def month_of(moment: datetime) -> int:
    """The number of the calendar month of a moment in UTC: 12 times the year, plus the month from 0."""
    day = moment.astimezone(UTC)
    return 12 * day.year + day.month - 1


def begins(month: int) -> datetime:
    """The beginning of a month in UTC."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)


def strongest(sums: Mapping[str, tuple[float, int]]) -> Loved:
    """The tracks of a month that are kept: those with the strongest signals; ties by id.

    Parameters
    ----------
    sums
        Track -> (sum of its signals, epoch ms of its last play).
    """
    told = [(track_id, weight, at) for track_id, (weight, at) in sums.items() if weight]
    told.sort(key=lambda one: (-abs(one[1]), one[0]))
    kept = told[:TRACKS_IN_MONTH]
    return Loved([one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept])


def added_up(months: Months, *, half_life: timedelta, most: int) -> Loved:
    """The loved tracks of all months, best first.

    A month counts half if it is a half-life older than the newest. It counts with the logarithm of its sum: a
    song that was heard thirty times in a week is not loved thirty times as much as one that was heard once.
    Tracks whose months sum to 0 or less are left out.
    """
    newest = max(months, default=0)
    sums: dict[str, float] = {}
    last: dict[str, int] = {}
    heard: dict[str, list[int]] = {}
    for number in sorted(months):
        factor = 2.0 ** ((number - newest) * (_MONTH / half_life))
        for track_id, (weight, at) in months[number].together().items():
            told = math.copysign(math.log1p(abs(weight)), weight)
            sums[track_id] = sums.get(track_id, 0.0) + factor * told
            last[track_id] = max(at, last.get(track_id, 0))
            if weight > 0:
                heard.setdefault(track_id, []).append(number)
    loved = sorted((track_id for track_id, own in sums.items() if own > 0), key=lambda one: (-sums[one], one))
    kept = loved[:most]
    early = [own for own in heard.values() if own[0] <= newest - _LONG]
    again = sum(any(after - before >= _LONG for before, after in pairwise(own)) for own in early)
    return Loved(
        kept,
        [sums[track_id] for track_id in kept],
        [last[track_id] for track_id in kept],
        again / len(early) if early else 1.0,
    )


class Memories(Collection[StoredMemory]):
    """The memories of all listeners."""

    name = "memories"
    # Facts are kept for retention.listening only: every backup must include the months of older ones.
    policy = Policy(
        personal=Personal(),
        access={Job.STREAM: Right.WRITE, Job.DASHBOARD: Right.ERASE, Job.OPERATOR: Right.WRITE},
    )

    def loved(self, user_ids: Sequence[str]) -> dict[str, Loved]:
        """The loved tracks of those listeners who have a memory."""
        found = self.documents.find({"_id": {"$in": list(user_ids)}}, {"loved": 1, "returning": 1})
        return {own["_id"]: replace(Loved.of(own["loved"]), returning=own["returning"]) for own in found}

    def months(self, user_ids: Sequence[str]) -> dict[str, Months]:
        """The months of those listeners who have a memory."""
        found = self.documents.find({"_id": {"$in": list(user_ids)}}, {"months": 1})
        return {
            own["_id"]: {int(number): _month(month) for number, month in own["months"].items()}
            for own in found
        }

    def write(self, memories: Mapping[str, Months], *, half_life: timedelta, most: int) -> None:
        """Replace the memories of listeners by the newest of these months; without any, remove them.

        Parameters
        ----------
        most
            The number of loved tracks.
        """
        changes: list[ReplaceOne[Any] | DeleteOne] = []
        for user_id, months in memories.items():
            told = sorted(number for number, month in months.items() if not month.is_empty)[-MONTHS:]
            if not told:
                changes.append(DeleteOne({"_id": user_id}))
                continue
            kept = {number: months[number] for number in told}
            loved = added_up(kept, half_life=half_life, most=most)
            document = {
                "months": {str(number): _stored(month) for number, month in kept.items()},
                "loved": loved.stored(),
                "returning": loved.returning,
            }
            changes.append(ReplaceOne({"_id": user_id}, document, upsert=True))
        if changes:
            self.documents.bulk_write(changes, ordered=False)


def _month(stored: StoredMonth) -> Month:
    parts = {name: Loved.of(stored[name]) for name in ("live", "imported") if name in stored}
    return Month(**parts)


def _stored(month: Month) -> StoredMonth:
    stored: StoredMonth = {}
    if month.live.tracks:
        stored["live"] = month.live.stored()
    if month.imported.tracks:
        stored["imported"] = month.imported.stored()
    return stored
