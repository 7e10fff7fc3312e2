"""A CUE sheet in the tags of a recording gives the same songs as one beside it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex
from mutagen.id3 import ID3, TXXX
from pymongo.database import Database

from segue.audio.errors import Undecodable
from segue.batch_jobs import ingest_catalog
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.batch_jobs.read_library import Rules
from segue.catalog import read
from segue.catalog.tracks import Tracks
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import RATE, melody
from tests.jobs.test_cue_sheets import SHEET, songs

TIMES = {"second": "00:05:00", "file": "CDImage.wav"}
TITLES = ["First", "Second", "Third"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An album of 15 s as one file without a sheet."""
    folder = tmp_path / "Music"
    (folder / "Live").mkdir(parents=True)
    loud = np.repeat([0.5, 0.05, 1.0], 5 * RATE).astype(np.float32)
    soundfile.write(folder / "Live" / "Album.flac", loud * melody(seconds=15), RATE)
    write(folder / "Live" / "Album.flac", title="The whole", album="Of the file", genre="Soul")
    return folder


def write(path: Path, **tags: str | None) -> None:
    audio = FLAC(path)
    for name, value in tags.items():
        audio.pop(name, None)
        if value is not None:
            audio[name] = value
    audio.save()


def ingest(database: Database[Document], root: Path, **options: Any) -> IngestSummary:
    return ingest_catalog.run(Store(database), root, quiet=True, **options)


def facts(database: Database[Document]) -> dict[str, tuple[Any, ...]]:
    return {
        title: (track["cue"]["start"], track["cue"]["end"], track["artist"], track["album"], track["genres"])
        for title, track in songs(database).items()
    }


def test_the_same_songs_as_from_a_sheet_beside_the_file(database: Database[Document], root: Path) -> None:
    beside = root / "Live" / "Album.cue"
    beside.write_text(SHEET.format(**TIMES | {"file": "Album.flac"}))
    ingest(database, root)
    expected, ids = facts(database), {title: track["_id"] for title, track in songs(database).items()}
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES))
    beside.unlink()
    summary = ingest(database, root)
    assert facts(database) == expected and list(expected) == TITLES
    assert {title: track["_id"] for title, track in songs(database).items()} == ids
    assert (summary.new, summary.vanished, summary.rejected, summary.tracks) == (0, 0, 0, 3)
    again = ingest(database, root)
    assert (again.new, again.changed, again.unchanged, again.vanished) == (0, 0, 3, 0)


def test_a_file_that_was_one_track_becomes_its_songs(database: Database[Document], root: Path) -> None:
    ingest(database, root)
    whole = songs(database)["The whole"]["_id"]
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES))
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.in_question) == (3, 1, 0)
    assert list(songs(database)) == TITLES
    first = {title: track["_id"] for title, track in songs(database).items()}
    write(root / "Live" / "Album.flac", CUESHEET=None)
    summary = ingest(database, root)
    assert (summary.new, summary.vanished, summary.in_question) == (0, 3, 0)
    assert songs(database)["The whole"]["_id"] == whole
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES))
    ingest(database, root)
    assert {title: track["_id"] for title, track in songs(database).items()} == first


def test_songs_keep_their_ids_when_the_file_is_renamed_or_retagged(
    database: Database[Document], root: Path
) -> None:
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES))
    ingest(database, root)
    before = {title: track["_id"] for title, track in songs(database).items()}
    (root / "Live" / "Album.flac").rename(root / "Live" / "1964.flac")
    summary = ingest(database, root)
    assert (summary.moved, summary.new, summary.vanished) == (3, 0, 0)
    text = SHEET.format(**TIMES).replace('"First"', '"The First"')
    write(root / "Live" / "1964.flac", CUESHEET=text)
    summary = ingest(database, root)
    assert (summary.new, summary.changed, summary.vanished) == (0, 3, 0)
    after = {title: track["_id"] for title, track in songs(database).items()}
    assert after == {"The First": before["First"], "Second": before["Second"], "Third": before["Third"]}
    assert ingest(database, root, rules=Rules(everything=True)).changed == 3
    assert {title: track["_id"] for title, track in songs(database).items()} == after


def test_the_sheet_beside_the_file_counts_before_the_one_inside(
    database: Database[Document], root: Path
) -> None:
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES).replace('"First"', '"Inside"'))
    beside = root / "Live" / "Album.cue"
    beside.write_text(SHEET.format(**TIMES | {"file": "Album.flac"}))
    assert ingest(database, root).rejected == 0
    assert list(songs(database)) == TITLES
    beside.write_text("no sheet")
    assert ingest(database, root).reasons == {"invalid-cue": 1}
    assert list(songs(database)) == ["Inside", "Second", "Third"]


