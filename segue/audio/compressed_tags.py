"""The tags of a compressed song: the original's tags, and a mark with the bit rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mutagen
from mutagen.aac import AAC
from mutagen.flac import FLAC
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK, TXXX, TextFrame
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.wave import WAVE

MARK = "segue_bitrate"
"""The tag that marks a compressed song, by each format's naming of tags."""
MP4_MARK = f"----:segue:{MARK}"
ID3_KINDS: dict[str, type[TextFrame]] = {
    "title": TIT2, "artist": TPE1, "albumartist": TPE2, "album": TALB, "genre": TCON, "tracknumber": TRCK,
    "date": TDRC,
}  # fmt: skip


def mark_of(audio: Any) -> str:
    """The bit rate that an opened song is marked with; empty for one without a mark."""
    tags = audio.tags
    if tags is None:
        return ""
    if isinstance(tags, ID3):
        return "".join(str(text) for frame in tags.getall(f"TXXX:{MARK}") for text in frame.text)
    if isinstance(audio, MP4):
        return b"".join(tags.get(MP4_MARK, [])).decode(errors="replace")
    return "".join(tags.get(MARK, []))


def copy_tags(audio: Any, part: Path, *, kilobits: int) -> None:
    """Give a new file all tags and pictures of an opened song, and the mark."""
    if isinstance(audio, AAC):
        return  # the format has no tags
    if isinstance(audio, MP3 | WAVE | FLAC):
        tags = _id3_of(audio)
        tags.add(TXXX(encoding=3, desc=MARK, text=f"{kilobits}k"))
        tags.save(part)
        return
    new: Any = mutagen.File(part)
    if new.tags is None:
        new.add_tags()
    new.tags.update(audio.tags or {})
    new.tags.update({MP4_MARK: [f"{kilobits}k".encode()]} if isinstance(new, MP4) else {MARK: f"{kilobits}k"})
    new.save()


def _id3_of(audio: Any) -> ID3:
    tags = ID3()
    comments: Any = audio.tags
    if isinstance(audio, FLAC):
        for name, texts in comments.as_dict().items() if comments else ():
            for frame in _frames(name, texts):
                tags.add(frame)
        for picture in audio.pictures:
            tags.add(
                APIC(encoding=3, mime=picture.mime, type=picture.type, desc=picture.desc, data=picture.data)
            )
    elif comments is not None:
        for frame in comments.values():
            tags.add(frame)
    return tags


def _frames(name: str, texts: list[str]) -> list[Any]:
    """A Vorbis comment as ID3 frames: its own frame where ID3 has one, otherwise a TXXX frame."""
    kind = ID3_KINDS.get(name.lower())
    return [kind(encoding=3, text=texts)] if kind else [TXXX(encoding=3, desc=name, text=texts)]
