"""One run of ffmpeg that converts a recording, or a part of it."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import imageio_ffmpeg

from segue.audio.allowance import Allowance
from segue.audio.errors import Undecodable
from segue.audio.ffmpeg import input_options, last_words
from segue.audio.transcoding.forms import Form
from segue.processor_time import processor_time

CHANNELS = "aformat=channel_layouts=mono|stereo"
_LOOK_EVERY = 0.25
_KEPT_WORDS = 1 << 14
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Starts a program that the kernel kills with the thread that has started it (PR_SET_PDEATHSIG, SIGKILL).

A short-lived Python does it, since running code between fork and exec is not safe in a threaded process."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """A recording, or a part of it, in another form."""

    path: Path
    form: Form
    kilobits: int
    start: float = 0.0
    """Seconds from the beginning of the file."""
    end: float | None = None
    """Seconds from the beginning of the file; None for its end."""

    def arguments(self, target: Path) -> list[str]:
        """The arguments of ffmpeg."""
        bit_rate = [] if self.form.is_lossless else ["-b:a", f"{self.kilobits}k"]
        length = [] if self.end is None else ["-t", f"{max(0.0, self.end - self.start):.6f}"]
        return [
            *("-hide_banner", "-nostdin", "-v", "error", "-threads", "1", "-abort_on", "empty_output"),
            *(*input_options(self.path), "-ss", f"{self.start:.6f}", "-i", f"file:{self.path}"),
            *("-map", "0:a:0", "-map_metadata", "-1", "-map_chapters", "-1", *length, "-af", CHANNELS),
            *(*self.form.encoder, *bit_rate, "-flush_packets", "1"),
            *("-f", self.form.muxer, "-y", f"file:{target}"),
        ]


def encode(
    conversion: Conversion, target: Path, *, max_bytes: int, timeout: float, wanted: Callable[[], bool]
) -> bool:
    """Convert a recording; returns False if it was ended because it is not `wanted` any more.

    Call it from a thread that lives as long as the process: ffmpeg ends with the thread.

    Parameters
    ----------
    max_bytes
        The largest size of the result.
    timeout
        An :class:`Allowance` in seconds for the time without progress.

    Raises
    ------
    Undecodable
        "not-audio", "not-encoded", "too-large" or "too-slow".
    OSError
        The disk of `target` is full.
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *conversion.arguments(target)]
    tied = [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
    process = subprocess.Popen(
        tied, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        words = _watch(process, target, max_bytes=max_bytes, timeout=timeout, wanted=wanted)
    finally:
        process.kill()
        status = process.wait()
        assert process.stderr is not None
        process.stderr.close()
    if words is None:
        return False
    if status or not target.stat().st_size:
        text = words.decode(errors="replace")
        for code in _FULL:
            if os.strerror(code) in text:
                raise OSError(code, os.strerror(code), str(target))
        raise Undecodable("not-encoded" if target.stat().st_size else "not-audio", last_words(text))
    return True


def _watch(
    process: subprocess.Popen[bytes],
    target: Path,
    *,
    max_bytes: int,
    timeout: float,
    wanted: Callable[[], bool],
) -> bytes | None:
    """Wait for the end of ffmpeg and return its messages; None if nobody wants the result any more."""
    assert process.stderr is not None
    pipe, words, before = process.stderr.fileno(), b"", 0
    used = partial(processor_time, process.pid)
    allowance = Allowance(timeout, used=used)
    while True:
        if select.select([pipe], [], [], _LOOK_EVERY)[0]:
            piece = os.read(pipe, 1 << 16)
            if not piece:
                _wait(process, allowance)
                return words
            words = (words + piece)[:_KEPT_WORDS]
        if not wanted():
            return None
        size = _size(target)
        if size > max_bytes:
            raise Undecodable("too-large", f"its converted form has more than {max_bytes} bytes")
        if size != before:
            before, allowance = size, Allowance(timeout, used=used)
        elif why := allowance.exceeded():
            raise Undecodable("too-slow", f"ffmpeg: {why} without a result")


def _wait(process: subprocess.Popen[bytes], allowance: Allowance) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=allowance.seconds)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def fingerprint(conversion: Conversion) -> Sequence[str]:
    """The parts of a conversion, and the state of its file, that determine the result.

    Raises
    ------
    OSError
        The file is missing.
    """
    status = conversion.path.stat()
    return (
        os.fsencode(conversion.path).hex(),
        str(status.st_size),
        str(status.st_mtime_ns),
        str(status.st_ctime_ns),
        conversion.form.name,
        str(conversion.kilobits),
        f"{conversion.start:.6f}",
        "" if conversion.end is None else f"{conversion.end:.6f}",
    )
