"""Tracks just heard, and songs of one artist: how many a list has follows from the session, within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from segue.ranking.plan import Plan
from segue.ranking.session_limits import SessionLimits
from segue.taste.heard import Heard
from segue.taste.history import History
from segue.taste.profile import ListenerProfile, build_profiles
from tests.ranking.test_learned_order import SHELF, history_of
from tests.ranking.test_plan import NAMES, SETTINGS, listeners, planned

LEARNED = SETTINGS.ranking.model_copy(update={"model": "learned", "list_length": 10})


def completed(names: str) -> History:
    """The history of plays to the end, such as "house0 house1"."""
    return history_of([(name, "complete") for name in names.split()])


def profile_of(history: History) -> ListenerProfile:
    return build_profiles(listeners({"ada": history}), bundle=SHELF)[0]


def heard(names: str) -> Heard:
    return profile_of(completed(names)).heard


def limits(history: History, **ranking: Any) -> SessionLimits:
    return SessionLimits.of(profile_of(history), SHELF, LEARNED.model_copy(update=ranking))


def list_of(history: History, **ranking: Any) -> Plan:
    return planned(history, shelf=SHELF, **{"model": "learned", "exploration_share": 0.0, **ranking})


CYCLE = " ".join(["blues0 house1 waltz2 blues3 house4 waltz5 blues1 house2 waltz3 blues4"] * 3)
"""A playlist of 33 minutes, three times: a window has half an hour."""
ONCE = " ".join(NAMES[:10])


def test_repeats_are_counted_where_they_happen() -> None:
    assert heard(ONCE).repeating == 0
    assert heard(CYCLE).repeating > 0.5
    assert heard(CYCLE + " " + ONCE).repeating > heard(CYCLE + " " + ONCE + " house5 waltz0 waltz1").repeating
    # Within one window, a track counts once: three plays show by their weight, one that is liked does not.
    assert heard("house0 house0 house0").repeating > 0
    liked = history_of([("house0", "complete"), ("house0", "like")])
    assert profile_of(liked).heard.repeating == 0


def test_a_list_has_as_many_repeats_as_the_listener_repeats_and_at_most_the_share() -> None:
    assert limits(completed(ONCE)).repeats == 0
    assert limits(completed(ONCE), repeat_share=1.0).repeats == 0
    assert limits(completed(CYCLE)).repeats == 2
    assert limits(completed(CYCLE), repeat_share=1.0).repeats == 10
    assert limits(completed(CYCLE), repeat_share=0.0).repeats == 0
    assert limits(completed(CYCLE), model="sum") == SessionLimits()


@pytest.mark.parametrize(("share", "most"), [(0.0, 0), (0.2, 2), (0.5, 5)])
def test_a_list_keeps_the_bound(share: float, most: int) -> None:
    names = set(CYCLE.split())
    found = [item.track_id for item in list_of(completed(CYCLE), list_length=10, repeat_share=share).items]
    assert len(set(found)) == len(found)
    assert len(names.intersection(found)) <= most
    if most:
        assert names.intersection(found)


def test_with_the_sum_no_track_just_heard_is_listed() -> None:
    found = list_of(completed(CYCLE), list_length=8, model="sum", repeat_share=1.0)
    assert not set(CYCLE.split()).intersection(item.track_id for item in found.items)


def test_a_repeat_has_its_own_reason() -> None:
    found = list_of(completed(CYCLE), list_length=10)
    again = [item for item in found.items if item.track_id in CYCLE]
    assert again
    assert {(item.reason, item.evidence == item.track_id) for item in again} == {("repeat", True)}


def test_the_next_track_of_a_repeated_playlist_has_the_strongest_evidence() -> None:
    # After house1, waltz2 came before.
    found = heard(CYCLE + " blues0 house1")
    assert NAMES[int(found.rows[np.argmax(found.after)])] == "waltz2"


def test_a_track_on_loop_is_told_from_a_playlist() -> None:
    loop = heard(" ".join(["house0"] * 12))
    assert loop.looped.max() > 0.4
    assert heard(ONCE).looped.max() == 0


def test_skipped_and_disliked_tracks_do_not_come_again() -> None:
    history = history_of([(name, "complete") for name in CYCLE.split()] + [("waltz2", "skip")])
    assert NAMES.index("waltz2") not in profile_of(history).heard.rows
    history = history_of([(name, "complete") for name in CYCLE.split()] + [("waltz2", "dislike")])
    assert NAMES.index("waltz2") not in profile_of(history).heard.rows


def test_the_limit_of_an_artist_rises_while_the_session_stays_with_them() -> None:
    # Three tracks each by six artists: house0, house1 and house2 are by one.
    one = int(SHELF.artists[NAMES.index("house0")])
    few = limits(completed("blues0 house0 waltz0 blues3"), staying_per_artist=10)
    many = limits(completed("blues0 house0 house1 house2"), staying_per_artist=10)
    assert few.more_of_artist.get(one, 0) < many.more_of_artist[one] <= 8
    assert not limits(completed("blues0 house0 house1 house2"), staying_per_artist=2).more_of_artist
    assert not limits(completed("house0 house1 house2"), model="sum").more_of_artist


def test_another_version_of_a_track_just_heard_does_not_take_its_place() -> None:
    from tests.ranking.test_learned_order import COUNTS
    from tests.ranking.test_plan import shelf_of

    songs = [-1] * 18
    songs[NAMES.index("blues0")] = songs[NAMES.index("blues5")] = 7
    shelf = shelf_of(listeners=COUNTS, songs=songs)
    found = planned(completed(CYCLE), shelf=shelf, model="learned", list_length=18, repeat_share=1.0)
    listed = [item.track_id for item in found.items]
    assert "blues5" not in listed
