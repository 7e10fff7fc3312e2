"""Segue's beliefs about a listener: artists, albums and genres, now and in the long term, and times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from segue.catalog.browsed_tracks import TrackOnAlbum
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.engagement.listening_sessions import ListeningSession, ListeningSessions
from segue.imports.changed import ChangedImports
from segue.settings import Settings, milliseconds
from segue.storage.store import Store
from segue.taste.corrections import RULE_KINDS, Corrections, Rule, RuleKind, Span, Strength
from segue.taste.history import decayed, together, without
from segue.taste.tastes import Tastes

_CLOCK_DAYS = 90


@dataclass(frozen=True)
class Belief:
    """An artist, album or genre, with its share of the tracks that the listener likes (0 to 1)."""

    kind: RuleKind
    key: str
    name: str
    now: float
    long_term: float
    strength: Strength | None = None
    """The listener's correction."""

    def rule(self, strength: Strength) -> Rule:
        """The correction with this strength."""
        return Rule(self.kind, self.key, strength, self.name)


@dataclass(frozen=True)
class Evening:
    """A listening session, which can be forgotten."""

    span: Span
    began: datetime
    """In the listener's time zone."""
    ended: datetime
    plays: int


@dataclass(frozen=True)
class Beliefs:
    """Everything that the page shows."""

    of_kind: Mapping[RuleKind, Sequence[Belief]]
    """The strongest first; those with a correction are always among them."""
    hours: pd.Series
    """Minutes listened in each hour of the day, in the last 90 days."""
    evenings: Sequence[Evening]
    """The last ones, the newest first."""
    forgotten: Sequence[Evening]

    def __bool__(self) -> bool:
        return any(self.of_kind.values()) or bool(self.forgotten)


def read(
    catalogue: CatalogueReader,
    settings: Settings,
    user_id: str,
    *,
    zone: str,
    most: int = 8,
    evenings: int = 5,
) -> Beliefs:
    """Read a listener's beliefs; `most` of each kind."""
    store = catalogue.store
    (listener,) = Tastes(store).listeners([user_id], taste=settings.taste)
    corrections = listener.corrections
    heard = without(together(listener.history, listener.imported), corrections.spans)
    signals = decayed([heard], settings=[settings.taste])
    now: dict[str, float] = {}
    for track_id, weight in zip(signals.track_ids, signals.weights.tolist(), strict=True):
        now[track_id] = now.get(track_id, 0.0) + weight
    now = {track_id: weight for track_id, weight in now.items() if weight > 0}
    long_term = dict(zip(listener.loved.tracks, listener.loved.weights, strict=True))
    known = catalogue.on_albums([*now, *long_term])
    return Beliefs(
        {kind: _strongest(kind, (now, long_term), known, corrections.rules, most) for kind in RULE_KINDS},
        _hours(store, user_id, zone=zone),
        _evenings(store, settings, user_id, zone=zone, most=evenings, forgotten=corrections.spans),
        [_evening(span, zone=zone) for span in reversed(corrections.spans)],
    )


def _strongest(
    kind: RuleKind,
    weights_of: Sequence[Mapping[str, float]],
    known: Mapping[str, TrackOnAlbum],
    rules: Sequence[Rule],
    most: int,
) -> list[Belief]:
    """The beliefs of a kind; `weights_of` are those of the tracks now and in the long term."""
    names: dict[str, str] = {}
    shares = []
    for weights in weights_of:
        sums: dict[str, float] = {}
        for track_id, weight in weights.items():
            for key, name in _parts(kind, known.get(track_id)):
                names.setdefault(key, name)
                sums[key] = sums.get(key, 0.0) + weight
        total = sum(weights[track_id] for track_id in weights if track_id in known)
        shares.append({key: own / total for key, own in sums.items()} if total else {})
    own_rules = [rule for rule in rules if rule.kind == kind]
    strength: dict[str, Strength] = {rule.key: rule.strength for rule in own_rules}
    for rule in own_rules:
        names.setdefault(rule.key, rule.name)
    beliefs = [
        Belief(kind, key, name, shares[0].get(key, 0.0), shares[1].get(key, 0.0), strength.get(key))
        for key, name in names.items()
    ]
    beliefs.sort(key=lambda own: (-(own.now + own.long_term), own.name))
    return [own for place, own in enumerate(beliefs) if place < most or own.strength]


