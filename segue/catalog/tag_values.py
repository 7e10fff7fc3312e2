"""The values of a file's tags by one name for each field, in all formats of tags.

Formats: ID3 (mp3, wav, aiff, dsf), MP4 atoms, Vorbis comments (ogg, opus, flac), APEv2 (ape, wv, mpc, also at
the end of an mp3), ASF (wma) and, for other containers, ffmpeg's list of tags. Programs spell the names of
free fields in several ways; here, case, spaces and punctuation in them do not matter.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO

from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TCON
from mutagen.mp4 import MP4Tags

from segue.audio import ffmpeg
from segue.audio.errors import AudioError
from segue.audio.id3_frames import KNOWN_FRAMES, PlainId3
from segue.catalog.ape import ape_tags_of
from segue.catalog.text_encoding import Repair

Values = Mapping[str, Sequence[str]]
"""The values of a field by its name in :data:`FREE_NAMES`."""

FREE_NAMES: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "title_sort": ("titlesort", "titlesortorder"),
    "artist": ("artist", "author", "performer"),
    "artists": ("artists",),
    "artist_sort": ("artistsort", "artistsortorder"),
    "album": ("album", "albumtitle"),
    "album_sort": ("albumsort", "albumsortorder"),
    "album_artist": ("albumartist",),
    "album_artists": ("albumartists",),
    "album_artist_sort": ("albumartistsort", "albumartistsortorder"),
    "compilation": ("compilation", "itunescompilation", "iscompilation"),
    "genre": ("genre",),
    "mood": ("mood",),
    "grouping": ("grouping",),
    "content_group": ("contentgroup", "contentgroupdescription"),
    "track": ("tracknumber", "track"),
    "disc": ("discnumber", "disc", "partofset"),
    "discs": ("disctotal", "totaldiscs", "disccount"),
    "disc_title": ("discsubtitle", "setsubtitle"),
    "date": ("date", "releasedate", "year"),
    "original_date": ("originaldate", "originalreleasedate", "originalreleasetime", "originalyear"),
    "edition": ("edition", "albumversion", "version"),
    "mb_recording": ("musicbrainztrackid",),
    "mb_release_track": ("musicbrainzreleasetrackid",),
    "mb_release": ("musicbrainzalbumid",),
    "mb_release_group": ("musicbrainzreleasegroupid",),
    "mb_artists": ("musicbrainzartistid",),
    "mb_album_artists": ("musicbrainzalbumartistid",),
    "track_gain": ("replaygaintrackgain",),
    "track_peak": ("replaygaintrackpeak",),
    "album_gain": ("replaygainalbumgain",),
    "album_peak": ("replaygainalbumpeak",),
    "reference_loudness": ("replaygainreferenceloudness",),
    "r128_track_gain": ("r128trackgain",),
    "r128_album_gain": ("r128albumgain",),
    "lyrics": ("lyrics",),
    "synced_lyrics": ("syncedlyrics", "synchronizedlyrics"),
    "unsynced_lyrics": ("unsyncedlyrics", "unsynchronizedlyrics"),
    "cue_sheet": ("cuesheet",),
}
"""The names of each field in formats that allow any name, in lower case and without punctuation."""
_FIELD_OF = {name: (field, rank) for field, names in FREE_NAMES.items() for rank, name in enumerate(names)}
"""The field of each of those names, and the place of the name among those of the field."""

_ID3_FRAMES = {
    "title": "TIT2", "title_sort": "TSOT", "artist": "TPE1", "artist_sort": "TSOP", "album": "TALB",
    "album_sort": "TSOA", "album_artist": "TPE2", "album_artist_sort": "TSO2", "compilation": "TCMP",
    "genre": "TCON", "mood": "TMOO", "grouping": "GRP1", "content_group": "TIT1", "track": "TRCK",
    "disc": "TPOS", "disc_title": "TSST", "date": "TDRC", "original_date": "TDOR",
}  # fmt: skip
_FURTHER_FRAMES = {"date": "TDRL"}
"""Frames that give a field if those above do not: podcasts have the date of their release only."""
_MP4_ATOMS = {
    "title": "\xa9nam", "title_sort": "sonm", "artist": "\xa9ART", "artist_sort": "soar", "album": "\xa9alb",
    "album_sort": "soal", "album_artist": "aART", "album_artist_sort": "soaa", "compilation": "cpil",
    "genre": "\xa9gen", "grouping": "\xa9grp", "track": "trkn", "disc": "disk", "date": "\xa9day",
    "lyrics": "\xa9lyr",
}  # fmt: skip
_MUSICBRAINZ = "http://musicbrainz.org"
_BARE_CONTAINERS = frozenset({".wav", ".aif", ".aiff", ".mka", ".webm", ".caf", ".mp4", ".m4b", ".mkv"})
"""Containers with tags that mutagen does not read."""
_NAMES = frozenset({"title", "artist", "album"})
_OF_STREAM = frozenset({".ogg", ".oga", ".opus", ".spx"})
"""Containers whose tags ffmpeg takes for those of a stream."""
_LOST = "\ufffd"
_MOST_BESIDE = 24
"""Files of a folder whose texts help to guess the encoding of one of them."""
LONGEST_VALUE = 1 << 20
LONGEST_NAME = 100


def values_of(path: Path, audio: Any, *, encoding: str, data: BinaryIO | None = None) -> Values:
    """The values of all known fields of a file.

    Parameters
    ----------
    audio
        The file as mutagen has opened it, or None. ffmpeg also reads many files that mutagen cannot.
    encoding
        The encoding of texts that claim to be Latin-1, or "auto": see :class:`Repair`.
    data
        The contents of the file, if they are open.
    """
    tags = getattr(audio, "tags", None)
    found: dict[str, list[str]] = {}
    if isinstance(tags, ID3):
        _merge(found, _of_id3(tags, encoding, path))
    elif isinstance(tags, MP4Tags):
        _merge(found, _of_mp4(tags))
    elif tags is not None:
        _merge(found, _by_free_names(_pairs(tags)))
    if _has_lost(tags, found):
        of_stream = path.suffix.lower() in _OF_STREAM
        found = {**found, **_by_free_names(_ffmpeg_pairs(path, encoding, of_stream=of_stream))}
    if (ape := ape_tags_of(path, data)) is not None:
        _merge(found, _by_free_names(_pairs(ape)))
    # A WAV file may have ID3 and RIFF INFO, each with a part of the facts.
    if not found.keys() >= _NAMES and (audio is None or path.suffix.lower() in _BARE_CONTAINERS):
        _merge(found, _by_free_names(_ffmpeg_pairs(path, encoding)))
    return found


def _has_lost(tags: Any, found: Values) -> bool:
    """Whether mutagen has replaced or left out texts that should be UTF-8 and are not."""
    failed = isinstance(tags, MP4Tags) and tags._failed_atoms
    return bool(failed) or any(_LOST in value for values in found.values() for value in values)


def separates_by_slashes(audio: Any) -> bool:
    """Whether the tags are of ID3's version 2.2 or 2.3, in which a slash separates several values."""
    tags = getattr(audio, "tags", None)
    return isinstance(tags, ID3) and tags.version[:2] in ((2, 2), (2, 3))


