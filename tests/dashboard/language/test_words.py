"""Texts, numbers and dates in the language of the reader."""

from __future__ import annotations

import time
from datetime import date

import pytest

from segue.dashboard.language.catalogues import LANGUAGES, SOURCE, accepted, locale, translations
from segue.dashboard.language.formats import ago, day, number, percent
from segue.dashboard.language.spoken import language, spoken
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.phrases import phrase
from segue.playlists.playlists import PlaylistError


def test_the_browsers_preferred_known_language_is_used() -> None:
    assert accepted("de-CH,de;q=0.9,en;q=0.8") == "de"
    assert accepted("en-GB,de;q=0.9") == "en"
    assert accepted("fr, de;q=0.5, en;q=0.4") == "de"


@pytest.mark.parametrize(
    "header", [None, "", "fr", "*", "de;q=0", "de;q=nan", ";;,,=", "ü" * 9999, "de" * 999]
)
def test_a_browser_without_a_known_language_gets_english(header: str | None) -> None:
    assert accepted(header) == SOURCE


def test_a_language_is_spoken_for_one_request() -> None:
    assert language() == SOURCE
    with spoken("de"):
        assert language() == "de"
        with spoken("en"):
            assert language() == "en"
        assert language() == "de"
    assert language() == SOURCE


def test_numbers_and_dates_are_those_of_the_language() -> None:
    assert (number(1234.5, digits=1), percent(0.125)) == ("1,234.5", "12%")
    assert day(date(2017, 3, 4), skeleton="yMMMMd") == "4 March 2017"
    assert ago((time.time() - 310) * 1000) == "5 min ago"
    with spoken("de"):
        assert (number(1234.5, digits=1), percent(0.125)) == ("1.234,5", "12\xa0%")
        assert day(date(2017, 3, 4), skeleton="yMMMMd") == "4. März 2017"
        assert ago((time.time() - 310) * 1000) == "vor 5 Min."


def test_whole_numbers_in_a_message_are_written_as_the_language_does() -> None:
    assert ngettext("{count} song", "{count} songs", 1) == "1 song"
    assert ngettext("{count} song", "{count} songs", 50_000) == "50,000 songs"
    with spoken("de"):
        assert ngettext("{count} song", "{count} songs", 1) == "1 Song"
        assert ngettext("{count} song", "{count} songs", 50_000) == "50.000 Songs"


def test_braces_in_a_name_stay() -> None:
    assert gettext("More by {name}", name="{count} {0} }{") == "More by {count} {0} }{"


def test_an_error_of_other_code_is_translated_with_its_values() -> None:
    fault = PlaylistError(phrase("A playlist has at most {most} songs.", most=10_000))
    assert str(fault) == "A playlist has at most 10000 songs."
    assert translated(fault) == "A playlist has at most 10,000 songs."
    assert translated(PlaylistError("Not in the catalogue.")) == "Not in the catalogue."
    assert translated(PlaylistError()) == ""


def test_each_language_has_formats_and_texts() -> None:
    for code in LANGUAGES:
        assert locale(code).language == code
        assert translations(code) is translations(code)
