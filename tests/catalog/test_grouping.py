"""Which tracks are one album: by ids, by names and years, and by folders."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.catalog.file_names import is_disc
from segue.catalog.grouping import Member, album_key, albums_of, disc_in, place_of
from segue.catalog.letters import artist_key


def track(name: str, path: str, artist: str = "", *, by: str = "", number: int = 0, **others: Any) -> Member:
    disc = others.pop("disc", 0)
    return Member(
        track_id=path,
        library=others.pop("library", "home"),
        folder=place_of(path),
        key=album_key(name),
        artists=(artist_key(artist),) if artist else (),
        album_artists=(artist_key(by),) if by else (),
        number=(disc, "", number) if number else None,
        **others,
    )


def groups(members: list[Member]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for own, album in albums_of(members).items():
        found.setdefault(album, []).append(own)
    return sorted(sorted(those) for those in found.values())


def together(*members: Member) -> bool:
    return len(groups(list(members))) == 1 and len(albums_of(members)) == len(members)


def test_folders_of_discs_are_one_album() -> None:
    for first, second in [("Box/CD1", "Box/CD2"), ("Box (Disc 1)", "Box (Disc 2)"), ("Box cd 1", "Box cd 2")]:
        assert together(
            track("Box", f"/m/A/{first}/1.mp3", "A", number=1),
            track("Box", f"/m/A/{second}/1.mp3", "A", number=1, disc=2),
        ), first
    assert together(
        track("Box (Disc 1)", "/m/A/x/1.mp3", "A", by="A"), track("Box [CD 2]", "/m/A/y/1.mp3", "A", by="A")
    )


def test_one_name_of_two_artists_is_two_albums() -> None:
    queen = track("Greatest Hits", "/m/Queen/Hits/1.mp3", "Queen", number=1)
    abba = track("Greatest Hits", "/m/ABBA/Hits/1.mp3", "ABBA", number=1)
    assert not together(queen, abba)
    flat = [
        track("Greatest Hits", f"/m/all/{artist}{number}.mp3", artist, number=number)
        for artist in ("Queen", "ABBA")
        for number in (1, 2, 3)
    ]
    assert [len(group) for group in groups(flat)] == [3, 3]
    named = [
        track("Greatest Hits", f"/m/all/{artist}.mp3", artist, by=artist, number=number)
        for number, artist in enumerate(("Queen", "ABBA"), 1)
    ]
    assert not together(*named)


def test_years_and_editions_are_two_albums() -> None:
    def disc(folder: str, **others: Any) -> list[Member]:
        return [track("Rumours", f"/m/{folder}/{n}.mp3", "FM", by="FM", number=n, **others) for n in (1, 2)]

    assert len(groups(disc("a", year=1977) + disc("b", year=2004))) == 2
    assert len(groups(disc("a", year=1977) + disc("b", year=1977))) == 1
    assert len(groups(disc("a", year=1977) + disc("b"))) == 1
    assert len(groups(disc("a", year=1977) + disc("b", year=1977, edition="Deluxe Edition"))) == 2


def test_different_years_in_one_folder_are_one_album() -> None:
    songs = [track("Anthology", f"/m/FM/Anthology/{n}.mp3", "FM", number=n, year=1970 + n) for n in range(9)]
    assert together(*songs)


def test_a_compilation_in_one_folder_is_one_album_and_in_two_folders_two() -> None:
    def sampler(folder: str) -> list[Member]:
        return [
            track("Sampler", f"/m/{folder}/{n}.mp3", artist, number=n)
            for n, artist in enumerate(("X", "Y", "Z", "X"), 1)
        ]

    assert len(groups(sampler("one"))) == 1
    assert len(groups(sampler("one") + sampler("two"))) == 2
    unnumbered = [track("Sampler", f"/m/s/{artist}.mp3", artist) for artist in "XYZ"]
    assert together(*unnumbered)


def test_a_compilation_that_is_named_so_is_one_album_in_the_folders_of_its_artists() -> None:
    songs = [track("Sampler", f"/m/{artist}/Sampler/1.mp3", artist, various=True) for artist in "XYZ"]
    assert together(*songs)


def test_one_release_in_two_folders_is_one_album_and_two_releases_of_a_name_are_two() -> None:
    first = track("Live", "/m/a/1.mp3", "A", release="r1", year=1990)
    assert together(first, track("Live!", "/m/b/2.mp3", "A", release="r1", year=1991))
    assert not together(first, track("Live", "/m/a/2.mp3", "A", release="r2", year=1990))
    # A file that lost its ids belongs to the album in its folder.
    assert together(first, track("Live", "/m/a/3.mp3", "A"))
    assert not together(first, track("Live", "/m/c/3.mp3", "Somebody"))


def test_a_guest_without_album_artist_belongs_to_the_album_in_the_folder() -> None:
    songs = [track("Duets", f"/m/d/{n}.mp3", "Ray", by="Ray", number=n) for n in (1, 2, 3)]
    assert together(*songs, track("Duets", "/m/d/4.mp3", "Guest", number=4))
    most = [track("Duets", f"/m/d/{n}.mp3", "Ray", number=n) for n in (1, 2, 3)]
    assert together(*most, track("Duets", "/m/d/4.mp3", "Guest", number=4))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Beyoncé", "BEYONCE"), ("Guns N’ Roses", "Guns N' Roses"), ("Run-D.M.C.", "Run‐D.M.C.")],
)
def test_spellings_join(one: str, other: str) -> None:
    assert together(track(one, "/m/a/1.mp3", one, by=one), track(other, "/m/b/2.mp3", other, by=other))


def test_libraries_keep_their_own_albums() -> None:
    assert not together(
        track("X", "/m/1.mp3", "A", release="r"), track("X", "/m/2.mp3", "A", release="r", library="other")
    )


def test_tracks_without_an_album_belong_to_none() -> None:
    assert albums_of([track("", "/m/1.mp3", "A")]) == {}


def test_signs_are_names() -> None:
    assert not together(track("÷", "/m/a/1.mp3", "Ed"), track("×", "/m/a/2.mp3", "Ed"))


@pytest.mark.parametrize(
    ("name", "disc"),
    [
        ("Box (Disc 2)", 2),
        ("Box CD1", 1),
        ("Box - Disk 3", 3),
        ("Box (Disc One)", 1),
        ("Box [CD II]", 2),
        ("Box (Disc 1: Live)", 1),
        ("Box CD 1 of 2", 1),
        ("Box Disco II", None),
        ("Discovery", None),
        ("Box", None),
        ("CD 2", None),
        ("AC/CD", None),
    ],
)
def test_the_disc_in_a_name(name: str, disc: int | None) -> None:
    assert disc_in(name) == disc


MEMBERS = st.lists(
    st.builds(
        track,
        st.sampled_from(["Hits", "hits", "Hits (Disc 2)", "Live", ""]),
        st.builds(
            "/m/{}/{}.mp3".format, st.sampled_from(["a", "a/CD1", "a/CD2", "b"]), st.integers(0, 10**9)
        ),
        st.sampled_from(["Queen", "queen", "ABBA", ""]),
        by=st.sampled_from(["", "", "Queen", "ABBA"]),
        number=st.integers(0, 3),
        year=st.sampled_from([None, 1980, 2011]),
        release=st.sampled_from([None, None, "r1", "r2"]),
        various=st.booleans(),
    ),
    max_size=14,
    unique_by=lambda member: member.track_id,
)


@given(MEMBERS, st.integers())
def test_the_order_of_tracks_does_not_matter(members: list[Member], seed: int) -> None:
    shuffled = random.Random(seed).sample(members, len(members))
    assert albums_of(shuffled) == albums_of(members)


@given(MEMBERS)
def test_an_album_has_one_release_and_every_named_track_has_an_album(members: list[Member]) -> None:
    albums = albums_of(members)
    assert {member.track_id for member in members if member.key or member.release} == set(albums)
    releases: dict[str, set[str | None]] = {}
    for member in members:
        if member.track_id in albums and member.release:
            releases.setdefault(albums[member.track_id], set()).add(member.release)
    assert all(len(those) == 1 for those in releases.values())
    by_release = {member.release: albums[member.track_id] for member in members if member.release}
    assert len(set(by_release.values())) == len(by_release)


@given(MEMBERS)
def test_albums_of_other_names_do_not_matter(members: list[Member]) -> None:
    alone = [member for member in members if member.key == album_key("Live")]
    albums = albums_of(members)
    assert albums_of(alone) == {member.track_id: albums[member.track_id] for member in alone}


@pytest.mark.parametrize(
    ("folder", "is_one"),
    [
        ("CD 1", True), ("Disc One", True), ("CD II", True), ("[CD1]", True), ("CD (Bonus)", True),
        ("Disc 1 - Live", True), ("Side A", True), ("LP1", True), ("Side Effects", False),
        ("Vinyl Williams", False), ("Part Time", False), ("Cassette Gods", False), ("Discovery", False),
    ],
)  # fmt: skip
def test_folders_of_discs(folder: str, is_one: bool) -> None:
    assert is_disc(folder) == is_one
