"""The demo's listeners: tastes of their own, and plays that show them."""

from __future__ import annotations

from collections import Counter

import pytest

from segue.demo.listeners import (
    FAVOURITES,
    SimulatedListener,
    Song,
    fit,
    known_styles,
    make_listeners,
    plays_of,
)
from segue.plays.event import fault

SONGS = [Song(f"{style}{n}", 20_000, style) for style in ("Folk", "House", "Swing") for n in range(6)]
STYLE = {song.track_id: song.style for song in SONGS}


def finished(listener: SimulatedListener, *, first: float, last: float) -> Counter[str | None]:
    """The styles of the tracks heard to the end in a part of the plays."""
    events = list(plays_of(listener, SONGS, tracks=30, seed=1))
    part = events[int(first * len(events)) : int(last * len(events))]
    return Counter(STYLE[e["track_id"]] for e in part if e["type"] == "complete")


def test_every_event_is_a_play_once_it_is_dated() -> None:
    for event in plays_of(SimulatedListener("ada", ("Folk",)), SONGS, tracks=20, seed=1):
        assert fault({**event, "occurred_at": 1}) is None


def test_a_listener_finishes_liked_tracks_and_leaves_some_unheard() -> None:
    listener = SimulatedListener("ada", ("Folk",))
    assert set(finished(listener, first=0, last=1)) == {"Folk"}
    heard = {e["track_id"] for e in plays_of(listener, SONGS, tracks=60, seed=1) if e["type"] == "complete"}
    assert len(heard) <= FAVOURITES


def test_one_listener_changes_half_way() -> None:
    [changing] = [
        listener
        for listener in make_listeners(["Folk", "House", "Swing"], run="x")
        if len(listener.styles) == 2
    ]
    before, after = finished(changing, first=0, last=0.45), finished(changing, first=0.55, last=1)
    assert list(before) == [changing.styles[0]]
    assert list(after) == [changing.style]


def test_each_run_meets_new_listeners() -> None:
    first, second = ({one.user_id for one in make_listeners(["Folk", "House"], run=run)} for run in "ab")
    assert not first & second


@pytest.mark.parametrize(
    ("genres", "styles"),
    [
        (["Folk"] * 9, []),  # one style says nothing of taste
        (["Folk"] * 9 + ["House"] * FAVOURITES, []),  # and so does one that a listener hears all of
        (["Folk"] * 4 + ["House"] * 4 + [None] * 9, ["Folk", "House"]),
    ],
)
def test_known_styles_are_those_a_taste_can_be_shown_with(
    genres: list[str | None], styles: list[str]
) -> None:
    assert known_styles([Song(str(n), 1, genre) for n, genre in enumerate(genres)]) == styles


def test_fit_is_the_share_in_the_style() -> None:
    assert fit(SONGS[:8], "Folk") == 6 / 8
    assert fit([], "Folk") == 0
