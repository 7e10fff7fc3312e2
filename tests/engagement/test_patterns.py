"""A listener's habits, and how a taste moved."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from segue.engagement.definitions import COUNTS
from segue.engagement.patterns import calendar, clock, newness, rows_of, streak, top, with_counts
from segue.engagement.wandering import tastes
from segue.settings import load_settings

MINUTE = 60_000


def fact(start: datetime, *tracks: tuple[str, int], **counts: int) -> dict[str, Any]:
    """A fact of plays of so many minutes each."""
    rows = [
        {
            "track_id": track,
            "artist": f"Artist of {track[0]}",
            "genre": "Folk",
            "source": "home",
            "variant": "",
            "rank": None,
            **dict.fromkeys(COUNTS, 0),
            "plays": 1,
            "completions": 1,
            "listening_ms": minutes * MINUTE,
            **counts,
        }
        for track, minutes in tracks
    ]
    return {"start": start, "rows": rows}


LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
EARLY = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def test_days_and_hours_are_the_listeners_own() -> None:
    facts = [fact(LATE, ("a1", 10)), fact(EARLY, ("a2", 4))]
    assert calendar(rows_of(facts))["day"].to_list() == [date(2026, 3, 1), date(2026, 3, 2)]
    there = rows_of(facts, zone="Europe/Paris")
    assert calendar(there)["minutes"].to_list() == [14]
    assert clock(there)[0] == 10
    assert clock(there)[7] == 4
    assert len(clock(there)) == 24


def test_nothing_heard_makes_empty_frames() -> None:
    rows = rows_of([])
    assert calendar(rows).empty
    assert clock(rows).sum() == 0
    assert top(rows, "artist").empty


def test_favourites_by_time_heard() -> None:
    rows = rows_of([fact(LATE, ("a1", 3), ("a2", 3), ("b1", 5)), fact(EARLY, ("b1", 1))])
    assert top(rows, "track_id")["key"].to_list() == ["b1", "a1", "a2"]
    assert top(rows, "artist", limit=1)[["key", "minutes"]].to_numpy().tolist() == [["Artist of a", 6.0]]


def test_new_tracks_are_those_never_heard_before() -> None:
    rows = rows_of([fact(EARLY, ("a1", 3), ("b1", 3))])
    first = {"a1": LATE, "b1": EARLY}
    found = newness(rows, since=EARLY, first_track=first, first_artist={"Artist of a": LATE})
    assert (found.tracks, found.new_tracks, found.artists, found.new_artists) == (2, 1, 2, 1)
    assert found.share == 0.5


def test_the_longest_run_of_days() -> None:
    assert streak([date(2026, 3, d) for d in (1, 2, 4, 5, 6, 6, 9)]) == 3
    assert streak([]) == 0


def test_the_taste_of_each_period_is_near_the_kept_tracks() -> None:
    vectors = {"a1": np.array([1.0, 0.0]), "b1": np.array([0.0, 1.0])}
    facts = [
        fact(datetime(2026, 3, 2, tzinfo=UTC), ("a1", 3)),
        fact(datetime(2026, 3, 10, tzinfo=UTC), ("b1", 3), ("unknown", 9)),
        fact(datetime(2026, 3, 17, tzinfo=UTC), ("unknown", 9)),
    ]
    found = tastes(rows_of(facts), vectors, every="W", signals=load_settings().signals)
    assert [vector.tolist() for vector in found["vector"]] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("count", [name for name in COUNTS if name not in ("plays", "listening_ms")])
def test_a_count_that_an_older_fact_lacks_is_zero_and_hides_no_period(count: str) -> None:
    older, newer = fact(datetime(2026, 3, 2, tzinfo=UTC), ("a1", 3)), fact(LATE, ("a1", 3), ("b1", 3))
    for row in (*older["rows"], newer["rows"][1]):
        del row[count]
    rows = rows_of([older, newer])
    assert rows[rows["start"] == older["start"]][count].to_list() == [0]
    assert not rows[list(COUNTS)].isna().any(axis=None)
    vectors = {"a1": np.array([1.0, 0.0]), "b1": np.array([0.0, 1.0])}
    found = tastes(rows, vectors, every="D", signals=load_settings().signals)
    assert found["start"].dt.date.to_list() == [date(2026, 3, 1), date(2026, 3, 2)]


def test_statistics_that_lack_a_count_have_none_of_it() -> None:
    table = pd.DataFrame([{"key": "t1", "plays": 2}], columns=["key", *COUNTS])
    assert with_counts(table)[list(COUNTS)].iloc[0].to_dict() == {**dict.fromkeys(COUNTS, 0), "plays": 2}
