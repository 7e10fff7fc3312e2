"""The expected tastes and recommendations, from a topic's contents: the oracle of the stream.

It shares the taste's and the ranking's numpy with the job, which have tests of their own, but neither Spark,
nor state, nor batches, nor the parsing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from segue.index.track_index import TrackIndex
from segue.plays.event import fault
from segue.plays.event_types import signal_weight
from segue.ranking.plan import plan
from segue.ranking.recommendations import stored_item
from segue.settings import Settings
from segue.storage.kafka_records import records_of
from segue.taste.history import History, Window, prune
from segue.taste.profile import ListenerHistory


def contents(settings: Settings) -> list[Any]:
    """Every record of the plays topic."""
    return list(records_of(settings.kafka, settings.kafka.plays_topic))


class Sorted(NamedTuple):
    """The records of a topic by their use."""

    plays: list[dict[str, Any]]
    """Those that count at once."""
    rejected: set[tuple[int, int]]
    """The (partition, offset) of each rejected record."""
    delayed: list[dict[str, Any]]
    """The plays that count for their listeners only."""


def sort_out(records: Iterable[Any], settings: Settings) -> Sorted:
    """The records by their use."""
    found = Sorted([], set(), [])
    stream = settings.stream
    late, latest, ahead = (
        length.total_seconds() * 1000
        for length in (
            stream.allowed_lateness,
            max(stream.allowed_lateness, stream.max_delay),
            stream.max_clock_skew,
        )
    )
    for record in records:
        play = _decoded(record.value, settings)
        if play is None or fault(play) or not -ahead <= record.timestamp - play["occurred_at"] <= latest:
            found.rejected.add((record.partition, record.offset))
        elif record.timestamp - play["occurred_at"] <= late:
            found.plays.append(play)
        else:
            found.delayed.append(play)
    return found


def _decoded(value: bytes | None, settings: Settings) -> dict[str, Any] | None:
    if value is None or len(value) > settings.stream.max_play_size:
        return None
    try:
        play = json.loads(value.decode())
    except ValueError:
        return None
    return play if isinstance(play, dict) else None


def histories(plays: Iterable[dict[str, Any]], settings: Settings) -> dict[str, History]:
    """Each listener's history: every event once, summed by window and track."""
    distinct = {(play["user_id"], play["event_id"]): play for play in plays}.values()
    length = int(settings.stream.window.total_seconds() * 1000)
    sums: dict[str, dict[int, dict[str, list[tuple[int, float, str]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for play in distinct:
        weight = signal_weight(
            play["type"],
            ms_played=play["ms_played"],
            duration_ms=play["duration_ms"],
            signals=settings.signals,
        )
        if weight is not None:
            start = play["occurred_at"] // length * length
            signal = (play["occurred_at"], weight, play["type"])
            sums[play["user_id"]][start][play["track_id"]].append(signal)
    return {
        user: prune(
            {start: _window(tracks) for start, tracks in windows.items()},
            taste=settings.taste,
            signals=settings.signals,
        )
        for user, windows in sums.items()
    }


def _window(tracks: dict[str, list[tuple[int, float, str]]]) -> Window:
    names = sorted(tracks)
    last = [sorted(tracks[name], key=lambda s: (s[0], s[1], s[2]))[-1] for name in names]
    return Window(
        names,
        [sum(weight for _, weight, _ in tracks[name]) for name in names],
        [at for at, _, _ in last],
        [kind for _, _, kind in last],
    )


def items(
    found: dict[str, History], bundle: TrackIndex, settings: Settings
) -> dict[str, list[dict[str, Any]]]:
    """The recommendations of each listener as MongoDB should hold them."""
    plans = plan(
        [ListenerHistory(user, history, settings.taste) for user, history in found.items()],
        bundle=bundle,
        ranking=settings.ranking,
        experiments=settings.experiments,
    )
    return {one.user_id: [dict(stored_item(item)) for item in one.items] for one in plans}
