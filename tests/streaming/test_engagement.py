"""The counting against a real broker, mongod and Spark, compared with plain Python over the topic."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs.recount_engagement import run as recount
from segue.engagement.definitions import fingerprint
from segue.engagement.facts import Fact, StoredFact
from segue.engagement.listening import Listening
from segue.engagement.listening_sessions import ListeningSession
from segue.engagement.running_totals import TotalsByTrack
from segue.engagement.statistics import ListeningStatistics
from segue.people.forgotten import Forgotten
from segue.plays.delivery import PlayProducer
from segue.ranking import feedback
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import engagement
from tests.contracts.schema import faults
from tests.engagement import reference
from tests.plays.examples import a_play, encoded
from tests.streaming.reference import contents, sort_out
from tests.streaming.rests import Rests

MINUTE = 60_000
CATALOGUE = {f"t{n}": (f"Artist {n // 3}", "Folk" if n % 2 else "Waltz") for n in range(12)}


@pytest.fixture
def counted(broker: Settings, database: Database[Document]) -> Settings:
    """Settings with a catalogue."""
    database.tracks.insert_many(
        {"_id": own, "artist": artist, "genres": [genre, "Other"]}
        for own, (artist, genre) in CATALOGUE.items()
    )
    return broker


Drain = Callable[[], None]


@pytest.fixture
def drain(spark: SparkSession, counted: Settings) -> Drain:
    def run() -> None:
        query = engagement.start(spark, counted, gate=Rests())
        try:
            query.processAllAvailable()
        finally:
            query.stop()

    return run


def send(settings: Settings, values: list[bytes]) -> None:
    with PlayProducer(settings.kafka) as producer:
        for value in values:
            producer.send_bytes(value, key=value[-40:])
        producer.flush()


def stored(database: Database[Document]) -> dict[reference.Key, dict[str, int]]:
    found = {}
    for one in database.listening_stats.find():
        start = round(one["start"].timestamp() * 1000)
        fields = {name: one[name] for name in one if name not in ("_id", "dimension", "start", "key")}
        found[one["dimension"], start, one["key"]] = fields
    return found


def check_against_reference(
    settings: Settings,
    database: Database[Document],
    *,
    catalogue: Mapping[str, tuple[str, str]] = CATALOGUE,
) -> None:
    """Statistics and sessions equal those computed from the topic's contents."""
    plays = sort_out(contents(settings), settings).plays
    assert stored(database) == reference.statistics(plays, settings, catalogue)
    sessions = {(s["user_id"], s["first_at"], s["last_at"]) for s in database.listening_sessions.find()}
    assert sessions == reference.sessions(plays, settings)
    owners = ((StoredFact, "listening"), (ListeningSession, "listening_sessions"))
    for record, collection in owners:
        assert [fault for document in database[collection].find() for fault in faults(record, document)] == []
    in_facts = sum(row["listening_ms"] for fact in database.listening.find() for row in fact["rows"])
    assert in_facts == sum(session["listening_ms"] for session in database.listening_sessions.find())


def a_mixed_evening() -> list[bytes]:
    """All types, sources and ranks; duplicates, disorder, lateness, malformed and future ones among them."""
    rng = random.Random(11)
    now = time.time_ns() // 1_000_000
    kinds = ("play", "complete", "skip", "leave", "like", "dislike", "impression", "pause", "seek")
    values = []
    for _ in range(260):
        recommended = rng.random() < 0.4
        values.append(
            encoded(
                user_id=f"user{rng.randrange(5)}",
                track_id=f"t{rng.randrange(14)}",
                type=rng.choice(kinds),
                ms_played=rng.choice([0, 4000, 40_000, 185_000, 2**50]),
                duration_ms=rng.choice([0, 200_000]),
                occurred_at=now - rng.randrange(58) * MINUTE - rng.randrange(MINUTE),
                source=rng.choice(["home", "search", "radio"]),
                rank=rng.randrange(1, 4) if recommended else ...,
                model="m1" if recommended else ...,
            )
        )
    bad = [b"{", b"\xff", encoded(type="hum"), encoded(occurred_at=now + 3_600_000)]
    late = [encoded(occurred_at=now - 5 * 3_600_000)]
    return values[:90] + values[:90:4] + bad + values[90:] + late + values[100:200:5]


def test_the_counts_equal_the_reference_through_restarts(
    counted: Settings, database: Database[Document], drain: Drain, spark: SparkSession
) -> None:
    values = a_mixed_evening()
    for part in (values[:120], values[120:200], values[200:]):
        send(counted, part)
        drain()
    check_against_reference(counted, database)
    found = recount(counted, check=True, spark=spark, quiet=True)
    assert (found.different, found.facts) == (0, database.listening.count_documents({}))


def test_without_its_checkpoint_it_counts_anew_to_the_same_numbers(
    counted: Settings, database: Database[Document], spark: SparkSession, drain: Drain
) -> None:
    values = a_mixed_evening()
    send(counted, values[:150])
    drain()
    send(counted, values[150:])
    elsewhere = counted.spark.model_copy(
        update={"checkpoint_location": f"{counted.spark.checkpoint_location}-new"}
    )
    query = engagement.start(spark, counted.model_copy(update={"spark": elsewhere}))
    query.processAllAvailable()
    query.stop()
    check_against_reference(counted, database)


