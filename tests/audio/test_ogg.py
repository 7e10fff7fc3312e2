"""Gaps in Ogg files, over which decoders pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.audio.compress import compress
from segue.audio.errors import Undecodable
from segue.audio.ogg import gap
from tests.audio.sounds import melody, write


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "a.ogg", melody(seconds=20.0))


def test_a_whole_file_has_no_gap(song: Path, tmp_path: Path) -> None:
    assert gap(song) is None
    assert gap(write(tmp_path / "a.mp3", melody(seconds=4.0))) is None  # of Ogg nothing is asked


@pytest.mark.parametrize(
    ("start", "end"), [(0.5, 0.55), (0.3, 0.4), (0.9, 1.0), (0.999, 1.0)], ids=["hole", "wide", "end", "cut"]
)
def test_a_song_with_a_gap_is_not_compressed(song: Path, start: float, end: float) -> None:
    data = song.read_bytes()
    first, last = int(start * len(data)), int(end * len(data))
    damaged = data[:first] + (b"" if end == 1.0 else bytes(last - first) + data[last:])
    song.write_bytes(damaged)
    assert gap(song) is not None
    with pytest.raises(Undecodable, match="page"):
        compress(song, kilobits=16)
    assert song.read_bytes() == damaged
