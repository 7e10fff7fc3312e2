"""Bundles of release 0.1 stay in use, and unchanged ones are not built again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from segue.index.annoy_index import AnnoyIndex
from segue.index.bundle import load_bundle
from segue.index.exact import ExactIndex
from segue.index.manifest import Manifest
from segue.index.transition_rules import RuleTable
from segue.index.voyager_index import VoyagerIndex
from tests.index.corpus import annoy, backend_named, write

AFTER = RuleTable(
    np.r_[0, np.full(60, 2)].astype(np.int64), np.array([5, 7], np.int32), np.array([1, 0.5], np.float32)
)
OF_ARTIST = RuleTable(np.arange(21), np.arange(0, 60, 3, dtype=np.int32), np.ones(20, np.float32))
SONGS = np.arange(60, dtype=np.int32)


@pytest.mark.parametrize(
    ("version", "written"),
    [
        ("6a3d87e08932", {}),
        ("ce98cac9fa0a", {"backend": annoy(trees=50, search_k=3000)}),
        ("1837b1cf9c07", {"songs": SONGS, "transition_rules": AFTER, "artist_tracks": OF_ARTIST}),
        ("1d0233876edc", {"songs": SONGS, "transition_rules": AFTER}),
        ("31cca5480766", {"backend": backend_named("voyager", ef=3000)}),
        ("d3ffac810509", {"backend": backend_named("voyager", ef=-1)}),
        ("9ebd1df67b4d", {"backend": backend_named("exact")}),
    ],
)
def test_the_same_corpus_and_settings_have_the_version_that_they_had(
    tmp_path: Path, version: str, written: dict[str, Any]
) -> None:
    assert write(tmp_path, **written).version == version


def fields_of_before(bundle: Path, *, trees: int, search_k: int) -> dict[str, Any]:
    """The manifest with the fields of release 0.1, in its order."""
    document: dict[str, Any] = {}
    for name, value in Manifest.read(bundle).model_dump(mode="json").items():
        if name == "parameters":
            document |= {"trees": trees, "search_k": search_k}
        elif name != "base":  # which is left out of complete bundles
            document[name] = value
    return document


def as_written_before(bundle: Path, *, trees: int, search_k: int) -> None:
    """Replace the manifest by one of release 0.1, with its seal."""
    document = fields_of_before(bundle, trees=trees, search_k=search_k)
    seal = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps({**document, "sha256": seal}, indent=1) + "\n")


@pytest.mark.parametrize(
    ("backend", "trees", "search_k", "parameters"),
    [
        ("annoy", 50, 900, {"trees": 50, "search_k": 900}),
        ("voyager", 0, 3000, {"ef": 3000}),
        ("exact", 0, 0, {}),
    ],
)
def test_a_manifest_of_before_is_searched_as_broadly(
    tmp_path: Path, backend: str, trees: int, search_k: int, parameters: dict[str, int]
) -> None:
    path = tmp_path / write(tmp_path, backend=backend_named(backend, **parameters)).version
    as_written_before(path, trees=trees, search_k=search_k)
    loaded = load_bundle(path)
    assert loaded.manifest.parameters == parameters
    index = loaded.neighbours
    assert isinstance(index, (AnnoyIndex, VoyagerIndex, ExactIndex))
    if isinstance(index, AnnoyIndex):
        assert index.search_k == 900
    if isinstance(index, VoyagerIndex):
        assert index.ef == 3000
    assert loaded.neighbours.query(loaded.vectors[:5], 1)[0][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert write(tmp_path, backend=backend_named(backend, **parameters)) == loaded.manifest


@pytest.mark.parametrize(
    ("backend", "parameters", "trees", "search_k"),
    [
        ("annoy", {"trees": 50, "search_k": 900}, 50, 900),
        ("voyager", {"ef": 3000}, 0, 3000),
        ("exact", {}, 0, 0),
    ],
)
def test_a_manifest_has_the_fields_that_release_0_1_takes_and_no_others(
    tmp_path: Path, backend: str, parameters: dict[str, int], trees: int, search_k: int
) -> None:
    manifest = write(tmp_path, backend=backend_named(backend, **parameters))
    before = fields_of_before(tmp_path / manifest.version, trees=trees, search_k=search_k)
    assert manifest.document() == before
    stored = json.loads((tmp_path / manifest.version / "manifest.json").read_text())
    assert stored.keys() == {*before, "sha256"}
    assert Manifest.model_validate(manifest.document()) == manifest


@pytest.mark.parametrize(
    ("backend", "parameters"),
    [("annoy", {"trees": 50, "search_k": 900, "threads": 2}), ("faiss", {"lists": 9})],
)
def test_settings_without_a_field_in_release_0_1_are_kept_as_parameters(
    tmp_path: Path, backend: str, parameters: dict[str, int]
) -> None:
    manifest = write(tmp_path).model_copy(update={"backend": backend, "parameters": parameters})
    assert manifest.document()["parameters"] == parameters
    assert Manifest.model_validate(manifest.document()) == manifest
