"""The job `./run.sh models train`: from the plays of a real topic to stored models and an index with them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.batch_jobs import build_index, train_embeddings
from segue.batch_jobs.train_models import run
from segue.embeddings import skip_gram
from segue.embeddings.registry import load_space
from segue.embeddings.session_space_training import Begun, read_begun
from segue.errors import SegueError
from segue.imports.days import ImportedDays, KeptPlay
from segue.imports.play import Song
from segue.imports.songs import HeardSong, ImportedSongs, Match
from segue.index.published import PublishedBundles
from segue.index.track_ids import decode_ids, encode_ids
from segue.models import trained
from segue.models.versions import Models
from segue.people.forgotten import Forgotten
from segue.plays.delivery import PlayProducer
from segue.settings import Settings, load_settings
from segue.spark import session_space
from segue.spark.learned_models import LEARNED_MODELS
from segue.spark.training import version_of
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.index.test_build_index import catalogue
from tests.jobs.test_train_embeddings import descriptors, store
from tests.plays.examples import a_play

pytestmark = pytest.mark.integration
MINUTE = 60_000
VERSIONS = {"following": "8978cb50b3b7", "als": "d040fa07b968", "session-space": "e6e1a4b6a619"}
"""By the default settings and the fingerprint "3:7", as release 0.1 has them."""


@pytest.fixture
def quick(broker: Settings) -> Settings:
    """Few factors, soon found."""
    als = broker.models.als.model_copy(update={"enabled": True, "factors": 4, "iterations": 1})
    rules = broker.models.rules.model_copy(update={"backward_weight": 0.0, "shrinkage": 3.0})
    few = broker.models.model_copy(update={"als": als, "rules": rules})
    return broker.model_copy(update={"models": few})


@pytest.fixture
def spaced(quick: Settings) -> Settings:
    """No factors, and a session space of few plays in two epochs."""
    few = {"min_plays": 24, "dimension": 4, "hidden_units": 8, "batch_size": 64, "epochs": 2}
    parts = {
        "sessions": quick.models.sessions.model_copy(update=few),
        "als": quick.models.als.model_copy(update={"enabled": False}),
    }
    return quick.model_copy(update={"models": quick.models.model_copy(update=parts)})


def evening(user: str, tracks: Iterable[str], **changes: Any) -> list[dict[str, Any]]:
    """A session that has just ended, a track every third minute."""
    names = list(tracks)
    began = time.time_ns() // 1_000_000 - 3 * MINUTE * len(names)
    return [
        a_play(user_id=user, track_id=name, occurred_at=began + 3 * MINUTE * place, **changes)
        for place, name in enumerate(names)
    ]


def send(settings: Settings, plays: list[dict[str, Any]]) -> None:
    with PlayProducer(settings.kafka) as producer:
        for play in plays:
            producer.send(play)
        producer.flush()


EVENINGS = {f"u{n}": [f"t{(3 * n + step) % 30:04d}" for step in range(6)] for n in range(4)}
"""24 plays of 15 tracks."""


def send_evenings(settings: Settings) -> None:
    send(settings, [play for user, tracks in EVENINGS.items() for play in evening(user, tracks)])


def kept_epochs(monkeypatch: pytest.MonkeyPatch, *, killed_after: int | None = None) -> list[int]:
    """The epochs with a checkpoint from now on; the run is killed after one of them."""
    seen: list[int] = []
    save = skip_gram.save_state

    def keep(state: skip_gram.State, path: Path, **more: Any) -> None:
        save(state, path, **more)
        seen.append(state.epoch)
        if state.epoch == killed_after:
            raise KeyboardInterrupt

    monkeypatch.setattr(skip_gram, "save_state", keep)
    return seen


@pytest.fixture
def begun(spaced: Settings, database: Database[Document], spark: SparkSession) -> Begun:
    """The state of a training of the evenings that was killed after its first epoch."""
    store(database, descriptors(40, spaced), spaced)
    train_embeddings.run(spaced, Store(database))
    send_evenings(spaced)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        kept_epochs(patch, killed_after=1)
        run(spaced, spark=spark, quiet=True)
    (checkpoint,) = Path(spaced.models.folder).iterdir()
    found = read_begun(checkpoint)
    assert found is not None
    return found


def rules(database: Database[Document]) -> dict[tuple[str, str], float]:
    found = trained.load(Store(database), "following")
    assert found is not None
    names = decode_ids(found["track_ids"])
    return {
        (names[a], names[b]): round(score, 4)
        for a, b, score in zip(*(found[name].tolist() for name in ("tracks", "next", "scores")), strict=True)
    }


def test_models_are_learned_once_and_the_index_takes_them_along(
    quick: Settings, database: Database[Document], spark: SparkSession
) -> None:
    catalogue(database)
    listeners = {f"u{n}": ["t001", "t002", "t003"] for n in range(3)} | {"alone": ["t001", "t009"]}
    send(quick, [play for user, tracks in listeners.items() for play in evening(user, tracks)])
    first = run(quick, spark=spark, quiet=True)
    assert [(one.kind, one.unchanged, one.tracks) for one in first] == [
        ("following", False, 4),
        ("als", False, 4),
        ("session-space", True, 0),
    ]
    assert first[2].version is None
    assert (
        first[2].left_out
        == "no track has features: run ./run.sh library ingest DIR and ./run.sh library features first"
    )
    # Three listeners are half of the evidence that the shrinking asks for, one is a quarter.
    shared = {("t001", "t002"): 0.5, ("t001", "t003"): 0.25, ("t002", "t003"): 0.5}
    assert rules(database) == shared | {("t001", "t009"): 0.0833}
    factors = trained.load(Store(database), "als")
    assert factors is not None
    assert factors["factors"].shape == (4, quick.models.als.factors)

    again = run(quick, spark=spark, quiet=True)
    assert [(one.version, one.unchanged) for one in again] == [(one.version, True) for one in first]

    built = build_index.run(Store(database), quick.index)
    assert built.followed == 2
    bundle = PublishedBundles(Store(database)).load(built.manifest.version, folder=quick.index.folder)
    assert bundle.transition_rules is not None
    row = int(bundle.rows(["t001"])[0])
    part = slice(bundle.transition_rules.bounds[row], bundle.transition_rules.bounds[row + 1])
    assert bundle.ids(bundle.transition_rules.rows[part]) == ["t002", "t003", "t009"]
    assert bundle.artist_tracks is not None
    artist = int(bundle.artists[row])
    part = slice(bundle.artist_tracks.bounds[artist], bundle.artist_tracks.bounds[artist + 1])
    assert int(bundle.artist_tracks.rows[part][0]) == row  # of its artist's tracks most have kept it
    assert isinstance(bundle.transition_rules.rows.base, np.memmap)


def test_a_model_of_an_older_release_still_goes_into_the_index(
    quick: Settings, database: Database[Document]
) -> None:
    catalogue(database)
    one = np.zeros(1, dtype=np.int32)
    arrays = {"track_ids": encode_ids(["t001", "t002"]), "tracks": one, "next": one + 1, "scores": np.ones(1)}
    trained.save(Store(database), "following", "v1", arrays=arrays, made_of={"tracks": 2})
    trained.put_in_use(Store(database), "following", "v1", keep=1)
    manifest = build_index.run(Store(database), quick.index).manifest
    bundle = PublishedBundles(Store(database)).load(manifest.version, folder=quick.index.folder)
    assert bundle.transition_rules is not None
    assert bundle.artist_tracks is None


def test_new_plays_and_settings_make_a_new_version_and_old_ones_go(
    quick: Settings, database: Database[Document], spark: SparkSession
) -> None:
    of_one = quick.models.rules.model_copy(update={"min_listeners": 1})
    few = quick.models.model_copy(update={"keep_versions": 1, "rules": of_one})
    settings = quick.model_copy(update={"models": few})
    send(settings, evening("ada", ["a", "b"]))
    first, *_ = run(settings, spark=spark, quiet=True)
    send(settings, evening("ben", ["b", "c"]))
    second, *_ = run(settings, spark=spark, quiet=True)
    assert set(rules(database)) == {("a", "b"), ("b", "c")}
    unshrunk = of_one.model_copy(update={"shrinkage": 0.0})
    shorter = settings.model_copy(update={"models": few.model_copy(update={"rules": unshrunk})})
    third, als, _ = run(shorter, spark=spark, quiet=True)
    assert als.unchanged  # it does not depend on that setting
    assert len({first.version, second.version, third.version}) == 3
    assert Models(Store(database)).active_version("following") == third.version
    assert first.version is not None
    assert not trained.stored(Store(database), "following", first.version)
    assert rules(database) == {("a", "b"): 1.0, ("b", "c"): 1.0}


def test_nothing_is_learned_of_who_has_left(
    quick: Settings, database: Database[Document], spark: SparkSession
) -> None:
    of_one = quick.models.rules.model_copy(update={"min_listeners": 1})
    one = quick.models.model_copy(update={"rules": of_one})
    settings = quick.model_copy(update={"models": one})
    plays = [*evening("ada", ["a", "b"]), *evening("ben", ["b", "c"]), *evening("eve", ["c", "d"])]
    send(settings, plays)
    with PlayProducer(settings.kafka) as producer:
        producer.tombstone("ben")
        producer.flush()
    Forgotten(Store(database)).remember("eve", plays_kept=settings.retention.plays)
    run(settings, spark=spark, quiet=True)
    assert set(rules(database)) == {("a", "b")}


def imported(store_: Store, user: str, tracks: Iterable[str], *, began: int) -> None:
    """A session that was imported and began at a time (epoch seconds), a track every third minute."""
    names = list(tracks)
    keys = {name: Song(title="", track_id=name).key() for name in names}
    ImportedSongs(store_).keep(
        user,
        {key: HeardSong(Song(title=name, artist="A"), Match(name), began) for name, key in keys.items()},
    )
    plays = [KeptPlay(began + 180 * place, keys[name], 170_000) for place, name in enumerate(names)]
    ImportedDays(store_).add(user, plays, number=1)


def test_imported_plays_are_learned_from_as_live_ones_are(
    quick: Settings, database: Database[Document], spark: SparkSession
) -> None:
    of_one = quick.models.rules.model_copy(update={"min_listeners": 1})
    settings = quick.model_copy(update={"models": quick.models.model_copy(update={"rules": of_one})})
    own = Store(database)
    years_ago = int(time.time()) - 900 * 86_400
    imported(own, "ada", ["x", "y"], began=years_ago)
    imported(own, "eve", ["y", "z"], began=years_ago)
    Forgotten(own).remember("eve", plays_kept=settings.retention.plays)
    first, *_ = run(settings, spark=spark, quiet=True)
    assert set(rules(database)) == {("x", "y")}, "a topic without plays is no obstacle"

    live = evening("ada", ["a", "b"])
    send(settings, live)
    run(settings, spark=spark, quiet=True)
    assert set(rules(database)) == {("x", "y"), ("a", "b")}
    again, *_ = run(settings, spark=spark, quiet=True)
    assert again.unchanged

    before = again.version
    # The plays of the topic, as another service has kept them.
    imported(own, "ada", ["a", "b"], began=live[0]["occurred_at"] // 1000 - 170)
    after, *_ = run(settings, spark=spark, quiet=True)
    assert after.version == before
    assert first.version != before


def test_a_topic_without_plays_is_said_in_one_line(broker: Settings, spark: SparkSession) -> None:
    with pytest.raises(SegueError, match=r"no play to learn from.*run\.sh plays replay"):
        run(broker, spark=spark, quiet=True)


def test_a_space_of_sessions_and_sound_is_learned_indexed_and_has_a_place_for_new_tracks(
    spaced: Settings, database: Database[Document], spark: SparkSession
) -> None:
    settings = spaced
    store(database, descriptors(40, settings), settings)
    train_embeddings.run(settings, Store(database))
    audio = build_index.run(Store(database), settings.index).manifest
    send_evenings(settings)

    *_, found = run(settings, spark=spark, quiet=True)
    assert (found.kind, found.unchanged, found.left_out) == ("session-space", False, None)
    assert found.tracks == len({track for tracks in EVENINGS.values() for track in tracks})
    *_, again = run(settings, spark=spark, quiet=True)
    assert (again.version, again.unchanged) == (found.version, True)
    manifest = build_index.run(Store(database), settings.index).manifest
    assert (manifest.space, manifest.dimension, manifest.count) == (found.version, 4, 40)

    # A track that comes later is placed by its sound, in both spaces.
    store(database, descriptors(1, settings, seed=9), settings, first=40)
    train_embeddings.run(settings, Store(database))
    newest = build_index.run(Store(database), settings.index).manifest
    assert (newest.space, newest.count) == (found.version, 41)
    bundle = PublishedBundles(Store(database)).load(newest.version, folder=settings.index.folder)
    row = int(bundle.rows(["t0040"])[0])
    wanted = load_space(Store(database), newest.space).transform(descriptors(1, settings, seed=9))[0]
    np.testing.assert_allclose(bundle.vectors[row], wanted, atol=1e-5)

    by_sound = settings.index.model_copy(update={"space": "audio"})
    assert build_index.run(Store(database), by_sound).manifest.space == audio.space
    # A space that is fitted again leaves the other's embeddings alone.
    train_embeddings.run(settings, Store(database), refit=True)
    assert build_index.run(Store(database), settings.index).manifest.space == found.version


def test_a_training_cut_short_is_finished_though_new_plays_have_come(
    spaced: Settings,
    begun: Begun,
    database: Database[Document],
    spark: SparkSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Models(Store(database)).active_version("session-space") is None
    former = Models(Store(database)).active_version("following")
    send(spaced, evening("late", ["t0031", "t0032"]))
    epochs = kept_epochs(monkeypatch)
    rule_model, space = run(spaced, spark=spark, quiet=True)
    assert epochs == [2]
    assert (space.version, space.unchanged, space.tracks) == (begun.version, False, 15)
    assert rule_model.version != former
    assert list(Path(spaced.models.folder).iterdir()) == []
    # The next run learns from those as well, and then there is nothing to do.
    *_, newer = run(spaced, spark=spark, quiet=True)
    assert epochs == [2, 0, 1, 2]
    assert (newer.version != begun.version, newer.tracks) == (True, 17)
    *_, last = run(spaced, spark=spark, quiet=True)
    assert (last.version, last.unchanged) == (newer.version, True)


def test_a_training_cut_short_begins_anew_when_one_of_its_listeners_has_left(
    spaced: Settings,
    begun: Begun,
    database: Database[Document],
    spark: SparkSession,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send(spaced, evening("late", [f"t{number:04d}" for number in range(31, 37)]))
    with PlayProducer(spaced.kafka) as producer:
        producer.tombstone("u3")
    epochs = kept_epochs(monkeypatch)
    *_, space = run(spaced, spark=spark, quiet=True)
    assert epochs == [0, 1, 2]
    assert space.version != begun.version
    found = trained.load(Store(database), "session-space", space.version)
    assert found is not None
    assert {"t0014"} & set(decode_ids(found["track_ids"])) == set()  # only u3 has played it
    assert list(Path(spaced.models.folder).iterdir()) == []


def test_a_space_comes_into_use_when_every_track_has_its_place_in_it(
    spaced: Settings, database: Database[Document], spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, descriptors(40, spaced), spaced)
    train_embeddings.run(spaced, Store(database))
    audio = Models(Store(database)).active_version("audio-space")
    send_evenings(spaced)

    def killed(*anything: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(session_space, "embed", killed)
        run(spaced, spark=spark, quiet=True)
    (stored,) = database.models.find({"kind": "session-space"})
    assert build_index.run(Store(database), spaced.index).manifest.space == audio
    # The interrupted training is finished first, although new plays have come.
    send(spaced, evening("late", ["t0031", "t0032"]))
    epochs = kept_epochs(monkeypatch)
    *_, found = run(spaced, spark=spark, quiet=True)
    assert epochs == []
    assert (found.version, found.unchanged) == (stored["version"], False)
    manifest = build_index.run(Store(database), spaced.index).manifest
    assert (manifest.space, manifest.count) == (found.version, 40)


def test_a_heard_track_that_gets_features_makes_another_version(
    spaced: Settings, database: Database[Document], spark: SparkSession
) -> None:
    store(database, descriptors(14, spaced), spaced)
    train_embeddings.run(spaced, Store(database))
    send_evenings(spaced)
    send(spaced, evening("more", [f"t{number:04d}" for number in range(6)]))
    *_, without = run(spaced, spark=spark, quiet=True)
    assert without.tracks == 14
    store(database, descriptors(1, spaced, seed=3), spaced, first=14)
    *_, with_it = run(spaced, spark=spark, quiet=True)
    assert (with_it.unchanged, with_it.tracks) == (False, 15)
    # One that nobody has heard is no reason: its sound places it.
    store(database, descriptors(1, spaced, seed=4), spaced, first=30)
    *_, unheard = run(spaced, spark=spark, quiet=True)
    assert (unheard.version, unheard.unchanged) == (with_it.version, True)
    # Other features of one that was heard are.
    store(database, descriptors(1, spaced, seed=5), spaced, first=14)
    *_, changed = run(spaced, spark=spark, quiet=True)
    assert changed.version != with_it.version


def test_factors_are_learned_only_where_the_settings_say_so(quick: Settings) -> None:
    def kinds(settings: Settings) -> list[str]:
        return [model.kind for model in LEARNED_MODELS if model.enabled(settings)]

    assert kinds(load_settings()) == ["following", "session-space"]
    assert kinds(quick) == ["following", "als", "session-space"]


def test_stored_factors_are_removed_once_they_are_not_learned_any_more(
    broker: Settings, database: Database[Document], spark: SparkSession
) -> None:
    store, arrays = Store(database), {"track_ids": encode_ids(["a"])}
    for kind, version in (("als", "1"), ("als", "2"), ("following", "1")):
        trained.save(store, kind, version, arrays=arrays, made_of={})
        trained.put_in_use(store, kind, version, keep=2)
    with pytest.raises(SegueError, match="no play to learn from"):
        run(broker, spark=spark, quiet=True)
    assert Models(store).active_version("als") is None
    assert Models(store).versions("als") == []
    assert Models(store).with_file() == ["following:1"]
    assert {file["metadata"]["group"] for file in database["trained.files"].find()} == {"following:1"}
    assert trained.load(store, "following") is not None


def test_a_version_is_the_same_as_before_als_had_its_own_section() -> None:
    settings = load_settings()
    made_of = {
        model.kind: {"plays": "3:7", "settings": model.settings_of(settings)} for model in LEARNED_MODELS
    }
    assert list(made_of["als"]["settings"]) == ["factors", "iterations", "regularisation", "alpha", "seed"]
    assert list(made_of["session-space"]["settings"]) == ["sessions"]
    assert {kind: version_of(what) for kind, what in made_of.items()} == VERSIONS


def test_the_version_in_use_is_kept_although_others_are_newer(database: Database[Document]) -> None:
    arrays = {"track_ids": encode_ids(["a"])}
    for version in ("1", "2"):
        trained.save(Store(database), "als", version, arrays=arrays, made_of={})
    assert Models(Store(database)).active_version("als") is None
    trained.put_in_use(Store(database), "als", "1", keep=1)
    assert trained.load(Store(database), "als") is not None
    trained.put_in_use(Store(database), "als", "2", keep=1)
    assert not trained.stored(Store(database), "als", "1")
