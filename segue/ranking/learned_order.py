"""A learned order of a listener's candidates: a regression over evidence from the history. Pure.

The score of a candidate with the evidence ``x`` for a listener in the state ``z`` is ``x' W z``. Evidence in
favour has weights of at least 0, evidence against at most 0. All of it is formed so that one more skip or
dislike of a track never raises that track's artist:

- The last word on a track counts: a track that was skipped or disliked after it was liked is no evidence in
  favour any more.
- Evidence in favour fades with every signal, evidence against fades with liked tracks only.
- The state does not depend on the order of the signals.

The weights are learned by `./run.sh models train` (:mod:`segue.recommenders.order_learning`), the shipped
ones by :mod:`segue.demo.composed_listening`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, auto
from functools import lru_cache
from importlib import resources

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.candidates import NO_EVIDENCE, Candidates, CandidateSource, Proposals
from segue.ranking.sources import LikeLovedSource, LongMemorySource, SameArtistSource, TransitionRuleSource
from segue.settings import RankingSettings
from segue.taste.cosines import cosines
from segue.taste.heard import Words
from segue.taste.profile import ListenerProfile, Profiles

SEEDS_SINCE = 10
"""Rules and artists start from liked tracks with fewer signals since."""
SOUND_SINCE = 30
"""The sound of liked tracks counts with fewer signals since."""
AGAINST_SINCE = 30
"""A skip or dislike counts while fewer tracks were liked since."""
HALF_LIFE = 10.0
"""The signals or liked tracks after which a sound counts half."""
NEW_TRACKS = 10.0
"""The tracks with which a history is half as new as without any."""
FEEDBACK_SCALE = 5.0
"""The change of a score for a feedback of 1, which is in units of similarity."""
MOST_LIFTS = 3
_NOTABLE = 0.1
_FORMER = "popular"
"""Evidence of earlier versions, which is left out: it made lists of popular tracks, and found no more."""
SHIPPED = "shipped"
"""The version of the weights that come with the software."""
SHIPPED_FILE = "learned_order.json"
"""In this package: the shipped weights, as :mod:`segue.demo.composed_listening` prints them."""


class Evidence(IntEnum):
    """The evidence of the history for or against a candidate: each from 0 to about 1, and 0 without any."""

    SOUND = 0
    """The similarity to the liked tracks, fading."""
    NEAREST_SOUND = auto()
    """The largest of these."""
    RULES = auto()
    """The transition rules from liked tracks, with a factor of 0.8 for each signal since."""
    RULES_NOW = auto()
    """The same with a factor of 0.4."""
    STRONGEST_RULE = auto()
    ARTIST = auto()
    """The share of the artist in the liked tracks, with a factor of 0.8 for each signal since."""
    ARTIST_NOW = auto()
    """The same with a factor of 0.4."""
    BEST_OF_ARTIST = auto()
    """How many like the track among those of a liked artist."""
    RULE_OF_ARTIST = auto()
    """The product of rules and artist: someone on an album."""
    STAYING = auto()
    """The square of the share of the artist: someone who stays with an artist."""
    LOVED = auto()
    """Love as a share of that of the most loved track, for tracks that the long memory offers."""
    LIKE_LOVED = auto()
    AGAIN = auto()
    """Whether the listener liked the track long ago."""
    HEARD_LATELY = auto()
    """Of a track that was heard recently and may come again, as the next five: how lately it was heard."""
    HEARD_OFTEN = auto()
    HEARD_ON_LOOP = auto()
    """Whether it came right again just now."""
    HEARD_AFTER = auto()
    """Whether it was heard before after the tracks that were heard just now."""
    HEARD_REPEATING = auto()
    """How much the listener is repeating tracks just now."""
    LATELY_REPEATING = auto()
    """The product with how lately the track was heard."""
    ARTIST_AGAINST = auto()
    """The skips and dislikes of the artist's tracks."""
    SOUND_AGAINST = auto()
    """The similarity to the most similar track that was skipped or disliked, fading."""
    HEARD = auto()
    """Whether the track was heard recently, to the end or not."""


_NAMES = tuple(evidence.name.lower() for evidence in Evidence)
AGAINST = (Evidence.ARTIST_AGAINST, Evidence.SOUND_AGAINST, Evidence.HEARD)
"""Evidence whose weights are at most 0."""