def _merge(found: dict[str, list[str]], more: Mapping[str, Sequence[str]]) -> None:
    """Add the fields that are missing so far."""
    for name, values in more.items():
        _add(found, name, values)


def _add(found: dict[str, list[str]], name: str, values: Sequence[str]) -> None:
    """Add a field, unless it is known or has no text."""
    if name not in found and (kept := [value for value in values if _has_text(value)]):
        found[name] = kept


def _of_id3(tags: ID3, encoding: str, path: Path) -> dict[str, list[str]]:
    frames = _by_kind(tags)
    repair = Repair(encoding, _latin_texts(frames), further=partial(_latin_texts_beside, path))
    found: dict[str, list[str]] = {}
    for name, key in (*_ID3_FRAMES.items(), *_FURTHER_FRAMES.items()):
        for frame in frames.get(key, ()):
            texts = _genres(tuple(map(str, frame.text))) if key == "TCON" else frame.text
            _add(found, name, [repair(str(text), frame) for text in texts])
    free = [(frame.desc, repair(text, frame)) for frame in frames.get("TXXX", ()) for text in frame.text]
    _merge(found, _by_free_names(free))
    for frame in frames.get("UFID", ()):
        if frame.owner == _MUSICBRAINZ:
            _add(found, "mb_recording", [frame.data.decode("ascii", errors="replace")])
    for frame in frames.get("RVA2", ()):
        kind = "album" if frame.desc.lower() == "album" else "track"
        _add(found, f"{kind}_gain", [f"{frame.gain}"])
        _add(found, f"{kind}_peak", [f"{frame.peak or ''}"])
    return found


@lru_cache(maxsize=1024)
def _genres(texts: tuple[str, ...]) -> list[str]:
    """The genres of a frame, with the names of those that it gives by number, as in "(17)"."""
    genres: list[str] = TCON(text=list(texts)).genres
    return genres


def _by_kind(tags: ID3) -> dict[str, list[Any]]:
    """The frames by their names; ID3.getall would search all frames for each name."""
    frames: dict[str, list[Any]] = {}
    for key, frame in tags.items():
        frames.setdefault(key.partition(":")[0], []).append(frame)
    return frames


