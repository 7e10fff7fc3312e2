"""The media type of a recording with its codec, by which a browser decides whether it can play it.

Most suffixes name one codec. Those of containers may hide several (m4a: AAC or ALAC), so such a file is
probed. A name that is wrong gives a wrong type; the player then fails to decode it and asks for another form.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from segue.audio import ffmpeg
from segue.audio.errors import AudioError

CONTENT_TYPES = {
    ".mp3": "audio/mpeg",
    ".mp2": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".spx": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp4": "audio/mp4",
    ".mov": "audio/mp4",
    ".3gp": "audio/3gpp",
    ".aac": "audio/aac",
    ".wav": "audio/wav",
    ".w64": "audio/x-w64",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".aifc": "audio/aiff",
    ".caf": "audio/x-caf",
    ".wma": "audio/x-ms-wma",
    ".wv": "audio/x-wavpack",
    ".ape": "audio/x-ape",
    ".mpc": "audio/x-musepack",
    ".tta": "audio/x-tta",
    ".dsf": "audio/x-dsf",
    ".dff": "audio/x-dff",
    ".mka": "audio/x-matroska",
    ".mkv": "audio/x-matroska",
    ".webm": "audio/webm",
    ".ogv": "audio/ogg",
    ".ac3": "audio/ac3",
    ".amr": "audio/amr",
    ".au": "audio/basic",
}
"""The content type of a file by its suffix; each suffix that a scan accepts has one."""
SINGLE = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".opus": 'audio/ogg; codecs="opus"',
    ".spx": 'audio/ogg; codecs="speex"',
    ".aac": "audio/aac",
}
"""The media types of suffixes that name one codec."""
CONTAINERS = {
    "audio/ogg": {"vorbis": "vorbis", "opus": "opus", "flac": "flac", "speex": "speex"},
    "audio/mp4": {
        "aac": "mp4a.40.2",
        "alac": "alac",
        "flac": "flac",
        "opus": "opus",
        "mp3": "mp4a.6B",
        "ac3": "ac-3",
        "eac3": "ec-3",
    },
    "audio/webm": {"opus": "opus", "vorbis": "vorbis"},
    "audio/x-matroska": {
        "opus": "opus",
        "vorbis": "vorbis",
        "flac": "flac",
        "aac": "mp4a.40.2",
        "mp3": "mp3",
    },
}
"""Container → ffmpeg's name of a codec → the name in the media type (RFC 6381 and the codecs' own)."""
PLAIN_WAV = frozenset({"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_alaw", "pcm_mulaw"})
"""Codecs in WAV that browsers play; they ask for them without naming the codec."""


def media_type(path: Path) -> str | None:
    """The media type of a file; None if no browser plays it, or nothing can read it."""
    suffix = path.suffix.lower()
    content = CONTENT_TYPES.get(suffix)
    if suffix in SINGLE or content is None:
        return SINGLE.get(suffix)
    if content not in CONTAINERS and content not in {"audio/wav", "audio/aiff", "audio/x-caf"}:
        return None
    try:
        status = path.stat()
        codec = _codec(path, status.st_size, status.st_mtime_ns)
    except (OSError, AudioError):
        return None
    return media_type_of(content, codec)


def media_type_of(content_type: str, codec: str) -> str | None:
    """The media type of a codec (by ffmpeg's name) in a container; None if no browser plays it."""
    if content_type in CONTAINERS:
        name = CONTAINERS[content_type].get(codec)
        return f'{content_type}; codecs="{name}"' if name else None
    if content_type == "audio/wav":
        return content_type if codec in PLAIN_WAV else None
    return content_type if content_type in {"audio/aiff", "audio/x-caf"} else None


@lru_cache(maxsize=4096)
def _codec(path: Path, size: int, modified_ns: int) -> str:
    """ffmpeg's name of the first sound's codec; empty without sound. The file's state is part of the key."""
    output = ffmpeg.run(path, before=[], after=[]).stderr.decode(errors="replace")
    match = re.search(r": Audio: (\w+)", output)
    return match[1] if match else ""
