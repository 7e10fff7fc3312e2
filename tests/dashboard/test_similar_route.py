"""A song of one's own: every format is taken, everything else is refused with a word, and nothing is kept."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database

from segue.audio.decode import decode
from segue.audio.descriptors import describe, descriptor_names, features_version
from segue.dashboard.api import similar
from segue.dashboard.queries import sounding
from segue.dashboard.services import Services
from segue.embeddings.audio_space import AudioSpace
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.settings import Settings, load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import cut, melody, write
from tests.dashboard.conftest import Enter
from tests.index.corpus import ANNOY

RATE = 22050


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("sounds")
    return [write(folder / f"t{n}.wav", melody(pitch=110.0 * n, seed=n)) for n in range(1, 6)]


@pytest.fixture(scope="module")
def rows(files: list[Path]) -> np.ndarray:
    """Their descriptors, one row for each."""
    audio = load_settings().audio
    long = audio.model_copy(update={"max_duration": timedelta(seconds=120)})
    return np.array([describe(decode(file, long), audio) for file in files])


@pytest.fixture
def heard(
    library: Database[Document], settings: Settings, files: list[Path], rows: np.ndarray, tmp_path: Path
) -> Path:
    """Five tracks that were described and embedded; gives a file of t3."""
    audio = settings.audio
    scale = np.where(rows.std(axis=0) > 1e-6, rows.std(axis=0), 1.0).astype(np.float64)
    mean = rows.mean(axis=0).astype(np.float64)
    _, _, components = np.linalg.svd((rows - mean) / scale, full_matrices=False)
    space = AudioSpace(
        version="space",
        features_version=features_version(audio),
        names=tuple(descriptor_names(audio)),
        mean=mean,
        scale=scale,
        components=components[:4].T.astype(np.float64),
        explained=np.ones(4),
        tracks=5,
        spread=1.0,
    )
    space.save(Store(library))
    space.activate(Store(library))
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=space.transform(rows),
            track_ids=encode_ids([f"t{n}" for n in range(1, 6)]),
            artists=np.arange(5, dtype=np.int32),
            cold_start=np.arange(5, dtype=np.int32),
        ),
        space="space",
        backend=ANNOY,
    )
    PublishedBundles(Store(library)).publish(Path(settings.index.folder) / manifest.version)
    return Path(shutil.copy(files[2], tmp_path))


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """After each test, the temporary folder is empty and no file is open."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []
    opened = [os.path.realpath(one) for one in Path("/proc/self/fd").iterdir()]
    assert not [path for path in opened if path.startswith(str(folder))]


@pytest.mark.parametrize("ending", [".wav", ".flac", ".ogg", ".mp3", ".m4a", ".aac", ".opus"])
def test_a_song_sounds_most_like_itself_in_every_format(
    enter: Enter, heard: Path, tmp_path: Path, ending: str
) -> None:
    file = write(tmp_path / f"upload{ending}", melody(pitch=330.0, seed=3))
    answer = enter().post("/api/similar", content=file.read_bytes())
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert items[0]["id"] == "t3"
    assert items[0]["source"] == "similar"
    assert len(items) == 5


def garbage(tmp_path: Path) -> dict[str, bytes]:
    """Files without music, by the reason for which they are refused."""
    flac = write(tmp_path / "g.flac", melody(seconds=8))
    return {
        "empty": b"",
        "not-audio": np.random.default_rng(1).bytes(50_000),
        "not-audio ": b"#EXTM3U\n/etc/passwd\n",
        "not-audio  ": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "not-audio   ": b"%PDF-1.7 " + b"words " * 500,
        "silent": write(tmp_path / "s.wav", np.zeros(5 * RATE, np.float32)).read_bytes(),
        "too-short": write(tmp_path / "h.wav", melody(seconds=1)).read_bytes(),
        "truncated": cut(flac, share=0.3).read_bytes(),
    }


def test_an_upload_without_music_is_refused_with_the_reason(
    enter: Enter, heard: Path, tmp_path: Path
) -> None:
    client = enter()
    for reason, data in garbage(tmp_path).items():
        answer = client.post("/api/similar", content=data)
        assert (answer.status_code, answer.json()["reason"]) == (422, reason.strip()), reason
        assert answer.json()["error"] == similar.WORDS[reason.strip()]
        assert "/" not in answer.json()["error"]


def test_too_large_too_long_and_too_many(enter: Enter, heard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = enter()
    data = heard.read_bytes()
    monkeypatch.setattr(sounding, "LONGEST", 2.0)
    answer = client.post("/api/similar", content=data)
    assert (answer.status_code, answer.json()["reason"]) == (422, "too-long")
    monkeypatch.setattr(similar, "LARGEST_FILE", 1000)
    assert client.post("/api/similar", content=data).status_code == 413
    assert client.post("/api/similar", content=iter([data[:900], data[900:2000]])).status_code == 413


def test_uploads_at_once_are_limited_by_address_and_in_all(
    enter: Enter, heard: Path, services: Services
) -> None:
    client, data, work = enter(), heard.read_bytes(), services.comparing
    with work.place("testclient"), work.place("testclient"):
        answer = client.post("/api/similar", content=data)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert answer.json() == {
            "error": "Your other files are being analysed: try again when they are done."
        }
    with work.place("a"), work.place("b"), work.place("c"), work.place("d"):
        answer = client.post("/api/similar", content=data)
        assert (answer.status_code, answer.json()) == (
            503,
            {"error": "Other files are being analysed: try again in a moment."},
        )
    assert client.post("/api/similar", content=data).status_code == 200


def test_who_may_send(enter: Enter, heard: Path) -> None:
    client = enter()
    foreign = client.post("/api/similar", content=b"x", headers={"origin": "https://evil.example"})
    assert foreign.status_code == 403
    client.cookies.clear()
    assert client.post("/api/similar", content=b"x").status_code == 401


def test_before_there_is_an_index(enter: Enter, database: Database[Document], tmp_path: Path) -> None:
    answer = enter().post("/api/similar", content=write(tmp_path / "a.wav", melody()).read_bytes())
    assert (answer.status_code, answer.json()["reason"]) == (503, "not-ready")
