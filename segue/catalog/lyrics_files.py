"""The files with lyrics beside recordings: Song.lrc or Song.txt for Song.flac, and Song.en.lrc for lyrics in
English.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from segue.catalog.lyrics import UNKNOWN_LANGUAGE, Lyrics, NoLyrics, language_code, read_lyrics
from segue.catalog.rejected import INVALID_LYRICS, RejectedFile
from segue.catalog.stored_paths import shown
from segue.catalog.track import file_key, without_compression

SUFFIXES = (".lrc", ".elrc", ".txt")
"""In order of preference. A .txt file counts only if it has the name of a recording."""
LARGEST = 1 << 20
"""Bytes; a larger file has no lyrics."""
MOST = 8
"""Files of one recording."""


@dataclass(frozen=True, kw_only=True)
class LyricsFile:
    path: Path
    language: str
    size: int
    modified_ns: int

    @property
    def suffix(self) -> str:
        """The suffix in lower case, one of :data:`SUFFIXES`."""
        return self.path.suffix.lower()


def digest_of(files: Iterable[LyricsFile]) -> str | None:
    """A digest of the languages, sizes, times and suffixes of files; None without files."""
    facts = [
        # Of .lrc files, 0.2 stored no suffix.
        f"{file.language} {file.size} {file.modified_ns}{file.suffix.removeprefix('.lrc')}"
        for file in files
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16] if facts else None


def files_by_recording(names: Iterable[str], paths: Sequence[Path]) -> dict[str, tuple[LyricsFile, ...]]:
    """The lyrics of the recordings in a folder, by the recordings' names; those without a language first.

    Parameters
    ----------
    names
        The names of all audio files in the folder of the lyrics.
    """
    if not paths:
        return {}
    stems: dict[str, list[str]] = defaultdict(list)
    for name in names:
        stems[file_key(without_compression(PurePosixPath(name)).stem)].append(name)
    found: dict[str, list[LyricsFile]] = defaultdict(list)
    for path in sorted(paths):
        stem, language = file_key(path.stem), UNKNOWN_LANGUAGE
        if stem not in stems:
            stem, _, end = stem.rpartition(".")
            language = language_code(end, or_else="")
        if stem in stems and language and (file := _file(path, language)):
            for name in stems[stem]:
                found[name].append(file)
    return {name: tuple(sorted(files, key=_preference)[:MOST]) for name, files in found.items()}


def _preference(file: LyricsFile) -> tuple[bool, int]:
    return file.language != UNKNOWN_LANGUAGE, SUFFIXES.index(file.suffix)


def _file(path: Path, language: str) -> LyricsFile | None:
    try:
        status = path.stat()
    except OSError:  # a link without a target
        return None
    return LyricsFile(path=path, language=language, size=status.st_size, modified_ns=status.st_mtime_ns)


def lyrics_beside(
    files: Iterable[LyricsFile], *, encoding: str, track_id: str
) -> Iterator[Lyrics | RejectedFile]:
    """The lyrics in files; a file that has none for a fault is rejected with the reason "invalid-lyrics"."""
    for file in files:
        language = "" if file.language == UNKNOWN_LANGUAGE else file.language
        try:
            if lyrics := read_lyrics(_data(file.path), language=language, encoding=encoding):
                yield lyrics
        except (OSError, NoLyrics) as error:
            detail = (error.strerror if isinstance(error, OSError) else None) or str(error)
            yield RejectedFile(path=shown(file.path), track_id=track_id, reason=INVALID_LYRICS, detail=detail)


def _data(path: Path) -> bytes:
    if not path.is_file():
        raise NoLyrics("it is not a file")  # a pipe would never end
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise NoLyrics("it is too large for lyrics")
    return data