@pytest.mark.parametrize("ending", ["mp3", "m4a", "ogg", "opus", "wv", "ape"])
def test_other_formats(database: Database[Document], root: Path, ending: str) -> None:
    source, path = root / "Live" / "Album.flac", root / "Live" / f"Album.{ending}"
    # An APE tag also ends a file that has no tags of its own format.
    options = ["-f", "mp3"] if ending == "ape" else []
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source), *options, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    source.unlink()
    text = SHEET.format(**TIMES)
    if ending == "mp3":
        tags = ID3(path)
        tags.add(TXXX(encoding=3, desc="CUESHEET", text=[text]))
        tags.save()
    elif ending in {"wv", "ape"}:
        ape = APEv2()
        ape["Cuesheet"] = text
        ape.save(path)
        path = path.rename(path.with_suffix(".mp3")) if ending == "ape" else path
    else:
        audio = mutagen.File(path)
        name = "----:com.apple.iTunes:CUESHEET" if ending == "m4a" else "cuesheet"
        audio[name] = [text.encode()] if ending == "m4a" else text
        audio.save()
    assert ingest(database, root).tracks == 3
    assert [(start, end) for start, end, *_ in facts(database).values()] == [(0, 5), (5, 10), (10, None)]
    assert list(songs(database)) == TITLES


def block(*seconds: int) -> CueSheet:
    """A block as metaflac imports it: index 0 before index 1, an address of data, and the lead-out."""
    sheet = CueSheet(None)
    sheet.tracks = [CueSheetTrack(number, second * RATE, type_=0) for number, second in enumerate(seconds, 1)]
    for track in sheet.tracks:
        gap = RATE if track.track_number == 2 else 0
        track.start_offset -= gap
        track.indexes = [CueSheetTrackIndex(0, 0)] if gap else []
        track.indexes.append(CueSheetTrackIndex(1, gap))
    sheet.tracks += [CueSheetTrack(170, 15 * RATE)]
    return sheet


def test_the_block_of_flac(database: Database[Document], root: Path) -> None:
    path = root / "Live" / "Album.flac"
    audio = FLAC(path)
    audio.cuesheet = block(0, 5, 10)
    audio.metadata_blocks.append(audio.cuesheet)
    audio.save()
    ingest(database, root)
    spans = {title: found[:2] for title, found in facts(database).items()}
    assert spans == {
        "Of the file (1)": (0.0, 5.0),
        "Of the file (2)": (5.0, 10.0),
        "Of the file (3)": (10.0, None),
    }
    # A tag has titles, and counts before the block.
    write(path, CUESHEET=SHEET.format(**TIMES))
    ingest(database, root)
    assert list(songs(database)) == TITLES


def test_an_invalid_sheet_stays_on_the_list_and_the_file_is_one_track(
    database: Database[Document], root: Path
) -> None:
    path = root / "Live" / "Album.flac"
    for text in ("no sheet", SHEET.format(**TIMES | {"second": "soon"})):
        write(path, CUESHEET=text)
        for _ in range(3):  # an unchanged file is not read again
            assert ingest(database, root).reasons == {"invalid-cue": 1}
        assert list(songs(database)) == ["The whole"]
        (entry,) = database.rejected_tracks.find()
        assert entry["path"] == f"{path}, CUESHEET"
    write(path, CUESHEET=None)
    assert ingest(database, root).rejected == 0


def test_odd_sheets(database: Database[Document], root: Path) -> None:
    path = root / "Live" / "Album.flac"
    part = "TRACK {} AUDIO\nTITLE {}\nINDEX 01 00:{:02d}:00\n"

    def divide(text: str) -> dict[str, tuple[Any, Any]]:
        write(path, CUESHEET=text)
        ingest(database, root)
        return {title: found[:2] for title, found in facts(database).items()}

    three = part.format(1, "A", 0) + part.format(2, "B", 5) + part.format(3, "C", 10)
    expected = {"A": (0, 5), "B": (5, 10), "C": (10, None)}
    assert divide(three) == expected, "without a FILE"
    assert divide("\ufeff" + three.replace("\n", "\r\n")) == expected
    assert divide(three.replace("TRACK 3", "TRACK 1").replace("TRACK 2", "TRACK 1")) == expected
    numbers = {title: track["track"] for title, track in songs(database).items()}
    assert numbers == {"A": 1, "B": 2, "C": 3}
    several = f'FILE "x.wav" WAVE\n{part.format(9, "X", 0)}FILE "Album.wav" WAVE\n{three}'
    assert divide(several) == expected, "the file of that name"
    beyond = three + part.format(4, "D", 59)
    write(path, CUESHEET=beyond)
    for _ in range(2):
        assert ingest(database, root).reasons == {"beyond-end": 1}
    assert list(songs(database)) == ["A", "B", "C"]
    # The file itself stays one track where the sheet does not say which of its songs are in it.
    write(path, CUESHEET=several.replace("Album.wav", "y.wav"))
    assert ingest(database, root).reasons == {"invalid-cue": 1}
    assert list(songs(database)) == ["The whole"]


def test_a_file_that_cannot_be_read_is_not_taken_for_removed(
    database: Database[Document], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(root / "Live" / "Album.flac", CUESHEET=SHEET.format(**TIMES))
    ingest(database, root)
    ids = [track["_id"] for track in songs(database).values()]

    def fail(path: Path, **_: Any) -> None:
        raise Undecodable("unreadable", "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(read, "read_tags", fail)
        rules = Rules(everything=True)
        summary = ingest(database, root, rules=rules)
    assert (summary.away, summary.vanished) == (3, 0)
    assert ingest(database, root).tracks == 3
    assert Tracks(Store(database)).present_ids() == set(ids)
