"""Fitting the audio space, and keeping the embeddings in line with the features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pymongo.database import Database

from segue.audio.descriptors import descriptor_names, features_version
from segue.batch_jobs import build_index, train_embeddings
from segue.batch_jobs.train_embeddings import current_space, run
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus
from segue.embeddings.drift import DISTANCE_LIMIT, advise
from segue.embeddings.genre_space import GenreSpace
from segue.embeddings.space import TrainingData
from segue.errors import SegueError
from segue.models.versions import Models
from segue.settings import Settings
from segue.storage.mongo import Document, pack, unpack, upsert
from segue.storage.store import Store


def descriptors(count: int, settings: Settings, *, seed: int = 0, offset: float = 0.0) -> np.ndarray:
    """Correlated descriptors of different sizes, with one that is constant."""
    rng = np.random.default_rng(seed)
    width = len(descriptor_names(settings.audio))
    mixing = np.random.default_rng(1).standard_normal((6, width))
    rows = rng.standard_normal((count, 6)) @ mixing + 0.1 * rng.standard_normal((count, width)) + offset
    rows *= np.logspace(-2, 4, width)
    rows[:, 7] = 0.25
    return rows.astype(np.float32)


def store(database: Database[Document], rows: np.ndarray, settings: Settings, *, first: int = 0) -> None:
    ids = [f"t{number:04d}" for number in range(first, first + len(rows))]
    upsert(database.tracks, ({"_id": track_id, "state": "present"} for track_id in ids))
    version = features_version(settings.audio)
    upsert(
        database.features,
        ({"_id": key, "version": version, "vector": pack(row)} for key, row in zip(ids, rows, strict=True)),
    )


def embeddings(database: Database[Document], space: str) -> dict[str, np.ndarray]:
    return {item["track_id"]: unpack(item["vector"]) for item in database.embeddings.find({"space": space})}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    audio = settings.embedding.audio.model_copy(update={"n_components": 8})
    return settings.model_copy(update={"embedding": settings.embedding.model_copy(update={"audio": audio})})


def fit(corpus: Corpus, settings: Settings) -> AudioSpace:
    names = tuple(descriptor_names(settings.audio))
    features = features_version(settings.audio)
    return AudioSpace.fit(TrainingData(corpus=corpus, features_version=features, names=names), settings)


def test_the_space_is_the_principal_components_of_the_standardised_corpus(settings: Settings) -> None:
    rows = descriptors(60, settings)
    corpus = Corpus(track_ids=[str(number) for number in range(60)], descriptors=rows)
    space = fit(corpus, settings)
    x = rows.astype(np.float64)
    deviation = x.std(axis=0, ddof=1)
    np.testing.assert_allclose(space.mean, x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(space.scale, np.where(np.arange(x.shape[1]) == 7, 1.0, deviation), rtol=1e-6)
    z = (x - x.mean(axis=0)) / space.scale
    values, vectors = np.linalg.eigh(np.cov(z, rowvar=False))
    np.testing.assert_allclose(space.explained, values[::-1][:8] / values.sum(), rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(np.sum(space.components * vectors[:, ::-1][:, :8], axis=0)), 1.0, atol=1e-6
    )
    assert space.distances(rows).mean() == pytest.approx(space.spread)
    again = fit(corpus, settings)
    assert again.version == space.version
    np.testing.assert_allclose(again.transform(rows), space.transform(rows), atol=1e-5)


@pytest.mark.parametrize(("count", "dimension"), [(2, 1), (5, 4), (40, 8)])
def test_a_small_corpus_has_a_small_space(settings: Settings, count: int, dimension: int) -> None:
    rows = descriptors(count, settings)
    space = fit(Corpus(track_ids=[str(n) for n in range(count)], descriptors=rows), settings)
    assert space.dimension == dimension


@pytest.mark.parametrize("rows", [1, 3])
def test_a_corpus_without_differences_is_refused(settings: Settings, rows: int) -> None:
    same = np.repeat(descriptors(1, settings), rows, axis=0)
    with pytest.raises(SegueError, match="ingest more music"):
        fit(Corpus(track_ids=[str(n) for n in range(rows)], descriptors=same), settings)


def test_it_is_fitted_once_and_applied_to_new_tracks(
    settings: Settings, database: Database[Document]
) -> None:
    store(database, descriptors(40, settings), settings)
    first = run(settings, Store(database))
    assert (first.fitted, first.tracks, first.embedded, first.removed, first.drift) == (True, 40, 40, 0, None)
    before = embeddings(database, first.space)
    assert len(before) == 40 and Models(Store(database)).active_version("audio-space") == first.space

    assert first.moods == database.moods.count_documents({}) == 40

    unchanged = run(settings, Store(database))
    assert (unchanged.embedded, unchanged.moods) == (0, 0)

    store(database, descriptors(3, settings, seed=5), settings, first=40)
    store(database, descriptors(1, settings, seed=6), settings, first=2)  # another file in its place
    database.tracks.update_one({"_id": "t0000"}, {"$set": {"state": "vanished"}})
    second = run(settings, Store(database))
    assert (second.space, second.fitted, second.embedded, second.removed) == (first.space, False, 4, 1)
    assert second.drift == pytest.approx(1.0, abs=0.5)
    assert second.moods == 42 and database.moods.find_one({"_id": "t0000"}) is None
    after = embeddings(database, first.space)
    assert set(after) == {f"t{number:04d}" for number in range(1, 43)}
    changed = [key for key in set(after) & set(before) if not np.array_equal(after[key], before[key])]
    assert changed == ["t0002"]
    np.testing.assert_allclose([np.linalg.norm(vector) for vector in after.values()], 1.0, atol=1e-5)


def test_new_tracks_unlike_the_corpus_ask_for_a_refit(
    settings: Settings, database: Database[Document]
) -> None:
    store(database, descriptors(40, settings), settings)
    run(settings, Store(database))
    store(database, descriptors(5, settings, seed=3, offset=20.0), settings, first=40)
    summary = run(settings, Store(database))
    assert summary.drift is not None and summary.drift > 2.0
    assert "--refit" in (told(summary, database) or "")


def test_a_slow_change_adds_up(settings: Settings, database: Database[Document]) -> None:
    """Each run adds a track a little way off; together they are a shift of the mean."""
    store(database, descriptors(60, settings), settings)
    run(settings, Store(database))
    space = AudioSpace.load(Store(database))
    summaries = []
    for number in range(12):
        row = descriptors(1, settings, seed=100 + number) + 1.0 * space.scale.astype(np.float32)
        store(database, row, settings, first=60 + number)
        summaries.append(run(settings, Store(database)))
    assert [summary.added for summary in summaries] == list(range(1, 13))
    assert summaries[-1].embedded == 1
    assert summaries[-1].shift == pytest.approx(1.0, abs=0.2)
    assert "standard deviations" in (told(summaries[-1], database) or "")
    assert summaries[-1].drift is not None and summaries[-1].drift < DISTANCE_LIMIT
    run(settings, Store(database), refit=True)
    assert run(settings, Store(database)).added == 0


def told(summary: train_embeddings.EmbeddingSummary, database: Database[Document]) -> str | None:
    return advise(
        train_embeddings.drift_of(summary), space=AudioSpace.load(Store(database)), tracks=summary.tracks
    )


def test_a_refit_keeps_the_former_space_until_the_next(
    settings: Settings, database: Database[Document]
) -> None:
    def refit(**change: Any) -> str:
        return run(settings, Store(database), refit=True, **change).space

    spaces = []
    for round_ in range(3):
        store(database, descriptors(20, settings, seed=round_), settings)
        spaces.append(refit())
    assert len(set(spaces)) == 3
    assert refit() == spaces[2]  # the same corpus: the same space, nothing is lost
    assert Models(Store(database)).active_version("audio-space") == spaces[2]
    kept = set(database.embeddings.distinct("space"))
    assert kept == set(database.models.distinct("version", {"kind": "audio-space"})) and spaces[2] in kept
    assert spaces[0] not in kept


def test_other_audio_settings_need_another_space(settings: Settings, database: Database[Document]) -> None:
    store(database, descriptors(20, settings), settings)
    run(settings, Store(database))
    other = settings.model_copy(update={"audio": settings.audio.model_copy(update={"n_mfcc": 13})})
    assert current_space(Store(database), other) is None
    with pytest.raises(SegueError, match="no track has features"):
        run(other, Store(database))
    store(database, descriptors(20, other), other)
    assert run(other, Store(database)).fitted


def test_genres_that_tracks_have_make_a_space_of_their_own(
    settings: Settings, database: Database[Document]
) -> None:
    few = settings.embedding.genres.model_copy(update={"min_tracks_per_genre": 5})
    embedding = settings.embedding.model_copy(update={"genres": few})
    settings = settings.model_copy(update={"embedding": embedding})
    store(database, descriptors(30, settings), settings)
    with pytest.raises(SegueError, match="needs three genres of 5 tracks: there are 0"):
        run(settings, Store(database), also=[GenreSpace])
    for row in range(30):
        genres = [f"genre {row % 3}", "everything"]
        database.tracks.update_one({"_id": f"t{row:04d}"}, {"$set": {"genres": genres}})
    also = run(settings, Store(database), also=[GenreSpace]).also
    version = Models(Store(database)).active_version("genre-space")
    assert also == {"genres": version}
    assert version is not None
    found = embeddings(database, version)
    assert (len(found), {len(vector) for vector in found.values()}) == (30, {2})
    chosen = settings.index.model_copy(update={"space": "genres"})
    assert build_index.run(Store(database), chosen).manifest.space == version
    # Later tracks get their place without being asked for; a later fit leaves the index's space alone.
    store(database, descriptors(1, settings, seed=3), settings, first=30)
    run(settings, Store(database))
    assert len(embeddings(database, version)) == 31
    database.tracks.update_one({"_id": "t0030"}, {"$set": {"genres": ["genre 1"]}})
    run(settings, Store(database), also=[GenreSpace])
    newest = Models(Store(database)).active_version("genre-space")
    assert newest != version
    assert build_index.run(Store(database), chosen).manifest.space == newest
