"""Versions of one song have one key; songs that only look alike have not."""

from __future__ import annotations

import pytest

from segue.catalog.songs import song_key


@pytest.mark.parametrize(
    "version",
    [
        "Hurt (live)",
        "Hurt [Remastered 2011]",
        "Hurt - 2011 Remaster",
        "hurt - Live at Montreux",
        "Hurt (Radio Edit)",
        "Hurt (Album Version) [Explicit]",
        "Hurt (feat. Somebody)",
        "Hurt feat. Somebody",
        "HÜRT",
        "Hurt!",
    ],
)
def test_versions_are_one_song(version: str) -> None:
    assert song_key("The Band", version) == song_key("band", "Hurt")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hurt", "Hurt (Part 2)"),
        ("Hurt", "Hurt (Somebody Remix)"),
        ("Hurt", "Hurt (Instrumental)"),
        ("Live and Let Die", "Live"),
        ("Alive", "Alive (A Story)"),
        ("(I Can't Get No) Satisfaction", "Satisfaction"),
        ("Song - Two", "Song"),
    ],
)
def test_other_songs_are_others(one: str, other: str) -> None:
    assert song_key("Band", one) != song_key("Band", other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ガス", "カス"),
        ("パパ", "ババ"),
        ("ヴ", "ウ"),
        ("ｶﾞｽ", "カス"),
        ("क़", "क"),
        ("कि", "का"),
        ("กิ", "กี"),
        ("각", "가"),
        ("שָׁלוֹם", "שָׂלוֹם"),
        ("مُحَمَّد", "محمد"),
    ],
)
def test_marks_that_change_a_word_are_no_accents(one: str, other: str) -> None:
    assert song_key("Ada", one) != song_key("Ada", other)
    assert song_key(one, "Hurt") != song_key(other, "Hurt")


@pytest.mark.parametrize(
    ("one", "other"),
    [("ガス", "カ\u3099ス"), ("ガス", "ｶﾞｽ"), ("Ёлка", "Елка"), ("Άλφα", "Αλφα"), ("Việt", "Viet")],
)
def test_accents_and_forms_of_a_letter_do_not_matter(one: str, other: str) -> None:
    assert song_key("Ada", one) == song_key("Ada", other)
    assert song_key(one, "Hurt") == song_key(other, "Hurt")


def test_the_same_title_by_another_artist_is_another_song() -> None:
    assert song_key("Ada", "Hurt") != song_key("Ben", "Hurt")


def test_a_title_that_is_a_word_for_versions_stays() -> None:
    assert song_key("Ada", "(Live)") == song_key("Ada", "Live")


@pytest.mark.parametrize(
    ("artist", "title"),
    [
        (None, "Hurt"),
        ("Ada", None),
        ("Ada", "Untitled"),
        ("Ada", "Track 07"),
        ("Ada", "Intro"),
        ("Ada", "!!"),
    ],
)
def test_a_name_without_a_song_has_no_key(artist: str | None, title: str | None) -> None:
    assert song_key(artist, title) is None
