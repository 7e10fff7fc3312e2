"""The candidate sources with their registry, and the reasons why a track is recommended. Pure.

The neighbours of the taste, and the varied selection for a cold start, need only the index. The other sources
start from seeds: the tracks with a positive signal among the last `ranking.recent_tracks` tracks of a
listener. The candidates of a seed have the weight ``ranking.recent_decay ** tracks played since``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable
from segue.phrases import marked
from segue.ranking.candidates import NO_EVIDENCE, CandidateSource, Proposals, Reason
from segue.settings import RankingSettings
from segue.settings import milliseconds as _milliseconds
from segue.taste.profile import ListenerProfile, Profiles

_DAY_MS = 86_400_000
_YEAR_MS = 365.25 * _DAY_MS
_LITTLE = 1 / 16
"""Below this share of a new history, the taste knows enough."""
_LOVED_SEEDS = 20
_OFTEN, _SELDOM = 0.1, 0.1
"""Listeners who return to a tenth of their songs are offered old ones every day, others less often, and those
who never return on a tenth of the days."""
_MORE = 4
"""Further songs of the long memory right after a pause."""
_LOVED_YEARS_AGO = tuple(
    Reason(f"loved-{years}", words, names_track=False)
    for years, words in enumerate(
        (
            marked("You loved this a year ago"),
            marked("You loved this two years ago"),
            marked("You loved this three years ago"),
            marked("You loved this many years ago"),
        ),
        start=1,
    )
)


class TasteNeighbours(CandidateSource):
    """The tracks nearest to the taste; the score is the similarity."""

    name: ClassVar = "taste"
    reason: ClassVar = Reason("because", marked("Because you played {}"))

    def weight(self, ranking: RankingSettings) -> float:
        return 1.0

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        rows, similarity = bundle.neighbours.query(profiles.tastes, ranking.candidates)
        has_taste: np.ndarray = np.any(profiles.tastes, axis=1)
        known = (rows >= 0) & has_taste[:, np.newaxis]
        listeners = np.repeat(np.arange(len(rows)), known.sum(axis=1))
        # The nearest track with a positive signal is looked up once the list is made.
        evidence = np.full(len(listeners), NO_EVIDENCE, dtype=np.int64)
        return Proposals(listeners, rows[known].astype(np.int64), similarity[known].astype(float), evidence)

    @staticmethod
    def nearest(taste: np.ndarray, bundle: TrackIndex, *, count: int) -> list[int]:
        """The rows nearest to one taste, (d,), best first."""
        rows, _ = bundle.neighbours.query(taste[np.newaxis], min(count, len(bundle.vectors)))
        return [row for row in rows[0].tolist() if row >= 0]


class VariedSelection:
    """The bundle's selection for listeners without history; it also fills lists that lack candidates."""

    name: ClassVar = "varied"
    reason: ClassVar = Reason("varied", marked("Something different"), names_track=False)

    def rows(self, bundle: TrackIndex) -> list[int]:
        """The selection in its order."""
        return [int(row) for row in bundle.cold_start.tolist()]


@dataclass(frozen=True)
class _Seeds:
    """The seeds of listeners, flat."""

    signals: np.ndarray
    """(s,) int64 indices into the signals."""
    nearness: np.ndarray
    """(s,) float64 in (0, 1]."""


class TransitionRuleSource(CandidateSource):
    """Tracks that listeners play after a seed, by transition rules."""

    name: ClassVar = "transitions"
    reason: ClassVar = Reason("after", marked("Played along with {}"))
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.transition_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.transition_rules is not None
        seeds = _seeds(profiles, ranking)
        keys = profiles.rows[seeds.signals]
        return _lead(seeds, keys, self.weight(ranking), table=bundle.transition_rules, profiles=profiles)


class SameArtistSource(CandidateSource):
    """Tracks of a seed's artist, those with positive signals of most listeners first."""

    name: ClassVar = "artist"
    reason: ClassVar = Reason("artist", marked("By the artist of {}"))
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.artist_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None and bundle.artist_tracks is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        assert bundle.artist_tracks is not None
        seeds = _seeds(profiles, ranking)
        places, artists = bundle.artists_of(profiles.rows[seeds.signals])
        seeds, artists = _once_by_artist(
            _Seeds(seeds.signals[places], seeds.nearness[places]), artists, profiles
        )
        return _lead(seeds, artists, self.weight(ranking), table=bundle.artist_tracks, profiles=profiles)


