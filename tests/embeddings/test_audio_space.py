"""The audio space applied, saved and loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from pymongo.database import Database

from segue.audio.descriptors import descriptor_names, features_version
from segue.audio.errors import TooShort
from segue.embeddings.audio_space import (
    AudioSpace,
    settle_constants,
    signed,
    space_version,
)
from segue.embeddings.files import embed_file
from segue.embeddings.space import SpaceError
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.catalog.library import song


def made(*, descriptors: int = 5, components: int = 3, seed: int = 0) -> AudioSpace:
    rng = np.random.default_rng(seed)
    return AudioSpace(
        version=f"v{seed}",
        features_version="f",
        names=tuple("abcdefgh"[:descriptors]),
        mean=rng.standard_normal(descriptors),
        scale=rng.uniform(0.5, 2.0, descriptors),
        components=np.linalg.qr(rng.standard_normal((descriptors, components)))[0],
        explained=np.full(components, 1 / components),
        tracks=10,
        spread=0.9,
    )


rows = st_numpy.arrays(
    np.float32,
    st.tuples(st.integers(0, 6), st.just(5)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


@given(rows)
def test_every_row_has_length_one(descriptors: np.ndarray) -> None:
    found = made().transform(descriptors)
    assert found.shape == (len(descriptors), 3) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


@given(rows)
def test_a_row_is_embedded_the_same_alone_and_among_others(descriptors: np.ndarray) -> None:
    space = made()
    together = space.transform(descriptors)
    for row, expected in zip(descriptors, together, strict=True):
        np.testing.assert_allclose(space.transform(row[np.newaxis])[0], expected, atol=1e-6)


def test_the_middle_of_the_corpus_is_no_exception() -> None:
    space = made()
    np.testing.assert_array_equal(space.transform(space.mean[np.newaxis]), [[1.0, 0.0, 0.0]])
    assert space.distances(space.mean[np.newaxis]) == 0.0
    assert space.distances((space.mean + 2 * space.scale)[np.newaxis]) == pytest.approx(2.0)


@pytest.mark.parametrize("shape", [(2, 4), (2, 6), (5,)])
def test_descriptors_of_another_kind_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpaceError, match="takes rows of 5 numbers"):
        made().transform(np.zeros(shape))


def test_saved_and_loaded_it_is_the_same(database: Database[Document]) -> None:
    first, second = made(seed=1), made(seed=2)
    for space in (first, second, first):
        space.save(Store(database))
    with pytest.raises(SpaceError, match="no audio space yet"):
        AudioSpace.load(Store(database))
    second.activate(Store(database))
    rows = np.random.default_rng(0).standard_normal((4, 5)).astype(np.float32)
    for loaded, original in (
        (AudioSpace.load(Store(database)), second),
        (AudioSpace.load(Store(database), "v1"), first),
    ):
        np.testing.assert_array_equal(loaded.transform(rows), original.transform(rows))
        assert (loaded.names, loaded.tracks, loaded.spread) == (original.names, 10, 0.9)
    with pytest.raises(SpaceError, match="no audio space v3"):
        AudioSpace.load(Store(database), "v3")


def test_the_version_is_the_corpus_and_the_settings_in_any_order() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)

    def version(ids: list[str], rows: np.ndarray, features: str = "f", components: int = 2) -> str:
        return space_version(features=features, track_ids=ids, descriptors=rows, components=components)

    base = version(["a", "b", "c"], rows)
    assert version(["c", "b", "a"], rows[::-1]) == base
    others = [
        version(["a", "b", "d"], rows),
        version(["b", "a", "c"], rows),
        version(["a", "b", "c"], rows + 1),
        version(["a", "b", "c"], rows, features="g"),
        version(["a", "b", "c"], rows, components=1),
    ]
    assert len({base, *others}) == 6


def test_constants_are_settled_and_signs_decided() -> None:
    rows = np.array([[1.0, 5.0], [2.0, 5.0 + 1e-7], [3.0, 5.0 - 1e-7]])
    np.testing.assert_array_equal(settle_constants(rows), [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    components = np.array([[0.6, -0.8], [-0.8, 0.6]])
    np.testing.assert_array_equal(signed(components), signed(-components))


def test_a_file_is_embedded_by_the_same_space(settings: Settings, tmp_path: Path) -> None:
    names = descriptor_names(settings.audio)
    width = len(names)
    space = replace(
        made(),
        features_version=features_version(settings.audio),
        names=tuple(names),
        mean=np.zeros(width),
        scale=np.ones(width),
        components=np.eye(width, 4),
    )
    found = embed_file(song(tmp_path / "a.m4a"), space, settings)
    assert found.shape == (4,) and np.linalg.norm(found) == pytest.approx(1.0, abs=1e-5)
    with pytest.raises(TooShort):
        embed_file(song(tmp_path / "b.mp3", seconds=0.5), space, settings)
    with pytest.raises(SpaceError, match=r"other \[audio\] settings"):
        embed_file(tmp_path / "a.m4a", made(), settings)
