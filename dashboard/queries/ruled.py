"""The songs of playlists by rules: computed when they are read, so that these playlists update themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import numpy as np

from segue.catalog.browsed_tracks import SongOrder
from segue.catalog.chosen_tracks import Among, ChosenTracks, Condition, OfYears, WithGenre, WithTag
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.engagement.summed_listening import SummedListening, TrackPlays
from segue.errors import SegueError
from segue.moods.measures import DIMENSIONS
from segue.playlists.playlist import Playlist, PlaylistError
from segue.playlists.playlists import Playlists
from segue.playlists.rules import LEVELS, Field, Rule, Rules, read_rules
from segue.storage.store import Store
from segue.taste.opinions import Opinions

_KEPT_SECONDS = 5.0
_MOST_KEPT = 1000
_LIKES = 20_000
_FARTHEST_YEAR = 9999
_Plays = Callable[[], dict[str, TrackPlays]]


class RuledPlaylists(Playlists):
    """All playlists; those by rules have the songs that fit them now. Safe for use by several threads."""

    def __init__(self, store: Store, catalogue: CatalogueReader) -> None:
        super().__init__(store)
        self._ruled = RuledSongs(store, catalogue)

    def of(self, owner: str) -> list[Playlist]:
        """A listener's playlists, the last changed first."""
        return [self._now(one) for one in super().of(owner)]

    def read(self, owner: str, playlist_id: str) -> Playlist | None:
        """A listener's playlist; None if the listener has none with that id."""
        found = super().read(owner, playlist_id)
        return self._now(found) if found else None

    def joined(self, user_id: str) -> list[Playlist]:
        """The playlists of others that a listener may edit, by name."""
        return [self._now(one) for one in super().joined(user_id)]

    def public(self, *, but: str) -> list[Playlist]:
        """The public playlists of all listeners but one, by name."""
        return [self._now(one) for one in super().public(but=but)]

    def _now(self, found: Playlist) -> Playlist:
        if found.rules is None:
            return found
        try:
            rules = read_rules(found.rules)
        except PlaylistError:  # of a later release
            return found
        return replace(found, tracks=tuple(self._ruled.songs(found.owner, rules)))


class RuledSongs:
    """Finds the songs that fit rules, and keeps them for seconds, as a page reads them several times."""

    def __init__(self, store: Store, catalogue: CatalogueReader) -> None:
        self._catalogue, self._tracks = catalogue, ChosenTracks(store)
        self._listening, self._opinions = SummedListening(store), Opinions(store)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, Rules, frozenset[str]], tuple[float, list[str]]] = {}

    def songs(self, user_id: str, rules: Rules) -> list[str]:
        """The ids of the songs that fit the rules of a listener, in their order."""
        key = (user_id, rules, self._tracks.hidden_libraries())
        with self._lock:
            at, known = self._kept.get(key, (0.0, []))
        if at and time.monotonic() - at < _KEPT_SECONDS:
            return known
        found = self._found(user_id, rules)
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[key] = time.monotonic(), found
        return found

    def _found(self, user_id: str, rules: Rules) -> list[str]:
        read: list[dict[str, TrackPlays]] = []

        def plays() -> dict[str, TrackPlays]:
            if not read:
                read.append(self._listening.totals(user_id))
            return read[0]

        conditions = [self._condition(user_id, rule, plays) for rule in rules.rules]
        if rules.order not in ("plays", "heard"):
            by = cast(SongOrder, rules.order)
            return self._tracks.chosen(conditions, every=rules.every, by=by, limit=rules.most)
        heard = plays()
        if rules.order == "plays":
            ranked = sorted(heard, key=lambda own: (-heard[own].plays, own))
        else:
            ranked = sorted(heard, key=lambda own: heard[own].last, reverse=True)
        return self._tracks.chosen_among(ranked, conditions, every=rules.every)[: rules.most]

    def _condition(self, user_id: str, rule: Rule, plays: _Plays) -> Condition:
        value, inside = rule.value, rule.operator in ("is", "within")
        made: dict[Field, Callable[[], Condition]] = {
            "genre": lambda: WithGenre(str(value), inside),
            "tag": lambda: WithTag(str(value), inside),
            "year": lambda: _years(rule.operator, int(value)),
            "liked": lambda: Among(self._opinions.of_kind(user_id, "like", limit=_LIKES), value == "yes"),
            "plays": lambda: _played(plays(), rule.operator, int(value)),
            "heard": lambda: Among(_heard_within(plays(), days=int(value)), inside),
        }
        if rule.field in made:
            return made[rule.field]()
        return Among(self._with_level(rule.field, str(value)), inside)

    def _with_level(self, dimension: str, level: str) -> list[str]:
        """The tracks in a third of the library by a mood; none without an index."""
        try:
            bundle = self._catalogue.bundle()
        except SegueError:
            return []
        column = self._catalogue.moods(bundle)[:, DIMENSIONS.index(dimension)]
        place = LEVELS.index(level)
        with np.errstate(invalid="ignore"):
            rows = np.flatnonzero((column >= place / 3) & (column < (place + 1) / 3 + (place == 2)))
        return bundle.ids(rows.tolist())


def _years(operator: str, year: int) -> Condition:
    first = 0 if operator == "at most" else year
    return OfYears(first, _FARTHEST_YEAR if operator == "at least" else year)


def _heard_within(plays: dict[str, TrackPlays], *, days: int) -> list[str]:
    since = datetime.now(UTC) - timedelta(days=days)
    return [own for own, one in plays.items() if one.last >= since]


def _played(plays: dict[str, TrackPlays], operator: str, number: int) -> Condition:
    """Tracks by the number of plays; those that were never played have 0."""
    if operator == "at least" and number:
        return Among([own for own, one in plays.items() if one.plays >= number])
    if operator == "at least":
        return Among([], inside=False)
    if operator == "at most":
        return Among([own for own, one in plays.items() if one.plays > number], inside=False)
    if number == 0:
        return Among(list(plays), inside=False)
    return Among([own for own, one in plays.items() if one.plays == number])