class State(IntEnum):
    """The state of a listener, from 0 to 1."""

    ALWAYS = 0
    NEW = auto()
    """How short the history is: 1 without any track, half with :data:`NEW_TRACKS`."""


_MADE_BY: dict[str, tuple[Evidence, ...]] = {
    TransitionRuleSource.name: (Evidence.RULES, Evidence.RULES_NOW, Evidence.STRONGEST_RULE),
    SameArtistSource.name: (
        Evidence.ARTIST,
        Evidence.ARTIST_NOW,
        Evidence.BEST_OF_ARTIST,
        Evidence.RULE_OF_ARTIST,
        Evidence.STAYING,
    ),
    LongMemorySource.name: (Evidence.LOVED,),
    LikeLovedSource.name: (Evidence.LIKE_LOVED,),
}
"""The evidence of each source besides the taste; a source that is off has none."""
_OF_TASTE = (Evidence.SOUND, Evidence.NEAREST_SOUND)
_BY_SOURCE = np.column_stack(
    [np.isin(np.arange(len(Evidence)), made) for made in (_OF_TASTE, *_MADE_BY.values())]
).astype(np.float32)
"""(evidence, 1 + sources): adds up the evidence of the taste, and of each source that makes evidence."""


@dataclass(frozen=True, eq=False)
class LearnedOrder:
    """The weights of a version."""

    version: str
    weights: np.ndarray
    """(evidence, states) float64."""

    def __post_init__(self) -> None:
        if self.weights.shape != (len(Evidence), len(State)) or not is_allowed(self.weights):
            raise ValueError(f"the weights of {self.version} are not those of an order")

    def ordered(
        self,
        profiles: Profiles,
        listeners: Sequence[ListenerProfile],
        candidates: Sequence[Candidates],
        bundle: TrackIndex,
        ranking: RankingSettings,
    ) -> list[Candidates]:
        """The candidates of each listener of a batch with their scores and reasons.

        Parameters
        ----------
        listeners
            The profiles one by one.
        """
        remembered = Remembered.of(profiles, bundle, ranking, candidates)
        others = _without_evidence(profiles, bundle, ranking, candidates)
        return [
            self._ordered(
                own,
                profile,
                bundle,
                remembered.of_listener(i),
                {name: _of_listener(proposals, i) for name, proposals in others.items()},
            )
            if len(own.rows)
            else own
            for i, (own, profile) in enumerate(zip(candidates, listeners, strict=True))
        ]

    def _ordered(
        self,
        own: Candidates,
        profile: ListenerProfile,
        bundle: TrackIndex,
        remembered: RememberedTracks,
        others: Mapping[str, tuple[np.ndarray, np.ndarray]],
    ) -> Candidates:
        found = gathered(own, profile, bundle, remembered)
        parts = found.values * (self.weights @ found.state).astype(np.float32)
        number = {source.name: place for place, source in enumerate(own.sources)}
        added = [_added(own.rows, rows, FEEDBACK_SCALE * scores) for rows, scores in others.values()]
        by_source = np.column_stack([parts @ _BY_SOURCE, *added])
        source_of = [-1, *(number.get(name, -1) for name in _MADE_BY), *(number[name] for name in others)]
        source = np.array(source_of, dtype=np.int64)[by_source.argmax(axis=1)]
        evidence = np.full(len(source), NO_EVIDENCE, dtype=np.int64)
        for name, signals in (
            (TransitionRuleSource.name, found.rule_from),
            (SameArtistSource.name, found.artist_from),
        ):
            led = source == number.get(name, len(number))
            evidence[led] = signals[led]
        total = parts.sum(axis=1, dtype=np.float64)
        for scores in added:
            total += scores
        scores = total / FEEDBACK_SCALE
        return replace(own, ranked=scores, source=source, evidence=evidence, parts=parts)


