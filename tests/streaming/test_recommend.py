"""The stream against a real broker, mongod and Spark, compared with a reference from the topic's contents."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.imports.days import ImportedDays, plays_in
from segue.imports.play import Song
from segue.index.bundle import load_bundle
from segue.models.versions import Models
from segue.plays.delivery import PlayProducer
from segue.plays.event_types import ENDS
from segue.ranking.recommendations import StoredRecommendation
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.tastes import StoredTaste, Tastes
from tests.contracts.schema import faults
from tests.plays.examples import a_play, encoded
from tests.streaming import reference
from tests.streaming.conftest import STYLES, Drain, track_id

MINUTE = 60_000


def send(settings: Settings, values: list[bytes]) -> None:
    with PlayProducer(settings.kafka) as producer:
        for value in values:
            producer.send_bytes(value, key=value[-40:])
        producer.flush()


def check_against_reference(settings: Settings, database: Database[Document]) -> None:
    """Tastes, recommendations and rejected records equal those computed from the topic's contents."""
    plays, bad, delayed = reference.sort_out(reference.contents(settings), settings)
    expected = reference.histories(plays, settings)
    listeners = sorted(d["_id"] for d in database.tastes.find({}, {"_id": 1}))
    found = {
        one.user_id: one.history for one in Tastes(Store(database)).listeners(listeners, taste=settings.taste)
    }
    assert set(found) == set(expected)
    for user, history in expected.items():
        assert set(found[user]) == set(history)
        for start, window in history.items():
            stored = found[user][start]
            assert (stored.tracks, stored.at, stored.types) == (window.tracks, window.at, window.types)
            assert stored.weights == pytest.approx(window.weights)
    bundle = load_bundle(Path(settings.index.folder) / str(Models(Store(database)).active_version("index")))
    lists = {d["_id"]: d["items"] for d in database.recommendations.find()}
    assert lists == reference.items(found, bundle, settings)
    for record, collection in ((StoredTaste, "tastes"), (StoredRecommendation, "recommendations")):
        assert [fault for document in database[collection].find() for fault in faults(record, document)] == []
    rejected = [(record.partition, record.offset) for record in read_rejected(settings.kafka)]
    assert len(rejected) == len(set(rejected))
    assert set(rejected) == bad
    heard = [play for play in delayed if play["type"] in ENDS]
    assert imported(Store(database)) == {
        (play["user_id"], (play["occurred_at"] - play["ms_played"]) // 1000, song_of(play["track_id"]))
        for play in heard
    }


def imported(store: Store) -> set[tuple[str, int, str]]:
    """Listener, start and song of each imported or delayed play."""
    days = ImportedDays(store).documents.find({})
    return {(day["user_id"], play.at, play.song) for day in days for play, _ in plays_in(day)}


def song_of(track_id: str) -> str:
    return Song(title="", track_id=track_id).key()


def a_mixed_evening() -> list[bytes]:
    """Plays of four listeners with duplicates, disorder, lateness, malformed and future ones among them."""
    now = time.time_ns() // 1_000_000
    values = []
    for n in range(120):
        kind = ("complete", "skip", "like", "play")[n % 4]
        ms_played = 4000 if kind == "skip" else 180_000
        values.append(
            encoded(
                user_id=f"user{n % 4}",
                track_id=track_id(n * 7 % 60),
                type=kind,
                ms_played=ms_played,
                occurred_at=now - (n * 37 % 50) * MINUTE,
            )
        )
    duplicates = values[::5]
    bad = [b"{", b"\xff", encoded(type="hum"), encoded(occurred_at=now + 3_600_000)]
    late = [encoded(occurred_at=now - 5 * 3_600_000)]
    return values[:60] + duplicates + bad + values[60:] + late + [b"x" * 1_000_000]


def test_the_stream_equals_the_reference(
    published: Settings, database: Database[Document], drain: Drain
) -> None:
    send(published, a_mixed_evening())
    drain()
    check_against_reference(published, database)


def test_stopped_and_started_again_it_loses_and_repeats_nothing(
    published: Settings, database: Database[Document], drain: Drain
) -> None:
    values = a_mixed_evening()
    for part in (values[:50], values[50:90], values[90:]):
        send(published, part)
        drain()
    check_against_reference(published, database)


def test_many_listeners_are_planned_in_the_workers_with_the_same_result(
    published: Settings, database: Database[Document], drain: Drain
) -> None:
    few = published.stream.max_driver_listeners
    send(
        published,
        [encoded(user_id=f"user{n}", track_id=track_id(n % 60)) for n in range(2 * few)],
    )
    drain()
    send(published, [encoded(user_id=f"user{n}", track_id=track_id(n % 50)) for n in range(2 * few)])
    drain()
    assert database.recommendations.count_documents({}) == 2 * few
    check_against_reference(published, database)


def test_finished_tracks_dominate_the_taste_and_skipped_ones_do_not(
    published: Settings, database: Database[Document], drain: Drain
) -> None:
    liked, skipped = 2, 4
    plays = [a_play(track_id=track_id(liked + STYLES * n), type="complete") for n in range(3)]
    plays += [a_play(track_id=track_id(skipped + STYLES * n), type="skip", ms_played=3000) for n in range(3)]
    with PlayProducer(published.kafka) as producer:
        for play in plays:
            producer.send(play)
    drain()
    document = database.recommendations.find_one({"_id": "ada"})
    assert document
    first = [int(item["track_id"][1:]) % STYLES for item in document["items"][:5]]
    assert first == [liked] * 5
    assert document["items"][0]["reason"]["kind"] == "because"
