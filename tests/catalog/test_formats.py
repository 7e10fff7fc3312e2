"""Each format is taken in with its tags, its length and its cover, and its sound is described."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any

import imageio_ffmpeg
import mutagen
import numpy as np
import pytest
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2, APEValue
from mutagen.asf._attrs import ASFByteArrayAttribute
from mutagen.id3 import APIC, TIT2, TPE1
from mutagen.mp4 import MP4, MP4Cover

from segue.audio.decode import decode
from segue.audio.errors import AudioError
from segue.catalog.cover_art import Cover
from segue.catalog.read import read_file
from segue.catalog.rejected import RejectedFile
from segue.catalog.scan import AudioFile, scan
from segue.catalog.track import Track
from segue.settings import load_settings
from tests.catalog.library import picture, song

SECONDS = 4.0


def taken(path: Path) -> tuple[Track, Cover | None]:
    """A file as ingest reads it; it must be found and accepted."""
    (file,) = [found for found in scan(path.parent) if Path(found.path) == path]
    assert isinstance(file, AudioFile)
    (outcome,) = read_file(file, library="l")
    assert not isinstance(outcome, RejectedFile), outcome
    return outcome


def converted(path: Path, *options: str) -> Path:
    source = song(path.parent / "source" / "s.wav", seconds=SECONDS)
    tags = ["-metadata", "title=A title", "-metadata", "artist=An artist"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source), *tags, *options, str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.aiff", ["-write_id3v2", "1"]),
        ("a.aif", ["-metadata", "author=An artist"]),
        ("a.wma", []),
        ("v1.wma", ["-c:a", "wmav1"]),
        ("a.wv", []),
        ("a.mka", ["-c:a", "flac"]),
        ("opus.mka", ["-c:a", "libopus"]),
        ("a.webm", ["-c:a", "libopus"]),
        ("a.m4b", ["-f", "ipod"]),
        ("alac.m4a", ["-c:a", "alac"]),
        ("a.mp2", []),
        ("a.caf", []),
        ("a.tta", []),
    ],
)
def test_a_format_with_an_encoder(tmp_path: Path, name: str, options: list[str]) -> None:
    path = converted(tmp_path / name, *options)
    track, _ = taken(path)
    if path.suffix not in {".mp2", ".tta"}:  # ffmpeg writes no tags into these
        assert (track.title, track.artist) == ("A title", "An artist")
    assert track.duration_ms == pytest.approx(SECONDS * 1000, abs=150)
    assert len(decode(path, load_settings().audio)) / 22050 == pytest.approx(SECONDS, abs=0.2)


def dsf(path: Path) -> Path:
    """A DSF file: one channel of 1-bit samples at 2.8224 MHz, a tone by sigma-delta modulation."""
    rate, block = 2_822_400, 4096
    wave = np.repeat(0.4 * np.sin(2 * np.pi * 440 * np.arange(int(SECONDS * 44_100)) / 44_100), 64)
    # First-order modulation: a bit is 1 where the sum so far passes a whole number.
    bits = np.diff(np.floor(np.cumsum((wave + 1) / 2)), prepend=0).astype(np.uint8)
    data = np.packbits(bits, bitorder="little").tobytes()
    data += b"\x69" * (-len(data) % block)
    fmt = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 1, 1, rate, 1, len(bits), block, 0)
    body = struct.pack("<4sQ", b"data", 12 + len(data)) + data
    header = struct.pack("<4sQQQ", b"DSD ", 28, 28 + len(fmt) + len(body), 0)
    path.write_bytes(header + fmt + body)
    audio: Any = mutagen.File(path)
    audio.add_tags()
    audio.tags.add(TIT2(text="A title"))
    audio.tags.add(TPE1(text="An artist"))
    audio.tags.add(APIC(mime="image/jpeg", type=3, data=picture()))
    audio.save()
    return path


def test_dsf(tmp_path: Path) -> None:
    path = dsf(tmp_path / "a.dsf")
    track, cover = taken(path)
    assert (track.title, track.artist, cover is not None) == ("A title", "An artist", True)
    assert track.duration_ms == pytest.approx(SECONDS * 1000, abs=50)
    assert len(decode(path, load_settings().audio)) / 22050 == pytest.approx(SECONDS, abs=0.2)


def ape(path: Path) -> Path:
    """A Monkey's Audio file of digital silence: each frame has a flag for it and no coded samples."""
    blocks, frames, last = 73_728 * 4, 2, 20_000
    frame = struct.pack("<II", 0x80000000, 3) + bytes(24)
    descriptor = struct.pack("<4sHHIIIIIII16s", b"MAC ", 3990, 0, 52, 24, 4 * frames, 0, 64, 0, 0, bytes(16))
    header = struct.pack("<HHIIIHHI", 2000, 0, blocks, last, frames, 16, 2, 44_100)
    first = 52 + 24 + 4 * frames
    path.write_bytes(descriptor + header + struct.pack("<2I", first, first + 32) + frame * frames)
    tags = APEv2()
    tags["Title"], tags["Artist"] = "A title", "An artist"
    tags["Cover Art (Front)"] = APEValue(b"cover.jpg\0" + picture(), 1)
    tags.save(path)
    return path


