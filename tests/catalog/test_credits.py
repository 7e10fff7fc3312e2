"""The artists of a track, from the ways in which tags name several."""

from __future__ import annotations

import pytest

from segue.catalog.credits import credits_of, is_various
from segue.catalog.letters import artist_key


@pytest.mark.parametrize(
    ("shown", "main", "featured"),
    [
        (["A1", "A2"], ("A1", "A2"), ()),
        (["Ada; Ben"], ("Ada", "Ben"), ()),
        (["Ada / Ben"], ("Ada", "Ben"), ()),
        (["Ada\0Ben"], ("Ada", "Ben"), ()),
        (["Ada feat. Ben"], ("Ada",), ("Ben",)),
        (["Ada ft Ben"], ("Ada",), ("Ben",)),
        (["Ada feat.Ben"], ("Ada",), ("Ben",)),
        (["Ada；Ben"], ("Ada", "Ben"), ()),
        (["Ada (Featuring Ben)"], ("Ada",), ("Ben",)),
        (["Ada [feat. Ben, Cleo & Dan]"], ("Ada",), ("Ben", "Cleo", "Dan")),
        (["Ada feat. Simon & Garfunkel"], ("Ada",), ("Simon & Garfunkel",)),
        (["AC/DC"], ("AC/DC",), ()),
        (["AC/DC; Ben"], ("AC/DC", "Ben"), ()),
        (["Ada/Ben"], ("Ada/Ben",), ()),
        (["Crosby, Stills & Nash"], ("Crosby, Stills & Nash",), ()),
        (["Tyler, The Creator"], ("Tyler, The Creator",), ()),
        (["Little Feat"], ("Little Feat",), ()),
        (["Daft Punk"], ("Daft Punk",), ()),
        (["Kairon; IRSE!"], ("Kairon; IRSE!",), ()),
        (["Ada", "ADA", "Adá"], ("Ada",), ()),
        (["; ;"], (), ()),
        ([], (), ()),
    ],
)
def test_main_and_featured_artists(
    shown: list[str], main: tuple[str, ...], featured: tuple[str, ...]
) -> None:
    found = credits_of(shown)
    assert (found.main, found.featured) == (main, featured)
    assert found.all == main + featured


def test_a_slash_of_id3_v23_separates_artists() -> None:
    assert credits_of(["A1/A2"], slashes=True).main == ("A1", "A2")
    assert credits_of(["AC/DC"], slashes=True).main == ("AC/DC",)
    assert credits_of(["Ada/Ben; AC/DC"], slashes=True).main == ("Ada", "Ben", "AC/DC")


def test_a_setting_keeps_names_whole() -> None:
    undivided = frozenset({artist_key("Ship/Shape")})
    assert credits_of(["Ship/Shape"], slashes=True, undivided=undivided).main == ("Ship/Shape",)


def test_the_number_of_ids_decides() -> None:
    assert credits_of(["Ada & Ben"], ids=2).main == ("Ada", "Ben")
    assert credits_of(["Ada, Ben and Cleo"], ids=3).main == ("Ada", "Ben", "Cleo")
    assert credits_of(["Ada & Ben"], ids=1).main == ("Ada & Ben",)
    assert credits_of(["Ship/Shape"], ids=1, slashes=True).main == ("Ship/Shape",)


def test_a_list_of_single_names_takes_precedence() -> None:
    found = credits_of(["Ada & Ben feat. Cleo & Dan"], listed=["Ada", "Ben", "Cleo", "Dan"])
    assert (found.main, found.featured) == (("Ada", "Ben"), ("Cleo", "Dan"))
    assert credits_of(["Ada & Ben"], listed=["Ada", "Ben"]).main == ("Ada", "Ben")


def test_a_title_names_featured_artists() -> None:
    assert credits_of(["Ada"], title="Song (feat. Ben)").featured == ("Ben",)
    assert credits_of(["Ada"], title="Song feat. Ada").featured == ()
    assert credits_of(["Ada"], title="A Defeat. Song").featured == ()


@pytest.mark.parametrize("name", ["Various Artists", "various  artists", "VA", "V.A.", "Verschiedene"])
def test_various_artists_are_nobody(name: str) -> None:
    assert is_various(name)
    assert not is_various("Vanessa")


@pytest.mark.parametrize(
    "title", ["Ft. Worth Blues", "Live in Ft. Worth", "A Feat of Strength", "Featuring Nobody"]
)
def test_words_in_a_title_that_name_no_guest(title: str) -> None:
    credits = credits_of(["Ada"], title=title)
    assert (credits.main, credits.featured) == (("Ada",), ())


def test_a_name_that_begins_like_a_guest_is_the_artist() -> None:
    assert credits_of(["Ft. Lauderdale"]).main == ("Ft. Lauderdale",)
    assert credits_of(["feat. Ben"]).all == ("feat. Ben",)
    assert credits_of(["Ada"], title="(feat. Ben) Song").featured == ("Ben",)
