"""Makes one song smaller without changing its name, its tags or its cover.

The result is written beside the song, decoded, and only then put in its place by a rename; until that moment
the song is untouched, so that a run may be ended at any time.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mutagen
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from segue.audio import ffmpeg
from segue.audio.decode import check_readable
from segue.audio.errors import AudioError, Truncated, Undecodable

TEMPORARY = re.compile(r"\.segue-[0-9a-f]{16}\.part")
"""Names of unfinished results: no ending of music, so that `ingest` does not see them."""
TOLERANCE = 0.1
"""A bitrate above the wanted one by this share at most counts as reached."""
LEAST_SAVING = 0.1
"""A result that saves less is discarded: encoders overshoot, and runs would wear a song down bit by bit."""
SHORTFALL = 0.01
"""A song of which more than this share (at least 0.1 s) cannot be decoded is not touched."""
LONGEST = 15 * 60.0
"""Seconds that ffmpeg may take for one pass over a song."""
LOSSLESS = re.compile(r"flac|alac|pcm_\w+|ape|wavpack|tta|adpcm_\w+")


@dataclass(frozen=True, kw_only=True)
class Format:
    codec: str
    encoder: str
    muxer: str


FORMATS = {
    "mp3": Format(codec="mp3", encoder="libmp3lame", muxer="mp3"),
    "ogg": Format(codec="vorbis", encoder="libvorbis", muxer="ogg"),
    "opus": Format(codec="opus", encoder="libopus", muxer="opus"),
    "m4a": Format(codec="aac", encoder="aac", muxer="ipod"),
    "aac": Format(codec="aac", encoder="aac", muxer="adts"),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a song."""

    path: Path
    state: str
    """ "compressed", "left-alone" or "failed"."""
    reason: str = ""
    detail: str = ""
    before: int = 0
    """Bytes."""
    after: int = 0


@dataclass(frozen=True, kw_only=True)
class Sound:
    """What decoding or copying a file's first sound track has shown."""

    codec: str
    container: str
    seconds: float
    audio_bytes: int


