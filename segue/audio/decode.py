"""Decodes a file to a waveform: with libsndfile, or with ffmpeg for formats that libsndfile cannot read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from segue.audio import ffmpeg
from segue.audio.channels import cancels
from segue.audio.errors import NotFinite, Silent, TooShort, Truncated, Undecodable
from segue.audio.length import UNCOMPRESSED, mp3_contradicts_header, states_frames
from segue.audio.ogg import is_chained
from segue.audio.riff import wave_of
from segue.settings import AudioSettings

SILENCE = 1e-4
"""A waveform whose loudest sample stays below this (-80 dB of full scale) is silent."""
BLOCK = 1 << 17
"""Frames read at once: a file with many channels needs no more memory than a mono file."""
WRONG_BY = 0.02
"""A guessed length further from the measured one than this share of it, and a second, is wrong."""

Waveform = NDArray[np.float32]


def decode(
    path: Path | str, audio: AudioSettings, *, start: float = 0.0, end: float | None = None
) -> Waveform:
    """The middle of a file, or of the part from `start` to `end` seconds, as a mono waveform.

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
    if start > 0 or end is not None:
        return _part(file, audio, start=start, end=end)
    longest, shortest = audio.max_duration.total_seconds(), audio.min_duration.total_seconds()
    measured, waveform, rate = None, None, audio.sample_rate
    try:
        with soundfile.SoundFile(os.fsencode(file)) as sound:
            measured = _measured(sound, file)
            if measured is None:
                waveform, rate = _middle(sound, max_seconds=longest), sound.samplerate
    except soundfile.LibsndfileError:
        waveform, rate = None, audio.sample_rate
    if waveform is None:
        waveform = ffmpeg.excerpt(file, sample_rate=rate, max_seconds=longest, length=measured)
    waveform = _checked(waveform, rate, min_seconds=shortest)
    return waveform if rate == audio.sample_rate else _resampled(waveform, rate, audio.sample_rate)


def _part(file: Path, audio: AudioSettings, *, start: float, end: float | None) -> Waveform:
    longest, rate = audio.max_duration.total_seconds(), audio.sample_rate
    if end is None:
        length = ffmpeg.probe(file).seconds or ffmpeg.measured(file) or start + longest
        end = max(start, length)
    seconds = min(longest, end - start)
    waveform = ffmpeg.part(file, start=(start + end - seconds) / 2, seconds=seconds, sample_rate=rate)
    return _checked(waveform, rate, min_seconds=audio.min_duration.total_seconds())


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


def _measured(sound: soundfile.SoundFile, file: Path) -> float | None:
    """The measured length in seconds of a file whose header gives none or a wrong one; otherwise None."""
    if _states_length(sound, file):
        return None
    measured = ffmpeg.measured(file)
    stated = sound.frames / sound.samplerate
    return measured if measured and abs(measured - stated) > 1.0 + WRONG_BY * measured else None


def _middle(sound: soundfile.SoundFile, *, max_seconds: float) -> Waveform:
    rate, frames = sound.samplerate, sound.frames
    wanted = min(frames, round(max_seconds * rate))
    start = (frames - wanted) // 2
    waveform = _mono(sound, start, wanted)
    end, least = start + len(waveform), int(ffmpeg.enough(frames / rate) * rate)
    if len(waveform) >= ffmpeg.enough(wanted / rate) * rate and _reaches(sound, least, end):
        return waveform
    raise Truncated(seconds=frames / rate)


def _states_length(sound: soundfile.SoundFile, file: Path) -> bool:
    """Whether libsndfile knows the length; for some files it is a guess, or that of the first part."""
    if sound.format == "MP3":
        return _mp3_states_length(file) and not mp3_contradicts_header(file)
    if sound.format == "OGG":
        return not is_chained(file)
    if sound.format == "FLAC":
        return states_frames(sound, file.stat().st_size)
    if sound.format == "WAV" and (wave := wave_of(file)) and wave.goes_on:
        return False
    return bool(sound.frames > 0 and sound.subtype.startswith(UNCOMPRESSED))


def _mono(sound: soundfile.SoundFile, start: int, frames: int) -> Waveform:
    """The mean of the channels, shape (at most `frames`,); the loudest channel if they cancel each other."""
    energies = np.zeros(sound.channels)
    mean_energy = 0.0
    blocks = []
    for block in _blocks(sound, start, frames):
        blocks.append(block.mean(axis=1) if sound.channels > 1 else block[:, 0])
        energies += np.square(block, dtype=np.float64).sum(axis=0)
        mean_energy += float(np.square(blocks[-1], dtype=np.float64).sum())
    if sound.channels > 1 and cancels(mean_energy, energies):
        loudest = int(energies.argmax())
        blocks = [block[:, loudest].copy() for block in _blocks(sound, start, frames)]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def _blocks(sound: soundfile.SoundFile, start: int, frames: int) -> Iterator[Waveform]:
    """Frames from `start`, in arrays of shape (at most :data:`BLOCK`, channels)."""
    sound.seek(start)
    while frames > 0 and len(block := sound.read(min(frames, BLOCK), dtype="float32", always_2d=True)):
        yield block
        frames -= len(block)


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