class LongMemorySource(CandidateSource):
    """Tracks that a listener loved and has not heard for long.

    A few are drawn each day, the most loved ones more often; the same all day. Listeners who seldom return to
    an old song get them on fewer days. After a pause a history has few tracks, and the taste knows little:
    there are more of them then.
    """

    name: ClassVar = "memory"
    reason: ClassVar = Reason("loved", marked("You loved this some time ago"), names_track=False)

    @property
    def reasons(self) -> Sequence[Reason]:
        return (self.reason, *_LOVED_YEARS_AGO)

    def reason_for(self, profile: ListenerProfile, track_id: str) -> Reason:
        years = round((profile.newest - profile.listener.loved.last.get(track_id, profile.newest)) / _YEAR_MS)
        return _LOVED_YEARS_AGO[min(years, len(_LOVED_YEARS_AGO)) - 1] if years else self.reason

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.memory_weight

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        proposed = []
        for own in _remembering(profiles, bundle):
            longest_ago = own.newest - _milliseconds(ranking.memory_absence)
            absent = np.flatnonzero(own.at <= longest_ago)
            chance = _chance(f"{own.user_id}\n{own.newest // _DAY_MS}")
            is_due = chance.random() < max(_SELDOM, min(1.0, own.returning / _OFTEN))
            count = (ranking.memory_songs if is_due else 0) + round(own.new * _MORE)
            chosen = _drawn(absent, own.share, count=count, chance=chance)
            scores = self.weight(ranking) * np.sqrt(own.share[chosen])
            proposed.append(_proposed(own.place, own.rows[chosen], scores))
        return Proposals.together(proposed)


class LikeLovedSource(CandidateSource):
    """After a pause, tracks to which the most loved ones lead, by transition rules and by their artists."""

    name: ClassVar = "like-loved"
    reason: ClassVar = Reason("like-loved", marked("Like songs that you loved"), names_track=False)
    learned_from_plays: ClassVar = True

    def weight(self, ranking: RankingSettings) -> float:
        return ranking.memory_weight

    def available(self, bundle: TrackIndex) -> bool:
        return bundle.transition_rules is not None or bundle.artist_tracks is not None

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        proposed = []
        for own in _remembering(profiles, bundle, least_new=_LITTLE):
            rows = own.rows[:_LOVED_SEEDS]
            lead = own.new * own.share[:_LOVED_SEEDS] * self.weight(ranking) / 2
            if bundle.transition_rules is not None:
                proposed.append(_led(own.place, rows, lead, bundle.transition_rules))
            if bundle.artist_tracks is not None:
                places, artists = bundle.artists_of(rows)
                proposed.append(_led(own.place, artists, lead[places] / 2, bundle.artist_tracks))
        return Proposals.together(proposed)


@dataclass(frozen=True)
class _Remembering:
    """A listener with a history and a long memory; arrays have an entry for each loved track of the index."""

    user_id: str
    place: int
    """The index in the batch."""
    newest: int
    """Epoch ms of the newest signal."""
    returning: float
    """See :attr:`segue.taste.memory.Loved.returning`."""
    new: float
    """1 for an empty history, half for each `taste.half_life_tracks` tracks in it."""
    rows: np.ndarray
    """int64, the most loved first."""
    share: np.ndarray
    """float64: love as a share of that of the most loved track."""
    at: np.ndarray
    """int64, epoch ms of the last play."""


def _remembering(profiles: Profiles, bundle: TrackIndex, *, least_new: float = 0.0) -> Iterator[_Remembering]:
    """The listeners with a history and a memory, and at least `least_new`."""
    bounds = profiles.signals.bounds
    for place, listener in enumerate(profiles.listeners):
        at = profiles.signals.at[bounds[place] : bounds[place + 1]]
        if not listener.loved.tracks or not len(at):
            continue
        new = 2.0 ** (-len(at) / listener.settings.half_life_tracks)
        if new < least_new:
            continue
        rows = np.asarray(bundle.rows(list(listener.loved.tracks)), dtype=np.int64)
        here = rows >= 0
        yield _Remembering(
            user_id=listener.user_id,
            place=place,
            newest=int(at.max()),
            returning=listener.loved.returning,
            new=new,
            rows=rows[here],
            share=(np.asarray(listener.loved.weights) / listener.loved.weights[0])[here],
            at=np.asarray(listener.loved.at, dtype=np.int64)[here],
        )


def _chance(seed: str) -> np.random.Generator:
    """A source of random numbers that are the same for the same seed."""
    digest = hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest))


def _drawn(places: np.ndarray, share: np.ndarray, *, count: int, chance: np.random.Generator) -> np.ndarray:
    """At most `count` of the places, drawn without replacement (Efraimidis and Spirakis, 2006).

    The chance of each follows its share.
    """
    if not count or len(places) <= count:
        return places[:count]
    # Sums of signals are compressed (logarithms): the square favours the most loved ones again.
    keys = np.log(chance.random(len(places))) / share[places] ** 2
    drawn: np.ndarray = places[np.sort(np.argsort(-keys, kind="stable")[:count])]
    return drawn


