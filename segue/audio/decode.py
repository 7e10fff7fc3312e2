"""Decodes a file to a waveform: with libsndfile, or with ffmpeg for formats that libsndfile cannot read."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from segue.audio import ffmpeg
from segue.audio.errors import NotFinite, Silent, TooShort, Truncated, Undecodable
from segue.settings import AudioSettings

SILENCE = 1e-4
"""A waveform whose loudest sample stays below this (-80 dB of full scale) is silent."""
BLOCK = 1 << 17
"""Frames read at once: a file with many channels needs no more memory than a mono file."""
LONGEST_SEARCH = 20 * 60.0
"""Seconds decoded at most to find the end of an mp3 that does not state its length."""

Waveform = NDArray[np.float32]


def decode(path: Path | str, audio: AudioSettings) -> Waveform:
    """The middle of a file as a mono waveform.

    At most `audio.max_duration` are decoded: a longer file is not read as a whole.

    Returns
    -------
    Float32 of shape (n,) at `audio.sample_rate` Hz, full scale at 1; the mean of the channels.

    Raises
    ------
    AudioError
        Undecodable, Truncated, TooShort, Silent or NotFinite, each with its reason.
    """
    file = Path(path)
    check_readable(file)
    longest, shortest = audio.max_duration.total_seconds(), audio.min_duration.total_seconds()
    try:
        with soundfile.SoundFile(file) as sound:
            waveform, rate = _middle(sound, file, max_seconds=longest), sound.samplerate
            waveform = _checked(waveform, rate, min_seconds=shortest)
    except soundfile.LibsndfileError:
        waveform = ffmpeg.excerpt(file, sample_rate=audio.sample_rate, max_seconds=longest)
        return _checked(waveform, audio.sample_rate, min_seconds=shortest)
    return waveform if rate == audio.sample_rate else _resampled(waveform, rate, audio.sample_rate)


def check_readable(file: Path) -> None:
    """Refuse a path that no decoder should open: a missing, empty or unreadable file, or a pipe.

    Raises
    ------
    Undecodable
        With "missing", "unreadable" or "empty".
    """
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a named pipe would block for ever
            raise Undecodable("unreadable", "not a regular file")
        with file.open("rb"):
            pass
    except FileNotFoundError:
        raise Undecodable("missing", "no such file") from None
    except OSError as error:
        raise Undecodable("unreadable", error.strerror or str(error)) from None
    if not status.st_size:
        raise Undecodable("empty", "0 bytes")


def seconds_of(file: Path) -> float | None:
    """The length in seconds that a file states, without decoding it; None if it states none.

    Raises
    ------
    Undecodable
        It is no audio.
    """
    check_readable(file)
    try:
        return float(soundfile.info(file).duration)
    except soundfile.LibsndfileError:
        return ffmpeg.probe(file).seconds


def _middle(sound: soundfile.SoundFile, file: Path, *, max_seconds: float) -> Waveform:
    rate, frames = sound.samplerate, sound.frames
    wanted = min(frames, round(max_seconds * rate))
    start = (frames - wanted) // 2
    waveform = _mono(sound, start, wanted)
    end, least = start + len(waveform), int(ffmpeg.enough(frames / rate) * rate)
    if len(waveform) >= ffmpeg.enough(wanted / rate) * rate and _reaches(sound, least, end):
        return waveform
    if sound.format == "MP3" and not _mp3_states_length(file):
        sound.seek(0)
        whole = _mono(sound, 0, round(LONGEST_SEARCH * rate))
        start = max(0, len(whole) - round(max_seconds * rate)) // 2
        return whole[start : start + round(max_seconds * rate)]
    raise Truncated(seconds=frames / rate)


def _mono(sound: soundfile.SoundFile, start: int, frames: int) -> Waveform:
    """The mean of the channels, shape (at most `frames`,)."""
    sound.seek(start)
    blocks = []
    while frames > 0 and len(block := sound.read(min(frames, BLOCK), dtype="float32", always_2d=True)):
        blocks.append(block.mean(axis=1) if block.shape[1] > 1 else block[:, 0])
        frames -= len(block)
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _reaches(sound: soundfile.SoundFile, frame: int, known_end: int) -> bool:
    if known_end >= frame:
        return True
    sound.seek(frame)
    return len(sound.read(256)) > 0


def _mp3_states_length(file: Path) -> bool:
    """Whether the first frame has a Xing, Info or VBRI header; without one the length is a guess."""
    with file.open("rb") as data:
        head = data.read(10)
        if head[:3] == b"ID3":
            size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            data.seek(10 + size)
        else:
            data.seek(0)
        first = data.read(4096)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))


def _checked(waveform: Waveform, rate: int, *, min_seconds: float) -> Waveform:
    if len(waveform) < max(1.0, min_seconds * rate):
        raise TooShort(seconds=len(waveform) / rate, least=min_seconds)
    if not np.isfinite(waveform).all():
        raise NotFinite(what="its samples")
    peak = float(np.abs(waveform).max())
    if peak < SILENCE:
        raise Silent(peak=peak)
    return waveform


def _resampled(waveform: Waveform, rate: int, wanted: int) -> Waveform:
    try:
        return np.asarray(soxr.resample(waveform, rate, wanted, quality="HQ"), dtype=np.float32)
    except (RuntimeError, ValueError) as error:
        raise Undecodable("not-audio", f"a sample rate of {rate} Hz: {error}") from None
