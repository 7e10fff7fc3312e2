"""The songs into which a CUE sheet in a file's own tags divides it.

A sheet is in the tag CUESHEET, as EAC, foobar2000 and others write it, or in the block of FLAC that has the
contents of a disc without titles (https://www.rfc-editor.org/rfc/rfc9639.html#name-cuesheet).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mutagen.flac import FLAC

from segue.audio.length import opened
from segue.catalog.cue import MOST_TRACKS, CueFile, CueSheet, CueTrack, InvalidCue, parse_cue, with_ends
from segue.catalog.cue_songs import CueSong, folded, songs_of
from segue.catalog.scan import AudioFile
from segue.catalog.stored_paths import path_to_open
from segue.catalog.tag_values import values_of
from segue.catalog.track import track_id
from segue.catalog.track_records import StoredFile

_AUDIO, _BEGINNING = 0, 1
"""The type of a track with audio, and the number of the index at which a song begins."""


def songs_inside(path: Path, audio: Any, text: str | None) -> tuple[list[CueSong], str | None]:
    """The songs of a file by the sheet in its tags, or else by FLAC's block.

    Parameters
    ----------
    audio
        The file as mutagen has opened it, or None.
    text
        The tag CUESHEET.

    Returns
    -------
    The songs, none if the file is one song, and the fault of a sheet that cannot be used.
    """
    fault = None
    for read in (partial(_in_text, path, text), partial(_in_block, path, audio)):
        try:
            sheet = read()
        except InvalidCue as error:
            fault = fault or str(error)
            continue
        if sheet is not None and len(sheet.files[0].tracks) > 1:
            return songs_of(sheet.files[0], sheet), fault
    return [], fault


def divided(
    files: Mapping[str, AudioFile], stored: Iterable[StoredFile], *, library: str, encoding: str
) -> dict[str, AudioFile]:
    """Files by place, with its songs in place of each file that is known to have had songs.

    Other files are divided when they are read. These are opened here, so that a song has the same place in
    every scan, whatever has become of the sheet.
    """
    songs = [track for track in stored if track.cue]
    if not songs:
        return dict(files)
    paths = {track.path for track in songs}
    stamps = {(track.inode, track.size, track.modified_ns) for track in songs}
    found: dict[str, AudioFile] = {}
    for place, file in files.items():
        known = file.path in paths or (file.inode, file.size, file.modified_ns) in stamps
        inside = _songs_of(path_to_open(file.path), encoding) if known and file.cue is None else []
        parts = map(file.part, inside)
        found |= {track_id(library, part.within): part for part in parts} if inside else {place: file}
    return found


def _songs_of(path: Path, encoding: str) -> Sequence[CueSong]:
    audio = opened(path)
    try:
        values = values_of(path, audio, encoding=encoding)
    except Exception:  # mutagen parses some frames only when they are read
        values = {}
    return songs_inside(path, audio, next(iter(values.get("cue_sheet", ())), None))[0]


def _in_text(path: Path, text: str | None) -> CueSheet | None:
    """The sheet in a tag, with the file that it means."""
    if text is None:
        return None
    sheet = parse_cue(text, file=path.name)
    if len(sheet.files) == 1:  # whatever its name, it is this one
        return sheet
    names = {folded(path.name), folded(path.stem)}
    own = [file for file in sheet.files if {folded(file.name), folded(Path(file.name).stem)} & names]
    if len(own) != 1:
        raise InvalidCue(f"it names {len(sheet.files)} files, and its own is not clear")
    return CueSheet(title=sheet.title, performer=sheet.performer, remarks=sheet.remarks, files=(own[0],))


def _in_block(path: Path, audio: Any) -> CueSheet | None:
    """The sheet in FLAC's block, whose places are in samples."""
    block: Any = audio.cuesheet if isinstance(audio, FLAC) else None
    rate = audio.info.sample_rate if block is not None else 0
    if block is None or not rate:
        return None
    tracks: list[CueTrack] = []
    for track in block.tracks[:-1]:  # the last one is the lead-out
        if track.type != _AUDIO or not track.indexes:
            continue
        index = next((one for one in track.indexes if one.index_number == _BEGINNING), track.indexes[0])
        start = round((track.start_offset + index.index_offset) / rate, 6)
        if tracks and start <= tracks[-1].start:
            raise InvalidCue(f"song {track.track_number} begins before the one before it")
        tracks.append(CueTrack(number=track.track_number, start=start))
    if len(tracks) > MOST_TRACKS or not tracks:
        return None
    return CueSheet(files=(CueFile(name=path.name, tracks=with_ends(tracks)),))
