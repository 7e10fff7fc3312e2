"""Decodes formats that libsndfile cannot read (m4a, aac and others), with the ffmpeg of imageio-ffmpeg."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread

import imageio_ffmpeg
import numpy as np
from numpy.typing import NDArray

from segue.audio.allowance import Allowance
from segue.audio.channels import mono
from segue.audio.errors import Truncated, Undecodable
from segue.audio.riff import wave_of
from segue.processor_time import processor_time

TIME_LIMIT = 60.0
"""Seconds that ffmpeg may take for one excerpt (:mod:`segue.audio.allowance`)."""
CONTAINERS = (
    "aac,ac3,aiff,amr,ape,asf,au,caf,dsf,eac3,flac,iff,matroska,webm,mov,mp4,m4a,mp3,mpc,mpc8,ogg,tak,"
    "tta,w64,wav,wv"
)
"""Formats that ffmpeg may detect. Playlists are not among them: they could make it open files or URLs."""
# The prefix "file:" keeps ffmpeg from reading a name such as concat:… as a protocol.
INPUT = ["-protocol_whitelist", "file,pipe", "-format_whitelist", CONTAINERS]
"""The options before each input."""
LONGEST_SEARCH = 20 * 60.0
"""Seconds decoded at most to find the middle of a file whose length its header does not give."""
SHORTFALL, PADDING = 0.9, 0.5
"""A file that ends before this share of its stated length is truncated; these seconds more may be padding."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    seconds: float | None
    """The length that the file states; None if it states none."""
    declared: bool
    """Whether the file states its length; otherwise ffmpeg has estimated it from the size."""
    channels: int
    """1 for mono; otherwise 2, to which ffmpeg mixes more."""
    has_video: bool
    """Whether the file is a film; a cover is not one."""


def probe(path: Path) -> Probe:
    """Read the length of a file with ffmpeg.

    Raises
    ------
    Undecodable
        It is not audio.
    """
    output = run(path, before=[], after=[]).stderr.decode(errors="replace")
    if ": Audio:" not in output:
        raise Undecodable("not-audio", last_words(output))
    video = [line for line in output.splitlines() if ": Video:" in line and "attached pic" not in line]
    channels = 1 if re.search(r": Audio: .*, mono\b", output) else 2
    match = re.search(r"Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", output)
    if match is None:
        return Probe(seconds=None, declared=False, channels=channels, has_video=bool(video))
    hours, minutes, seconds = match.groups()
    return Probe(
        seconds=int(hours) * 3600 + int(minutes) * 60 + float(seconds),
        declared="Estimating duration" not in output,
        channels=channels,
        has_video=bool(video),
    )


def measured(path: Path) -> float | None:
    """The length of the audio in seconds, by the times of all its packets; nothing is decoded.

    Raises
    ------
    Undecodable
        It is not audio, or takes longer than the time limit.
    """
    after = ["-map", "0:a:0", "-c", "copy", "-f", "null", "-progress", "pipe:1", "-"]
    output = run(path, before=["-v", "error"], after=after).stdout.decode(errors="replace")
    times = re.findall(r"^out_time_us=(\d+)$", output, re.MULTILINE)
    return int(times[-1]) / 1e6 or None if times else None


def excerpt(
    path: Path, *, sample_rate: int, max_seconds: float, length: float | None = None
) -> NDArray[np.float32]:
    """The middle `max_seconds` of the file as a mono waveform of shape (n,) at `sample_rate` Hz.

    Parameters
    ----------
    length
        The measured length in seconds, if the stated one is wrong.

    Raises
    ------
    Undecodable
        It is not audio, or takes longer than the time limit.
    Truncated
        The file ends long before its stated length.
    """
    known = probe(path)
    stated = known.seconds if known.declared and length is None else None
    seconds = stated or length or measured(path) or known.seconds or max_seconds
    start = max(0.0, (seconds - max_seconds) / 2)
    decoded = partial(_waveform, path, sample_rate=sample_rate, channels=known.channels)
    waveform = decoded(start=start, seconds=max_seconds)
    end = start + len(waveform) / sample_rate
    complete = end >= enough(min(seconds, start + max_seconds))
    if stated and not (complete and _reaches(path, enough(seconds), end)):
        raise Truncated(seconds=seconds)
    if not complete:  # without a correct header, ffmpeg may also miss the place where the middle begins
        whole = decoded(start=0.0, seconds=LONGEST_SEARCH)
        wanted = round(max_seconds * sample_rate)
        start_at = max(0, len(whole) - wanted) // 2
        waveform = whole[start_at : start_at + wanted]
    if not len(waveform):
        raise Undecodable("not-audio", "no sound can be decoded")
    return waveform