def compress(path: Path, *, bitrate: int, keep: Callable[[Path], Path] | None = None) -> Outcome:
    """Bring a song to `bitrate` bits a second in the format that it has, if that makes it smaller.

    Parameters
    ----------
    keep
        Where a song's original is to be kept; None if nowhere.

    Returns
    -------
    What became of it; a fault of the file or the disk is an outcome, no error.
    """
    temporary = path.with_name(f".segue-{secrets.token_hex(8)}.part")
    try:
        check_readable(path)
        return _compress(path, temporary, bitrate=bitrate, keep=keep)
    except AudioError as error:
        return Outcome(path=path, state="failed", reason=error.reason, detail=error.detail)
    except OSError as error:
        return Outcome(path=path, state="failed", reason="disk", detail=error.strerror or str(error))
    except mutagen.MutagenError as error:
        return Outcome(path=path, state="failed", reason="tags", detail=str(error)[:300])
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _compress(path: Path, temporary: Path, *, bitrate: int, keep: Callable[[Path], Path] | None) -> Outcome:
    found = path.stat()
    stated = _measure(path, decode=False)
    if LOSSLESS.fullmatch(stated.codec):
        return _left(path, found, "lossless")
    kind = _format(stated)
    if kind is None:
        return _left(path, found, "other-format")
    original = _measure(path, decode=True)
    stated_seconds = _stated_seconds(path, kind)
    if original.seconds < stated_seconds - max(0.1, SHORTFALL * stated_seconds):
        raise Truncated(seconds=stated_seconds)
    if original.seconds <= 0:
        raise Undecodable("not-audio", "no sound can be decoded")
    if stated.audio_bytes * 8 / original.seconds <= bitrate * (1 + TOLERANCE):
        return _left(path, found, "small-enough")

    _encode(path, temporary, kind, bitrate)
    _copy_tags(path, temporary, kind)
    if temporary.stat().st_size > (1 - LEAST_SAVING) * found.st_size:
        return _left(path, found, "not-smaller")
    result = _measure(temporary, decode=True)
    if abs(result.seconds - original.seconds) > max(0.1, 0.005 * original.seconds):
        lengths = f"{result.seconds:.2f} s instead of {original.seconds:.2f} s"
        raise Undecodable("other-length", f"the result lasts {lengths}; the song was kept as it is")
    shutil.copymode(path, temporary)
    _flush(temporary)
    if keep is not None:
        _keep(path, keep(path))
    now = path.stat()
    if (now.st_size, now.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
        raise Undecodable("changed", "it was changed meanwhile: run this again")
    after = temporary.stat().st_size
    temporary.replace(path)
    _flush(path.parent)
    return Outcome(path=path, state="compressed", before=found.st_size, after=after)


def remove_leftovers(root: Path) -> int:
    """Remove the unfinished results of a run that was ended; returns how many there were."""
    removed = 0
    for folder, _, names in os.walk(root):
        for name in filter(TEMPORARY.fullmatch, names):
            Path(folder, name).unlink(missing_ok=True)
            removed += 1
    return removed


def _left(path: Path, found: os.stat_result, reason: str) -> Outcome:
    return Outcome(path=path, state="left-alone", reason=reason, before=found.st_size, after=found.st_size)


def _format(sound: Sound) -> Format | None:
    """The format to write: the one that the file has by its content, whatever its name."""
    for kind in FORMATS.values():
        inside = "mp4" if kind.muxer == "ipod" else {"adts": "aac", "opus": "ogg"}.get(kind.muxer, kind.muxer)
        if sound.codec == kind.codec and inside in sound.container.split(","):
            return kind
    return None


def _stated_seconds(path: Path, kind: Format) -> float:
    """The length that the file states; 0 if it does not. That of ogg is on its last page, past any gap."""
    if kind.muxer in ("ogg", "opus"):
        info = (OggVorbis if kind.muxer == "ogg" else OggOpus)(path).info
        return float(info.length) if info is not None else 0.0
    known = ffmpeg.probe(path)
    return known.seconds or 0.0 if known.declared else 0.0


def _measure(path: Path, *, decode: bool) -> Sound:
    """Go through the whole first sound track, decoding it (any fault is an error) or only counting bytes."""
    strict = ["-err_detect", "explode", "-xerror"] if decode else []
    how = [] if decode else ["-c", "copy"]
    done = ffmpeg.run(
        path,
        before=["-v", "level+info", "-nostats", *strict],
        after=["-map", "0:a:0", *how, "-progress", "pipe:1", "-f", "null", "-"],
        time_limit=LONGEST,
    )
    told = done.stderr.decode(errors="replace")
    codec = re.search(r"Stream #0[^\n]*: Audio: (\w+)", told)
    fault = re.search(r"\[(?:error|fatal)\] ([^\n]+)", told)
    container = re.search(r"Input #0, (\S+), from", told)
    if done.returncode or codec is None or container is None:
        raise Undecodable("not-audio", fault[1][:300] if fault else ffmpeg.last_words(told))
    if decode and fault:  # ffmpeg skips what it cannot read in some formats, and reports success
        raise Undecodable("not-audio", fault[1][:300])
    times = re.findall(rb"out_time_us=(\d+)", done.stdout)
    counted = re.search(r"audio:\s*(\d+)\s*[kK]i?B", told)
    return Sound(
        codec=codec[1],
        container=container[1],
        seconds=int(times[-1]) / 1e6 if times else 0.0,
        audio_bytes=int(counted[1]) * 1024 if counted else path.stat().st_size,
    )


def _encode(path: Path, target: Path, kind: Format, bitrate: int) -> None:
    after = ["-map", "0:a:0", "-map_metadata", "-1", "-c:a", kind.encoder, "-b:a", str(bitrate)]
    done = ffmpeg.run(
        path,
        before=["-v", "error"],
        after=[*after, "-f", kind.muxer, "-y", f"file:{target}"],
        time_limit=LONGEST,
    )
    if done.returncode:
        raise Undecodable("not-encoded", ffmpeg.last_words(done.stderr.decode(errors="replace")))


def _copy_tags(source: Path, target: Path, kind: Format) -> None:
    """All tags and pictures as they are: ffmpeg would drop some, and cannot write covers to ogg."""
    if kind.muxer == "ipod":
        old, new = MP4(source), MP4(target)
        if old.tags is not None:
            if new.tags is None:
                new.add_tags()
            new.tags.clear()
            new.tags.update(old.tags)
            new.save()
    elif kind.muxer in ("ogg", "opus"):
        reader = OggVorbis if kind.muxer == "ogg" else OggOpus
        before, after = reader(source), reader(target)
        after.delete()
        for key in before:
            after[key] = before[key]
        after.save()
    else:
        for family in (ID3, APEv2):
            with contextlib.suppress(mutagen.id3.ID3NoHeaderError, mutagen.apev2.APENoHeaderError):
                family(source).save(target)


def _keep(path: Path, wanted: Path) -> None:
    """Copy the original, whole and on the disk; what is kept there already is never written over."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    place, number = wanted, 0
    while place.exists():
        if filecmp.cmp(path, place, shallow=False):
            return
        number += 1
        place = wanted.with_name(f"{wanted.stem}.{number}{wanted.suffix}")
    temporary = place.with_name(f".segue-{secrets.token_hex(8)}.part")
    try:
        shutil.copy2(path, temporary)
        _flush(temporary)
        temporary.replace(place)
        _flush(place.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
