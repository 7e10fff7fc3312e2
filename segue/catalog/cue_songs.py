"""The songs that CUE sheets beside recordings cut out of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from segue.catalog.cue import LARGEST, CueFile, CueSheet, CueTrack, InvalidCue, read_cue
from segue.catalog.cue_part import CueDocument
from segue.catalog.rejected import INVALID_CUE, RejectedFile
from segue.catalog.stored_paths import shown
from segue.normal_forms import normalised


@dataclass(frozen=True, kw_only=True)
class CueSong:
    """A song of a recording, with the facts of its sheet."""

    track: CueTrack
    number: int
    """Its number, or its place in the file if numbers repeat."""
    album: str
    performer: str
    """The performer of the album."""
    remarks: Mapping[str, str]
    """The remarks of the sheet and, before them, of the song."""

    def document(self) -> CueDocument:
        """The stored fields."""
        facts = [
            self.number, self.track.number, self.track.start, self.track.end, self.track.title,
            self.track.performer, self.album, self.performer, sorted(self.remarks.items()),
        ]  # fmt: skip
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
        return {"number": self.number, "start": self.track.start, "end": self.track.end, "digest": digest}


def songs_by_file(
    names: Iterable[str], sheets: Iterable[Path], *, encoding: str = "auto"
) -> tuple[dict[str, list[CueSong]], list[RejectedFile]]:
    """The songs of the recordings in a folder that sheets divide, by the recordings' names.

    A recording of one song is not divided. Of several sheets for a recording, the first by name counts.

    Parameters
    ----------
    names
        The names of all audio files in the folder of the sheets.
    encoding
        The encoding of sheets that are not Unicode, or "auto".
    """
    known = _by_name(names)
    found: dict[str, list[CueSong]] = {}
    rejected: list[RejectedFile] = []
    for path in sorted(sheets):
        try:
            sheet = _read(path, encoding)
            files = {name: file for file in sheet.files if (name := _named(file, sheet, path, known))}
        except InvalidCue as error:
            rejected.append(_rejected(path, INVALID_CUE, str(error)))
            continue
        except OSError as error:
            rejected.append(_rejected(path, "unreadable", error.strerror or str(error)))
            continue
        if len(files) < len(sheet.files):
            there = {id(file) for file in files.values()}
            missing = ", ".join(file.name for file in sheet.files if id(file) not in there)
            rejected.append(_rejected(path, "cue-without-file", f"it names {missing[:300]}"))
        for name, file in files.items():
            if len(file.tracks) > 1 and name not in found:
                found[name] = songs_of(file, sheet)
    return found, rejected


def _read(path: Path, encoding: str) -> CueSheet:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise InvalidCue("it is too large for a CUE sheet")
    return read_cue(data, encoding=encoding)


def _by_name(names: Iterable[str]) -> dict[str, str]:
    """The names of audio files by what a sheet may call them: their names with and without suffix."""
    known: dict[str, str] = {}
    for name in sorted(names):
        plain = folded(name)
        for key in (plain, plain.rsplit(".", 1)[0]):
            known.setdefault(key, name)
    return known


def _named(file: CueFile, sheet: CueSheet, path: Path, known: Mapping[str, str]) -> str | None:
    """The audio file that a sheet means: its name may lack or have another suffix after a conversion."""
    wanted = folded(file.name.replace("\\", "/").rsplit("/", 1)[-1])
    stems = [wanted.rsplit(".", 1)[0], *([folded(path.stem)] if len(sheet.files) == 1 else [])]
    return next((known[key] for key in (wanted, *stems) if key in known), None)


def folded(name: str) -> str:
    """The name of a file for comparison."""
    return normalised("NFC", name).casefold().strip()


def songs_of(file: CueFile, sheet: CueSheet) -> list[CueSong]:
    """The songs of one of a sheet's files."""
    unique = len({track.number for track in file.tracks}) == len(file.tracks)
    return [
        CueSong(
            track=track,
            number=track.number if unique else place,
            album=sheet.title,
            performer=sheet.performer,
            remarks={**sheet.remarks, **track.remarks},
        )
        for place, track in enumerate(file.tracks, 1)
    ]


def _rejected(path: Path, reason: str, detail: str) -> RejectedFile:
    return RejectedFile(path=shown(path), reason=reason, detail=detail)
