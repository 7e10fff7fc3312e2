"""Estimates of the results of other orders of candidates, from the lists that listeners saw.

The facts tell which tracks of which place were seen, whether they were played, heard to the end or skipped,
and with which probability each was in its list. For each window in which such tracks were seen, the lists of
other variants are made from the listener's history before the window, by the index in use, without
exploration. :mod:`segue.engagement.off_policy` weighs the responses.

The responses are predicted from the evidence of the learned order, by a ridge regression. It learns in the
order of time: the lists are cut into :data:`PARTS`, and each part is predicted from those before it. The
first part only teaches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import numpy as np

from segue.engagement.listening import RowsOfWindow
from segue.engagement.off_policy import (
    Estimate,
    Offered,
    Responses,
    doubly_robust,
    effective_size,
    importance,
    inverse_propensity,
    usable,
    visibility,
)
from segue.index.track_index import TrackIndex
from segue.plays.event import MILLIONTHS
from segue.ranking.candidates import Candidates
from segue.ranking.learned_order import Evidence, LearnedOrder, State, gathered
from segue.ranking.plan import plan
from segue.ranking.sources import in_use
from segue.ranking.variants import ranking_of
from segue.recommenders.order_from_responses import with_history
from segue.settings import Settings, Variant
from segue.taste.profile import ListenerHistory, build_profiles

MOST = 10_000
"""The newest windows that are looked at."""
PARTS = 5
FEWEST = 50.0
"""With a smaller effective sample size nothing is judged."""
LEVEL = 0.95
FEATURES = len(Evidence) + 2
_LONGEST = 1000
"""Places of a list that are looked at."""
_AT_ONCE = 500
_RIDGE = 10.0
Verdict = Literal["too little data", "too little to tell", "better", "worse"]


@dataclass(frozen=True)
class Response:
    """A response to a seen track: the count of a fact's row, and whether more of it is better."""

    name: str
    count: str
    more_is_better: bool


RESPONSES = (
    Response("played", "starts", True),
    Response("finished", "completions", True),
    Response("skipped", "skips", False),
)
"""The shares of the seen tracks that were played, heard to the end, or skipped."""


@dataclass(frozen=True)
class Policy:
    """A way of making lists: a variant with its settings, or the current settings with another order."""

    name: str
    variant: Variant
    model: Literal["sum", "learned"] | None = None
    """Takes the place of the variant's `ranking.model`."""
    order: LearnedOrder | None = None
    """The learned order; None for the shipped one."""


@dataclass(frozen=True)
class LoggedList:
    """The tracks of recommendations that a listener saw in a window, with known probabilities."""

    at: datetime
    listener: ListenerHistory
    """With the history before the window."""
    tracks: Sequence[str]
    ranks: Sequence[int]
    propensities: Sequence[float]
    rewards: Sequence[tuple[bool, ...]]
    """Of each track, the :data:`RESPONSES`."""


@dataclass(frozen=True)
class Estimated:
    """A response to the lists of a policy. Undefined values are NaN."""

    policy: str
    response: str
    seen: float
    """The plain mean of the responses to the tracks that were shown, whichever lists they were in."""
    ips: float
    ips_low: float
    ips_high: float
    dr: float
    dr_low: float
    dr_high: float
    difference: float
    """To the first policy, doubly robust, with a simultaneous interval."""
    low: float
    high: float
    verdict: Verdict | Literal[""]
    """Empty for the first policy."""


@dataclass(frozen=True)
class Estimates:
    """The estimates for some policies, the first of which is compared with."""

    lists: int
    """Windows that are judged."""
    listeners: int
    tracks: int
    """Seen tracks with a known probability in them."""
    drawn: int
    """Those of them that exploration had drawn."""
    effective: Mapping[str, float]
    """By policy, the effective sample size."""
    covered: Mapping[str, float]
    """By policy, the mean weight: about the share of its lists that the shown lists could contain."""
    estimates: Sequence[Estimated]


def logged_lists(
    windows: Iterable[RowsOfWindow], settings: Settings, *, since: datetime | None = None
) -> list[LoggedList]:
    """The newest lists with known probabilities from `since` on, in the order of time.

    Parameters
    ----------
    windows
        By listener, then time.
    """
    found = (
        logged
        for window, rows, history in with_history(windows, settings)
        if since is None or window.start >= since
        if (logged := _logged(window, rows, ListenerHistory(window.user_id, history, settings.taste)))
    )
    # Only so many are in memory at once.
    return heapq.nlargest(MOST, found, key=lambda one: (one.at, one.listener.user_id))[::-1]