def _proposed(listener: int, rows: np.ndarray, scores: np.ndarray) -> Proposals:
    """Proposals to one listener, without evidence."""
    several = np.full(len(rows), listener, dtype=np.int64)
    return Proposals(several, rows, scores, np.full(len(rows), NO_EVIDENCE, dtype=np.int64))


def _led(listener: int, keys: np.ndarray, weights: np.ndarray, table: RuleTable) -> Proposals:
    """The proposals that a table has for keys, to one listener."""
    place, rows, scores = table.leads(keys)
    return _proposed(listener, rows.astype(np.int64), scores * weights[place])


def _seeds(profiles: Profiles, ranking: RankingSettings) -> _Seeds:
    signals = profiles.signals
    positive = (signals.since < ranking.recent_tracks) & signals.positive & (profiles.rows >= 0)
    places = np.flatnonzero(positive)
    return _Seeds(places, ranking.recent_decay ** signals.since[places])


def _lead(
    seeds: _Seeds, keys: np.ndarray, weight: float, *, table: RuleTable, profiles: Profiles
) -> Proposals:
    """The proposals that a table has for the keys of the seeds."""
    place, rows, scores = table.leads(keys)
    signals = seeds.signals[place]
    return Proposals(profiles.owner[signals], rows, scores * (weight * seeds.nearness)[place], signals)


def _once_by_artist(seeds: _Seeds, artists: np.ndarray, profiles: Profiles) -> tuple[_Seeds, np.ndarray]:
    """Keep one seed for each artist of a listener: the one played last, with the sum of all nearness.

    Otherwise several seeds of one artist would propose the same candidates repeatedly.
    """
    places, nearness, owner = seeds.signals, seeds.nearness, profiles.owner
    order = np.lexsort((profiles.signals.since[places], artists, owner[places]))
    places, artists, nearness = places[order], artists[order], nearness[order]
    changes = (np.diff(owner[places]) != 0) | (np.diff(artists) != 0)
    first = np.flatnonzero(np.r_[True, changes][: len(places)])
    if not len(first):
        return _Seeds(places, nearness), artists
    return _Seeds(places[first], np.add.reduceat(nearness, first)), artists[first]


TASTE = TasteNeighbours()
"""Scores all candidates by their similarity to the taste, whichever source proposes them."""
SOURCES: Sequence[CandidateSource] = (
    TransitionRuleSource(),
    SameArtistSource(),
    LongMemorySource(),
    LikeLovedSource(),
)
"""Their scores add to the similarity. Of equal proposals, that of the earlier source gives the reason."""
VARIED = VariedSelection()
AGAIN = Reason("again", marked("You played this some time ago"))
"""The signals of long ago were positive, so the track may be repeated; the reason names the track itself."""
REPEAT = Reason("repeat", marked("You have been playing this lately"))
"""Heard recently and listed again (:class:`segue.taste.heard.Heard`); the reason names the track itself."""
EXPLORE = Reason("explore", marked("A little further from {}"), exploring=True)
"""Drawn at random from the candidates beyond the list."""


def learned_from_plays(bundle: TrackIndex) -> bool:
    """Whether a bundle has the tables of a source that is learned from plays."""
    return any(source.learned_from_plays and source.available(bundle) for source in SOURCES)


def in_use(
    bundle: TrackIndex, ranking: RankingSettings, *, without: frozenset[str] = frozenset()
) -> list[CandidateSource]:
    """The sources besides the taste that have a weight in the settings and their tables in the bundle.

    Parameters
    ----------
    without
        Names of sources to leave out.
    """
    return [
        source
        for source in SOURCES
        if source.name not in without and source.weight(ranking) and source.available(bundle)
    ]


REASONS = {
    reason.kind: reason
    for reason in (
        *(AGAIN, REPEAT, EXPLORE, TASTE.reason),
        *(reason for source in SOURCES for reason in source.reasons),
        VARIED.reason,
    )
}
"""By stored kind."""


def describe(kind: str, title: str | None) -> str:
    """A reason in words, with the title of the track that it names.

    An unknown reason, and one that names an unknown track (None), reads like that of the varied selection.
    """
    return REASONS.get(kind, VARIED.reason).text(title) or VARIED.reason.words


def is_exploring(kind: str) -> bool:
    """Whether the reason marks exploration."""
    return kind in REASONS and REASONS[kind].exploring
