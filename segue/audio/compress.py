"""Compresses a song with ffmpeg; a kill at any moment leaves the song intact.

Delivery: the new file is written beside the song under a name that scans ignore, decoded, compared in length,
flushed to the disk, and only then renamed over the song. An interruption leaves a part file and the unchanged
song.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen.aac import AAC
from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from segue.audio.compressed_tags import copy_tags, mark_of
from segue.audio.decode import check_readable
from segue.audio.errors import Truncated, Undecodable
from segue.audio.ffmpeg import call, enough, input_options
from segue.audio.ogg import gap
from segue.disk import sync

PART = ".segue-part"
"""The suffix of a file that is being written."""
NEAR = 1.1
"""Songs up to this multiple of the wanted bit rate stay as they are: encoders do not hit the rate exactly."""
LENGTH_TOLERANCE = 0.25
"""Seconds by which lengths may differ: encoders pad by a frame or two."""
DECODING_LIMIT = 3600.0
"""Seconds that decoding may take: ten hours of music take a few minutes."""
FORMATS: dict[type, tuple[str, str, frozenset[str]]] = {
    MP3: ("libmp3lame", "mp3", frozenset({".mp3"})),
    OggVorbis: ("libvorbis", "ogg", frozenset({".ogg", ".oga"})),
    OggOpus: ("libopus", "opus", frozenset({".opus", ".ogg"})),
    MP4: ("aac", "ipod", frozenset({".m4a"})),
    AAC: ("aac", "adts", frozenset({".aac"})),
    FLAC: ("libmp3lame", "mp3", frozenset({".flac"})),
    WAVE: ("libmp3lame", "mp3", frozenset({".wav"})),
}
"""By mutagen's file type: ffmpeg's encoder and container, and the suffixes of such files."""


@dataclass(frozen=True, kw_only=True)
class Compressed:
    path: Path
    """Where the song is now: a lossless Song.flac becomes Song.flac.mp3, and stays the same track."""
    before: int
    """Bytes."""
    after: int


@dataclass(frozen=True, kw_only=True)
class Left:
    """A song that was not changed."""

    why: str


def compress(path: Path, *, kilobits: int, original: Path | None = None) -> Compressed | Left:
    """Compress a song to a bit rate, and keep its tags and pictures.

    Parameters
    ----------
    kilobits
        Thousand bits a second.
    original
        Where to keep the original; None to discard it.

    Raises
    ------
    AudioError
        The file cannot be read, or its compressed form is not the same song. The file stays unchanged.
    """
    check_readable(path)
    if wrong := gap(path):
        raise Undecodable("truncated", wrong)
    audio = _opened(path)
    encoder, container, endings = FORMATS.get(type(audio), ("", "", frozenset()))
    if path.suffix.lower() not in endings:
        raise Undecodable("wrong-extension", f"{type(audio).__name__} in a file named {path.suffix}")
    if _small_enough(audio, kilobits):
        return Left(why="small")
    target = path.with_name(f"{path.name}.mp3") if isinstance(audio, FLAC | WAVE) else path
    stamp = path.stat()
    seconds = decoded_seconds(path)
    if seconds < enough(float(audio.info.length or 0)):
        raise Truncated(seconds=audio.info.length)
    if target != path and target.exists():
        return _finish(path, target, seconds=seconds, original=original)
    part = _part(target)
    try:
        _encode(path, part, encoder=encoder, container=container, kilobits=kilobits, seconds=seconds)
        copy_tags(audio, part, kilobits=kilobits)
        if part.stat().st_size >= stamp.st_size:
            return Left(why="no gain")
        _compare(part, seconds)
        _like(path, part, stamp)
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) != (stamp.st_size, stamp.st_mtime_ns):
            raise Undecodable("changed", "another process wrote to it during the compression")
        if original is not None:
            _keep(path, original)
        after = part.stat().st_size
        part.replace(target)
        sync(target.parent)
        if target != path:
            path.unlink()
        return Compressed(path=target, before=stamp.st_size, after=after)
    finally:
        part.unlink(missing_ok=True)


def decoded_seconds(path: Path) -> float:
    """The length of the audio in seconds, found by decoding all of it.

    Raises
    ------
    Undecodable
        It is not audio.
    """
    discard = ["-map", "0:a:0", "-f", "null", "-progress", "pipe:1", "-"]
    done = call(["-v", "error", *input_options(path), "-i", f"file:{path}", *discard], limit=DECODING_LIMIT)
    times = re.findall(rb"^out_time_us=(\d+)", done.stdout, re.MULTILINE)
    if done.returncode or not times or not int(times[-1]):
        raise Undecodable("not-audio", _last(done))
    return int(times[-1]) / 1e6


def _opened(path: Path) -> Any:
    try:
        audio = mutagen.File(path)
    # A damaged tag can raise any error. A song that is compressed without its tags would lose them.
    except Exception as error:
        decoded_seconds(path)  # reports a file that is not audio
        raise Undecodable("broken-tags", str(error)[:200]) from None
    if audio is None:
        raise Undecodable("not-audio", "no known format")
    return audio


def _small_enough(audio: Any, kilobits: int) -> bool:
    if isinstance(audio, FLAC | WAVE):
        return False
    marked = re.match(r"\d+", mark_of(audio))
    if marked and int(marked[0]) <= kilobits:
        return True
    return bool(0 < (audio.info.bitrate or 0) <= NEAR * kilobits * 1000)


def _encode(path: Path, part: Path, *, encoder: str, container: str, kilobits: int, seconds: float) -> None:
    sound = ["-map", "0:a:0", "-map_metadata", "-1", "-c:a", encoder, "-b:a", f"{kilobits}k"]
    source = ["-y", "-v", "error", *input_options(path), "-i", f"file:{path}"]
    arguments = [*source, *sound, "-f", container, f"file:{part}"]
    # At most the playing time, plus a minute to start.
    done = call(arguments, limit=60 + seconds)
    if done.returncode:
        raise Undecodable("not-encoded", _last(done))


def _compare(part: Path, seconds: float) -> None:
    now = decoded_seconds(part)
    if abs(now - seconds) > LENGTH_TOLERANCE:
        raise Undecodable("other-length", f"{seconds:.2f} s became {now:.2f} s")


def _finish(path: Path, target: Path, *, seconds: float, original: Path | None) -> Compressed | Left:
    """An earlier run was killed after it had written the new song and before it removed the lossless one."""
    if not mark_of(_opened(target)):
        raise Undecodable("name-taken", f"{target.name} exists and is not a file that Segue compressed")
    _compare(target, seconds)
    before, after = path.stat().st_size, target.stat().st_size
    if original is not None:
        _keep(path, original)
    path.unlink()
    return Compressed(path=target, before=before, after=after)


def _part(target: Path) -> Path:
    # A long name could exceed the file system's limit.
    name = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    return target.with_name(f".{name}-{os.getpid()}{PART}")


def _like(path: Path, part: Path, stamp: os.stat_result) -> None:
    """Give the new file the song's mode and owner, and flush it to the disk."""
    shutil.copymode(path, part)
    with contextlib.suppress(OSError):
        os.chown(part, stamp.st_uid, stamp.st_gid)
    sync(part)


def _keep(path: Path, original: Path) -> None:
    """Keep the original at another path too, unless a file is there already."""
    if original.exists():
        return
    original.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, original)
    except OSError:  # another disk
        part = _part(original)
        try:
            shutil.copy2(path, part)
            sync(part)
            part.replace(original)
        finally:
            part.unlink(missing_ok=True)
    sync(original.parent)


def _last(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return re.sub(r"^\[[^\]]*\] ", "", lines[-1])[:300] if lines else "no sound can be decoded"
