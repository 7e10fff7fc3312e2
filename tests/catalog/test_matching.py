"""The track that a description means: ids, spellings, versions, and undecided cases."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from segue.catalog.matching import Described, another_version, folded_title, matching_track
from tests.catalog.matchable import track


@pytest.mark.parametrize(
    "title",
    [
        "Don’t Stop",
        "Don't Stop feat. Mira",
        "Don't Stop (ft. Mira)",
        "Don't Stop (feat.Mira)",
        "Don't Stop feat. Mira (Official Video 4K)",
        "DON'T STOP - Remastered 2011",
        "Don`t Stop [2011 Remaster]",
        "Don't Stop – Remastered",
        "Don't Stop (Explicit)",
    ],
)
def test_spellings_do_not_matter(title: str) -> None:
    assert (
        matching_track(Described(title=title, artist="LUMEN"), [track("1", "Don't Stop (feat. Mira)")]) == "1"
    )
    assert (
        matching_track(Described(title=title, artist="Lumen feat. Mira"), [track("1", "Don't Stop")]) == "1"
    )


@pytest.mark.parametrize(
    "title",
    ["Don't Stop (Live)", "Don't Stop 2.0", "Don't Stop - Acoustic", "Don't Stop (Mira Remix)", "Stop",
     "Don't Stop (Instrumental)", "Don't Stop feat. Mira (Live)", "Don't Stop ft. Mira - Acoustic",
     "Don't Stop (feat. Mira - Live)", "Don't Stop (feat. Mira [Remix])", "Don't Stop feat. Mira (Part 2)"],
)  # fmt: skip
def test_another_version_is_another_song(title: str) -> None:
    studio = track("1", "Don't Stop (feat. Mira)")
    assert matching_track(Described(title=title, artist="Lumen"), [studio]) is None
    assert matching_track(Described(title="Don't Stop", artist="Lumen"), [track("2", title)]) is None
    assert matching_track(Described(title=title, artist="Lumen"), [studio, track("2", title)]) == "2"
    assert another_version(title, studio) is (title != "Stop")


@pytest.mark.parametrize("title", ["Don't Stop feat. Mira (Live)", "Don't Stop (feat. Mira - Live)"])
def test_the_version_behind_a_credit_is_that_of_a_title_without_the_credit(title: str) -> None:
    assert folded_title(title) == folded_title("Don't Stop (Live)") == "dont stop live"


def test_one_listen_counts_on_one_track() -> None:
    short, live = track("x", "Finale", seconds=210, album="X"), track("y", "Finale", seconds=385, album="Y")
    both = [short, live]
    assert matching_track(Described(title="Finale", artist="Lumen", seconds=384.0), both) == "y"
    assert matching_track(Described(title="Finale", artist="Lumen", seconds=210.0), both) == "x"
    assert matching_track(Described(title="Finale", artist="Lumen", album="Y"), both) == "y"
    assert matching_track(Described(title="Finale", artist="Lumen"), both) is None
    assert matching_track(Described(title="Finale", artist="Another"), both) is None
    again = track("a", "Finale", seconds=212, album="Best of")
    assert matching_track(Described(title="Finale", artist="Lumen", seconds=211.0), [*both, again]) == "a"


@pytest.mark.parametrize(
    "credit",
    ["Lumen & Kaya", "Lumen, Kaya", "LUMEN feat. Kaya", "Lumen", "Lumen / Kaya", "Lumen x Káya"],
)
def test_joining_words_of_a_credit_do_not_matter(credit: str) -> None:
    together = replace(track("1", "Finale", artist="Lumen; Kaya"), artists=("Lumen", "Kaya"))
    assert matching_track(Described(title="Finale", artist=credit), [together]) == "1"
    for other in ("Lumen & Mira", "Kaya Lumen Mira", "Mira feat. Lumen"):
        assert matching_track(Described(title="Finale", artist=other), [together]) is None


def test_a_band_with_a_joining_word_is_one_artist() -> None:
    band = track("1", "Finale", artist="Salt & Stone")
    assert matching_track(Described(title="Finale", artist="Salt & Stone feat. Mira"), [band]) == "1"
    for part in ("Salt", "Stone"):
        assert matching_track(Described(title="Finale", artist=part), [band]) is None


def test_ids_go_before_names() -> None:
    one, other = (
        track("1", "Finale", recording="r1"),
        track("2", "Ending", recording="r2", release_track="t2"),
    )
    assert matching_track(Described(title="Finale", artist="Lumen", recording="r2"), [one, other]) == "2"
    assert matching_track(Described(title="x", recording="r1", release_track="t2"), [one, other]) == "2"
    assert matching_track(Described(title="Finale", artist="Lumen", recording="none"), [one, other]) == "1"


@pytest.mark.parametrize(
    "piece",
    ["(ft ", "[featuring a ", "( ", " ", " ft", "(ft)", " - remaster", "(remaster ", " ft (", " ft - "],
)
def test_the_time_for_a_title_grows_with_its_length_and_not_with_its_square(piece: str) -> None:
    def spent(length: int) -> float:
        title, began = piece * (length // len(piece)), time.process_time()
        folded_title.__wrapped__(title)
        return time.process_time() - began

    small = max(min(spent(16_000) for _ in range(3)), 0.001)
    assert min(spent(256_000) for _ in range(3)) < 100 * small, "16 for the length, 256 for its square"
