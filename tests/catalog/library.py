"""A small library on disk for the tests: real audio with real tags."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import mutagen
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3, TALB, TCON, TDRC, TIT1, TIT2, TMOO, TPE1, TRCK, Frame
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from PIL import Image

from tests.audio.sounds import melody, write


def picture(color: str = "teal", *, size: tuple[int, int] = (800, 600), format: str = "JPEG") -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, format)
    return data.getvalue()


def song(path: Path, *, seconds: float = 4.0, seed: int = 0) -> Path:
    """A file without tags."""
    return write(path, melody(seconds=seconds, seed=seed))


def tag(path: Path, *, title: str, artist: str, album: str, genre: str, cover: bytes | None = None) -> Path:
    """Write the same tags in the way of the file's format: track 3 of 12, of 1987."""
    audio = mutagen.File(path)
    if path.suffix in {".mp3", ".wav"}:
        frames: list[Frame] = [TIT2(text=title), TPE1(text=artist), TALB(text=album), TCON(text=genre)]
        frames += [TRCK(text="3/12"), TDRC(text="1987-05-01")]
        frames += [APIC(mime="image/jpeg", type=3, data=cover)] if cover else []
        if audio.tags is None:
            audio.add_tags()
        assert isinstance(audio.tags, ID3)
        for frame in frames:
            audio.tags.add(frame)
    elif isinstance(audio, MP4):
        named = {"\xa9nam": title, "\xa9ART": artist, "\xa9alb": album, "\xa9gen": genre, "\xa9day": "1987"}
        audio.update({key: [value] for key, value in named.items()} | {"trkn": [(3, 12)]})
        if cover:
            audio["covr"] = [MP4Cover(cover)]
    else:
        audio.update({"title": title, "artist": artist, "album": album, "genre": genre.split(";")})
        audio.update({"tracknumber": "3", "date": "1987-05-01"})
        _add_picture(audio, cover)
    audio.save()
    return path


def label(path: Path, *, mood: str, grouping: str) -> Path:
    """Write a mood and a grouping in the way of the file's format."""
    audio = mutagen.File(path)
    if path.suffix in {".mp3", ".wav"}:
        for frame in (TMOO(text=mood), TIT1(text=grouping)):
            audio.tags.add(frame)
    elif isinstance(audio, MP4):
        audio.update({"----:com.apple.iTunes:MOOD": [MP4FreeForm(mood.encode())], "\xa9grp": [grouping]})
    else:
        audio.update({"mood": mood, "grouping": grouping})
    audio.save()
    return path


def _add_picture(audio: mutagen.FileType, cover: bytes | None) -> None:
    if cover is None:
        return
    block = Picture()
    block.type, block.mime, block.data = 3, "image/jpeg", cover
    if isinstance(audio, FLAC):
        audio.add_picture(block)
    else:
        audio["metadata_block_picture"] = [base64.b64encode(block.write()).decode()]


def fma(root: Path) -> Path:
    """FMA's layout in small: five tracks in the tables, four with audio, and one file that no table has.

    The columns are some of the real ones, under the same three rows of header.
    """
    metadata = root / "fma_metadata"
    metadata.mkdir(parents=True)
    (metadata / "tracks.csv").write_text(
        ",album,album,album,artist,artist,set,set,track,track,track,track,track,track,track,track\n"
        ",date_released,id,title,bio,name,split,subset,"
        "duration,genre_top,genres,license,listens,number,tags,title\n"
        "track_id,,,,,,,,,,,,,,,\n"
        '2,2009-01-05 00:00:00,1,AWOL - A Way Of Life,"A bio, with\nlines",AWOL,training,small,'
        "168,Hip-Hop,[21],Attribution-NonCommercial-ShareAlike 3.0 International,1293,3,[],Food\n"
        "5,2009-01-05 00:00:00,1,AWOL - A Way Of Life,,AWOL,training,large,"
        "206,Hip-Hop,[21],Attribution,1151,6,[],This World\n"
        "10,2008-02-06 00:00:00,6,Constant Hitmaker,,Kurt Vile,training,large,"
        "161,Pop,\"[76]\",Attribution-NonCommercial-NoDerivatives,50135,1,\"['lo-fi', 'bedroom']\",Freeway\n"
        '140,,61,,,Alec K.,training,small,253,,"[17, 9999]",,1299,0,[],Queen\'s Square\n'
        "155000,2017-03-30 00:00:00,61,Lost,,Nobody,training,full,"
        "20,Folk,[17],Public Domain,9,2,[],No Audio Here\n"
    )
    (metadata / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n"
        "10,13845,0,Pop,10\n17,12706,0,Folk,17\n21,12201,0,Hip-Hop,21\n76,3000,10,Experimental Pop,10\n"
    )
    for subset, numbers in {"fma_small": (2, 140), "fma_large": (2, 5, 10, 141)}.items():
        for number in numbers:
            name = f"{number:06d}"
            song(root / subset / name[:3] / f"{name}.mp3", seed=number)
    return root
