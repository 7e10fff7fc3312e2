"""Spaces compared by their sound: every registered one, on tracks whose genres and artists are known."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from pyspark.sql import SparkSession
from typer.testing import CliRunner, Result

from segue.audio.descriptors import descriptor_names, features_version
from segue.batch_jobs import evaluate
from segue.embeddings.registry import SPACES
from segue.embeddings.session_space import SessionSpace
from segue.embeddings.space import Space, TrainingData
from segue.errors import SegueError
from segue.evaluation.spaces import (
    BASELINE,
    artist_hit_rate,
    compare_spaces,
    genre_quality,
    labelled,
    of_gtzan,
)
from segue.people.forgotten import Forgotten
from segue.plays.delivery import PlayProducer
from segue.settings import Settings, load_settings
from segue.storage.mongo import pack, upsert
from segue.storage.store import Store
from tests.embeddings.test_registry import data, small
from tests.plays.examples import a_play

ARTISTS = [f"artist {row // 3}" for row in range(90)]


def by_sound(*, sessions: bool = False) -> TrainingData:
    known = data()
    return TrainingData(
        corpus=known.corpus,
        features_version=known.features_version,
        names=known.names,
        genres=known.genres,
        sessions=known.sessions if sessions else None,
    )


def test_neighbours_vote_and_the_nearest_breaks_a_tie() -> None:
    gallery = np.eye(6)[[0, 0, 1, 1, 2]] + 0.01
    genres = np.array([0, 0, 1, 1, 2])
    accuracy, precision = genre_quality(gallery, genres, np.array([[0.0, 1, 0, 0, 0, 0]]), np.array([1]))
    assert accuracy == 1.0
    assert precision == pytest.approx(2 / 5)


def test_an_artist_is_hit_by_another_track_of_theirs() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 6))
    artists = np.full(40, -1)
    artists[:2], artists[2:4] = 0, 1
    vectors[1] = vectors[0]
    vectors[3] = -vectors[2]
    assert artist_hit_rate(vectors, artists) == 0.5
    assert artist_hit_rate(vectors, np.arange(40)) is None


def test_no_artist_is_on_both_sides_and_tracks_without_a_genre_are_left_out() -> None:
    known = by_sound()
    genres = {track_id: genre for track_id, genre in (known.genres or {}).items() if track_id != "t000"}
    tracks = labelled(
        TrainingData(
            corpus=known.corpus, features_version="f1", names=known.names, genres=genres, sessions=None
        ),
        ARTISTS,
    )
    assert "t000" not in tracks.data.corpus.track_ids
    assert len(tracks.gallery) + len(tracks.queries) == 89
    assert not set(tracks.artists[tracks.gallery]) & set(tracks.artists[tracks.queries])
    few = labelled(known, ARTISTS, most_queries=4)
    assert len(few.queries) == 4
    with pytest.raises(SegueError, match="several genres and artists"):
        labelled(known, ["one artist"] * 90)


def test_every_registered_space_is_compared() -> None:
    settings = small(load_settings())
    results = compare_spaces(labelled(by_sound(sessions=True), ARTISTS), settings)
    assert list(results) == [BASELINE, *(space.name for space in SPACES)]
    for name, result in results.items():
        assert result.note == ""
        assert set(result.summary()) == {"accuracy", "p10", "artist_hr10", "dimension", "gallery", "queries"}
        assert 0 <= result.figures["p10"] <= 1, name
    assert results["genres"].figures["p10"] > results[BASELINE].figures["p10"]


def test_a_space_that_cannot_be_fitted_is_taken_as_it_is_in_use_or_left_out() -> None:
    settings = small(load_settings())
    tracks = labelled(by_sound(), ARTISTS)
    without = compare_spaces(tracks, settings)["sessions"]
    assert without.figures == {} and without.note.startswith("left out: a session space needs")
    assert without.summary() == {"note": without.note}
    stored = SessionSpace.fit(data(), settings)

    def in_use(space: type[Space]) -> Space | None:
        return stored if space is SessionSpace else None

    found = compare_spaces(tracks, settings, in_use=in_use)["sessions"]
    assert found.note == f"version {stored.version}, which is in use"
    assert found.figures["dimension"] == 4


def test_a_genre_space_in_use_is_not_evaluated_on_its_training_tracks() -> None:
    settings = load_settings()  # no genre has as many tracks as these ask for
    tracks = labelled(by_sound(), ARTISTS)
    asked: list[type[Space]] = []

    def in_use(space: type[Space]) -> Space | None:
        asked.append(space)
        return None

    assert compare_spaces(tracks, settings, in_use=in_use)["genres"].note.startswith("left out")
    assert asked == [SessionSpace]


def test_gtzans_test_part_is_asked() -> None:
    known = data()
    genres = np.arange(90) % 3
    tracks = of_gtzan(known.corpus.descriptors, genres, np.arange(90) // 30)
    assert (len(tracks.gallery), len(tracks.queries)) == (60, 30)
    results = compare_spaces(tracks, small(load_settings()))
    assert "artist_hr10" not in results["audio"].figures
    assert results["genres"].figures["accuracy"] > 0.8


def command(*options: str) -> Result:
    app = typer.Typer()
    app.command()(evaluate.evaluate_models)
    return CliRunner().invoke(app, list(options))


def test_the_command_compares_the_catalogue(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = descriptor_names(settings.audio)
    rng = np.random.default_rng(1)
    genre = np.arange(120) % 3
    rows = rng.normal(size=(120, len(names)))
    rows[:, :3] += 6 * np.eye(3)[genre]
    ids = [f"t{row:03d}" for row in range(120)]
    version = features_version(settings.audio)
    upsert(
        store.database.tracks,
        (
            {
                "_id": track_id,
                "state": "present",
                "artist": f"Artist {row // 6}",
                "genres": [f"genre {row % 3}"],
            }
            for row, track_id in enumerate(ids)
        ),
    )
    upsert(
        store.database.features,
        (
            {"_id": track_id, "version": version, "vector": pack(row)}
            for track_id, row in zip(ids, rows, strict=True)
        ),
    )
    monkeypatch.setattr(evaluate, "load_settings", lambda: small(settings))
    monkeypatch.setattr(evaluate, "connected", lambda chosen, **_: chosen)
    file = tmp_path / "spaces.json"
    done = command("--spaces", "--json", str(file))
    assert done.exit_code == 0, done.output
    found = json.loads(file.read_text())
    assert set(found) == {BASELINE, *(space.name for space in SPACES)}
    assert found["audio"]["queries"] == found["genres"]["queries"] > 0
    assert "left out" in found["sessions"]["note"]
    assert all(space.name in done.output for space in SPACES)


def test_a_space_of_the_sessions_in_the_topic_is_fitted_like_the_others(
    broker: Settings, store: Store, spark: SparkSession
) -> None:
    settings, known = small(broker), by_sound()
    ids = known.corpus.track_ids
    assert evaluate.sessions_in_topic(store, settings, ids, spark=spark) is None
    began = time.time_ns() // 1_000_000 - 900_000
    with PlayProducer(settings.kafka) as producer:
        for listener in range(8):
            for step in range(10):
                play = a_play(
                    user_id=f"u{listener}",
                    track_id=ids[listener * 10 + step],
                    occurred_at=began + step * 60_000,
                )
                producer.send(play)
        producer.send(a_play(user_id="gone", track_id=ids[0]))
        producer.send(a_play(user_id="u0", track_id="not-in-the-corpus"))
    Forgotten(store).remember("gone", plays_kept=settings.retention.plays)
    sessions = evaluate.sessions_in_topic(store, settings, ids, spark=spark)
    assert sessions is not None
    assert sorted(sessions.user_ids) == [f"u{listener}" for listener in range(8)]
    assert sorted(sessions.item_ids) == ids[:80]
    found = compare_spaces(labelled(replace(known, sessions=sessions), ARTISTS), settings)["sessions"]
    assert found.note == ""
    assert found.figures["dimension"] == 4


def test_without_kafka_there_are_no_sessions(settings: Settings, store: Store) -> None:
    nowhere = settings.model_copy(
        update={"kafka": settings.kafka.model_copy(update={"bootstrap_servers": ""})}
    )
    assert evaluate.sessions_in_topic(store, nowhere, ["t1"]) is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--spaces", "--models", "rules"], "leave them out with --spaces"),
        ([], "--data DIR"),
        (["--spaces", "--data", "/nowhere"], "/nowhere/features_30_sec.csv cannot be read"),
    ],
)
def test_options_that_exclude_each_other_give_one_line(options: list[str], says: str) -> None:
    done = command(*options)
    assert done.exit_code == 1
    assert says in done.output.replace("\n", " ")