def _parts(kind: RuleKind, track: TrackOnAlbum | None) -> Iterator[tuple[str, str]]:
    """(key, name) of the artists, the album or the genres of a track."""
    if track is None:
        return
    if kind == "artist":
        yield from zip(track.artist_keys, track.artists, strict=False)
    elif kind == "genre":
        yield from ((genre, genre) for genre in track.summary.genres)
    elif track.album_id and track.summary.album:
        yield track.album_id, track.summary.album


def _hours(store: Store, user_id: str, *, zone: str) -> pd.Series:
    until = datetime.now(UTC)
    sessions = ListeningSessions(store).of(user_id, since=until - timedelta(days=_CLOCK_DAYS), until=until)
    minutes = pd.Series(0.0, index=range(24), name="minutes")
    for session in sessions:
        minutes[_local(session["first_at"], zone).hour] += session["listening_ms"] / 60_000
    return minutes


def _evenings(
    store: Store, settings: Settings, user_id: str, *, zone: str, most: int, forgotten: Sequence[Span]
) -> list[Evening]:
    until = datetime.now(UTC) + timedelta(days=1)
    sessions = ListeningSessions(store).of(user_id, since=until - timedelta(days=31), until=until)
    sessions = sorted((own for own in sessions if own["plays"]), key=lambda own: -own["first_at"])
    found = [
        _evening(_span(session, settings), zone=zone, session=session)
        for session in sessions[: most + len(forgotten)]
    ]
    return [own for own in found if own.span not in forgotten][:most]


def _span(session: ListeningSession, settings: Settings) -> Span:
    """The windows of a session: taste and facts keep plays by windows, so that whole ones are forgotten."""
    length = max(milliseconds(settings.stream.window), milliseconds(settings.engagement.window))
    first, last = session["first_at"], session["last_at"]
    return Span(first - first % length, last - last % length + length)


def _evening(span: Span, *, zone: str, session: ListeningSession | None = None) -> Evening:
    first, last = (session["first_at"], session["last_at"]) if session else (span.since, span.until)
    plays = session["plays"] if session else 0
    return Evening(span, _local(first, zone), _local(last, zone), plays)


def _local(epoch_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, ZoneInfo(zone))


class Correcting:
    """Makes and takes back corrections of one listener, and lets the stream plan them again."""

    def __init__(self, store: Store, user_id: str) -> None:
        self._corrections, self._changed = Corrections(store), ChangedImports(store)
        self.user_id = user_id

    def rule(self, belief: Belief, strength: Strength | None) -> None:
        """Correct a belief, or take its correction back (None).

        Raises
        ------
        SegueError
            The listener has too many corrections.
        """
        self._changed.begin(self.user_id)
        if strength is None:
            self._corrections.take_back_rule(self.user_id, belief.kind, belief.key)
        else:
            self._corrections.keep_rule(self.user_id, belief.rule(strength))
        self._changed.note([self.user_id])

    def forget(self, span: Span) -> None:
        """Let the plays of a time say nothing.

        Raises
        ------
        SegueError
            The listener has forgotten too many times.
        """
        self._changed.begin(self.user_id)
        self._corrections.forget_span(self.user_id, span)
        self._changed.note([self.user_id])

    def remember(self, span: Span) -> None:
        """Let the plays of a forgotten time count again."""
        self._changed.begin(self.user_id)
        self._corrections.remember_span(self.user_id, span)
        self._changed.note([self.user_id])