def _latin_texts_beside(path: Path) -> Sequence[str]:
    """The texts that claim to be Latin-1 of the mp3 files in a file's folder."""
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in entries if entry.name.lower().endswith(".mp3"))
        stamps = [(name, (path.parent / name).stat().st_mtime_ns) for name in names[:_MOST_BESIDE]]
    except OSError:
        return ()
    return _latin_texts_of(path.parent, tuple(stamps))


@lru_cache(maxsize=16)
def _latin_texts_of(folder: Path, stamps: Sequence[tuple[str, int]]) -> Sequence[str]:
    """The texts of files; their times are part of the key."""
    found: dict[str, None] = {}
    for name, _ in stamps:
        try:
            tags = PlainId3(folder / name, known_frames=KNOWN_FRAMES)  # type: ignore[no-untyped-call]
        except Exception:  # none, or damaged ones
            continue
        found.update(dict.fromkeys(_latin_texts(_by_kind(tags))))
    return tuple(found)


def _latin_texts(frames: Mapping[str, Sequence[Any]]) -> list[str]:
    """The texts of frames that claim to be Latin-1."""
    known = [frame for key in _ID3_FRAMES.values() for frame in frames.get(key, ())]
    return [text for frame in known if getattr(frame, "encoding", None) == 0 for text in map(str, frame.text)]


def _of_mp4(tags: MP4Tags) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, atom in _MP4_ATOMS.items():
        value = tags.get(atom)
        values = value if isinstance(value, list) else [] if value is None else [value]
        _merge(found, {name: [_mp4_text(item) for item in values]})
    free = (
        (key.rsplit(":", 1)[-1], _mp4_text(value))
        for key, values in tags.items()
        if key.startswith("----:") and isinstance(values, list)
        for value in values
    )
    _merge(found, _by_free_names(free))
    return found


def _mp4_text(value: Any) -> str:
    """An atom's value as text; free-form atoms have bytes, track numbers a pair, flags a truth value."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        number, total = (*value, 0)[:2]
        return f"{number}/{total}" if total else str(number)
    return str(value)


def _pairs(tags: Any) -> Iterable[tuple[str, str]]:
    """The names and values of Vorbis comments, APEv2 and ASF tags."""
    for name, values in dict(tags).items():
        if isinstance(tags, APEv2) and getattr(values, "kind", 0) != 0:
            continue  # pictures and other binary data
        for value in values if not isinstance(values, str) else [values]:
            yield str(name), str(value)


def _ffmpeg_pairs(path: Path, encoding: str, *, of_stream: bool = False) -> Iterable[tuple[str, str]]:
    """Tags that ffmpeg reads: RIFF INFO, AIFF's texts, Matroska's and others; or those of a stream."""
    chosen = ["-map_metadata", "0:s:a:0"] if of_stream else []
    try:
        output = ffmpeg.run(
            path, before=["-v", "error"], after=[*chosen, "-f", "ffmetadata", "pipe:1"]
        ).stdout
    except AudioError:
        return []
    lines = re.split(rb"(?<!\\)\n", output[:LONGEST_VALUE].partition(b"\n[")[0])
    pairs = [line.partition(b"=")[::2] for line in lines if b"=" in line and not line.startswith(b";")]
    plain = [(name, re.sub(rb"\\(.)", rb"\1", value, flags=re.DOTALL)) for name, value in pairs]
    texts = [value.decode("latin-1") for _, value in plain if not _is_utf8(value)]
    repair = Repair(encoding, texts)
    return [
        (
            name.decode("utf-8", errors="replace"),
            value.decode() if _is_utf8(value) else repair.latin(value.decode("latin-1")),
        )
        for name, value in plain
    ]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _by_free_names(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Values by our names for the fields; of several spellings of a name, the first in the table counts."""
    found: dict[str, list[str]] = {}
    ranks: dict[str, int] = {}
    for name, value in pairs:
        key = _field_of(name[:LONGEST_NAME])
        if key is None or not _has_text(value):
            continue
        field, rank = key
        best = ranks.setdefault(field, rank)
        if rank < best:
            ranks[field], found[field] = rank, [value[:LONGEST_VALUE]]
        elif rank == best:
            found.setdefault(field, []).append(value[:LONGEST_VALUE])
    return found


def _has_text(value: str) -> bool:
    return value[:1].isalnum() or bool(value.strip(" \0\t\r\n"))


@lru_cache(maxsize=1024)
def _field_of(name: str) -> tuple[str, int] | None:
    """Our name for a free field, and the rank of this name of it; case and punctuation do not matter."""
    return _FIELD_OF.get(re.sub(r"[^a-z0-9]", "", name.lower().removeprefix("wm/")))