def lifted_by(own: Candidates, places: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
    """The evidence that lifted candidates most, each with the amount it adds to the score, largest first.

    At most :data:`MOST_LIFTS` of a candidate, each with a notable part of all that is in its favour. Without
    one of them, the score would be lower by that amount. Empty without a learned order.
    """
    if own.parts is None:
        return [()] * len(places)
    parts = own.parts[list(places)] / FEEDBACK_SCALE
    best = np.argsort(-parts, axis=1, kind="stable")[:, :MOST_LIFTS]
    amounts = np.take_along_axis(parts, best, axis=1)
    least = _NOTABLE * np.maximum(parts, 0).sum(axis=1, keepdims=True)
    notable = (amounts > 0) & (amounts >= least)
    rounded = np.round(amounts.astype(np.float64), 4)
    return [
        tuple(
            (_NAMES[number], amount)
            for number, amount, is_notable in zip(*of_candidate, strict=True)
            if is_notable
        )
        for of_candidate in zip(best.tolist(), rounded.tolist(), notable.tolist(), strict=True)
    ]


def is_allowed(weights: np.ndarray) -> bool:
    """Whether weights have the signs that keep a skip from raising its artist."""
    against = np.isin(np.arange(len(Evidence)), AGAINST)
    return bool(
        np.isfinite(weights).all()
        and (weights[~against] >= 0).all()
        and (weights[against] <= 0).all()
        # A history grows with a skip, too: what is against must not fade with that.
        and (weights[against, State.NEW] == 0).all()
    )


def bounds() -> list[tuple[float | None, float | None]]:
    """The lowest and the highest value of each weight, by evidence, then state; None: no limit."""
    found: list[tuple[float | None, float | None]] = []
    for evidence in Evidence:
        for state in State:
            if evidence not in AGAINST:
                found.append((0.0, None))
            else:
                found.append((None, 0.0) if state == State.ALWAYS else (0.0, 0.0))
    return found


@lru_cache(maxsize=1)
def shipped() -> LearnedOrder:
    """The weights that come with the software."""
    text = resources.files("segue.ranking").joinpath(SHIPPED_FILE).read_text(encoding="utf-8")
    return of_document(json.loads(text)["weights"], version=SHIPPED)


def of_document(
    stored: dict[str, list[float]], *, version: str, missing: np.ndarray | None = None
) -> LearnedOrder:
    """The weights of a document: by the name of the evidence, one for each state.

    Parameters
    ----------
    missing
        (evidence, states) float64: the weights of evidence that the document lacks; by default 0.
    """
    weights = np.zeros((len(Evidence), len(State))) if missing is None else missing.copy()
    for name, values in stored.items():
        if name == _FORMER:
            continue
        if len(values) != len(State):
            raise ValueError(f"{name} of {version} has {len(values)} weights instead of {len(State)}")
        weights[Evidence[name.upper()]] = values
    return LearnedOrder(version, weights)


def document(weights: np.ndarray) -> dict[str, list[float]]:
    """The inverse of :func:`of_document`."""
    return {
        name: [round(float(value), 4) for value in of_evidence]
        for name, of_evidence in zip(_NAMES, weights, strict=True)
    }


@dataclass(frozen=True)
class Gathered:
    """The evidence about the candidates of one listener."""

    values: np.ndarray
    """(n, evidence) float32."""
    state: np.ndarray
    """(states,) float64."""
    rule_from: np.ndarray
    """(n,) int64: the index of the signal whose rule to the candidate is strongest, or NO_EVIDENCE."""
    artist_from: np.ndarray
    """(n,) int64: the index of the last signal on a liked track of the artist, or NO_EVIDENCE."""


RememberedTracks = dict[Evidence, tuple[np.ndarray, np.ndarray]]
"""Rows and scores that the long memory offers to one listener, by evidence."""


@dataclass(frozen=True)
class Remembered:
    """The proposals of the long memory to a batch of listeners."""

    proposals: dict[Evidence, Proposals]
    """With scores of a weight of 1."""

    @classmethod
    def of(
        cls,
        profiles: Profiles,
        bundle: TrackIndex,
        ranking: RankingSettings,
        candidates: Sequence[Candidates],
    ) -> Remembered:
        sources: Sequence[CandidateSource] = next((own.sources for own in candidates if len(own.rows)), ())
        if not any(listener.loved.tracks for listener in profiles.listeners):
            return cls({})
        found: dict[Evidence, Proposals] = {}
        for source in sources:
            for evidence in _MADE_BY.get(source.name, ()):
                if evidence in (Evidence.LOVED, Evidence.LIKE_LOVED):
                    proposed = source.propose(profiles, bundle, ranking)
                    found[evidence] = replace(proposed, scores=proposed.scores / source.weight(ranking))
        return cls(found)

    def of_listener(self, i: int) -> RememberedTracks:
        """Rows and scores for the listener `i` of the batch, by evidence."""
        found = {evidence: _of_listener(proposals, i) for evidence, proposals in self.proposals.items()}
        return {evidence: own for evidence, own in found.items() if len(own[0])}


def _of_listener(proposals: Proposals, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and scores of the proposals to the listener `i` of the batch."""
    part = proposals.listeners == i
    return proposals.rows[part], proposals.scores[part]


def _without_evidence(
    profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings, candidates: Sequence[Candidates]
) -> dict[str, Proposals]:
    """The proposals of sources that make no evidence, by name: their scores are added as they are."""
    sources: Sequence[CandidateSource] = next((own.sources for own in candidates if len(own.rows)), ())
    return {
        source.name: source.propose(profiles, bundle, ranking)
        for source in sources
        if source.name not in _MADE_BY
    }


def _added(rows: np.ndarray, proposed: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n,) float64: the sum of the scores that are proposed for each row."""
    by_row = np.argsort(rows, kind="stable")
    place, which = _Places(rows[by_row], by_row).of(proposed)
    return np.bincount(place, scores[which], minlength=len(rows))


def gathered(
    own: Candidates,
    profile: ListenerProfile,
    bundle: TrackIndex,
    remembered: RememberedTracks,
) -> Gathered:
    """The evidence about the candidates of one listener."""
    words = profile.words
    values = np.zeros((len(own.rows), len(Evidence)), dtype=np.float32)
    names = {source.name for source in own.sources}
    nothing = np.full(len(own.rows), NO_EVIDENCE, dtype=np.int64)
    by_row = np.argsort(own.rows, kind="stable")
    places = _Places(own.rows[by_row], by_row)
    _sound(values, own.rows, profile, bundle, words)
    seeds = words.liked[(profile.since[words.liked] < SEEDS_SINCE) & (profile.rows[words.liked] >= 0)]
    rule_from = artist_from = nothing
    candidate, code = bundle.artists_of(own.rows)
    if len(seeds) and TransitionRuleSource.name in names:
        rule_from = _rules(values, places, seeds, profile, bundle)
    if len(seeds) and SameArtistSource.name in names:
        artist_from = _artists(values, places, seeds, profile, bundle, candidate, code)
    _artists_against(values, profile, bundle, words, candidate, code)
    for evidence, (rows, scores) in remembered.items():
        place, proposed = places.of(rows)
        np.add.at(values[:, evidence], place, scores[proposed])
    if profile.repeatable:
        place, _ = places.of(np.fromiter(profile.repeatable, dtype=np.int64))
        values[place, Evidence.AGAIN] = 1.0
    _heard(values, places, profile)
    state = np.array([1.0, 2.0 ** (-words.tracks / NEW_TRACKS)])
    return Gathered(values, state, rule_from, artist_from)


@dataclass(frozen=True)
class _Places:
    """Finds the candidates with given rows."""

    rows: np.ndarray
    """(n,) int64, ascending."""
    place: np.ndarray
    """(n,) the candidate of each."""

    def of(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The candidates that have one of the rows, and the indices of these rows."""
        at = np.searchsorted(self.rows, rows)
        found = np.flatnonzero(self.rows[np.minimum(at, len(self.rows) - 1)] == rows)
        return self.place[at[found]], found


def _sound(
    values: np.ndarray, rows: np.ndarray, profile: ListenerProfile, bundle: TrackIndex, words: Words
) -> None:
    liked = words.liked[profile.since[words.liked] < SOUND_SINCE]
    near = words.liked_since < AGAINST_SINCE
    against = words.against[near]
    vectors = np.take(bundle.vectors, rows, axis=0).astype(np.float32, copy=False)
    if len(liked):
        to_liked = _fading_cosines(profile.vectors[liked], vectors, profile.since[liked])
        values[:, Evidence.SOUND] = to_liked.sum(axis=0) * np.float32(1 - 2 ** (-1 / HALF_LIFE))
        values[:, Evidence.NEAREST_SOUND] = to_liked.max(axis=0)
    if len(against):
        to_against = _fading_cosines(profile.vectors[against], vectors, words.liked_since[near])
        values[:, Evidence.SOUND_AGAINST] = to_against.max(axis=0)


def _fading_cosines(heard: np.ndarray, vectors: np.ndarray, since: np.ndarray) -> np.ndarray:
    """(m, n) float32: the cosines of m tracks and n candidates, 0 where they are negative.

    They count half for each :data:`HALF_LIFE` of `since`, (m,).
    """
    found = cosines(heard, vectors)
    np.maximum(found, 0, out=found)
    found *= np.exp2(-since / HALF_LIFE).astype(np.float32)[:, np.newaxis]
    return found


def _heard(values: np.ndarray, places: _Places, profile: ListenerProfile) -> None:
    if not profile.recent:
        return
    recent, _ = places.of(np.fromiter(profile.recent, dtype=np.int64))
    values[recent, Evidence.HEARD] = 1.0
    heard = profile.heard
    place, which = places.of(heard.rows)
    for evidence, strength in (
        (Evidence.HEARD_LATELY, heard.lately),
        (Evidence.HEARD_OFTEN, heard.often),
        (Evidence.HEARD_ON_LOOP, heard.looped),
        (Evidence.HEARD_AFTER, heard.after),
        (Evidence.LATELY_REPEATING, heard.lately * np.float32(heard.repeating)),
    ):
        values[place, evidence] = strength[which]
    values[place, Evidence.HEARD_REPEATING] = heard.repeating


def _rules(
    values: np.ndarray, places: _Places, seeds: np.ndarray, profile: ListenerProfile, bundle: TrackIndex
) -> np.ndarray:
    assert bundle.transition_rules is not None
    seed, rows, scores = bundle.transition_rules.leads(profile.rows[seeds])
    place, proposed = places.of(rows)
    seed, score, since = seed[proposed], scores[proposed], profile.since[seeds]
    slow, fast = score * (0.8**since)[seed], score * (0.4**since)[seed]
    values[:, Evidence.RULES] = np.bincount(place, slow, minlength=len(values))
    values[:, Evidence.RULES_NOW] = np.bincount(place, fast, minlength=len(values))
    led = np.full(len(values), NO_EVIDENCE, dtype=np.int64)
    order = np.argsort(slow, kind="stable")  # the strongest is written last
    values[place[order], Evidence.STRONGEST_RULE] = slow[order]
    led[place[order]] = seeds[seed[order]]
    return led


def _artists(
    values: np.ndarray,
    places: _Places,
    seeds: np.ndarray,
    profile: ListenerProfile,
    bundle: TrackIndex,
    candidate: np.ndarray,
    code: np.ndarray,
) -> np.ndarray:
    led = np.full(len(values), NO_EVIDENCE, dtype=np.int64)
    seed, seed_code = bundle.artists_of(profile.rows[seeds])
    if not len(seed):
        return led
    codes, place_of = np.unique(seed_code, return_inverse=True)
    since = profile.since[seeds][seed]
    slow = 0.2 * np.bincount(place_of, 0.8**since)
    fast = 0.6 * np.bincount(place_of, 0.4**since)
    at = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
    same = codes[at] == code
    at, candidate = at[same], candidate[same]
    np.maximum.at(values[:, Evidence.ARTIST], candidate, slow[at])
    np.maximum.at(values[:, Evidence.ARTIST_NOW], candidate, fast[at])
    last = np.full(len(codes), NO_EVIDENCE, dtype=np.int64)
    order = np.argsort(-since, kind="stable")  # the latest is written last
    last[place_of[order]] = seeds[seed[order]]
    led[candidate] = last[at]
    if bundle.artist_tracks is not None:
        owner, rows, scores = bundle.artist_tracks.leads(codes)
        place, proposed = places.of(rows)
        fading = 0.8 ** profile.since[last[owner[proposed]]]
        np.maximum.at(values[:, Evidence.BEST_OF_ARTIST], place, scores[proposed] * fading)
    values[:, Evidence.RULE_OF_ARTIST] = values[:, Evidence.ARTIST] * values[:, Evidence.STRONGEST_RULE]
    values[:, Evidence.STAYING] = values[:, Evidence.ARTIST] ** 2
    return led


def _artists_against(
    values: np.ndarray,
    profile: ListenerProfile,
    bundle: TrackIndex,
    words: Words,
    candidate: np.ndarray,
    code: np.ndarray,
) -> None:
    near = (words.liked_since < AGAINST_SINCE) & (profile.rows[words.against] >= 0)
    against = words.against[near]
    if not len(against):
        return
    signal, signal_code = bundle.artists_of(profile.rows[against])
    if not len(signal):
        return
    codes, place_of = np.unique(signal_code, return_inverse=True)
    fading = np.exp2(-words.liked_since[near] / HALF_LIFE)[signal]
    total = np.log1p(np.bincount(place_of, fading)) / 2
    at = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
    same = codes[at] == code
    np.maximum.at(values[:, Evidence.ARTIST_AGAINST], candidate[same], total[at[same]])
