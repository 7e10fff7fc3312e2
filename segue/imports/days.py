"""Imported plays, by listener and day. They are kept until the listener removes them.

Delivery: importing is a union. The song and the second of its start identify a play, so that a
repeated import, files that overlap, and any order of files give the same documents. A document is replaced
only if nobody has changed it meanwhile.
"""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, NamedTuple, TypedDict, TypeVar

from segue.batches import batches
from segue.errors import SegueError
from segue.imports.play import names_of
from segue.phrases import marked
from segue.storage.mongo import Document, UpdateOne
from segue.storage.records import Aligned, Between, Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

MOST_IN_DAY = 20_000
"""Plays of a listener that a day holds; no person reaches this, and a larger document could not be stored."""
_AT_ONCE = 500
_ATTEMPTS = 20
_WRITERS = 100
T = TypeVar("T")
EpochSeconds = Annotated[int, Between(0, 253_402_300_799)]


class StoredPlays(TypedDict):
    """The plays of a day in the order of their starts: aligned lists."""

    at: list[EpochSeconds]
    """When each began, epoch seconds."""
    songs: list[str]
    """Keys of the songs; see `imported_songs`."""
    ms_played: list[Annotated[int, Between(-1, 2**53)]]
    """How long each was played, milliseconds; -1: unknown."""
    skipped: list[bool | None]
    """Whether each was skipped; none: unknown."""
    imports: list[list[Count]]
    """The numbers of the imports that contained the play."""


class ImportedDay(TypedDict):
    """A document of `imported_days`."""

    _id: str
    """"<user id>:<day>"; the day is YYYY-MM-DD, in UTC."""
    user_id: str
    """The listener's id."""
    day: datetime
    """The beginning of the day in UTC."""
    revision: Count
    """The number of changes."""
    writers: list[str]
    """A random text for each of the last changes."""
    plays: Annotated[StoredPlays, Aligned()]
    """The plays of the day."""


class Added(NamedTuple):
    """The result of adding plays."""

    new: int
    beyond: int
    """Plays that were not added, since their day holds :data:`MOST_IN_DAY` others."""


class KeptPlay(NamedTuple):
    """A play with the key of its song."""

    at: int
    song: str
    ms_played: int | None = None
    skipped: bool | None = None


