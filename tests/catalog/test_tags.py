"""Tags in every format, substitutes for missing ones, and covers."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path, PurePosixPath

import imageio_ffmpeg
import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutagen.apev2 import BINARY, APEv2, APEValue
from mutagen.asf import ASFByteArrayAttribute  # type: ignore[attr-defined]

from segue.audio.errors import Undecodable
from segue.catalog.cover_art import WIDEST, find_cover, thumbnail
from segue.catalog.tags import Tags, clean, read_tags
from segue.catalog.track import LONGEST, UNKNOWN_ARTIST
from tests.catalog.library import label, picture, song, tag

FORMATS = ["mp3", "ogg", "flac", "m4a", "wav", "opus"]


def read(path: Path, *, relative: str = "a.mp3") -> Tags:
    return read_tags(path, relative=PurePosixPath(relative))[0]


@pytest.mark.parametrize("ending", FORMATS)
def test_each_format_says_the_same(tmp_path: Path, ending: str) -> None:
    path = tag(
        song(tmp_path / f"a.{ending}"), title="Für Elise 🎹", artist="Ada", album="One", genre="Jazz; Blues"
    )
    found = read(path)
    assert found.duration_ms == pytest.approx(4000, abs=150)
    assert (found.title, found.artist, found.album) == ("Für Elise 🎹", "Ada", "One")
    assert (found.genres, found.track, found.year) == (("Jazz", "Blues"), 3, 1987)


@pytest.mark.parametrize("ending", FORMATS)
def test_moods_and_groupings_are_labels(tmp_path: Path, ending: str) -> None:
    path = tag(song(tmp_path / f"a.{ending}"), title="a", artist="b", album="c", genre="Jazz")
    assert read(path).labels == ()
    assert read(label(path, mood="Wistful; Calm", grouping="Dinner")).labels == ("Wistful", "Calm", "Dinner")


@pytest.mark.parametrize(
    ("relative", "title", "artist", "album"),
    [
        ("b.mp3", "b", UNKNOWN_ARTIST, None),
        ("Nina/b.x.mp3", "b.x", "Nina", None),
        ("X/Nina/two\nlines.mp3", "two lines", "X", "Nina"),
        ("Nina Simone/Pastel Blues/01 Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Nina Simone/Pastel Blues/CD 1/01 - Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Downloads/FLAC/07 - Nina Simone - Sinnerman.mp3", "Sinnerman", "Nina Simone", None),
        ("FLAC/Sinnerman.mp3", "Sinnerman", UNKNOWN_ARTIST, None),
        ("CD1/99 Luftballons.mp3", "99 Luftballons", UNKNOWN_ARTIST, None),
        ("Nina Simone - Sinnerman.mp3", "Sinnerman", "Nina Simone", None),
        ("Nina Simone - 07 - Sinnerman.mp3", "Sinnerman", "Nina Simone", None),
        ("Nina Simone - Pastel Blues/01 Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Nina Simone - 1965 - Pastel Blues/01 Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Nina Simone/1965 - Pastel Blues/01 Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Nina Simone/[1965] Pastel Blues/01 Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Nina Simone/Nina Simone - Pastel Blues/Sinnerman.mp3", "Sinnerman", "Nina Simone", "Pastel Blues"),
        ("Prince/1999/01 1999.mp3", "1999", "Prince", "1999"),
        ("New Folder/Sinnerman.mp3", "Sinnerman", UNKNOWN_ARTIST, None),
    ],
)
def test_names_stand_in_for_missing_tags(
    tmp_path: Path, relative: str, title: str, artist: str, album: str | None
) -> None:
    found = read(song(tmp_path / "a.mp3"), relative=relative)
    assert (found.title, found.artist, found.album, found.genres) == (title, artist, album, ())


def test_empty_tags_count_as_missing(tmp_path: Path) -> None:
    path = tag(song(tmp_path / "a.flac"), title="  ", artist="\0", album="", genre=";")
    found = read(path, relative="Nina/b.flac")
    assert (found.title, found.artist, found.album, found.genres) == ("b", "Nina", None, ())


def test_a_broken_tag_does_not_cost_the_track(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    path.write_bytes(
        b"ID3\x04\x00\x00\x00\x00\x02\x01TIT2\xff\xff\xff\xff" + b"\x00" * 250 + path.read_bytes()
    )
    assert read(path, relative="b.mp3").title == "b"


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(picture())
    (tmp_path / "b.mp3").touch()
    with pytest.raises(Undecodable, match="not-audio"):
        read(tmp_path / "a.mp3")
    with pytest.raises(Undecodable, match="empty"):
        read(tmp_path / "b.mp3")


@given(st.text())
def test_clean_text_is_one_line_that_can_be_stored(text: str) -> None:
    found = clean(text)
    found.encode("utf-8")
    assert len(found) <= LONGEST and found == found.strip() and not set(found) & set("\0\n\r\t\x85\u2028")
    assert clean(found) == found


@pytest.mark.parametrize("ending", FORMATS)
def test_the_embedded_cover_goes_before_the_folders(tmp_path: Path, ending: str) -> None:
    (tmp_path / "cover.jpg").write_bytes(picture("red"))
    embedded = picture("teal")
    path = tag(song(tmp_path / f"a.{ending}"), title="a", artist="b", album="c", genre="d", cover=embedded)
    cover = find_cover(path, read_tags(path, relative=PurePosixPath("a"))[1])
    assert cover == thumbnail(embedded) and cover is not None
    assert cover.data[:2] == b"\xff\xd8" and _size(cover.data) == (WIDEST, WIDEST * 3 // 4)


@pytest.mark.parametrize("name", ["cover.jpg", "Folder.JPG", "front.png"])
def test_the_folders_picture_stands_in(tmp_path: Path, name: str) -> None:
    data = picture(format="PNG" if name.endswith("png") else "JPEG", size=(100, 80))
    (tmp_path / name).write_bytes(data)
    (tmp_path / "booklet.jpg").write_bytes(picture("red"))
    path = song(tmp_path / "a.mp3")
    cover = find_cover(path, read_tags(path, relative=PurePosixPath("a"))[1])
    assert cover is not None and _size(cover.data) == (100, 80)
    assert cover.cover_id == thumbnail(data).cover_id  # type: ignore[union-attr]


@pytest.mark.parametrize("broken", [b"", b"no picture", picture()[:500], b"\x89PNG\r\n\x1a\n" + b"\0" * 50])
def test_a_broken_cover_is_passed_over(tmp_path: Path, broken: bytes) -> None:
    path = tag(song(tmp_path / "a.mp3"), title="a", artist="b", album="c", genre="d", cover=broken)
    (tmp_path / "cover.jpg").write_bytes(broken)
    (tmp_path / "folder.jpg").write_bytes(picture("gold"))
    cover = find_cover(path, read_tags(path, relative=PurePosixPath("a"))[1])
    assert cover == thumbnail(picture("gold"))


def _size(data: bytes) -> tuple[int, int]:
    import io

    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.size


@pytest.mark.parametrize(
    "name",
    [
        "cover.webp", "folder.gif", "AlbumArtSmall.jpg", "artwork.jpg", "album.jpg", "Front Cover.jpg",
        "cover (1).jpg", "Blue Train 1957.jpg", "Cover.JPEG", "Discovery.jpg", "Backstreet Boys.jpg",
        "cover.jfif",
    ],
)  # fmt: skip
def test_pictures_of_other_names_stand_in(name: str, tmp_path: Path) -> None:
    kind = {"webp": "WEBP", "gif": "GIF"}.get(name.rsplit(".", 1)[1], "JPEG")
    (tmp_path / name).write_bytes(picture("teal", format=kind, size=(64, 64)))
    (tmp_path / "back.jpg").write_bytes(picture("red", size=(900, 900)))
    path = song(tmp_path / "a.mp3")
    cover = find_cover(path, read_tags(path, relative=PurePosixPath("a"))[1])
    assert cover is not None and _size(cover.data) == (64, 64)


def test_the_cover_above_the_folders_of_discs(tmp_path: Path) -> None:
    (tmp_path / "cover.jpg").write_bytes(picture("teal"))
    for folder in ("CD1", "Disc 2", "Bonus"):
        path = song(tmp_path / folder / "1.mp3")
        cover = find_cover(path, read_tags(path, relative=PurePosixPath("a"))[1])
        assert (cover == thumbnail(picture("teal"))) == (folder != "Bonus")


def test_covers_in_older_and_other_tags(tmp_path: Path) -> None:
    teal = thumbnail(picture("teal"))
    ape = song(tmp_path / "a.mp3")
    tags = APEv2()
    tags["Cover Art (Back)"] = APEValue(b"back.jpg\0" + picture("red"), BINARY)
    tags["Cover Art (Front)"] = APEValue(b"front.jpg\0" + picture("teal"), BINARY)
    tags.save(ape)
    assert find_cover(ape, read_tags(ape, relative=PurePosixPath("a"))[1]) == teal
    ogg = song(tmp_path / "b" / "a.ogg")
    audio = mutagen.File(ogg)
    audio["coverart"] = base64.b64encode(picture("teal")).decode()
    audio.save()
    assert find_cover(ogg, read_tags(ogg, relative=PurePosixPath("a"))[1]) == teal
    wma = song(tmp_path / "c" / "a.wav").with_suffix(".wma")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(wma.with_suffix(".wav")), str(wma)]
    subprocess.run(command, check=True)
    audio = mutagen.File(wma)
    head = b"\x03" + len(picture("teal")).to_bytes(4, "little")
    texts = "image/jpeg\0".encode("utf-16-le") + "front\0".encode("utf-16-le")
    audio["WM/Picture"] = [ASFByteArrayAttribute(head + texts + picture("teal"))]
    audio.save()
    assert find_cover(wma, read_tags(wma, relative=PurePosixPath("a"))[1]) == teal
