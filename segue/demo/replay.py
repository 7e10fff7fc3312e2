"""Sends the plays of the demo's listeners to Kafka at a steady rate, interleaved."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from segue.catalog.tracks import Tracks
from segue.demo.listeners import SimulatedListener, Song, plays_of
from segue.embeddings.stored import Embeddings
from segue.plays.delivery import PlayProducer
from segue.plays.event_types import SIGNALS
from segue.storage.store import Store

MALFORMED = (b'{"event_id": "cut off', b"\xff\xfe not text", b'{"type": "play", "user_id": "nobody"}')
"""Invalid records; the demo sends them too, to show that they are rejected and do no harm."""


@dataclass
class Sent:
    """The events that a replay sent."""

    plays: int = 0
    malformed: int = 0
    signals: list[tuple[str, int]] = field(default_factory=list)
    """(user_id, occurred_at) of the signals."""


def songs_of(store: Store) -> list[Song]:
    """The tracks that can be recommended: those with an embedding, in the order of their ids."""
    embedded = Embeddings(store).track_ids()
    return [
        Song(track_id, duration_ms, genre)
        for track_id, (duration_ms, genre) in Tracks(store).durations_and_genres().items()
        if track_id in embedded
    ]


def replay(
    producer: PlayProducer,
    listeners: Sequence[SimulatedListener],
    songs: Sequence[Song],
    *,
    tracks: int,
    per_second: float,
    malformed: bool = False,
    seed: int = 7,
    progress: Callable[[int], None] | None = None,
) -> Sent:
    """Send every listener's plays with the current time, `per_second` events a second over all listeners."""
    sent = Sent()
    began = time.monotonic()
    for number, play in enumerate(_in_turn(listeners, songs, tracks=tracks, seed=seed)):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        now = time.time_ns() // 1_000_000
        producer.send({**play, "occurred_at": now})
        sent.plays += 1
        if play["type"] in SIGNALS:
            sent.signals.append((play["user_id"], now))
        if progress:
            progress(1)
    for value in MALFORMED if malformed else ():
        producer.send_bytes(value, key=b"nobody")
        sent.malformed += 1
    producer.flush()
    return sent


def _in_turn(
    listeners: Sequence[SimulatedListener], songs: Sequence[Song], *, tracks: int, seed: int
) -> Iterator[Mapping[str, Any]]:
    """The listeners' events, randomly interleaved; the events of each listener stay in order."""
    rng = random.Random(seed)
    open_streams = [plays_of(listener, songs, tracks=tracks, seed=seed) for listener in listeners]
    while open_streams:
        stream = rng.choice(open_streams)
        play = next(stream, None)
        if play is None:
            open_streams.remove(stream)
        else:
            yield play
