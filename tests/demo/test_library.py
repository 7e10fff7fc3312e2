"""The demo library on disk: its files, that they are the same each time, and that composing resumes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.id3 import ID3, TENC
from PIL import Image
from scipy.signal import find_peaks
from typer.testing import CliRunner

from segue.cli.main import app
from segue.demo import library
from segue.demo.library import COMPOSER, STYLES, TRACKS, compose, compose_library, sketch_of
from segue.demo.mixing import LOUDNESS, loudness
from segue.demo.synthesis import RATE, lowpass
from segue.errors import SegueError

CHOSEN = [
    next(track for track in TRACKS if track.style == style) for style in ("Ambient", "Chiptune", "House")
]


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the chosen tracks, each composed once in this process."""
    folder = tmp_path_factory.mktemp("library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "compose", cache(compose))
        compose_library(folder, tracks=CHOSEN, workers=1)
        yield folder


@pytest.fixture(scope="module")
def sounds(composed: Path) -> dict[str, np.ndarray]:
    return {track.style: library.compose(track) / 32768.0 for track in CHOSEN}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_discography_has_eight_styles_of_four_artists_with_two_tracks() -> None:
    assert len(STYLES) == 8
    assert len({track.relative_path for track in TRACKS}) == len(TRACKS) == 64
    for style in STYLES:
        artists = [track.artist for track in TRACKS if track.style == style]
        assert sorted(artists.count(artist) for artist in set(artists)) == [2, 2, 2, 2]
    assert len({track.artist for track in TRACKS}) == 32
    assert len({track.title for track in TRACKS}) == 64


def test_tracks_of_one_style_differ_in_key_tempo_and_progression() -> None:
    for style in STYLES:
        sketches = [sketch_of(track) for track in TRACKS if track.style == style]
        assert len({sketch.tonic for sketch in sketches}) == 8
        assert len({sketch.tempo for sketch in sketches}) == 8
        assert len({sketch.progression for sketch in sketches}) == 8


def test_files_have_tags_cover_and_length(composed: Path) -> None:
    for track in CHOSEN:
        audio = mutagen.File(composed / track.relative_path)
        assert audio["TIT2"].text == [track.title]
        assert audio["TPE1"].text == [track.artist]
        assert audio["TALB"].text == [track.album]
        assert audio["TCON"].genres == [track.style]
        assert audio["TRCK"].text == [f"{track.number}/2"]
        assert str(audio["TDRC"].text[0]) == str(track.year)
        assert 18 <= audio.info.length <= 22.1
        assert (audio.info.bitrate, audio.info.sample_rate, audio.info.channels) == (128_000, 44_100, 2)
        picture = Image.open(io.BytesIO(audio.tags.getall("APIC")[0].data))
        assert (picture.format, picture.size) == ("JPEG", (600, 600))


def test_other_processes_compose_the_same_bytes(composed: Path, tmp_path: Path) -> None:
    compose_library(tmp_path, tracks=CHOSEN[1:], workers=2)
    expected = contents(composed)
    del expected[str(CHOSEN[0].relative_path)]
    assert contents(tmp_path) == expected


def test_a_second_run_composes_only_missing_tracks_and_those_of_another_version(composed: Path) -> None:
    before = contents(composed)
    gone, outdated, kept = (composed / track.relative_path for track in CHOSEN)
    gone.unlink()
    stamped = ID3(outdated)
    stamped.add(TENC(encoding=3, text="Segue demo composer 0"))
    stamped.save()
    stale = gone.with_name(f".{gone.name}.part")
    stale.write_bytes(b"half a track")
    untouched = kept.stat().st_mtime_ns
    steps: list[tuple[int, int]] = []

    tracks = compose_library(composed, tracks=CHOSEN, workers=1, progress=lambda *step: steps.append(step))

    assert tracks == CHOSEN
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert kept.stat().st_mtime_ns == untouched
    assert not stale.exists()
    assert contents(composed) == before
    assert [str(text) for text in ID3(outdated).getall("TENC")] == [COMPOSER]


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    occupied = tmp_path / "library"
    occupied.write_text("a file, no folder")
    with pytest.raises(SegueError, match="cannot write the demo track"):
        compose_library(occupied, tracks=CHOSEN[:1], workers=1)


def test_sounds_are_mastered_alike_and_sound(sounds: dict[str, np.ndarray]) -> None:
    for sound in sounds.values():
        assert loudness(sound) == pytest.approx(LOUDNESS, abs=0.5)
        assert np.abs(sound).max() < 10 ** (-1 / 20)
        assert np.abs(sound.mean(axis=0)).max() < 1e-3
        seconds = sound[: len(sound) // RATE * RATE].reshape(-1, RATE, 2)
        assert np.abs(seconds[:-2]).max(axis=(1, 2)).min() > 0.01
        assert 0.1 < np.corrcoef(sound.T)[0, 1] < 0.999


def test_styles_differ_in_brightness_and_bass(sounds: dict[str, np.ndarray]) -> None:
    centroid, bass = {}, {}
    for style, sound in sounds.items():
        level = np.abs(np.fft.rfft(sound.mean(axis=1)))
        frequency = np.fft.rfftfreq(len(sound), 1 / RATE)
        centroid[style] = (level * frequency).sum() / level.sum()
        bass[style] = (level[frequency < 100] ** 2).sum() / (level**2).sum()
    assert centroid["Ambient"] * 3 < min(centroid["House"], centroid["Chiptune"])
    assert bass["Chiptune"] * 3 < bass["House"]


def test_house_has_a_kick_on_every_beat_of_its_tempo(sounds: dict[str, np.ndarray]) -> None:
    low = np.abs(lowpass(sounds["House"].mean(axis=1), 150, order=4))[: 14 * RATE]
    strength = low.reshape(-1, RATE // 100).mean(axis=1)
    rise = np.maximum(np.diff(strength), 0)
    similarity = np.correlate(rise, rise, "full")[rise.size - 1 :]
    peaks, _ = find_peaks(similarity[30:75])
    period = 30 + max(peaks, key=lambda peak: similarity[30 + peak])
    assert 6000 / period == pytest.approx(sketch_of(CHOSEN[2]).tempo, rel=0.03)


def test_the_command_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "segue.demo.composing.compose_library", partial(compose_library, tracks=CHOSEN[:1], workers=1)
    )
    done = CliRunner().invoke(app, ["library", "compose", str(tmp_path)])
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path}: 1 track in 8 styles\n")
    assert len(list(tmp_path.rglob("*.mp3"))) == 1
