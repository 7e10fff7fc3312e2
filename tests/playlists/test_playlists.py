"""Playlists belong to their owners."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from pymongo.database import Database

from segue.playlists import playlists as module
from segue.playlists.playlist import PlaylistError
from segue.playlists.playlists import LONGEST_NAME, Playlists
from segue.storage.mongo import Document
from segue.storage.store import Store


@pytest.fixture
def playlists(database: Database[Document]) -> Playlists:
    return Playlists(Store(database))


def tracks(playlists: Playlists, playlist_id: str, owner: str = "ada") -> list[str]:
    found = playlists.read(owner, playlist_id)
    assert found is not None
    return list(found.tracks)


def test_make_add_move_take_out_rename_delete(playlists: Playlists) -> None:
    made = playlists.create("ada", "  Late \n night ", tracks=["a", "b"])
    assert made.name == "Late night"
    own = made.playlist_id
    playlists.add("ada", own, ["c", "a"])
    assert tracks(playlists, own) == ["a", "b", "c", "a"]
    assert playlists.arrange("ada", own, [(3, "a")], to=1)
    assert tracks(playlists, own) == ["a", "a", "b", "c"]
    assert playlists.arrange("ada", own, [(1, "a")], to=None)
    assert tracks(playlists, own) == ["a", "b", "c"]
    playlists.describe("ada", own, name="Early")
    assert [one.name for one in playlists.of("ada")] == ["Early"]
    playlists.delete("ada", own)
    assert playlists.of("ada") == []


@pytest.mark.parametrize(("place", "track_id"), [(0, "b"), (7, "a"), (-1, "b")])
def test_a_change_that_comes_too_late_does_nothing(playlists: Playlists, place: int, track_id: str) -> None:
    own = playlists.create("ada", "x", tracks=["a", "b"]).playlist_id
    assert not playlists.arrange("ada", own, [(place, track_id)], to=None)
    assert not playlists.arrange("ada", own, [(1, "b"), (place, track_id)], to=0)
    assert tracks(playlists, own) == ["a", "b"]


def test_moving_beyond_the_ends_stops_at_them(playlists: Playlists) -> None:
    own = playlists.create("ada", "x", tracks=["a", "b", "c"]).playlist_id
    assert playlists.arrange("ada", own, [(0, "a")], to=99)
    assert playlists.arrange("ada", own, [(1, "c")], to=-5)
    assert tracks(playlists, own) == ["c", "b", "a"]


def test_several_move_and_leave_together(playlists: Playlists) -> None:
    own = playlists.create("ada", "x", tracks=["a", "b", "c", "a", "d"]).playlist_id
    assert playlists.arrange("ada", own, [(3, "a"), (1, "b")], to=1)
    assert tracks(playlists, own) == ["a", "a", "b", "c", "d"]
    assert playlists.arrange("ada", own, [(0, "a"), (4, "d")], to=None)
    assert tracks(playlists, own) == ["a", "b", "c"]


def image(side: int = 900, kind: str = "PNG") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (side, side // 2), "teal").save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_of_its_own_a_cover_and_none(playlists: Playlists, kind: str) -> None:
    own = playlists.create("ada", "x").playlist_id
    playlists.set_picture("ada", own, image(kind=kind))
    found = playlists.read("ada", own)
    data = playlists.picture("ada", own)
    assert found is not None and found.picture and data
    assert Image.open(io.BytesIO(data)).size == (450, 450)
    assert playlists.picture("bob", own) is None
    playlists.describe("ada", own, cover_id="c1", folder=" Late  night ")
    found = playlists.read("ada", own)
    assert found is not None
    assert (found.picture, found.cover_id, found.folder) == ("", "c1", "Late night")
    assert playlists.picture("ada", own) is None


@pytest.mark.parametrize("data", [b"", b"no picture", b"<svg/>", image()[:200], image()[:40] + b"x" * 400])
def test_a_file_that_is_not_a_picture_is_refused(playlists: Playlists, data: bytes) -> None:
    own = playlists.create("ada", "x").playlist_id
    with pytest.raises(PlaylistError, match="cannot read this picture"):
        playlists.set_picture("ada", own, data)
    with pytest.raises(PlaylistError, match="no such playlist"):
        playlists.set_picture("bob", own, image())


def test_nobody_else_can_read_or_change_it(playlists: Playlists) -> None:
    own = playlists.create("ada", "Hers", tracks=["a", "b"]).playlist_id
    assert playlists.read("bob", own) is None
    assert playlists.of("bob") == []
    with pytest.raises(PlaylistError, match="no such playlist"):
        playlists.describe("bob", own, name="His")
    with pytest.raises(PlaylistError, match="no such playlist"):
        playlists.add("bob", own, ["c"])
    assert not playlists.arrange("bob", own, [(0, "a")], to=None)
    assert not playlists.arrange("bob", own, [(0, "a")], to=1)
    playlists.delete("bob", own)
    found = playlists.read("ada", own)
    assert found is not None and (found.name, found.tracks) == ("Hers", ("a", "b"))


@pytest.mark.parametrize("name", ["", "   ", "\n\x00", "x" * (LONGEST_NAME + 1)])
def test_names_that_are_none(playlists: Playlists, name: str) -> None:
    with pytest.raises(PlaylistError):
        playlists.create("ada", name)
    own = playlists.create("ada", "x").playlist_id
    with pytest.raises(PlaylistError):
        playlists.describe("ada", own, name=name)


def test_a_full_playlist_and_too_many(playlists: Playlists, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TRACKS", 3)
    monkeypatch.setattr(module, "MOST_PLAYLISTS", 2)
    own = playlists.create("ada", "x", tracks=["a", "b"]).playlist_id
    playlists.add("ada", own, ["c"])
    with pytest.raises(PlaylistError, match="songs at most"):
        playlists.add("ada", own, ["d"])
    with pytest.raises(PlaylistError, match="songs at most"):
        playlists.create("ada", "y", tracks=["a"] * 4)
    playlists.create("ada", "y")
    with pytest.raises(PlaylistError, match="delete one"):
        playlists.create("ada", "z")
    playlists.create("bob", "z")


def test_changes_at_the_same_time_are_all_kept(playlists: Playlists) -> None:
    own = playlists.create("ada", "x").playlist_id
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: playlists.add("ada", own, [str(n)]), range(40)))
    assert sorted(tracks(playlists, own), key=int) == [str(n) for n in range(40)]