def test_ape(tmp_path: Path) -> None:
    track, cover = taken(ape(tmp_path / "a.ape"))
    assert (track.title, track.artist, cover is not None) == ("A title", "An artist", True)
    assert track.duration_ms == round((73_728 * 4 + 20_000) / 44.1)


def test_musepack(tmp_path: Path) -> None:
    """The header of Musepack SV7: 100 frames of 1,152 samples."""
    path = tmp_path / "a.mpc"
    path.write_bytes(b"MP+\x07" + struct.pack("<II", 100, 0) + bytes(4000))
    tags = APEv2()
    tags["Title"], tags["Artist"] = "A title", "An artist"
    tags.save(path)
    track, _ = taken(path)
    assert (track.title, track.artist) == ("A title", "An artist")
    assert track.duration_ms == pytest.approx(100 * 1152 / 44.1, abs=30)


def test_covers_of_the_formats(tmp_path: Path) -> None:
    wma = converted(tmp_path / "a.wma")
    audio: Any = mutagen.File(wma)
    text = "cover".encode("utf-16-le") + b"\0\0"
    data = b"\x03" + struct.pack("<I", len(picture())) + "image/jpeg".encode("utf-16-le") + b"\0\0" + text
    audio["WM/Picture"] = [ASFByteArrayAttribute(data + picture())]
    audio.save()
    aiff: Any = AIFF(converted(tmp_path / "a.aiff", "-write_id3v2", "1"))
    aiff.tags.add(APIC(mime="image/jpeg", type=3, data=picture()))
    aiff.save()
    m4b = MP4(converted(tmp_path / "a.m4b", "-f", "ipod"))
    m4b["covr"] = [MP4Cover(picture())]
    m4b.save()
    wavpack: Any = mutagen.File(converted(tmp_path / "a.wv"))
    wavpack["Cover Art (Front)"] = APEValue(b"cover.jpg\0" + picture(), 1)
    wavpack.save()
    for name in ("a.wma", "a.aiff", "a.m4b", "a.wv"):
        assert taken(tmp_path / name)[1] is not None, name


def test_a_huge_cover_in_wma_is_left_out(tmp_path: Path) -> None:
    path = converted(tmp_path / "a.wma")
    audio: Any = mutagen.File(path)
    head = b"\x03" + struct.pack("<I", 40 << 20) + b"i\0\0\0" + b"\0\0"
    audio["WM/Picture"] = [ASFByteArrayAttribute(head + bytes(40 << 20))]
    audio.save()
    track, cover = taken(path)
    assert (track.title, cover) == ("A title", None)


@pytest.mark.parametrize("suffix", [".aiff", ".wma", ".wv", ".ape", ".mpc", ".dsf", ".mka", ".m4b", ".mp2"])
@pytest.mark.parametrize("content", [b"", bytes(10_000), b"<html></html>"], ids=["empty", "zeros", "page"])
def test_a_file_without_audio_is_rejected(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    (file,) = scan(tmp_path)
    assert isinstance(file, AudioFile)
    (outcome,) = read_file(file, library="l")
    assert isinstance(outcome, RejectedFile)
    assert outcome.reason in {"empty", "not-audio"}
    with pytest.raises(AudioError):
        decode(path, load_settings().audio)
    assert file.relative == PurePosixPath(path.name)
