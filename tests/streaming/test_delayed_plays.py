"""Plays that arrive after the allowed lateness: they count for their listener, and for nobody else."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from segue.catalog.track import Track
from segue.catalog.tracks import Tracks
from segue.dashboard.queries import listening
from segue.engagement.listening import Listening
from segue.engagement.statistics import ListeningStatistics
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays, KeptPlay, plays_in
from segue.imports.delayed import DelayedPlays
from segue.imports.play import Song
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.index.active import ActiveBundle
from segue.people.forgotten import Forgotten
from segue.plays.event_types import ENDS
from segue.ranking.feedback import ActiveFeedback
from segue.ranking.recommendations import Recommendations
from segue.replanning.imported import ImportedPlaysInTastes, imported_history
from segue.settings import Settings
from segue.storage.kafka import read_rejected
from segue.storage.store import Store
from segue.streaming_jobs import engagement, recommend, rejected_plays
from segue.streaming_jobs.metrics import Metrics
from segue.taste.tastes import Tastes
from tests.imports.test_imported_facts import NORTH_SIDE
from tests.plays.examples import a_play, encoded
from tests.streaming.conftest import STYLES, TRACKS, made_up_vectors, run_until_all_is_taken, track_id
from tests.streaming.rests import Rests
from tests.streaming.test_rejected_plays import send

NOW = int(time.time() * 1000)
HOUR = 3_600_000
DAY = 24 * HOUR
JOBS = (recommend, rejected_plays, engagement)


@pytest.fixture
def store(published: Settings, store: Store) -> Store:
    """The store of a service with an index and its tracks."""
    Tracks(store).write([_track(track_id(number)) for number in range(TRACKS)])
    return store


def _track(own: str) -> Track:
    return replace(NORTH_SIDE, track_id=own, path=f"/m/{own}.mp3", title=f"Song {own}")


def rounds(store: Store, settings: Settings) -> ImportedPlaysInTastes:
    bundle = ActiveBundle(store, folder=settings.index.folder)
    return ImportedPlaysInTastes(
        store, settings, bundle=bundle.current, feedback=ActiveFeedback(store).current
    )


def of_style(style: int, *, before: int) -> list[dict[str, Any]]:
    """Completions of five tracks of a style, five minutes apart, that began `before` milliseconds ago."""
    return [
        a_play(track_id=track_id(style + STYLES * n), occurred_at=NOW - before + 300_000 * n)
        for n in range(5)
    ]


def delayed(store: Store, plays: Sequence[dict[str, Any]]) -> list[str]:
    return DelayedPlays(store).keep(plays)


def kept(store: Store, user_id: str = "ada") -> list[KeptPlay]:
    return [play for day in ImportedDays(store).days(user_id) for play, _ in plays_in(day)]


def served(store: Store, user_id: str = "ada") -> list[str]:
    recommendation = Recommendations(store).of(user_id)
    assert recommendation is not None
    return [track.track_id for track in recommendation.tracks]


def styles_of(track_ids: Sequence[str]) -> set[int]:
    return {int(own[1:]) % STYLES for own in track_ids}


def test_a_play_from_a_train_counts_in_history_and_taste_of_its_listener_only(
    spark: SparkSession, published: Settings, store: Store
) -> None:
    live, late = of_style(0, before=DAY // 50), of_style(1, before=2 * DAY)
    extra = [
        a_play(type="play", ms_played=0, track_id=track_id(1), occurred_at=NOW - 2 * DAY),
        a_play(track_id=track_id(2), occurred_at=NOW - 40 * DAY),
    ]
    send(published, [encoded(**play) for play in [*live, *late, *extra]])
    run_until_all_is_taken(spark, published, JOBS)

    [rejected] = read_rejected(published.kafka)
    assert (rejected.reason, rejected.offset) == ("late", 11)
    assert [play.at for play in kept(store)] == [(play["occurred_at"] - 200_000) // 1000 for play in late]
    counted = {row["track_id"] for fact in Listening(store).documents.find({}) for row in fact["rows"]}
    assert counted == {play["track_id"] for play in live}
    statistics = ListeningStatistics(store).documents.find({"dimension": "track"})
    assert {own["key"] for own in statistics} <= counted

    own = listening.read(
        store,
        "ada",
        since=datetime.now(UTC) - timedelta(days=5),
        until=datetime.now(UTC),
        zone="UTC",
        engagement=published.engagement,
    )
    assert own.plays == 10

    before = served(store)
    assert 1 not in styles_of(before[:3])
    assert rounds(store, published).run() == 1
    assert served(store) != before
    taste, _ = Tastes(store).vectors(["ada"])["ada"]
    towards = made_up_vectors()
    assert taste @ towards[1] > 0.3
    [stored] = Tastes(store).listeners(["ada"], taste=published.taste)
    assert {own for window in stored.history.values() for own in window.tracks} == counted
    assert {own for window in stored.imported.values() for own in window.tracks} == {
        play["track_id"] for play in late
    }
    assert rounds(store, published).run() == 0


def test_a_repeated_micro_batch_changes_nothing(
    spark: SparkSession, published: Settings, store: Store
) -> None:
    send(published, [encoded(**play) for play in of_style(1, before=2 * DAY)])
    run_until_all_is_taken(spark, published, (rejected_plays,))
    first = kept(store)
    rounds(store, published).run()
    shutil.rmtree(published.spark.checkpoint_location)
    run_until_all_is_taken(spark, published, (rejected_plays,))
    assert kept(store) == first
    assert ChangedImports(store).waiting(limit=10) == {}


def test_delayed_plays_are_counted_and_not_rejected(
    spark: SparkSession, published: Settings, store: Store
) -> None:
    metrics = Metrics()
    send(published, [b"{", *(encoded(**play) for play in of_style(1, before=2 * DAY))])
    query = rejected_plays.start(spark, published, metrics=metrics, gate=Rests())
    try:
        query.processAllAvailable()
    finally:
        query.stop()
    assert metrics.registry.get_sample_value("segue_plays_delayed_total") == 5
    assert [record.reason for record in read_rejected(published.kafka)] == ["malformed"]


def test_only_ends_of_listenings_are_kept_and_each_once(store: Store) -> None:
    plays = [a_play(type=kind, occurred_at=NOW - 2 * DAY + 1000 * n) for n, kind in enumerate(ENDS)]
    others = [a_play(type="impression"), a_play(type="like"), a_play(type="play")]
    assert delayed(store, [*plays, *others, *plays]) == ["ada"]
    assert [play.skipped for play in kept(store)] == [kind == "skip" for kind in ENDS]
    assert delayed(store, plays) == []


def test_a_track_that_is_not_in_the_library_is_found_when_it_comes(published: Settings, store: Store) -> None:
    delayed(store, [a_play(track_id="newcomer", occurred_at=NOW - 2 * DAY)])
    assert imported_history(store, "ada", published) == {}
    [(own, song)] = ImportedSongs(store).unmatched()
    assert song == Song(title="", track_id="newcomer")
    ImportedSongs(store).settle({own: Match("newcomer")})
    [window] = imported_history(store, "ada", published).values()
    assert window.tracks == ["newcomer"]


def test_no_plays_are_kept_of_a_listener_who_has_left(store: Store) -> None:
    Forgotten(store).remember("ada", plays_kept=timedelta(days=30))
    assert delayed(store, of_style(1, before=2 * DAY)) == []
    assert kept(store) == []


def test_an_import_gives_a_new_listener_a_taste_and_taking_it_back_removes_it(
    published: Settings, store: Store
) -> None:
    began = NOW // 1000 - 100 * 86_400  # longer ago than live plays would be remembered
    heard = {
        Song(title="", track_id=track_id(1 + STYLES * n)).key(): track_id(1 + STYLES * n) for n in range(5)
    }
    songs = {key: HeardSong(Song(title=own, artist="Vela"), Match(own), began) for key, own in heard.items()}
    ImportedSongs(store).keep("ada", songs)
    plays = [KeptPlay(began + 300 * n, key, 200_000) for n, key in enumerate(songs)]
    ImportedDays(store).add("ada", plays, number=1)
    ChangedImports(store).note(["ada"])
    assert rounds(store, published).run() == 1
    recommendation = Recommendations(store).of("ada")
    assert recommendation is not None
    assert (recommendation.served, recommendation.reflects_at) == ("taste", 0)
    assert 1 in styles_of(served(store)[:2])

    ImportedDays(store).withdraw("ada", 1)
    ChangedImports(store).note(["ada"])
    assert rounds(store, published).run() == 1
    vector, _ = Tastes(store).vectors(["ada"])["ada"]
    assert not np.any(vector)


def test_a_live_play_that_is_imported_counts_once_in_the_taste(
    spark: SparkSession, published: Settings, store: Store
) -> None:
    live = of_style(1, before=DAY // 50)
    send(published, [encoded(**play) for play in live])
    run_until_all_is_taken(spark, published, JOBS)
    delayed(store, [{**play, "event_id": "another"} for play in live])
    assert imported_history(store, "ada", published) == {}


def test_a_change_during_the_work_is_not_lost(store: Store) -> None:
    changed = ChangedImports(store)
    changed.note(["ada", "ben"])
    taken = changed.waiting(limit=10)
    changed.note(["ada"])
    changed.done(taken)
    assert changed.waiting(limit=10).keys() == {"ada"}