def _logged(
    window: RowsOfWindow, rows: Sequence[Mapping[str, Any]], listener: ListenerHistory
) -> LoggedList | None:
    known = [
        row
        for row in rows
        if row.get("variant")
        and row.get("impressions")
        and usable(row.get("propensity"))
        and 1 <= (row.get("rank") or 0) <= _LONGEST
    ]
    if not known or not listener.history:
        return None
    return LoggedList(
        window.start,
        listener,
        [row["track_id"] for row in known],
        [row["rank"] for row in known],
        [row["propensity"] / MILLIONTHS for row in known],
        [tuple(bool(row.get(response.count)) for response in RESPONSES) for row in known],
    )


def estimated(
    lists: Sequence[LoggedList], policies: Sequence[Policy], index: TrackIndex, settings: Settings
) -> Estimates:
    """Estimate the responses to the lists of policies, at least one, on lists in the order of time."""
    codes = {name: code for code, name in enumerate(sorted({one.listener.user_id for one in lists}))}
    owner = np.array([codes[one.listener.user_id] for one in lists], dtype=np.int64)
    part = np.arange(len(lists)) * PARTS // max(len(lists), 1)
    ranks = [rank - 1 for one in lists for rank in one.ranks]
    seen = _tracks(lists, [one.tracks for one in lists], ranks, index, settings)
    rewards = np.array([own for one in lists for own in one.rewards], dtype=np.float64)
    rewards = rewards.reshape(-1, len(RESPONSES))
    propensities = np.array([own for one in lists for own in one.propensities])
    offered = []
    for policy in policies:
        names = _listed(lists, policy, index, settings)
        offered.append(_tracks(lists, names, (i for own in names for i in range(len(own))), index, settings))
    places = 1 + int(max([0, *(own.places.max(initial=0) for own in (seen, *offered))]))
    visible = visibility(seen.places + 1, seen.lists, places=places)
    inside = part[seen.lists] > 0
    listeners = owner[seen.lists[inside]]
    weights = [
        importance(
            _visible_in(own, seen, visible)[inside], visible[seen.places[inside]], propensities[inside]
        )
        for own in offered
    ]
    found: list[list[tuple[float, Estimate, Estimate]]] = [[] for _ in policies]
    for response in range(len(RESPONSES)):
        of_seen, of_offered = _predicted(seen, rewards[:, response], offered, part)
        taken = rewards[inside, response]
        for number, own in enumerate(offered):
            responses = Responses(listeners, taken, weights[number], of_seen[inside])
            judged = part[own.lists] > 0
            others = Offered(
                owner[own.lists[judged]], visible[own.places[judged]], of_offered[number][judged]
            )
            found[number].append(
                (
                    float(taken.mean()) if len(taken) else float("nan"),
                    inverse_propensity(responses, listeners=len(codes)),
                    doubly_robust(responses, others, listeners=len(codes)),
                )
            )
    called = [policy.name for policy in policies]
    effective = {name: effective_size(own) for name, own in zip(called, weights, strict=True)}
    several = len(np.unique(listeners))
    return Estimates(
        lists=int((part > 0).sum()),
        listeners=several,
        tracks=len(listeners),
        drawn=int((propensities[inside] < 1).sum()),
        effective=effective,
        covered={
            name: float(own.mean()) if len(own) else 0.0 for name, own in zip(called, weights, strict=True)
        },
        estimates=_compared(
            dict(zip(called, found, strict=True)),
            effective,
            enough=several >= settings.experiments.min_listeners_per_variant,
        ),
    )


def _visible_in(own: _Tracks, seen: _Tracks, visible: np.ndarray) -> np.ndarray:
    """(n,) float64: the visibility of each seen track's place in a policy's list, 0 if it is not there."""
    place_of = {
        (number, name): place
        for number, name, place in zip(own.lists.tolist(), own.names, own.places.tolist(), strict=True)
    }
    return np.array(
        [
            visible[place] if (place := place_of.get((number, name))) is not None else 0.0
            for number, name in zip(seen.lists.tolist(), seen.names, strict=True)
        ],
        dtype=np.float64,
    )


def _compared(
    by_policy: Mapping[str, Sequence[tuple[float, Estimate, Estimate]]],
    effective: Mapping[str, float],
    *,
    enough: bool,
) -> list[Estimated]:
    first = next(iter(by_policy))
    together = 1 - (1 - LEVEL) / (len(RESPONSES) * max(len(by_policy) - 1, 1))
    found = []
    for name, each in by_policy.items():
        for response, (seen, ips, dr), (_, _, base) in zip(RESPONSES, each, by_policy[first], strict=True):
            difference = dr.minus(base)
            low, high = difference.interval(level=together)
            verdict: Verdict | Literal[""] = ""
            if name != first:
                data = enough and min(effective[name], effective[first]) >= FEWEST
                verdict = _verdict(low, high, response) if data else "too little data"
            found.append(
                Estimated(
                    name,
                    response.name,
                    seen,
                    ips.value,
                    *ips.interval(level=LEVEL),
                    dr.value,
                    *dr.interval(level=LEVEL),
                    difference.value,
                    low,
                    high,
                    verdict,
                )
            )
    return found