def test_a_recount_corrects_wrong_stored_counts(
    counted: Settings, database: Database[Document], spark: SparkSession
) -> None:
    send(counted, a_mixed_evening())
    assert recount(counted, spark=spark, quiet=True).facts > 0
    check_against_reference(counted, database)
    database.listening.delete_one({})
    database.listening.update_one({}, {"$set": {"rows.0.plays": 77}})
    database.listening.insert_one(
        {**(database.listening.find_one({}) or {}), "_id": "old", "definitions": "old"}
    )
    assert recount(counted, check=True, spark=spark, quiet=True).different == 3
    database.listening.update_many({}, {"$set": {"definitions": "old"}})
    database.listening_sessions.delete_many({})
    recount(counted, spark=spark, quiet=True)
    check_against_reference(counted, database)


def test_a_repeated_or_outdated_batch_changes_nothing(
    counted: Settings, database: Database[Document], spark: SparkSession
) -> None:
    """The effect of a crash between writing and committing."""
    send(counted, a_mixed_evening())
    recount(counted, spark=spark, quiet=True)
    facts = list(database.listening.find())
    half = [as_it_was(fact) for fact in facts]
    definitions, most = fingerprint(counted.engagement.window), counted.engagement.max_events_per_window
    Listening(Store(database)).write(half, definitions=definitions, most=most)
    assert list(database.listening.find()) == facts
    check_against_reference(counted, database)


@pytest.mark.parametrize("repeated", [0, 7])
def test_the_recount_counts_as_many_plays_of_a_window_as_the_stream(
    counted: Settings, database: Database[Document], spark: SparkSession, repeated: int
) -> None:
    """One listener sends more than a window takes, some of it again; another one is not affected."""
    few = counted.engagement.model_copy(update={"max_events_per_window": 20})
    own = counted.model_copy(update={"engagement": few})
    start = (time.time_ns() // 1_000_000 // (15 * MINUTE) - 1) * 15 * MINUTE
    flood = [
        encoded(user_id="ada", track_id=f"t{n % 5}", type="complete", occurred_at=start + n)
        for n in range(60)
    ]
    ben = encoded(user_id="ben", track_id="t1", type="complete", occurred_at=start)
    query = engagement.start(spark, own, gate=Rests())
    try:
        for part in ([*flood[:40], ben], flood[40:], flood[60 - repeated :]):
            send(own, part)
            query.processAllAvailable()
    finally:
        query.stop()
    facts = {fact["user_id"]: fact for fact in database.listening.find()}
    assert (facts["ada"]["events"], facts["ben"]["events"]) == (20 - repeated, 1)
    assert recount(own, check=True, spark=spark, quiet=True).different == 0
    # Counted without the limit by an earlier release.
    Listening(Store(database)).documents.update_many({"user_id": "ada"}, {"$set": {"events": 60}})
    assert recount(own, check=True, spark=spark, quiet=True).different == 1
    recount(own, spark=spark, quiet=True)
    assert {fact["user_id"]: fact for fact in database.listening.find()} == facts


def as_it_was(document: Document) -> Fact:
    """A fact as it was when only a part of its events had come."""
    start = round(document["start"].timestamp() * 1000)
    return Fact(
        user_id=document["user_id"],
        start=start,
        rows=document["rows"][:1],
        events=document["events"] - 1,
        first_at=None,
        last_at=None,
    )


def test_windows_leave_the_state_and_stay_in_mongodb(
    counted: Settings, database: Database[Document], spark: SparkSession
) -> None:
    short = counted.stream.model_copy(update={"watermark": timedelta(minutes=1)})
    own = counted.model_copy(update={"stream": short})
    now = time.time_ns() // 1_000_000
    query = engagement.start(spark, own, gate=Rests())
    try:
        for minutes in (50, 25, 0, 0):
            send(own, [encoded(user_id="ada", track_id="t1", occurred_at=now - minutes * MINUTE)])
            query.processAllAvailable()
        progress = query.lastProgress
    finally:
        query.stop()
    assert progress is not None
    assert progress["stateOperators"][0]["numRowsTotal"] == 1
    assert database.listening.count_documents({"user_id": "ada"}) == 3


def test_nothing_is_written_of_a_forgotten_listener(
    counted: Settings, database: Database[Document], drain: Drain
) -> None:
    send(counted, [encoded(user_id="ada", track_id="t1"), encoded(user_id="ben", track_id="t1")])
    drain()
    database.listening.delete_many({"user_id": "ada"})
    database.listening_sessions.delete_many({"user_id": "ada"})
    Forgotten(Store(database)).remember("ada", plays_kept=timedelta(days=1))
    send(counted, [encoded(user_id="ada", track_id="t2"), encoded(user_id="ben", track_id="t2")])
    drain()
    assert database.listening.distinct("user_id") == ["ben"]
    assert database.listening_sessions.distinct("user_id") == ["ben"]


def test_frequent_skips_reach_the_ranking(
    counted: Settings, database: Database[Document], drain: Drain
) -> None:
    evidence = counted.ranking.feedback_min_plays
    plays = [a_play(user_id=f"u{n}", track_id="t1", type="skip", ms_played=2000) for n in range(evidence)]
    plays += [a_play(user_id=f"u{n}", track_id="t2") for n in range(3 * evidence)]
    with PlayProducer(counted.kafka) as producer:
        for play in plays:
            producer.send(play)
    drain()
    active = feedback.ActiveFeedback(Store(database)).current()
    assert set(active.steps) == {"t1"}
    assert active.steps["t1"] < -0.1
    before = active.version
    since = datetime.now(UTC) - counted.engagement.feedback_window
    totals = ListeningStatistics(Store(database)).of_tracks(since=since)
    summed = TotalsByTrack.of(totals)
    feedback.publish(Store(database), engagement.played_tracks(summed), ranking=counted.ranking)
    assert feedback.ActiveFeedback(Store(database)).current().version == before
