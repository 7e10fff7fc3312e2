"""The job `./run.sh index build` against a real MongoDB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database

from segue.batch_jobs.build_index import read_corpus, run
from segue.errors import SegueError
from segue.index.published import PublishedBundles
from segue.models.versions import Models
from segue.places import ROOT
from segue.settings import Settings
from segue.storage.mongo import Document, pack
from segue.storage.store import Store
from tests.index.corpus import clustered

pytestmark = pytest.mark.integration
Mongo = Database[Document]


def catalogue(database: Mongo, *, tracks: int = 30, space: str = "s1") -> None:
    """Tracks t000..., two of each artist, with vectors in a space that is active."""
    vectors = clustered(tracks, 6)
    names = [f"t{row:03d}" for row in range(tracks)]
    database.tracks.insert_many(
        [{"_id": name, "artist": f"Artist {row // 2}", "state": "present"} for row, name in enumerate(names)]
    )
    database.embeddings.insert_many(
        [
            {"_id": f"{space}:{name}", "track_id": name, "space": space, "vector": pack(vector)}
            for name, vector in reversed(list(zip(names, vectors, strict=True)))
        ]
    )
    Models(Store(database)).activate("audio-space", space)


def test_the_corpus_is_the_present_tracks_of_the_active_space_in_order(
    database: Mongo, settings: Settings
) -> None:
    catalogue(database)
    database.tracks.update_one({"_id": "t003"}, {"$set": {"state": "vanished"}})
    other = {"_id": "s0:t004", "track_id": "t004", "space": "s0", "vector": pack(np.ones(6))}
    database.embeddings.insert_one(other)
    corpus = read_corpus(Store(database), settings.index)
    assert corpus.space == "s1"
    assert corpus.contents.track_ids.tolist() == [f"t{row:03d}".encode() for row in range(30) if row != 3]
    expected = np.delete(clustered(30, 6), 3, axis=0)
    assert np.allclose(corpus.contents.vectors, expected, atol=1e-6)


def test_a_jingle_is_not_recommended_and_a_song_of_unknown_length_is(
    database: Mongo, settings: Settings
) -> None:
    catalogue(database, tracks=5)
    for row, length in enumerate((5_000, 9_999, 10_000, 0, None)):
        database.tracks.update_one({"_id": f"t{row:03d}"}, {"$set": {"duration_ms": length}})
    index = settings.index.model_copy(update={"min_duration": timedelta(seconds=10)})
    found = read_corpus(Store(database), index).contents.track_ids.tolist()
    assert found == [b"t002", b"t003", b"t004"]


def test_an_artist_is_the_same_in_any_case_and_an_unknown_one_is_nobody(
    database: Mongo, settings: Settings
) -> None:
    catalogue(database, tracks=6)
    names = ["Nina", "nina ", None, "Unknown artist", "", "Abel"]
    for row, name in enumerate(names):
        database.tracks.update_one({"_id": f"t{row:03d}"}, {"$set": {"artist": name}})
    assert read_corpus(Store(database), settings.index).contents.artists.tolist() == [1, 1, -1, -1, -1, 0]


def test_versions_of_a_song_have_one_code_whatever_the_spelling_of_the_artist(
    database: Mongo, settings: Settings
) -> None:
    catalogue(database, tracks=5)
    songs = [("Nina", "Rain"), ("nina ", "Rain (Live)"), ("Abel", "Rain"), ("Nina", "Sun"), (None, "Rain")]
    for row, (artist, title) in enumerate(songs):
        database.tracks.update_one({"_id": f"t{row:03d}"}, {"$set": {"artist": artist, "title": title}})
    found = read_corpus(Store(database), settings.index).contents.songs.tolist()
    assert found[0] == found[1]
    assert len({found[0], found[2], found[3]}) == 3
    assert found[4] == -1


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_left_out_and_counted(
    database: Mongo, settings: Settings, value: float
) -> None:
    catalogue(database)
    database.embeddings.update_one({"track_id": "t000"}, {"$set": {"vector": pack(np.full(6, value))}})
    corpus = read_corpus(Store(database), settings.index)
    assert (len(corpus.contents.vectors), corpus.unusable, corpus.contents.track_ids[0]) == (29, 1, b"t001")


def test_vectors_of_two_dimensions_are_said_by_the_track(database: Mongo, settings: Settings) -> None:
    catalogue(database)
    database.embeddings.update_one({"track_id": "t007"}, {"$set": {"vector": pack(np.ones(5))}})
    with pytest.raises(SegueError, match=r"track t007 has 5 numbers, that of t000 has 6.*run\.sh embeddings"):
        read_corpus(Store(database), settings.index)


@pytest.mark.parametrize("space", [None, "s2"])
def test_without_embeddings_it_says_how_to_make_them(
    database: Mongo, settings: Settings, space: str | None
) -> None:
    if space:
        catalogue(database)
        Models(Store(database)).activate("audio-space", space)
    with pytest.raises(SegueError, match=r"run \./run\.sh embeddings"):
        read_corpus(Store(database), settings.index)


def test_it_publishes_a_bundle_that_finds_the_tracks(database: Mongo, settings: Settings) -> None:
    catalogue(database)
    built = run(Store(database), settings.index)
    assert not built.unchanged
    version = Models(Store(database)).active_version("index")
    assert version == built.manifest.version
    bundle = PublishedBundles(Store(database)).load(version, folder=settings.index.folder)
    rows, _ = bundle.neighbours.query(bundle.vectors[bundle.rows(["t011"])], 1)
    assert bundle.ids(rows[0]) == ["t011"]
    assert len(bundle.cold_start) == 30
    assert len(set(bundle.artists[bundle.cold_start[:15]].tolist())) == 15


def test_an_unchanged_corpus_is_left_alone(database: Mongo, settings: Settings) -> None:
    catalogue(database)
    first, second = run(Store(database), settings.index), run(Store(database), settings.index)
    assert second.unchanged
    assert second.manifest == first.manifest


def test_a_removed_track_vanishes_and_old_versions_go(database: Mongo, settings: Settings) -> None:
    catalogue(database)
    index = settings.index.model_copy(update={"keep_versions": 1})
    first = run(Store(database), index)
    database.tracks.update_one({"_id": "t003"}, {"$set": {"state": "vanished"}})
    second = run(Store(database), index)
    assert second.retired == [first.manifest.version]
    bundle = PublishedBundles(Store(database)).load(second.manifest.version, folder=index.folder)
    assert bundle.rows(["t003"]).tolist() == [-1]


def test_a_version_published_elsewhere_is_not_built_again(
    database: Mongo, settings: Settings, tmp_path: Path
) -> None:
    catalogue(database)
    first = run(Store(database), settings.index)
    Models(Store(database)).activate("index", "another")
    second = run(Store(database), settings.index.model_copy(update={"folder": str(tmp_path / "elsewhere")}))
    assert (second.unchanged, second.manifest) == (False, first.manifest)
    assert Models(Store(database)).active_version("index") == first.manifest.version
    assert not (tmp_path / "elsewhere").exists()


def command(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",  # not used
        "SEGUE_INDEX__FOLDER": settings.index.folder,
    }
    return subprocess.run(
        [sys.executable, "-m", "segue", "index", "build", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_gives_a_summary(database: Mongo, settings: Settings, tmp_path: Path) -> None:
    catalogue(database)
    done = command(settings, "--json", str(tmp_path / "index.json"))
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "index.json").read_text())
    assert (summary["tracks"], summary["dimension"], summary["unchanged"]) == (30, 6, False)
    assert summary["recall20"] > 0.9
    assert all(name in done.stdout for name in summary)
    assert "is unchanged" in command(settings).stderr


def test_the_command_names_missing_data_in_one_line(database: Mongo, settings: Settings) -> None:
    done = command(settings)
    assert done.returncode == 1
    assert done.stderr.strip() == "segue: there are no embeddings to index: run ./run.sh embeddings train"


def test_help_has_an_example(settings: Settings) -> None:
    assert "Example: ./run.sh index build" in command(settings, "--help").stdout
