"""The reports of other apps as plays: each listening once, with the time that was played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.plays.event import checked
from segue.plays.playback import App, Change, Playback, PlayedTrack, State

APP = App(user_id="ada", client="app (phone)", session_id="app-1", complete_share=0.9)
ONE = PlayedTrack(track_id="a" * 16, duration_ms=200_000)
TWO = PlayedTrack(track_id="b" * 16, duration_ms=100_000)
START = 1_800_000_000_000


class Player:
    """An app that keeps its last playback, and all its events."""

    def __init__(self) -> None:
        self.last: Playback | None = None
        self.events: list[Mapping[str, Any]] = []

    def report(
        self,
        track: PlayedTrack,
        state: State,
        position: int,
        *,
        after: int,
        counts: bool = True,
        rate: float = 1.0,
    ) -> None:
        self._take(
            APP.report(
                self.last,
                track,
                state=state,
                position_ms=position,
                rate=rate,
                counts=counts,
                now=START + after,
            )
        )

    def now(self, track: PlayedTrack, *, after: int) -> None:
        self._take(APP.play_now(self.last, track, now=START + after))

    def submit(self, track: PlayedTrack, *, after: int, at: int | None = None) -> None:
        self._take(APP.submit(self.last, track, at=None if at is None else START + at, now=START + after))

    def _take(self, change: Change) -> None:
        self.last = change.playback
        self.events += [checked(event) for event in change.events]

    def told(self) -> list[tuple[str, str, int]]:
        """(track, type, ms played) of all events; each event id once."""
        ids = [event["event_id"] for event in self.events]
        assert len(set(ids)) == len(ids)
        return [(event["track_id"][0], event["type"], event["ms_played"]) for event in self.events]


def test_a_song_that_another_follows_was_skipped() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 0, after=200)
    player.report(TWO, "starting", 0, after=30_200)
    assert player.told() == [("a", "play", 0), ("a", "skip", 30_000), ("b", "play", 0)]


def test_a_song_that_is_loading_does_not_play_yet() -> None:
    """Its clock begins with `playing`: buffering counted as listening."""
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    assert player.last is not None
    assert player.last.position_at(START + 20_000) == 0
    player.report(ONE, "playing", 0, after=20_000)
    assert player.last.position_at(START + 25_000) == 5_000
    player.report(TWO, "starting", 0, after=50_000)
    player.report(ONE, "starting", 0, after=90_000)
    assert player.told() == [
        ("a", "play", 0),
        ("a", "skip", 30_000),
        ("b", "play", 0),
        ("b", "skip", 0),
        ("a", "play", 0),
    ]


def test_a_song_that_is_stopped_near_its_end_was_heard() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "stopped", 199_000, after=199_000)
    assert player.told() == [("a", "play", 0), ("a", "complete", 199_000)]


def test_who_pauses_and_then_stops_leaves() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "paused", 50_000, after=50_000)
    player.report(ONE, "stopped", 50_000, after=90_000)
    assert player.told() == [("a", "play", 0), ("a", "leave", 50_000)]


def test_a_pause_is_not_played() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "paused", 50_000, after=50_000)
    player.report(ONE, "playing", 50_000, after=600_000)
    player.report(ONE, "stopped", 60_000, after=610_000)
    assert player.told()[-1] == ("a", "skip", 60_000)


def test_a_jump_forward_is_not_played() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 10_000, after=10_000)
    player.report(ONE, "playing", 150_000, after=11_000)
    player.report(ONE, "stopped", 155_000, after=16_000)
    assert player.told()[-1] == ("a", "skip", 16_000)


def test_a_jump_back_counts_the_time_played() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 50_000, after=50_000)
    player.report(ONE, "playing", 0, after=100_000)
    player.report(ONE, "stopped", 20_000, after=120_000)
    assert player.told()[-1] == ("a", "skip", 120_000)


def test_double_speed_is_played_twice_as_fast() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0, rate=2.0)
    player.report(ONE, "stopped", 100_000, after=50_000, rate=2.0)
    assert player.told()[-1] == ("a", "skip", 100_000)


def test_reports_that_arrive_together_are_believed() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 0, after=10)
    player.report(ONE, "stopped", 150_000, after=20)
    assert player.told() == [("a", "play", 0), ("a", "skip", 150_000)]


def test_a_repeated_report_counts_once() -> None:
    player = Player()
    for _ in range(2):
        player.report(ONE, "starting", 0, after=0)
    for _ in range(2):
        player.report(ONE, "stopped", 30_000, after=30_000)
    assert player.told() == [("a", "play", 0), ("a", "skip", 30_000)]


def test_a_song_on_repeat_counts_each_time() -> None:
    player = Player()
    for place in range(3):
        player.report(ONE, "starting", 0, after=place * 201_000)
        player.report(ONE, "stopped", 200_000, after=place * 201_000 + 200_000)
    assert [kind for _, kind, _ in player.told()] == ["play", "complete"] * 3


def test_an_app_that_asks_for_it_is_not_counted() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0, counts=False)
    player.report(ONE, "stopped", 150_000, after=150_000, counts=False)
    assert player.told() == []


def test_an_app_that_both_reports_and_submits_counts_once() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.report(ONE, "starting", 0, after=100)
    player.report(ONE, "playing", 100_000, after=100_100)
    player.submit(ONE, after=100_200, at=0)
    player.report(ONE, "stopped", 200_000, after=200_100)
    player.submit(ONE, after=200_200, at=0)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]


def test_a_song_that_was_named_and_not_submitted_was_skipped() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.now(TWO, after=20_000)
    player.submit(TWO, after=70_000, at=20_000)
    player.now(ONE, after=120_000)
    assert player.told() == [
        ("a", "play", 0),
        ("a", "skip", 20_000),
        ("b", "play", 0),
        ("b", "complete", 100_000),
        ("a", "play", 0),
    ]


def test_a_submission_that_is_repeated_counts_once() -> None:
    player = Player()
    player.submit(ONE, after=300_000, at=0)
    player.submit(ONE, after=301_000, at=0)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]


def test_a_submission_from_a_clock_that_is_ahead_counts_once_and_now() -> None:
    """An app repeats it whenever the answer is lost."""
    player, hour = Player(), 3_600_000
    for minutes in (0, 10, 20):
        player.submit(ONE, after=minutes * 60_000, at=hour)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]
    assert {event["occurred_at"] for event in player.events} == {START}
    player.now(TWO, after=1_300_000)
    player.submit(TWO, after=1_350_000, at=1_300_000 + hour)
    player.submit(TWO, after=1_900_000, at=1_300_000 + hour)
    assert player.told()[2:] == [("b", "play", 0), ("b", "complete", 100_000)]


def test_submissions_of_a_train_ride_have_their_own_times() -> None:
    player = Player()
    hours = -5 * 3_600_000
    player.submit(ONE, after=0, at=hours)
    player.submit(TWO, after=0, at=hours + 200_000)
    times = [event["occurred_at"] - START - hours for event in player.events]
    assert times == [0, 200_000, 200_000, 300_000]


def test_an_app_that_went_silent_left() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 60_000, after=60_000)
    player.report(TWO, "starting", 0, after=6 * 3_600_000)
    assert player.told() == [("a", "play", 0), ("a", "leave", 60_000), ("b", "play", 0)]
    assert player.events[1]["occurred_at"] == START + 60_000


def test_a_song_that_was_only_named_hours_ago_is_forgotten() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.now(TWO, after=6 * 3_600_000)
    assert player.told() == [("a", "play", 0), ("b", "play", 0)]


def test_a_stop_that_comes_alone_counts_with_its_position() -> None:
    player = Player()
    player.report(ONE, "stopped", 120_000, after=0)
    player.report(ONE, "stopped", 120_000, after=500)
    assert player.told() == [("a", "play", 0), ("a", "skip", 120_000)]


def test_a_song_of_unknown_length_is_skipped_or_left() -> None:
    unknown = PlayedTrack(track_id="c" * 16, duration_ms=0)
    player = Player()
    player.report(unknown, "starting", 0, after=0)
    player.report(unknown, "stopped", 500_000, after=500_000)
    assert player.told() == [("c", "play", 0), ("c", "skip", 500_000)]


def test_songs_on_repeat_that_are_only_submitted_count_each_time() -> None:
    player = Player()
    hours = -5 * 3_600_000
    for place in range(3):
        player.submit(ONE, after=0, at=hours + place * 200_000)
        player.submit(ONE, after=500, at=hours + place * 200_000)  # the app repeats the request
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)] * 3


def test_submissions_without_times_count_once_until_the_song_can_have_been_heard_again() -> None:
    player = Player()
    player.submit(ONE, after=0)
    player.submit(ONE, after=5_000)
    player.submit(ONE, after=205_000)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)] * 2


def test_a_submission_may_come_after_the_name_of_the_next_song() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.now(TWO, after=200_000)
    player.submit(ONE, after=200_100, at=0)
    player.now(ONE, after=240_000)
    player.submit(ONE, after=240_100, at=0)
    assert player.told() == [
        ("a", "play", 0),
        ("a", "complete", 200_000),
        ("b", "play", 0),
        ("b", "skip", 40_000),
        ("a", "play", 0),
    ]


def test_a_submission_of_a_reported_song_may_come_after_the_next_has_begun() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "playing", 60_000, after=60_000)
    player.report(TWO, "starting", 0, after=120_000)
    player.submit(ONE, after=120_500, at=0)
    player.submit(ONE, after=121_000, at=0)
    player.report(TWO, "stopped", 100_000, after=220_000)
    assert player.told() == [
        ("a", "play", 0),
        ("a", "skip", 120_000),
        ("b", "play", 0),
        ("b", "complete", 100_000),
    ]


def test_a_report_that_the_next_song_has_overtaken_changes_nothing() -> None:
    player = Player()
    player.report(ONE, "playing", 0, after=0)
    player.report(TWO, "starting", 0, after=30_000)
    player.report(ONE, "playing", 30_000, after=30_050)
    player.report(ONE, "stopped", 30_000, after=30_100)
    player.report(TWO, "playing", 5_000, after=35_000)
    player.report(TWO, "stopped", 100_000, after=130_000)
    assert player.told() == [
        ("a", "play", 0),
        ("a", "skip", 30_000),
        ("b", "play", 0),
        ("b", "complete", 100_000),
    ]


def test_a_stop_that_comes_late_and_alone_interrupts_nothing() -> None:
    player = Player()
    player.report(TWO, "starting", 0, after=0)
    player.report(ONE, "stopped", 120_000, after=1_000)
    player.report(ONE, "stopped", 120_000, after=1_500)
    player.report(TWO, "stopped", 100_000, after=100_000)
    assert player.told() == [
        ("b", "play", 0),
        ("a", "play", 0),
        ("a", "skip", 120_000),
        ("b", "complete", 100_000),
    ]


def test_an_app_whose_reports_do_not_count_submits_its_songs() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0, counts=False)
    player.report(ONE, "playing", 110_000, after=110_000, counts=False)
    player.submit(ONE, after=110_500, at=0)
    player.report(ONE, "stopped", 120_000, after=120_000, counts=False)
    player.report(TWO, "starting", 0, after=120_500, counts=False)
    player.report(TWO, "stopped", 20_000, after=140_500, counts=False)
    assert player.told() == [("a", "play", 0), ("a", "skip", 120_000)]


def test_a_song_whose_reports_did_not_count_may_be_submitted_after_its_end() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0, counts=False)
    player.report(ONE, "stopped", 200_000, after=200_000, counts=False)
    player.report(TWO, "starting", 0, after=200_100, counts=False)
    for after in (200_200, 201_000):
        player.submit(ONE, after=after, at=0)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]


def test_a_song_that_is_named_again_after_a_pause_was_not_skipped() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.now(ONE, after=60_000)
    player.submit(ONE, after=150_000, at=0)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]


def test_a_forgotten_song_that_is_submitted_later_was_heard() -> None:
    player = Player()
    player.now(ONE, after=0)
    player.now(TWO, after=6 * 3_600_000)
    player.submit(ONE, after=6 * 3_600_000 + 1_000, at=0)
    assert player.told() == [("a", "play", 0), ("b", "play", 0), ("a", "complete", 200_000)]


def test_a_position_behind_the_end_is_the_end() -> None:
    player = Player()
    player.report(ONE, "starting", 0, after=0)
    player.report(ONE, "stopped", 900_000, after=210_000)
    assert player.told() == [("a", "play", 0), ("a", "complete", 200_000)]
    assert player.events[-1]["position_ms"] == 200_000
