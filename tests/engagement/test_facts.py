"""Facts: the counting over columns says the same as the plain definitions, whatever comes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.engagement import facts
from segue.engagement.definitions import COUNTS, LONGEST_MS
from segue.engagement.facts import Fact, facts_of
from segue.plays import added_fields
from segue.plays.event import EVENT_WINDOW
from segue.plays.event_types import ACTIONS, COUNTED
from tests.engagement.plain_reading import counts_of
from tests.properties import examples

CATALOGUE = {"t1": ("Ada & the Engines", "Folk")}

events = st.fixed_dictionaries(
    {
        "event_id": st.sampled_from("abcdefghij"),
        "track_id": st.sampled_from(["t1", "t2"]),
        "type": st.sampled_from(COUNTED),
        "ms_played": st.sampled_from([0, 1000, 29_999, 30_000, 54_000, 60_000, LONGEST_MS + 1, 2**53]),
        "duration_ms": st.sampled_from([0, 40_000, 60_000, 200_000]),
        "occurred_at": st.integers(0, 900_000 - 1),
        "source": st.sampled_from(["home", "search"]),
        "rank": st.one_of(st.none(), st.integers(1, 3)),
        "model": st.one_of(st.none(), st.just("m1")),
    }
)


def counted(*windows: list[dict[str, Any]]) -> list[Fact]:
    schema = pa.struct(
        [
            (name, pa.int64() if name in ("ms_played", "duration_ms", "occurred_at", "rank") else pa.string())
            for name in EVENT_WINDOW.state
        ]
    )
    table = pa.table(
        {
            "user_id": [f"user{i}" for i in range(len(windows))],
            "window_start": pa.array([0] * len(windows), pa.int64()),
            "events": pa.array(windows, pa.list_(schema)),
        }
    )
    return facts_of(table, described=lambda ids: CATALOGUE)


@examples(60)
@given(st.lists(st.lists(events, min_size=1, max_size=12), min_size=1, max_size=3))
def test_facts_are_the_definitions_summed_over_distinct_events(
    windows: list[list[dict[str, Any]]],
) -> None:
    for own, fact in zip(windows, counted(*windows), strict=True):
        first: dict[str, dict[str, Any]] = {}
        for event in sorted(own, key=lambda one: one["occurred_at"]):
            first.setdefault(event["event_id"], event)
        times = {event["occurred_at"] for event in first.values()}
        if len(times) < len(first):
            continue  # two events of one id at one moment: which is taken is arbitrary
        expected: Counter[tuple[Any, ...]] = Counter()
        for e in first.values():
            for name, count in counts_of(e["type"], e["ms_played"], e["duration_ms"]).items():
                expected[e["track_id"], e["source"], e["model"] or "", e["rank"], name] += count
        found = Counter(
            {
                (row["track_id"], row["source"], row["variant"], row["rank"], name): row[name]
                for row in fact.rows
                for name in COUNTS
            }
        )
        assert +found == +expected
        acted = [e["occurred_at"] for e in first.values() if e["type"] in ACTIONS]
        assert (fact.first_at, fact.last_at) == (min(acted, default=None), max(acted, default=None))
        assert fact.events == len(first)


def event(kind: str, heard: int, duration: int) -> dict[str, int]:
    return {name: count for name, count in counts_of(kind, heard, duration).items() if count}


def test_the_definitions_of_the_terms() -> None:
    assert event("play", 0, 200_000) == {"starts": 1}
    assert event("complete", 200_000, 200_000) == {"plays": 1, "completions": 1, "listening_ms": 200_000}
    assert event("skip", 10_000, 200_000) == {
        "plays": 1, "skips": 1, "early_skips": 1, "listening_ms": 10_000
    }  # fmt: skip
    assert event("skip", 40_000, 200_000) == {"plays": 1, "skips": 1, "listening_ms": 40_000}
    assert event("skip", 20_000, 40_000) == {"plays": 1, "skips": 1, "listening_ms": 20_000}
    assert event("skip", 190_000, 200_000) == {"plays": 1, "completions": 1, "listening_ms": 190_000}
    assert event("leave", 1000, 0) == {"plays": 1, "listening_ms": 1000}
    assert event("impression", 0, 0) == {"impressions": 1}
    assert event("seek", 0, 0) == {}


def test_artist_and_genre_come_from_the_catalogue_and_are_empty_outside_it() -> None:
    one = {"event_id": "a", "type": "play", "ms_played": 0, "duration_ms": 1, "occurred_at": 1}
    one |= {"source": "home", "rank": None, "model": None}
    [fact] = counted([{**one, "track_id": "t1"}, {**one, "track_id": "t2", "event_id": "b"}])
    assert [(row["artist"], row["genre"]) for row in fact.rows] == [("Ada & the Engines", "Folk"), ("", "")]


def test_no_rows_make_no_facts() -> None:
    assert counted() == []


def test_an_added_field_changes_only_the_rows_of_plays_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    event = {"event_id": "a", "track_id": "t1", "type": "play", "ms_played": 0, "duration_ms": 1}
    event |= {"occurred_at": 1, "source": "home", "rank": None, "model": None}
    [before] = counted([event])
    monkeypatch.setattr(added_fields, "KEPT", ("device",))
    monkeypatch.setattr("segue.plays.event.KEPT", ("device",))
    monkeypatch.setattr(facts, "KEPT", ("device",))
    keys = [name for name in facts.KEYS if name != "propensity"]
    monkeypatch.setattr(facts, "KEYS", (*keys, "device"))
    assert counted([event]) == [before]
    [fact] = counted([event, {**event, "event_id": "b", "type": 'play\n{"device":"phone"}'}])
    assert fact.rows == [*before.rows, {**before.rows[0], "device": "phone"}]


def test_what_was_seen_and_heard_of_a_list_has_its_propensity() -> None:
    seen = {"event_id": "a", "track_id": "t1", "type": 'impression\n{"propensity":12500}', "ms_played": 0}
    seen |= {"duration_ms": 60_000, "occurred_at": 1, "source": "home", "rank": 7, "model": "hybrid/explore"}
    heard = {**seen, "event_id": "b", "type": 'complete\n{"propensity":12500}', "ms_played": 60_000}
    chosen = {**seen, "event_id": "c", "type": "play", "rank": None, "model": None}
    [fact] = counted([seen, heard, chosen])
    by_hand, listed = sorted(fact.rows, key=lambda row: row["variant"])
    assert (listed["propensity"], listed["impressions"], listed["completions"]) == (12_500, 1, 1)
    assert "propensity" not in by_hand
