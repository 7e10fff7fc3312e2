"""The length of a file's audio. Headers often state it wrongly; then the packets of the file are counted.

Encoders that write to a pipe, recorders and tools that join files leave a length of zero, of the first part,
or of the largest number that fits. Such a header contradicts the size of the file.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import mutagen
import soundfile
from mutagen.aac import AAC
from mutagen.flac import FLAC
from mutagen.mp3 import MP3, BitrateMode, MPEGInfo
from mutagen.mp4 import MP4
from mutagen.wave import WAVE

from segue.audio import ffmpeg, ogg
from segue.audio.errors import Undecodable
from segue.audio.id3_frames import KNOWN_FRAMES, PlainId3
from segue.audio.riff import wave_of

_EVIDENT = ((".mp3", b"ID3", MP3), (".flac", b"fLaC", FLAC))
"""Suffix and first bytes for which mutagen would choose this class after it has tried all."""
UNCOMPRESSED = ("PCM", "FLOAT", "DOUBLE", "ULAW", "ALAW")
"""The subtypes of libsndfile whose size gives the length."""
_UNCOMPRESSED_BEGINS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"FORM", b".snd", b"dns.", b"caff", b"fLaC")
"""The first bytes of files that may have them: WAV, W64, AIFF, AU, CAF, FLAC."""
LOSSY_BITRATES = (6_000, 700_000)
"""The least and the largest average bit rate, in bits a second, of audio that was coded with loss."""
LOSSLESS_SHARES = (0.02, 1.2)
"""The least and the largest size of lossless audio, as a share of its uncompressed size."""
LARGEST_FLAC = (1 << 36) - 1
"""The largest number of frames that a FLAC header can state. It is a mark of an unknown length, and so is a
larger one, which libsndfile gives.
"""
XING_TOLERANCE = (0.98, 1.05)
"""The size of an mp3 relative to the size that its header states; tags at the end add to it."""


def length_of(path: Path, audio: Any = None, *, data: BinaryIO | None = None) -> float | None:
    """The length of a file in seconds; None if it cannot be found.

    Parameters
    ----------
    audio
        The file as mutagen has opened it; None to open it here.
    data
        Its contents, if they are open.

    Raises
    ------
    Undecodable
        It is not audio.
    """
    stated = _stated(path, opened(path, data) if audio is None else audio, data)
    if stated is not None:
        return stated
    probe = ffmpeg.probe(path)
    try:
        measured = ffmpeg.measured(path)
    except Undecodable:
        measured = None
    else:
        if not (measured or probe.seconds):  # ffmpeg believes the suffix of some files
            raise Undecodable("not-audio", "there is no sound in it")
    wave = wave_of(path)
    # ffmpeg cannot tell the packets of some codecs in a WAV apart.
    if wave and wave.seconds and not wave.goes_on and not _near(measured, wave.seconds):
        return wave.seconds
    return measured or probe.seconds


def _near(measured: float | None, stated: float) -> bool:
    return measured is not None and 0.5 * stated <= measured <= 2 * stated


def opened(path: Path, data: BinaryIO | None = None) -> Any:
    """The file as mutagen opens it; None if mutagen does not know the format or the tags are damaged.

    `data` has its contents, if they are open.
    """
    try:
        with path.open("rb") if data is None else nullcontext(data) as file:
            file.seek(0)
            head = file.read(4)
            for suffix, start, kind in _EVIDENT:
                if head.startswith(start) and path.suffix.lower() == suffix:
                    file.seek(0)
                    if kind is MP3:
                        return MP3(file, filename=str(path), ID3=PlainId3, known_frames=KNOWN_FRAMES)
                    return kind(file, filename=str(path))
        return mutagen.File(path)
    # A damaged tag can raise any error; the audio itself may be intact.
    except Exception:
        return None


def _stated(path: Path, audio: Any, data: BinaryIO | None) -> float | None:
    """The length by the file's header, if it fits the file's size."""
    info = getattr(audio, "info", None)
    seconds = float(getattr(info, "length", None) or 0.0)
    if isinstance(audio, WAVE) or info is None:
        return _of_uncompressed(path)
    if seconds <= 0:
        return None
    size = path.stat().st_size if data is None else data.seek(0, os.SEEK_END)
    if isinstance(audio, MP3):
        return seconds if _fits_mp3(info, size) else None
    if isinstance(audio, AAC) or ogg.is_chained(path):
        return None
    bits = 8 * size
    if (isinstance(audio, MP4) and info.codec != "alac") or not getattr(info, "bits_per_sample", 0):
        least, most = LOSSY_BITRATES
    else:
        uncompressed = info.sample_rate * info.channels * info.bits_per_sample
        least, most = (share * uncompressed for share in LOSSLESS_SHARES)
    return seconds if least <= bits / seconds <= most else None


def _fits_mp3(info: Any, size: int) -> bool:
    """Whether an mp3 has a Xing or VBRI header, and the file has the stated number of bytes.

    With a wrong number of frames, the average bit rate is one that no mp3 has.
    """
    if info.bitrate_mode == BitrateMode.UNKNOWN or not _has_usual_rate(info):
        return False
    return XING_TOLERANCE[0] <= _share_of_stated(info, size) <= XING_TOLERANCE[1]


def _has_usual_rate(info: Any) -> bool:
    return bool(LOSSY_BITRATES[0] <= info.bitrate <= LOSSY_BITRATES[1])


def _share_of_stated(info: Any, size: int) -> float:
    """The size of an mp3 as a share of the size that its header states."""
    return float((size - info.frame_offset) / (info.length * info.bitrate / 8))


def mp3_contradicts_header(path: Path) -> bool:
    """Whether an mp3 has more sound than its header states, as joined files do, or other frames."""
    info = getattr(opened(path), "info", None)
    if not isinstance(info, MPEGInfo) or not info.bitrate or info.length <= 0:
        return False
    return not _has_usual_rate(info) or _share_of_stated(info, path.stat().st_size) > XING_TOLERANCE[1]


def _of_uncompressed(path: Path) -> float | None:
    # libsndfile takes other files for mp3, and libmpg123 then writes to the standard error of the process.
    with path.open("rb") as file:
        if not file.read(4).startswith(_UNCOMPRESSED_BEGINS):
            return None
    try:
        sound = soundfile.info(os.fsencode(path))  # the name need not be UTF-8
    except soundfile.LibsndfileError:
        return None
    if not sound.subtype.startswith(UNCOMPRESSED) or not states_frames(sound, path.stat().st_size):
        return None
    wave = wave_of(path)
    return None if wave and wave.goes_on else float(sound.duration) or None


def states_frames(sound: Any, size: int) -> bool:
    """Whether the number of frames that libsndfile gives for a FLAC fits the size of the file.

    Parameters
    ----------
    sound
        The opened file of soundfile, or its information. Other formats than FLAC pass.
    size
        Bytes.
    """
    if sound.format != "FLAC":
        return True
    uncompressed = sound.frames * sound.channels * (3 if sound.subtype == "PCM_24" else 2)
    return bool(0 < sound.frames < LARGEST_FLAC and size <= LOSSLESS_SHARES[1] * uncompressed)