def _verdict(low: float, high: float, response: Response) -> Verdict:
    if not (low > 0 or high < 0):
        return "too little to tell"
    return "better" if (low > 0) == response.more_is_better else "worse"


@dataclass(frozen=True)
class _Tracks:
    """Tracks of lists, flat (n,)."""

    lists: np.ndarray
    """int64, ascending."""
    names: Sequence[str]
    places: np.ndarray
    """int64, from 0."""
    evidence: np.ndarray
    """(n, features) float64: :func:`_evidence`."""


def _tracks(
    lists: Sequence[LoggedList],
    names: Sequence[Sequence[str]],
    places: Iterable[int],
    index: TrackIndex,
    settings: Settings,
) -> _Tracks:
    sizes = [len(own) for own in names]
    values = list(_evidence([one.listener for one in lists], names, index, settings))
    return _Tracks(
        np.repeat(np.arange(len(lists)), np.array(sizes, dtype=np.int64)),
        [name for own in names for name in own],
        np.fromiter(places, dtype=np.int64),
        np.concatenate([np.empty((0, FEATURES)), *values]),
    )


def _evidence(
    listeners: Sequence[ListenerHistory],
    names: Sequence[Sequence[str]],
    index: TrackIndex,
    settings: Settings,
) -> Iterator[np.ndarray]:
    """For each listener, the features that predict the responses to tracks, (n, features) float64.

    They are the evidence of the learned order, a number for how new the listener is, and a constant. A track
    that is not in the index has the constant only.
    """
    sources = in_use(index, settings.ranking)
    for first in range(0, len(listeners), _AT_ONCE):
        profiles = build_profiles(listeners[first : first + _AT_ONCE], bundle=index)
        for i in range(len(profiles)):
            own = names[first + i]
            rows = index.rows(own) if own else np.empty(0, dtype=np.int64)
            known = np.flatnonzero(rows >= 0)
            values = np.zeros((len(own), FEATURES))
            values[:, -1] = 1.0
            if len(known):
                candidates = Candidates.scored(rows[known], np.zeros(len(known)), sources)
                found = gathered(candidates, profiles[i], index, {})
                values[known, : len(Evidence)] = found.values
                values[known, len(Evidence)] = found.state[State.NEW]
            yield values


def _listed(
    lists: Sequence[LoggedList], policy: Policy, index: TrackIndex, settings: Settings
) -> list[list[str]]:
    """The tracks of the lists that a policy makes, without exploration."""
    experiments = settings.experiments
    ranking = ranking_of(policy.variant, ranking=settings.ranking, experiments=experiments)
    changes = {"exploration_share": 0.0, "model": policy.model or ranking.model}
    found = []
    for first in range(0, len(lists), _AT_ONCE):
        plans = plan(
            [one.listener for one in lists[first : first + _AT_ONCE]],
            bundle=index,
            ranking=ranking.model_copy(update=changes),
            experiments=experiments.model_copy(update={"variants": ((policy.variant, 1.0),), "ranking": ()}),
            order=policy.order,
        )
        found.extend([[item.track_id for item in one.items] for one in plans])
    return found


def _predicted(
    seen: _Tracks, rewards: np.ndarray, offered: Sequence[_Tracks], part: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The predicted responses to the seen tracks, and to those of each policy's lists.

    Those of the lists of a part (`part`, by list) come from the responses to the lists of earlier parts.

    Parameters
    ----------
    rewards
        (n,) float64, aligned with `seen`.
    """
    of_seen = np.zeros(len(seen.lists))
    of_offered = [np.zeros(len(own.lists)) for own in offered]
    for number in range(1, PARTS):
        earlier = part[seen.lists] < number
        values = seen.evidence[earlier]
        gram = values.T @ values + _RIDGE * np.eye(FEATURES)
        weights = np.linalg.solve(gram, values.T @ rewards[earlier])
        for tracks, into in ((seen, of_seen), *zip(offered, of_offered, strict=True)):
            own = part[tracks.lists] == number
            into[own] = np.clip(tracks.evidence[own] @ weights, 0.0, 1.0)
    return of_seen, of_offered