def part(path: Path, *, start: float, seconds: float, sample_rate: int) -> NDArray[np.float32]:
    """The part of the file from `start` seconds as a mono waveform of shape (n,) at `sample_rate` Hz.

    Raises
    ------
    Undecodable
        It is not audio, has no sound there, or takes longer than the time limit.
    """
    channels = probe(path).channels
    waveform = _waveform(path, start=start, seconds=seconds, sample_rate=sample_rate, channels=channels)
    if not len(waveform):
        raise Undecodable("not-audio", f"no sound can be decoded from {start:.1f} s")
    return waveform


def enough(seconds: float) -> float:
    """The minimum length, in seconds, of a file with this stated length that is not truncated."""
    return max(0.0, SHORTFALL * seconds - PADDING)


def _reaches(path: Path, seconds: float, known_end: float) -> bool:
    return known_end >= seconds or bool(
        len(_waveform(path, start=seconds, seconds=0.2, sample_rate=8000, channels=1))
    )


def _waveform(
    path: Path, *, start: float, seconds: float, sample_rate: int, channels: int
) -> NDArray[np.float32]:
    """Part of a file as a mono waveform."""
    options = ["-f", "f32le", "-af", f"aresample={sample_rate}:resampler=soxr", "-ac", str(channels)]
    done = run(
        path,
        before=["-v", "error", "-ss", f"{start:.3f}", "-t", f"{seconds:.3f}"],
        after=["-map", "0:a:0", *options, "pipe:1"],
    )
    whole = len(done.stdout) // (4 * channels) * (4 * channels)
    if done.returncode and not whole:
        raise Undecodable("not-audio", last_words(done.stderr.decode(errors="replace")))
    return mono(np.frombuffer(done.stdout[:whole], dtype="<f4").reshape(-1, channels))


def run(path: Path, *, before: list[str], after: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg on a file, with options before and after the file's name.

    Raises
    ------
    Undecodable
        It exceeds the time limit.
    """
    return call([*before, *input_options(path), "-i", f"file:{path}", *after], limit=TIME_LIMIT)


def input_options(path: Path) -> list[str]:
    """The options before a file as the input."""
    wave = wave_of(path)
    return [*INPUT, "-ignore_length", "1"] if wave and wave.goes_on else INPUT


def call(
    arguments: list[str], *, limit: float, given: bytes | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg with one thread; `limit` is an :class:`Allowance` in seconds, `given` its standard input.

    Raises
    ------
    Undecodable
        With "too-slow".
    """
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-threads", "1", *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        allowance = Allowance(limit, used=partial(processor_time, process.pid))
        try:
            if given is not None:
                _write(process, given)
            while True:
                try:
                    output, errors = process.communicate(timeout=allowance.interval)
                except subprocess.TimeoutExpired:
                    if why := allowance.exceeded():
                        raise Undecodable("too-slow", f"ffmpeg: {why}") from None
                else:
                    return subprocess.CompletedProcess(command, process.returncode, output, errors)
        except BaseException:
            process.kill()
            raise


def _write(process: subprocess.Popen[bytes], given: bytes) -> None:
    """Write the input of a process in a thread, and close it.

    A `communicate` that times out keeps the rest of its input, but the next call does not write it: ffmpeg
    would wait for it on a busy machine.
    """
    pipe, process.stdin = process.stdin, None
    assert pipe is not None

    def write() -> None:
        with suppress(BrokenPipeError), pipe:  # a process that fails does not read the rest
            pipe.write(given)

    Thread(target=write, daemon=True).start()


def last_words(output: str) -> str:
    """ffmpeg's first line that names an error, without memory addresses."""
    lines = [re.sub(r"^\[[^\]]*\] ", "", line).strip() for line in output.splitlines() if line.strip()]
    telling = [
        line for line in lines if re.search(r"[Ii]nvalid|[Ee]rror|not found|whitelist|matches no", line)
    ]
    return (telling or ["it has no sound"])[0][:300]
