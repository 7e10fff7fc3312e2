"""Corrections of listeners: less of an artist, never an album again, an evening forgotten.

A correction deletes no play, so that it can be taken back. Statistics and the history of plays stay as they
are.

Delivery: one document for each listener; a repeated correction overwrites itself.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, TypedDict, get_args

import numpy as np
from numpy.typing import NDArray

from segue.errors import SegueError
from segue.index.track_index import TrackIndex
from segue.phrases import phrase
from segue.storage.records import EpochMs
from segue.storage.store import Collection, Job, Personal, Policy, Right

RuleKind = Literal["artist", "album", "genre"]
RULE_KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
Strength = Literal["less", "never"]
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
LESS = 4
""""Less" leaves one of this number of songs; the others change daily."""
MOST = 500
"""The largest number of rules, and of forgotten times, of a listener."""
_CACHED = 256
_DAY_MS = 86_400_000


@dataclass(frozen=True)
class Rule:
    """Less of an artist, album or genre, or never one."""

    kind: RuleKind
    key: str
    """Key of the artist, id of the album, or name of the genre."""
    strength: Strength
    name: str = ""
    """For pages: its name when the rule was made."""


@dataclass(frozen=True, order=True)
class Span:
    """A time whose plays say nothing about a listener: [since, until), epoch ms."""

    since: int
    until: int

    def __contains__(self, at: int) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True)
class ListenerCorrections:
    """The corrections of one listener."""

    rules: tuple[Rule, ...] = ()
    spans: tuple[Span, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules or self.spans)

    @cached_property
    def digest(self) -> str:
        """A hash of everything that changes recommendations; the order of corrections does not matter."""
        rules = sorted((rule.kind, rule.key, rule.strength) for rule in self.rules)
        text = repr((rules, sorted((span.since, span.until) for span in self.spans)))
        return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).hexdigest()


NO_CORRECTIONS = ListenerCorrections()


@dataclass(frozen=True)
class UnwantedRows:
    """The rows of an index of which a listener wants less or nothing; (n,) int64 each, ascending."""

    never: NDArray[np.int64]
    less: NDArray[np.int64]

    def __bool__(self) -> bool:
        return bool(len(self.never) or len(self.less))

    def left_out(self, user_id: str, at: int) -> frozenset[int]:
        """The rows that are not recommended on the day of a moment (epoch ms)."""
        if not self:
            return frozenset()
        seed = hashlib.blake2b(
            f"{user_id}\n{at // _DAY_MS}".encode(errors="surrogatepass"), digest_size=4
        ).digest()
        # Multiplicative hashing (Knuth): another quarter of the rows every day.
        mixed = (self.less.astype(np.uint64) + np.uint64(int.from_bytes(seed))) * np.uint64(2_654_435_761)
        hidden = (mixed >> np.uint64(16)) % np.uint64(LESS) != 0
        return frozenset(self.never.tolist()) | frozenset(self.less[hidden].tolist())

    def weight_of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) the factor of a positive signal on each row: 0 never, 1 / LESS less, otherwise 1."""
        return np.where(np.isin(rows, self.never), 0.0, np.where(np.isin(rows, self.less), 1 / LESS, 1.0))


_NO_ROWS = np.empty(0, dtype=np.int64)
NOTHING_UNWANTED = UnwantedRows(_NO_ROWS, _NO_ROWS)


class Unwanted:
    """Finds the rows that rules mean; safe for use by several threads.

    The rows of a rule are read once for each version of the index: a track that is added to the library is
    recommended with the next version only.
    """

    def __init__(self, tracks_of: Callable[[RuleKind, str], Iterable[str]]) -> None:
        """`tracks_of` reads the ids of the tracks of an artist, album or genre."""
        self._tracks_of = tracks_of
        self._lock = threading.Lock()
        self._known: dict[tuple[str, RuleKind, str], NDArray[np.int64]] = {}

    def of(self, corrections: ListenerCorrections, index: TrackIndex) -> UnwantedRows:
        """The rows of a listener's rules."""
        if not corrections.rules:
            return NOTHING_UNWANTED
        rows: dict[Strength, list[NDArray[np.int64]]] = {"never": [_NO_ROWS], "less": [_NO_ROWS]}
        for rule in corrections.rules:
            rows[rule.strength].append(self._rows(rule, index))
        never, less = (np.unique(np.concatenate(rows[name])) for name in ("never", "less"))
        return UnwantedRows(never, np.setdiff1d(less, never))

    def _rows(self, rule: Rule, index: TrackIndex) -> NDArray[np.int64]:
        key = (index.version, rule.kind, rule.key)
        with self._lock:
            known = self._known.pop(key, None)
            if known is None:
                current = {own: rows for own, rows in self._known.items() if own[0] == index.version}
                self._known = dict(list(current.items())[-(_CACHED - 1) :])
                found = np.asarray(index.rows(list(self._tracks_of(rule.kind, rule.key))), dtype=np.int64)
                known = np.unique(found[found >= 0])
            self._known[key] = known
            return known


