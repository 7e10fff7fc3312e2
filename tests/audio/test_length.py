"""Lengths of files whose headers are wrong or give none."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import imageio_ffmpeg
import mutagen
import numpy as np
import pytest
import soundfile

from segue.audio.decode import decode
from segue.audio.errors import AudioError, Truncated, Undecodable
from segue.audio.length import length_of, opened
from segue.audio.ogg import gap, is_chained
from segue.settings import load_settings
from tests.audio.sounds import RATE, cut, melody, write

SECONDS = 20.0
AUDIO = load_settings().audio.model_copy(
    update={"sample_rate": RATE, "max_duration": timedelta(seconds=60), "min_duration": timedelta(seconds=1)}
)


def _ffmpeg(source: Path, target: Path, *options: str) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", str(source), *options]
    subprocess.run([*command, str(target)], check=True, stdin=subprocess.DEVNULL)
    return target


def _piped_flac(folder: Path) -> Path:
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(),
        "-v",
        "error",
        "-i",
        str(_wav(folder)),
        "-f",
        "flac",
        "pipe:1",
    ]
    path = folder / "piped.flac"
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path


def _flac_of_wrong_length(folder: Path, *, samples: int) -> Path:
    path = _ffmpeg(_wav(folder), folder / "a.flac")
    data = bytearray(path.read_bytes())
    # STREAMINFO has 36 bits of samples, which end at byte 26.
    data[21:26] = bytes([data[21] & 0xF0 | samples >> 32]) + (samples & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def _vbr_without_header(folder: Path) -> Path:
    loud, quiet = 0.3 * np.random.default_rng(0).standard_normal(5 * RATE), np.zeros(15 * RATE)
    source = write(folder / "loud.wav", np.concatenate([loud, quiet]).astype(np.float32))
    return _ffmpeg(source, folder / "vbr.mp3", "-q:a", "9", "-write_xing", "0")


def _vbr_that_starts_quiet(folder: Path) -> Path:
    loud, quiet = 0.3 * np.random.default_rng(0).standard_normal(15 * RATE), np.zeros(5 * RATE)
    source = write(folder / "quiet.wav", np.concatenate([quiet, loud]).astype(np.float32))
    return _ffmpeg(source, folder / "vbr.mp3", "-q:a", "2", "-write_xing", "0")


def _mp3_of_wrong_length(folder: Path, *, times: float) -> Path:
    path = write(folder / "a.mp3", melody(seconds=SECONDS))
    data = bytearray(path.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    frames = int.from_bytes(data[at : at + 4], "big")
    data[at : at + 4] = round(times * frames).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def _joined(folder: Path, *, ending: str) -> Path:
    half = write(folder / f"half.{ending}", melody(seconds=SECONDS / 2)).read_bytes()
    path = folder / f"joined.{ending}"
    path.write_bytes(half + half)
    return path


def _radio(folder: Path, *, ending: str) -> Path:
    """A recording of a radio: a jingle, and then a song in a stream of its own."""
    jingle = write(folder / f"jingle.{ending}", melody(seconds=0.5)).read_bytes()
    path = folder / f"radio.{ending}"
    path.write_bytes(jingle + write(folder / f"song.{ending}", melody(seconds=SECONDS - 0.5)).read_bytes())
    return path


def _wav_of_size(folder: Path, *, size: int) -> Path:
    path = _wav(folder)
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = size.to_bytes(4, "little")
    path.write_bytes(data)
    return path


def _adpcm(folder: Path) -> Path:
    soundfile.write(folder / "a.wav", melody(seconds=SECONDS), RATE, subtype="IMA_ADPCM")
    return folder / "a.wav"


def _adts_in_wav(folder: Path) -> Path:
    aac = write(folder / "a.aac", melody(seconds=SECONDS)).read_bytes()
    return _in_wav(folder / "b.wav", aac, codec=0x1600, byte_rate=round(len(aac) / SECONDS))


def _in_wav(path: Path, sound: bytes, *, codec: int, byte_rate: int) -> Path:
    fields = struct.pack("<HHIIHHH", codec, 1, RATE, byte_rate, 1, 0, 0)
    chunks = b"".join(
        name + struct.pack("<I", len(data)) + data
        for name, data in (
            (b"fmt ", fields),
            (b"fact", struct.pack("<I", int(SECONDS * RATE))),
            (b"data", sound),
        )
    )
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WAVE" + chunks)
    return path


def _wav(folder: Path) -> Path:
    return write(folder / "a.wav", melody(seconds=SECONDS))


CASES: dict[str, Callable[[Path], Path]] = {
    "flac through a pipe": _piped_flac,
    "flac with a tenth of its samples": lambda folder: _flac_of_wrong_length(folder, samples=int(2 * RATE)),
    "vbr mp3 without a header": _vbr_without_header,
    "vbr mp3 without a header, quiet first": _vbr_that_starts_quiet,
    "cbr mp3 without a header": lambda folder: _ffmpeg(
        _wav(folder), folder / "a.mp3", "-b:a", "64k", "-write_xing", "0"
    ),
    "mp3 with a hundred times its frames": lambda folder: _mp3_of_wrong_length(folder, times=100),
    "mp3 with a hundredth of its frames": lambda folder: _mp3_of_wrong_length(folder, times=0.01),
    "two mp3s joined": lambda folder: _joined(folder, ending="mp3"),
    "two oggs chained": lambda folder: _joined(folder, ending="ogg"),
    "two opus chained": lambda folder: _joined(folder, ending="opus"),
    "a jingle and a song chained": lambda folder: _radio(folder, ending="ogg"),
    "a jingle and a song joined": lambda folder: _radio(folder, ending="mp3"),
    "flac with the largest number of samples": lambda folder: _flac_of_wrong_length(
        folder, samples=2**36 - 1
    ),
    "mp3 in wav": lambda folder: _ffmpeg(
        write(folder / "a.mp3", melody(seconds=SECONDS)), folder / "b.wav", "-c", "copy"
    ),
    "adpcm in wav": _adpcm,
    "aac in wav": _adts_in_wav,
    "wav of half its size": lambda folder: _wav_of_size(folder, size=int(RATE * SECONDS)),
    "wav of a small size": lambda folder: _wav_of_size(folder, size=1000),
    "flac through a pipe, named mp3": lambda folder: _piped_flac(folder).rename(folder / "b.mp3"),
    "wav of size 0": lambda folder: _wav_of_size(folder, size=0),
    "wav of the largest size": lambda folder: _wav_of_size(folder, size=0xFFFFFFFF),
    "aac": lambda folder: write(folder / "a.aac", melody(seconds=SECONDS)),
    "fragmented m4a": lambda folder: _ffmpeg(
        _wav(folder), folder / "a.m4a", "-movflags", "frag_keyframe+empty_moov"
    ),
}


def test_packets_that_ffmpeg_cannot_tell_apart(tmp_path: Path) -> None:
    m4a = write(tmp_path / "a.m4a", melody(seconds=SECONDS))
    path = _ffmpeg(m4a, tmp_path / "b.wav", "-c", "copy")  # AAC without a header before each packet
    assert length_of(path) == pytest.approx(SECONDS, abs=0.25)
    with pytest.raises(AudioError):
        decode(path, AUDIO)


@pytest.mark.parametrize("after", [b"LIST", b"id3 ", b"TAG", b"\0" * 4])
def test_what_follows_the_sound_of_a_wav_is_no_sound(after: bytes, tmp_path: Path) -> None:
    path = _wav(tmp_path)
    stated = length_of(path)
    path.write_bytes(path.read_bytes() + after + b"\0" * 200_000)
    assert length_of(path) == stated


@pytest.mark.parametrize("case", CASES)
def test_the_true_length_is_found_and_the_sound_is_read(case: str, tmp_path: Path) -> None:
    path = CASES[case](tmp_path)
    assert length_of(path, opened(path)) == pytest.approx(SECONDS, abs=0.25)
    found = decode(path, AUDIO)
    assert len(found) >= 0.45 * SECONDS * RATE  # of chained streams, at least the longest part


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "m4a", "wav", "opus"])
def test_a_correct_header_is_believed(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / f"a.{ending}", melody(seconds=SECONDS))
    monkeypatch.setattr("segue.audio.ffmpeg.run", None)  # counting packets would take far longer
    assert length_of(path, mutagen.File(path)) == pytest.approx(SECONDS, abs=0.1)


def test_half_an_mp3_has_half_its_length_and_is_truncated(tmp_path: Path) -> None:
    path = cut(write(tmp_path / "a.mp3", melody(seconds=SECONDS)), share=0.5)
    assert length_of(path, mutagen.File(path)) == pytest.approx(SECONDS / 2, abs=0.3)
    with pytest.raises(Truncated):
        decode(path, AUDIO)


def test_a_flac_far_shorter_than_its_header_has_its_own_length_and_is_truncated(tmp_path: Path) -> None:
    path = _flac_of_wrong_length(tmp_path, samples=int(4000 * RATE))
    assert length_of(path, opened(path)) == pytest.approx(SECONDS, abs=0.25)
    with pytest.raises(Truncated):
        decode(path, AUDIO)


def test_chained_streams_have_no_gap(tmp_path: Path) -> None:
    assert is_chained(_joined(tmp_path, ending="ogg"))
    assert gap(tmp_path / "joined.ogg") is None
    assert not is_chained(tmp_path / "half.ogg")
    assert not is_chained(_wav(tmp_path))


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.ogg", "a.m4a", "a.wav"])
@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".m4a"])
def test_a_file_is_opened_as_mutagen_opens_it(tmp_path: Path, name: str, suffix: str) -> None:
    path = write(tmp_path / name, melody(seconds=2.0)).rename(tmp_path / f"b{suffix}")
    try:
        expected = type(mutagen.File(path))
    except mutagen.MutagenError:
        expected = type(None)
    assert type(opened(path)) is expected


def test_a_file_that_is_no_audio_writes_nothing_to_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.mp3"
    page.write_text("<html><body>404</body></html>" * 50)
    with pytest.raises(Undecodable):
        length_of(page)
    assert capfd.readouterr() == ("", "")
