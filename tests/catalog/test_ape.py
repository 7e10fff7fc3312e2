"""APEv2 tags at the end of an mp3: found wherever mutagen finds them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutagen.apev2 import APEv2

from segue.catalog.ape import ape_tags_of
from tests.catalog.library import song

ID3V1 = b"TAG" + bytes(125)
LYRICS = b"LYRICSBEGIN" + b"LYR00010some words"
LYRICS3 = LYRICS + b"%06d" % len(LYRICS) + b"LYRICS200"


def with_ape(path: Path) -> Path:
    tags = APEv2()
    tags["Title"] = "at the end"
    tags.save(song(path))
    return path


@pytest.mark.parametrize("behind", [b"", ID3V1, LYRICS3 + ID3V1])
def test_tags_are_found_before_others(tmp_path: Path, behind: bytes) -> None:
    path = with_ape(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes() + behind)
    tags = ape_tags_of(path)
    assert tags is not None
    assert str(tags["Title"]) == "at the end"


@pytest.mark.parametrize("name", ["a.mp3", "a.flac"])
def test_none(tmp_path: Path, name: str) -> None:
    assert ape_tags_of(song(tmp_path / name)) is None


def test_a_damaged_tag_counts_as_none(tmp_path: Path) -> None:
    path = song(tmp_path / "a.mp3")
    path.write_bytes(path.read_bytes() + b"APETAGEX" + b"\xff" * 24)
    assert ape_tags_of(path) is None


def test_tags_at_the_start(tmp_path: Path) -> None:
    path = with_ape(tmp_path / "a.mp3")
    data = path.read_bytes()
    start = data.index(b"APETAGEX")
    path.write_bytes(data[start:] + data[:start])
    assert ape_tags_of(path) is not None
