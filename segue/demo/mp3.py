"""Writes the demo's files: mp3 from ffmpeg, with tags and a cover."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from mutagen import MutagenError
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TENC, TIT2, TPE1, TPE2, TRCK
from numpy.typing import NDArray

from segue.demo.covers import cover
from segue.demo.discography import DemoTrack
from segue.demo.synthesis import RATE
from segue.errors import SegueError

BIT_RATE = "128k"


def encode(pcm: NDArray[np.int16], path: Path) -> None:
    """Write 16-bit stereo of shape (samples, 2) as an mp3 without tags.

    Raises
    ------
    SegueError
        The encoder failed; the message has its last line.
    """
    source = ["-f", "s16le", "-ar", str(RATE), "-ac", "2", "-i", "pipe:0"]
    quality = ["-c:a", "libmp3lame", "-b:a", BIT_RATE, "-threads", "1"]
    run = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y"),
            *source,
            *quality,
            *("-write_id3v2", "0", "-f", "mp3", f"file:{path}"),
        ],
        input=pcm.tobytes(),
        capture_output=True,
        check=False,
    )
    if run.returncode:
        lines = run.stderr.decode(errors="replace").strip().splitlines() or [f"status {run.returncode}"]
        raise SegueError(f"ffmpeg could not write {path}: {lines[-1]}")


def tag(path: Path, track: DemoTrack, *, stamp: str) -> None:
    """Write tags, cover and, as the encoder, the composer's stamp to an mp3."""
    tags = ID3()
    fields = {
        TIT2: track.title,
        TPE1: track.artist,
        TPE2: track.artist,
        TALB: track.album,
        TCON: track.style,
        TRCK: f"{track.number}/2",
        TDRC: str(track.year),
        TENC: stamp,
    }
    for frame, text in fields.items():
        tags.add(frame(encoding=3, text=text))  # type: ignore[no-untyped-call]  # a class of mutagen's
    picture = cover(track.style, track.place // 2)
    tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="Cover", data=picture))
    tags.save(path)


def stamp_of(path: Path) -> str | None:
    """The composer's stamp on a file; None without a file or a stamp."""
    try:
        return "".join(str(stamp) for stamp in ID3(path).getall("TENC")) or None
    except MutagenError:
        return None
