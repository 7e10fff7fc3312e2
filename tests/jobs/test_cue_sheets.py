"""A CUE sheet beside a recording divides it into its songs, each a track."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from mutagen.flac import FLAC
from pymongo.database import Database

from segue.audio.describe_here import Describers
from segue.audio.descriptors import features_version
from segue.audio.loudness import measure
from segue.batch_jobs import extract_features, ingest_catalog
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.batch_jobs.measure_loudness import measure_on_this_machine
from segue.batch_jobs.update_library import run as update
from segue.catalog.features import Features
from segue.catalog.library import Library
from segue.catalog.tracks import Tracks
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, melody
from tests.catalog.library import song

SHEET = """PERFORMER "Nina"
TITLE "Live in Paris"
REM DATE 1964
REM GENRE Jazz
FILE "{file}" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second"
    PERFORMER "Nina feat. Bob"
    REM REPLAYGAIN_TRACK_GAIN -3.25 dB
    INDEX 00 00:04:00
    INDEX 01 {second}
  TRACK 03 AUDIO
    TITLE "Third"
    INDEX 01 00:10:00
"""


def sheet(path: Path, *, file: str = "Album.wav", second: str = "00:05:00") -> None:
    path.write_text(SHEET.format(file=file, second=second))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An album of 15 s as one file, with its sheet, and a song in another folder."""
    folder = tmp_path / "Music"
    (folder / "Live").mkdir(parents=True)
    loud = np.repeat([0.5, 0.05, 1.0], 5 * RATE).astype(np.float32)
    soundfile.write(folder / "Live" / "Album.flac", loud * melody(seconds=15), RATE)
    audio = FLAC(folder / "Live" / "Album.flac")
    audio.update({"title": "The whole", "album": "Of the file", "tracknumber": "7"})
    audio.save()
    sheet(folder / "Live" / "Album.cue")
    song(folder / "Other" / "song.mp3")
    return folder


def ingest(database: Database[Document], root: Path) -> IngestSummary:
    return ingest_catalog.run(Store(database), root, quiet=True)


def songs(database: Database[Document]) -> dict[str, Any]:
    """The playable tracks of the album by title."""
    found = database.tracks.find({"state": "present", "away_since": None, "path": {"$regex": "Live"}})
    return {track["title"]: track for track in found}


def test_each_song_is_a_track_with_the_tags_of_the_sheet(database: Database[Document], root: Path) -> None:
    assert ingest(database, root).tracks == 4
    found = songs(database)
    assert {title: (track["track"], track["duration_ms"]) for title, track in found.items()} == {
        "First": (1, 5000),
        "Second": (2, 5000),
        "Third": (3, 5000),
    }
    second = found["Second"]
    facts = (second["artist"], second["album"], second["year"], second["genres"])
    assert facts == ("Nina feat. Bob", "Live in Paris", 1964, ["Jazz"])
    assert (second["details"]["artists"], second["details"]["featured"]) == (["Nina"], ["Bob"])
    assert second["details"]["replay_gain"] == {"track_gain": -3.25}
    assert len({track["_id"] for track in found.values()}) == len({t["sketch"] for t in found.values()}) == 3
    album = database.albums.find_one({"name": "Live in Paris"})
    assert album is not None and (album["tracks"], album["artist"]) == (3, "Nina")
    again = ingest(database, root)
    assert (again.new, again.changed, again.unchanged, again.rejected) == (0, 0, 4, 0)


def test_each_song_has_its_own_sound(
    database: Database[Document], settings: Settings, describers: Describers, root: Path
) -> None:
    ingest(database, root)
    store = Store(database)
    audio = settings.audio
    libraries = [Library(name="Music", folder=root)]
    index = settings.index.model_copy(update={"folder": str(root.parent / "index")})
    library = settings.library.model_copy(update={"tracks_per_round": 100})
    settings = settings.model_copy(update={"index": index, "library": library})
    summary = update(settings, store, libraries, quiet=True)
    assert (summary.described, summary.measured) == (4, 4)
    found = songs(database)
    ids = [track["_id"] for track in found.values()]
    vectors = Features(store).read(ids, version=features_version(audio))
    assert len({vector.tobytes() for vector in vectors.values()}) == 3
    loudness = {title: track["loudness"]["integrated"] for title, track in found.items()}
    path = root / "Live" / "Album.flac"
    for number, title in enumerate(("First", "Second", "Third")):
        assert loudness[title] == measure(path, start=5 * number, end=5 * number + 5).integrated
    assert loudness["Second"] < loudness["First"] - 15 < loudness["Third"] - 15

    # Another place of a song in the file is another sound, though the file is the same.
    sheet(root / "Live" / "Album.cue", second="00:06:00")
    assert ingest(database, root).changed == 2
    work = extract_features.find_work(store, settings)
    changed = {found["First"]["_id"], found["Second"]["_id"]}
    assert {file.track_id for file in work.missing} == changed
    assert {file.track_id for file in work.unmeasured} == changed
    assert songs(database)["Second"]["duration_ms"] == 4000
    list(measure_on_this_machine(store, describers))
    again = songs(database)["First"]["loudness"]["integrated"]
    assert again == measure(path, start=0, end=6).integrated != loudness["First"]


