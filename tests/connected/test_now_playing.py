"""Plays that Segue derives from the songs that play on another server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.connected.now_playing import followed, needs_count, playing_in
from segue.plays.playback import App, Playback, PlayedTrack
from tests.connected.test_songs import _ANYTHING

APP = App(user_id="ada", client="home", session_id="s", complete_share=0.9)
A, B = PlayedTrack(track_id="a", duration_ms=200_000), PlayedTrack(track_id="b", duration_ms=200_000)
BEGAN = 1_700_000_000_000


def begun(track: PlayedTrack = A) -> Playback:
    change = followed(APP, None, track, counted=False, now=BEGAN)
    assert [event["type"] for event in change.events] == ["play"]
    assert change.playback is not None
    return change.playback


def kinds(
    seconds: float, *, track: PlayedTrack = A, then: PlayedTrack | None = B, counted: bool = False
) -> list[tuple[str, str]]:
    change = followed(APP, begun(track), then, counted=counted, now=BEGAN + round(seconds * 1000))
    return [(event["track_id"], event["type"]) for event in change.events]


def test_another_song_within_thirty_seconds_is_a_skip() -> None:
    assert kinds(10) == [("a", "skip"), ("b", "play")]
    assert kinds(30) == [("a", "skip"), ("b", "play")]
    assert kinds(10, then=None) == [("a", "skip")]


def test_a_skip_tells_how_long_the_song_was_heard() -> None:
    change = followed(APP, begun(), B, counted=False, now=BEGAN + 12_000)
    assert (change.events[0]["ms_played"], change.events[0]["duration_ms"]) == (12_000, 200_000)


def test_half_of_a_song_is_heard() -> None:
    assert kinds(100) == [("a", "complete"), ("b", "play")]
    assert kinds(205) == [("a", "complete"), ("b", "play")]


def test_a_short_song_that_is_over_was_not_skipped() -> None:
    short = PlayedTrack(track_id="a", duration_ms=20_000)
    assert kinds(19, track=short) == [("a", "complete"), ("b", "play")]
    assert kinds(5, track=short) == [("a", "skip"), ("b", "play")]


@pytest.mark.parametrize("seconds", [31, 60, 99, 3600])
def test_in_between_only_a_play_count_tells(seconds: float) -> None:
    assert needs_count(begun(), now=BEGAN + round(seconds * 1000))
    assert kinds(seconds) == [("b", "play")]
    assert kinds(seconds, counted=True) == [("a", "complete"), ("b", "play")]


@pytest.mark.parametrize("seconds", [5, 150])
def test_elsewhere_no_count_is_needed(seconds: float) -> None:
    assert not needs_count(begun(), now=BEGAN + round(seconds * 1000))
    assert not needs_count(None, now=BEGAN)


def test_a_repeated_change_has_the_same_events() -> None:
    first, second = (followed(APP, begun(), B, counted=False, now=BEGAN + 9_000) for _ in range(2))
    assert first == second


@given(
    _ANYTHING,
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["username", "id", "minutesAgo", "playerId", "playerName", "title", "artist", "isVideo"]
            ),
            _ANYTHING,
        )
    ),
)
def test_any_answer_is_a_list_of_what_plays(anything: Any, entries: list[Any]) -> None:
    for response in ({"nowPlaying": anything}, {"nowPlaying": {"entry": entries}}, {}):
        for one in playing_in(response):
            assert one.user
            assert one.song.song_id
            assert one.minutes_ago >= 0