class StoredRule(TypedDict):
    """A rule of a listener."""

    kind: RuleKind
    """`artist`, `album` or `genre`."""
    key: str
    """Key of the artist, id of the album, or the genre's name."""
    strength: Strength
    """`less` or `never`."""
    name: str
    """Its name when the rule was made."""
    at: datetime
    """When it was made."""


class StoredSpan(TypedDict):
    """A time whose plays do not count in the taste."""

    since: EpochMs
    """Epoch ms of its beginning."""
    until: EpochMs
    """Epoch ms of its end, which is not part of it."""
    at: datetime
    """When the listener chose it."""


class StoredCorrections(TypedDict):
    """A document of `corrections`."""

    _id: str
    """The listener's id."""
    rules: list[StoredRule]
    """The newest rule last; one for each artist, album or genre."""
    spans: list[StoredSpan]
    """Times whose plays are forgotten, the newest choice last."""


class Corrections(Collection[StoredCorrections]):
    """All listeners' corrections."""

    name = "corrections"
    policy = Policy(
        personal=Personal(),
        access={Job.DASHBOARD: Right.WRITE, Job.STREAM: Right.READ, Job.OPERATOR: Right.WRITE},
    )

    def of(self, user_ids: Sequence[str]) -> dict[str, ListenerCorrections]:
        """The corrections of those listeners who have any."""
        found = self.documents.find({"_id": {"$in": list(user_ids)}})
        return {own["_id"]: made for own in found if (made := _read(own))}

    def spans(self, user_ids: Sequence[str]) -> dict[str, Sequence[Span]]:
        """The forgotten times of those listeners who have any."""
        return {user_id: own.spans for user_id, own in self.of(user_ids).items() if own.spans}

    def keep_rule(self, user_id: str, rule: Rule) -> None:
        """Add a rule, which replaces the former one for the same artist, album or genre.

        Raises
        ------
        SegueError
            The listener has :data:`MOST` other rules.
        """
        self.take_back_rule(user_id, rule.kind, rule.key)
        made: StoredRule = {
            "kind": rule.kind,
            "key": rule.key,
            "strength": rule.strength,
            "name": rule.name,
            "at": datetime.now(UTC),
        }
        self._push(user_id, "rules", made)

    def take_back_rule(self, user_id: str, kind: RuleKind, key: str) -> None:
        """Remove a rule, if there is one."""
        self.documents.update_one({"_id": user_id}, {"$pull": {"rules": {"kind": kind, "key": key}}})

    def forget_span(self, user_id: str, span: Span) -> None:
        """Let the plays of a time say nothing about a listener.

        Raises
        ------
        SegueError
            The listener has :data:`MOST` other such times.
        """
        self.remember_span(user_id, span)
        made: StoredSpan = {"since": span.since, "until": span.until, "at": datetime.now(UTC)}
        self._push(user_id, "spans", made)

    def remember_span(self, user_id: str, span: Span) -> None:
        """Let the plays of a forgotten time count again."""
        own = {"since": span.since, "until": span.until}
        self.documents.update_one({"_id": user_id}, {"$pull": {"spans": own}})

    def _push(self, user_id: str, field: str, made: Any) -> None:
        other = "spans" if field == "rules" else "rules"
        self.documents.update_one({"_id": user_id}, {"$setOnInsert": {field: [], other: []}}, upsert=True)
        room = {"_id": user_id, f"{field}.{MOST - 1}": {"$exists": False}}
        if not self.documents.update_one(room, {"$push": {field: made}}).matched_count:
            raise SegueError(phrase("You have {most} corrections. Take some back first.", most=MOST))


def _read(stored: StoredCorrections) -> ListenerCorrections:
    return ListenerCorrections(
        tuple(Rule(own["kind"], own["key"], own["strength"], own["name"]) for own in stored["rules"]),
        tuple(Span(own["since"], own["until"]) for own in stored["spans"]),
    )