@dataclass
class _Day:
    """The plays of a day by the second of their start and the names of their songs."""

    revision: int = 0
    plays: dict[tuple[int, str], tuple[KeptPlay, set[int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: ImportedDay) -> _Day:
        own = cls(revision=document["revision"])
        for play, numbers in plays_in(document):
            own.plays[play.at, names_of(play.song)] = play, set(numbers)
        return own

    def add(self, plays: Iterable[KeptPlay], number: int) -> Added:
        new = beyond = 0
        for play in plays:
            place = play.at, names_of(play.song)
            if place in self.plays:
                self.plays[place][1].add(number)
            elif len(self.plays) >= MOST_IN_DAY:
                beyond += 1
            else:
                self.plays[place] = play, {number}
                new += 1
        return Added(new, beyond)

    def withdraw(self, number: int) -> int:
        """Remove an import; returns the number of the plays that only it contained."""
        for _, numbers in self.plays.values():
            numbers.discard(number)
        left = {place: own for place, own in self.plays.items() if own[1]}
        removed = len(self.plays) - len(left)
        self.plays = left
        return removed

    def stored(self) -> StoredPlays:
        own = [self.plays[place] for place in sorted(self.plays)]
        return {
            "at": [play.at for play, _ in own],
            "songs": [play.song for play, _ in own],
            "ms_played": [-1 if play.ms_played is None else play.ms_played for play, _ in own],
            "skipped": [play.skipped for play, _ in own],
            "imports": [sorted(numbers) for _, numbers in own],
        }


class ImportedDays(Collection[ImportedDay]):
    """All listeners' imported plays."""

    name = "imported_days"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.STREAM: Right.WRITE, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("user_id", "day"),)

    def add(self, user_id: str, plays: Iterable[KeptPlay], *, number: int) -> Added:
        """Add plays of an import.

        Raises
        ------
        SegueError
            Another process changes the same days all the time.
        """
        by_day: dict[str, list[KeptPlay]] = defaultdict(list)
        for play in plays:
            by_day[_id(user_id, play.at)].append(play)

        def change(own: str, day: _Day) -> Added:
            return day.add(by_day[own], number)

        added = [own for part in batches(by_day, _AT_ONCE) for own in self._change(user_id, part, change)]
        return Added(sum(own.new for own in added), sum(own.beyond for own in added))

    def withdraw(self, user_id: str, number: int) -> int:
        """Remove an import's plays, except those of other imports; returns how many were removed.

        Raises
        ------
        SegueError
            Another process changes the same days all the time.
        """
        ids = [day["_id"] for day in self.documents.find(_of_import(user_id, number), {"_id": 1})]
        removed = sum(
            own
            for part in batches(ids, _AT_ONCE)
            for own in self._change(user_id, part, lambda _, day: day.withdraw(number))
        )
        self.documents.delete_many({"user_id": user_id, "plays.at": {"$size": 0}})
        return removed

    def _change(self, user_id: str, ids: Iterable[str], change: Callable[[str, _Day], T]) -> list[T]:
        """Change days, again where another process came first; returns the results."""
        left, results = set(ids), []
        for attempt in range(_ATTEMPTS):
            days = self._read(left)
            changes = {own: change(own, day) for own, day in days.items()}
            written = self._write(user_id, days)
            results += [changes[own] for own in written]
            left -= written
            if not left:
                return results
            if attempt:
                # A day that is there, and cannot be read, is damaged: a copy of it has been set aside.
                self.documents.delete_many({"_id": {"$in": [own for own in left if not days[own].revision]}})
        raise SegueError(marked("Another import of the same days is running. Try again when it has ended."))

    def _read(self, ids: Iterable[str]) -> dict[str, _Day]:
        found = {day["_id"]: _Day.of(day) for day in self.documents.find({"_id": {"$in": sorted(ids)}})}
        return {own: found.get(own) or _Day() for own in sorted(ids)}

    def _write(self, user_id: str, days: Mapping[str, _Day]) -> set[str]:
        """Store days, and return the ids of those that nobody else has changed since they were read."""
        writer = secrets.token_hex(8)
        updates = []
        for own, day in days.items():
            fields = {"plays": day.stored(), "revision": day.revision + 1}
            if day.revision:
                # Others may change the day again before this process looks for its text.
                also = {"$push": {"writers": {"$each": [writer], "$slice": -_WRITERS}}}
                updates.append(UpdateOne({"_id": own, "revision": day.revision}, {"$set": fields, **also}))
            else:
                new = {"user_id": user_id, "day": _day_of(own), "writers": [writer], **fields}
                updates.append(UpdateOne({"_id": own}, {"$setOnInsert": new}, upsert=True))
        if not updates:
            return set()
        result = self.documents.bulk_write(updates, ordered=False)
        if result.modified_count + result.upserted_count == len(updates):
            return set(days)
        written = self.documents.find({"_id": {"$in": list(days)}, "writers": writer}, {"_id": 1})
        return {day["_id"] for day in written}

    def days(
        self,
        user_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        newest_first: bool = False,
    ) -> Iterator[ImportedDay]:
        """A listener's days in order, those that begin in [since, until)."""
        bounds = {"$gte": since, "$lt": until}
        span = {operator: bound for operator, bound in bounds.items() if bound is not None}
        wanted: Document = {"user_id": user_id, **({"day": span} if span else {})}
        yield from self.documents.find(wanted).sort("day", -1 if newest_first else 1)

    def listeners(self) -> list[str]:
        """The listeners with imported or delayed plays."""
        return sorted(own for own in self.distinct("user_id", {}) if isinstance(own, str))

    def began(self, user_id: str) -> datetime | None:
        """The beginning of a listener's first day; None without any."""
        first = self.documents.find_one({"user_id": user_id}, {"day": 1}, sort=[("day", 1)])
        return first["day"] if first else None

    def ended(self, user_id: str) -> datetime | None:
        """The beginning of a listener's last day; None without any."""
        last = self.documents.find_one({"user_id": user_id}, {"day": 1}, sort=[("day", -1)])
        return last["day"] if last else None

    def first_heard(self, user_id: str) -> dict[str, int]:
        """The epoch seconds of the first play of each of a listener's songs, by key."""
        first: dict[str, int] = {}
        days = self.documents.find({"user_id": user_id}, {"plays": 1}).sort("day", 1)
        for day in days:
            for at, song in zip(day["plays"]["at"], day["plays"]["songs"], strict=True):
                first.setdefault(song, at)
        return first

    def number(self, user_id: str) -> int:
        """The number of a listener's plays."""
        size: Document = {"$cond": [{"$isArray": "$plays.at"}, {"$size": "$plays.at"}, 0]}
        steps: list[Document] = [
            {"$match": {"user_id": user_id}},
            {"$group": {"_id": None, "plays": {"$sum": size}}},
        ]
        return next((int(group["plays"]) for group in self.aggregate(steps)), 0)

    def only_in(self, user_id: str, number: int) -> int:
        """The number of a listener's plays that only one import contained."""
        own: Document = {"$filter": {"input": "$plays.imports", "cond": {"$eq": ["$$this", [number]]}}}
        steps: list[Document] = [
            {"$match": _of_import(user_id, number)},
            {"$group": {"_id": None, "plays": {"$sum": {"$size": own}}}},
        ]
        return next((int(group["plays"]) for group in self.aggregate(steps)), 0)

    def places(self, user_id: str) -> set[tuple[int, str]]:
        """What identifies each of a listener's plays: its start, and the names of its song."""
        days = self.days(user_id)
        return {(play.at, names_of(play.song)) for day in days for play, _ in plays_in(day)}

    def plays_of_songs(self, user_id: str) -> Counter[str]:
        """The number of plays of each of a listener's songs, by key."""
        counts: Counter[str] = Counter()
        for day in self.documents.find({"user_id": user_id}, {"plays": 1}):
            counts.update(day["plays"]["songs"])
        return counts


def plays_in(document: ImportedDay) -> Iterator[tuple[KeptPlay, Sequence[int]]]:
    """The plays of a day, with the numbers of the imports that contained them."""
    plays = document["plays"]
    columns = (plays[name] for name in ("at", "songs", "ms_played", "skipped", "imports"))
    for at, song, ms_played, skipped, imports in zip(*columns, strict=True):
        yield KeptPlay(at, song, None if ms_played < 0 else ms_played, skipped), imports


def _of_import(user_id: str, number: int) -> Document:
    """The filter of the days with plays of an import."""
    return {"user_id": user_id, "plays.imports": {"$elemMatch": {"$elemMatch": {"$eq": number}}}}


def _id(user_id: str, at: int) -> str:
    return f"{user_id}:{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _day_of(document_id: str) -> datetime:
    return datetime.fromisoformat(document_id.rpartition(":")[2]).replace(tzinfo=UTC)
