"""Every registered space: fitted on made-up tracks, applied, kept and read; and which of them is served."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus, Matrix
from segue.embeddings.registry import (
    AUTO,
    SPACES,
    load_space,
    other_spaces_in_use,
    remove_former,
    remove_orphans,
    space_named,
    space_to_index,
    version_in_use,
)
from segue.embeddings.session_space import SessionSpace
from segue.embeddings.space import Space, SpaceError, TrainingData
from segue.embeddings.stored import EmbeddingRecord, Embeddings
from segue.errors import SegueError, TooLittle
from segue.models.versions import Models
from segue.session_logs.logs import make_log
from segue.settings import Settings, load_settings
from segue.storage.mongo import pack
from segue.storage.store import Store

WIDTH = 8
NAMES = tuple(f"d{number}" for number in range(WIDTH))
every_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.name)


def data(tracks: int = 90, *, seed: int = 0) -> TrainingData:
    """Tracks of three genres that differ in two descriptors, and sessions that keep to a genre."""
    rng = np.random.default_rng(seed)
    genre = np.arange(tracks) % 3
    rows = rng.normal(size=(tracks, WIDTH))
    rows[:, :2] += 4 * np.column_stack([np.cos(2 * np.pi * genre / 3), np.sin(2 * np.pi * genre / 3)])
    ids = [f"t{row:03d}" for row in range(tracks)]
    session = np.repeat(np.arange(60), 6)
    items = np.concatenate([rng.choice(np.flatnonzero(genre == one % 3), 6) for one in range(60)])
    return TrainingData(
        corpus=Corpus(track_ids=ids, descriptors=rows.astype(np.float32)),
        features_version="f1",
        names=NAMES,
        genres={track_id: f"genre {code}" for track_id, code in zip(ids, genre.tolist(), strict=True)},
        sessions=make_log(
            users=[f"u{one % 7}" for one in session],
            sessions=[str(one) for one in session],
            items=[ids[item] for item in items],
            times=[float(place) for place in range(len(items))],
        ),
    )


def small(settings: Settings) -> Settings:
    """Settings with which little data is enough, and a training is short."""
    few = {"min_plays": 24, "dimension": 4, "hidden_units": 8, "batch_size": 64, "epochs": 2}
    sessions = settings.models.sessions.model_copy(update=few)
    genres = settings.embedding.genres.model_copy(update={"min_tracks_per_genre": 5})
    return settings.model_copy(
        update={
            "models": settings.models.model_copy(update={"sessions": sessions}),
            "embedding": settings.embedding.model_copy(update={"genres": genres}),
        }
    )


@cache
def fitted(space: type[Space], *, seed: int = 0) -> Space:
    """Fitted once for all tests: none changes it."""
    return space.fit(data(seed=seed), small(load_settings()))


def test_names_and_kinds_are_each_one_spaces() -> None:
    assert len({space.name for space in SPACES}) == len({space.kind for space in SPACES}) == len(SPACES)
    assert AUTO not in {space.name for space in SPACES}
    assert {space_named(space.name) for space in SPACES} == set(SPACES)
    assert all(space.command for space in SPACES)


@every_space
def test_vectors_have_length_one_and_repeat(space: type[Space]) -> None:
    first, again, other = fitted(space), fitted.__wrapped__(space), fitted(space, seed=1)
    assert (first.version, first.features_version) == (again.version, "f1")
    assert first.version != other.version
    rows = data(7, seed=5).corpus
    vectors = first.transform(rows.descriptors)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(again.transform(rows.descriptors), vectors, atol=1e-5)
    placed = first.place(rows.track_ids, rows.descriptors)
    assert placed.shape == vectors.shape and placed.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(placed, axis=1), 1.0, atol=1e-5)


@every_space
@pytest.mark.parametrize("shape", [(2, WIDTH - 1), (2, WIDTH + 1), (WIDTH,)])
def test_descriptors_of_another_width_are_refused(space: type[Space], shape: tuple[int, ...]) -> None:
    with pytest.raises(SpaceError, match=f"takes rows of {WIDTH} numbers"):
        fitted(space).transform(np.zeros(shape))


@every_space
def test_a_space_is_not_fitted_on_nothing(space: type[Space]) -> None:
    nothing = TrainingData(
        corpus=Corpus(track_ids=["t000"], descriptors=np.zeros((1, WIDTH), dtype=np.float32)),
        features_version="f1",
        names=NAMES,
    )
    with pytest.raises(TooLittle):
        space.fit(nothing, small(load_settings()))


@every_space
def test_saved_and_loaded_it_is_the_same(space: type[Space], store: Store) -> None:
    original = fitted(space)
    original.save(store)
    original.save(store)
    assert Models(store).active_version(space.kind) is None
    loaded = load_space(store, original.version)
    assert type(loaded) is space
    assert (loaded.version, loaded.features_version) == (original.version, "f1")
    rows = data(5, seed=3).corpus
    np.testing.assert_array_equal(
        loaded.place(rows.track_ids, rows.descriptors), original.place(rows.track_ids, rows.descriptors)
    )
    with pytest.raises(SpaceError, match="there is no"):
        space.load(store, "another")
    with pytest.raises(SpaceError, match="there is no space another"):
        load_space(store, "another")


@every_space
def test_each_can_be_indexed_by_its_name(space: type[Space], store: Store) -> None:
    with pytest.raises(SpaceError, match=f"run ./run.sh {space.command}"):
        space_to_index(store, space.name)
    both: set[type[Space]] = {AudioSpace, space}
    for chosen in both:
        one = fitted(chosen)
        one.save(store)
        one.activate(store)
    assert space_to_index(store, space.name) == fitted(space).version
    others = [] if space is AudioSpace else [fitted(space).version]
    assert other_spaces_in_use(store) == others


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(store: Store) -> None:
    for wanted in ("sound", "", "Audio"):
        with pytest.raises(SegueError, match="one of audio, genres, sessions, or auto"):
            space_to_index(store, wanted)


def test_auto_is_the_session_space_where_there_is_one(store: Store) -> None:
    with pytest.raises(SpaceError, match="there are no embeddings to index"):
        space_to_index(store, AUTO)
    audio, sessions = fitted(AudioSpace), fitted(SessionSpace)
    for space in (audio, sessions):
        space.save(store)
    audio.activate(store)
    assert space_to_index(store, AUTO) == audio.version
    sessions.activate(store)
    assert space_to_index(store, AUTO) == sessions.version


def test_a_space_of_other_descriptors_is_not_in_use(store: Store) -> None:
    settings = small(load_settings())
    known = data()
    other = TrainingData(
        corpus=known.corpus, features_version="f2", names=NAMES, genres=known.genres, sessions=known.sessions
    )
    for space, source in ((AudioSpace, other), (space_named("genres"), known)):
        one = space.fit(source, settings)
        one.save(store)
        one.activate(store)
    assert version_in_use(store, space_named("genres")) is None
    assert other_spaces_in_use(store) == []
    with pytest.raises(SpaceError, match="no genre-space of these features"):
        space_to_index(store, "genres")


def test_former_versions_go_but_that_of_the_index(store: Store) -> None:
    models = Models(store)
    spaces = [fitted(AudioSpace, seed=seed) for seed in range(4)]
    for space in spaces:
        space.save(store)
        record = EmbeddingRecord(
            _id=f"{space.version}:t",
            track_id="t",
            space=space.version,
            vector=pack(np.ones(2)),
            features="",
            added=False,
        )
        Embeddings(store).write([record])
    models.put("index", "i1", {"manifest": {"space": spaces[0].version}})
    models.activate("index", "i1")
    remove_former(store, AudioSpace, keep=(spaces[3].version, None))
    assert set(models.versions(AudioSpace.kind)) == {spaces[0].version, spaces[3].version}
    remove_orphans(store)
    for number, space in enumerate(spaces):
        assert bool(Embeddings(store).vectors(space.version)) == (number in (0, 3))


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstTwo(Space):
    """The direction of the first two descriptors: a space of a few lines, as one to come might be."""

    name: ClassVar[str] = "first-two"
    kind: ClassVar[str] = "first-two-space"
    command: ClassVar[str] = "embeddings train --fit first-two"
    version: str
    features_version: str

    @classmethod
    def fit(cls, data: TrainingData, settings: Settings) -> FirstTwo:
        return cls(version="v1", features_version=data.features_version)

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        two = descriptors[:, :2]
        return np.asarray(two / np.linalg.norm(two, axis=1, keepdims=True), dtype=np.float32)

    def save(self, store: Store) -> None:
        Models(store).put(self.kind, self.version, {"features_version": self.features_version})

    @classmethod
    def load(cls, store: Store, version: str) -> FirstTwo:
        fields = Models(store).fields(cls.kind, version) or {}
        return cls(version=version, features_version=fields["features_version"])


def test_a_class_and_a_line_in_the_registry_are_all_that_a_new_space_needs(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.embeddings.registry.SPACES", (*SPACES, FirstTwo))
    for space in (fitted(AudioSpace), FirstTwo.fit(data(), load_settings())):
        space.save(store)
        space.activate(store)
    assert space_to_index(store, "first-two") == "v1"
    assert type(load_space(store, "v1")) is FirstTwo
    assert other_spaces_in_use(store) == ["v1"]


def test_index_space_takes_the_names_of_all_spaces_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    names = (AUTO, *(space.name for space in SPACES))
    for name in names:
        monkeypatch.setenv("SEGUE_INDEX__SPACE", name)
        assert load_settings().index.space == name
    monkeypatch.setenv("SEGUE_INDEX__SPACE", "nonsense")
    with pytest.raises(SegueError) as caught:
        load_settings()
    assert f"it must be one of {', '.join(names)}; " in str(caught.value)