def test_a_recording_is_a_part_of_the_file(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    found = songs(database)
    spans = {}
    for title, track in found.items():
        recording = Tracks(Store(database)).recording(track["_id"])
        assert recording is not None and recording.kilobits is None
        spans[title] = (recording.path.name, recording.start, recording.end)
    assert spans == {
        "First": ("Album.flac", 0.0, 5.0),
        "Second": ("Album.flac", 5.0, 10.0),
        "Third": ("Album.flac", 10.0, None),
    }


def test_songs_keep_their_ids(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    before = {title: track["_id"] for title, track in songs(database).items()}
    text = (root / "Live" / "Album.cue").read_text().replace('"First"', '"The First"')
    (root / "Live" / "Album.cue").write_text(text)
    assert ingest(database, root).changed == 1
    (root / "Live").rename(root / "Live in 1964")
    summary = ingest(database, root)
    assert (summary.moved, summary.new, summary.vanished) == (3, 0, 0)
    after = {title: track["_id"] for title, track in songs(database).items()}
    assert after == {"The First": before["First"], "Second": before["Second"], "Third": before["Third"]}


def test_a_sheet_that_comes_and_goes(database: Database[Document], root: Path) -> None:
    cue = root / "Live" / "Album.cue"
    text = cue.read_text()
    cue.unlink()
    ingest(database, root)
    assert list(songs(database)) == ["The whole"]
    whole = songs(database)["The whole"]["_id"]
    cue.write_text(text)
    summary = ingest(database, root)
    # The recording is not listed as one long track any more, and its songs are no loss to ask about.
    assert (summary.new, summary.vanished, summary.in_question) == (3, 1, 0)
    first = {title: track["_id"] for title, track in songs(database).items()}
    assert list(first) == ["First", "Second", "Third"]
    cue.unlink()
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.in_question) == (0, 3, 0)
    assert songs(database)["The whole"]["_id"] == whole
    cue.write_text(text)
    ingest(database, root)
    assert {title: track["_id"] for title, track in songs(database).items()} == first


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no sheet", "invalid-cue"),
        (SHEET.format(file="Gone.wav", second="soon"), "invalid-cue"),
    ],
)
def test_a_sheet_that_cannot_be_used_leaves_the_file_whole(
    text: str, reason: str, database: Database[Document], root: Path
) -> None:
    (root / "Live" / "Album.cue").write_text(text)
    assert ingest(database, root).reasons == {reason: 1}
    assert list(songs(database)) == ["The whole"]


def test_a_sheet_finds_its_file(database: Database[Document], root: Path) -> None:
    cue, folder = root / "Live" / "Album.cue", root / "Live"
    for name in ("ALBUM.FLAC", "Gone.wav", "C:\\rip\\album.ape"):
        sheet(cue, file=name)
        assert ingest(database, root).rejected == 0 and len(songs(database)) == 3, name
    cue.rename(folder / "Other name.cue")
    sheet(folder / "Other name.cue", file="Gone.wav")
    assert ingest(database, root).reasons == {"cue-without-file": 1}
    assert list(songs(database)) == ["The whole"]
    # Files that are songs already stay as they are.
    sheet(folder / "Other name.cue", file="Gone.wav")
    one = 'FILE "Album.flac" WAVE\nTRACK 01 AUDIO\nTITLE "Only"\nINDEX 01 00:00:00\n'
    (folder / "Other name.cue").write_text(one)
    assert ingest(database, root).rejected == 0
    assert list(songs(database)) == ["The whole"]


def test_a_song_after_the_end_is_rejected(database: Database[Document], root: Path) -> None:
    more = '  TRACK 04 AUDIO\n    TITLE "Beyond"\n    INDEX 01 01:00:00\n'
    cue = root / "Live" / "Album.cue"
    cue.write_text(cue.read_text() + more)
    assert ingest(database, root).reasons == {"beyond-end": 1}
    assert {title: track["duration_ms"] for title, track in songs(database).items()} == dict.fromkeys(
        ("First", "Second", "Third"), 5000
    )


def test_a_damaged_part_is_read_again(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    good = songs(database)
    database.tracks.update_one({"_id": good["Second"]["_id"]}, {"$set": {"cue": {"start": "soon"}}})
    ingest(database, root)
    assert songs(database)["Second"]["cue"] == good["Second"]["cue"]
