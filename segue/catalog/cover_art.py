"""Cover art: the picture in a file's tags or in its folder, as a small JPEG."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.flac import Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags
from PIL import Image, ImageOps

from segue.catalog.ape import ape_tags_of
from segue.catalog.file_names import is_disc
from segue.catalog.pictures import SUFFIXES

WIDEST = 400
"""Pixels on the longer side."""
QUALITY = 85
LARGEST_BYTES = 32 << 20
LARGEST_PIXELS = 50_000_000
BESIDE = (
    "cover",
    "folder",
    "front",
    "albumart",
    "artwork",
    "album",
    "frontcover",
    "coverart",
    "art",
    "thumb",
)
"""File names of a folder's cover, in order of preference: in lower case, letters only, without suffix."""
NEVER = re.compile(
    r"(?:back|inlay|booklet|cd|disc|disk|tray|inside|matrix|spine|label)(?:cover|art|scan|image|label)?\d*"
)
"""Words in the names of pictures that are not front covers."""
FRONT = 3
"""The kind of picture that ID3 and FLAC call the front cover."""


@dataclass(frozen=True, kw_only=True)
class Cover:
    cover_id: str
    """SHA-256 of the original picture."""
    data: bytes
    """JPEG, at most :data:`WIDEST` pixels wide and high."""


def find_cover(path: Path, audio: Any, *, data: BinaryIO | None = None) -> Cover | None:
    """The cover of a track: from its tags (`audio` is mutagen's object), otherwise from its folder.

    `data` has the contents of the file, if they are open.

    A picture that is broken or far too large is skipped; the track is kept.
    """
    for picture in chain(_embedded(audio), _at_end(path, data)):
        if picture and (cover := thumbnail(picture)):
            return cover
    return _beside(path.parent) or (_beside(path.parent.parent) if is_disc(path.parent.name) else None)


def _embedded(audio: Any) -> Iterator[bytes]:
    tags = getattr(audio, "tags", None)
    pictures: list[Any] = list(getattr(audio, "pictures", ()))
    older: list[bytes] = []
    if isinstance(tags, ID3):
        pictures += tags.getall("APIC")
    elif isinstance(tags, MP4Tags):
        yield from (bytes(cover) for cover in tags.get("covr") or ())
    elif isinstance(tags, APEv2):
        yield from _of_ape(tags)
    elif isinstance(tags, ASFTags):
        pictures += [p for value in tags.get("WM/Picture", ()) if (p := _of_asf(bytes(value.value)))]
    elif tags is not None:
        pictures += [p for text in tags.get("metadata_block_picture") or () if (p := _block(text))]
        older = [data for text in tags.get("coverart") or () if (data := _decoded(text))]
    yield from (picture.data for picture in sorted(pictures, key=lambda picture: picture.type != FRONT))
    yield from older


def _at_end(path: Path, data: BinaryIO | None) -> Iterator[bytes]:
    """The pictures of APEv2 tags at the end of an mp3."""
    tags = ape_tags_of(path, data)
    try:
        yield from _of_ape(tags) if tags is not None else ()
    except Exception:  # mutagen parses some values only when they are read
        return


def _of_ape(tags: APEv2) -> Iterator[bytes]:
    """The pictures of APEv2 tags, the front first: each has a file name, NUL, and the data."""
    names = [name for name in tags if name.lower().startswith("cover art")]
    for name in sorted(names, key=lambda name: "front" not in name.lower()):
        value = tags[name].value
        if isinstance(value, bytes):
            yield value.partition(b"\0")[2]


def _of_asf(data: bytes) -> Picture | None:
    """The picture in a WM/Picture attribute: type, size, two UTF-16 texts, data."""
    texts = re.match(rb"(?:(?:[^\0].|.[^\0])*?\0\0){2}", data[5:], re.DOTALL)
    if not texts:
        return None
    picture = Picture()
    picture.type, picture.data = data[0], data[5 + texts.end() :]
    return picture


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text)
    except ValueError:
        return None


def _block(text: str) -> Picture | None:
    """A picture in a Vorbis comment; None where it is garbled."""
    try:
        return Picture(base64.b64decode(text))
    except Exception:  # mutagen's parser can raise any error
        return None


def forget_folders() -> None:
    """Look at the pictures in folders again: they may have changed since the last pass."""
    _beside.cache_clear()


@lru_cache(maxsize=64)
def _beside(folder: Path) -> Cover | None:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    except OSError:
        return None
    named = [file for stem in BESIDE for file in files if _letters(file) == stem]
    named += [file for stem in BESIDE[:4] for file in files if _letters(file).startswith(stem)]
    others = [file for file in files if not _is_other_side(file)]
    ranked = list(dict.fromkeys([*named, *sorted(others, key=_size, reverse=True)]))
    for file in ranked:
        try:
            if (
                file.is_file()
                and file.stat().st_size <= LARGEST_BYTES
                and (cover := thumbnail(file.read_bytes()))
            ):
                return cover
        except OSError:
            continue
    return None


def _letters(file: Path) -> str:
    """The name of a file without its suffix, signs and numbers: "Cover (1).jpg" → "cover"."""
    return "".join(sign for sign in file.stem.lower() if sign.isalpha())


def _is_other_side(file: Path) -> bool:
    """Whether a name says that it is not the front: "Back.jpg" and "CD 1.jpg", but not "Discovery.jpg"."""
    return any(NEVER.fullmatch(word) for word in re.split(r"[\W_]+", file.stem.lower()))


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


@lru_cache(maxsize=4)  # the tracks of an album have the same picture
def thumbnail(picture: bytes) -> Cover | None:
    """A picture as a small JPEG, or None if it cannot be read."""
    if len(picture) > LARGEST_BYTES:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(picture)) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    return None
                image.draft("RGB", (2 * WIDEST, 2 * WIDEST))
                small = ImageOps.exif_transpose(image).convert("RGB")
                small.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    # On a damaged picture, Pillow's decoders can raise any error.
    except Exception:
        return None
    data = io.BytesIO()
    small.save(data, "JPEG", quality=QUALITY, optimize=True)
    return Cover(cover_id=hashlib.sha256(picture).hexdigest(), data=data.getvalue())
