"""Corrections of listeners take effect in the next plan of streams that run all the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from pyspark.sql import SparkSession

from segue.catalog.tracks import Tracks
from segue.ranking.recommendations import Recommendations
from segue.settings import Settings, milliseconds
from segue.storage.store import Store
from segue.streaming_jobs import recommend
from segue.taste.corrections import Corrections, Rule, RuleKind, Span
from segue.taste.tastes import Tastes
from tests.imports.test_imported_facts import NORTH_SIDE
from tests.plays.examples import encoded
from tests.streaming.conftest import TRACKS, track_id
from tests.streaming.test_rejected_plays import send

MINUTE = 60_000
KEYS: dict[RuleKind, Callable[[int], str]] = {
    "artist": lambda number: f"artist{number // 2}",
    "album": lambda number: f"album{number // 4}",
    "genre": lambda number: f"genre{number % 2}",
}
"""Kind -> the key that the track of a number has."""

Listen = Callable[..., None]


@pytest.fixture
def store(published: Settings, store: Store) -> Store:
    """The store of a service with an index and its tracks."""
    names = [track_id(number) for number in range(TRACKS)]
    Tracks(store).write(
        [replace(NORTH_SIDE, track_id=own, path=f"/m/{own}.mp3", title=f"Song {own}") for own in names]
    )
    for number, own in enumerate(names):
        kept = {"counted": [KEYS["artist"](number)], "album_id": KEYS["album"](number)}
        store.database.tracks.update_one({"_id": own}, {"$set": {**kept, "genres": [KEYS["genre"](number)]}})
    return store


@pytest.fixture
def listen(spark: SparkSession, published: Settings, store: Store) -> Iterator[Listen]:
    """Sends completions of tracks by number, which a query that runs throughout the test plans."""
    query = recommend.start(spark, published)

    def listened(numbers: Sequence[int], *, at: int, users: Sequence[str] = ("ada",)) -> None:
        send(
            published,
            [
                encoded(user_id=user_id, track_id=track_id(own), occurred_at=at + n * 1000)
                for user_id in users
                for n, own in enumerate(numbers)
            ],
        )
        query.processAllAvailable()

    yield listened
    query.stop()


def served(store: Store) -> list[int]:
    """The numbers of the tracks that are recommended to Ada."""
    recommendation = Recommendations(store).of("ada")
    assert recommendation is not None
    return [int(track.track_id[1:]) for track in recommendation.tracks]


@pytest.mark.parametrize("kind", KEYS)
def test_never_again_holds_in_the_next_plan_until_it_is_taken_back(
    listen: Listen, store: Store, kind: RuleKind
) -> None:
    now, key_of = time.time_ns() // 1_000_000, KEYS[kind]
    listen([0, 6, 12], at=now - 30 * MINUTE)
    before = served(store)
    key = key_of(before[0])
    Corrections(store).keep_rule("ada", Rule(kind, key, "never"))
    listen([18], at=now - 20 * MINUTE)
    assert key not in {key_of(number) for number in served(store)}
    Corrections(store).take_back_rule("ada", kind, key)
    listen([24], at=now - 10 * MINUTE)
    assert key in {key_of(number) for number in served(store)}


def test_less_of_a_genre_leaves_some_of_it_in_the_next_plan(listen: Listen, store: Store) -> None:
    now = time.time_ns() // 1_000_000
    listen([0, 6, 12], at=now - 30 * MINUTE)
    before = [number for number in served(store) if number % 2 == 0]
    Corrections(store).keep_rule("ada", Rule("genre", "genre0", "less"))
    listen([18], at=now - 20 * MINUTE)
    after = [number for number in served(store) if number % 2 == 0]
    assert len(after) < len(before)


def test_a_forgotten_evening_says_nothing_in_the_next_plan(
    listen: Listen, store: Store, published: Settings
) -> None:
    length = milliseconds(published.stream.window)
    latest = time.time_ns() // 1_000_000 // length * length
    evening = Span(latest - length, latest)
    both = ("ada", "ben")
    listen([1, 7, 13, 19, 25, 31], at=evening.since + length // 2)
    listen([0, 6, 12], at=evening.until, users=both)
    assert apart(store, *both) > 0.1
    Corrections(store).forget_span("ada", evening)
    listen([18], at=evening.until + 5000, users=both)
    assert apart(store, *both) == pytest.approx(0, abs=1e-5)
    Corrections(store).remember_span("ada", evening)
    listen([24], at=evening.until + 6000, users=both)
    assert apart(store, *both) > 0.1


def apart(store: Store, one: str, other: str) -> float:
    """The distance between the tastes of two listeners."""
    tastes = Tastes(store).vectors([one, other])
    return float(np.linalg.norm(tastes[one][0] - tastes[other][0]))
