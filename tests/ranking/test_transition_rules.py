"""Session candidates against a plain loop over dictionaries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.index.contents import Contents
from segue.index.manifest import BundleError
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import RuleTable, artist_tracks_of, transition_rules_of
from segue.ranking.candidates import add_up
from segue.ranking.sources import SameArtistSource, TransitionRuleSource
from segue.settings import load_settings
from segue.taste.history import Window, decayed
from segue.taste.profile import ListenerHistory, Profiles

TRACKS = 12
SETTINGS = load_settings()
RANKING = SETTINGS.ranking
RULES = st.dictionaries(
    st.integers(0, TRACKS - 1),
    st.dictionaries(st.integers(0, TRACKS - 1), st.sampled_from([0.25, 0.5, 1.0]), max_size=5),
)
HEARD = st.lists(
    st.tuples(st.integers(-1, TRACKS - 1), st.sampled_from([-1.0, 0.5, 1.0])),
    max_size=9,
    unique_by=lambda s: s[0],
)


def table(rules: dict[int, dict[int, float]]) -> RuleTable:
    bounds = np.cumsum([0, *(len(rules.get(row, {})) for row in range(TRACKS))])
    pairs = [
        pair for row in range(TRACKS) for pair in sorted(rules.get(row, {}).items(), key=lambda p: -p[1])
    ]
    rows, scores = zip(*pairs, strict=True) if pairs else ((), ())
    return RuleTable(bounds.astype(np.int64), np.array(rows, np.int32), np.array(scores, np.float32))


ARTISTS = np.array([0, 0, 0, 1, 1, -1, 2, 2, 2, 2, -1, 3])
KEPT = np.array([4, 0, 2, 1, 1, 5, 0, 3, 3, 7, 0, 2])
"""By how many listeners each of the tracks."""
BY_ARTIST = artist_tracks_of(
    {"track_ids": encode_ids([f"t{row:02}" for row in range(TRACKS)]), "listeners": KEPT},
    track_ids=encode_ids([f"t{row:02}" for row in range(TRACKS)]),
    artists=ARTISTS,
)


def index(rules: RuleTable) -> TrackIndex:
    contents = Contents(
        vectors=np.ones((TRACKS, 1), dtype=np.float32),
        track_ids=encode_ids([f"t{row:02}" for row in range(TRACKS)]),
        artists=ARTISTS.astype(np.int32),
        cold_start=np.empty(0, dtype=np.int32),
        transition_rules=rules,
        artist_tracks=BY_ARTIST,
    )
    return TrackIndex.in_memory(contents)


def plainly(heard: list[tuple[int, float]], rules: dict[int, dict[int, float]]) -> dict[int, list[float]]:
    """Track -> by rules and by artist, from each kept track; the last heard comes last in `heard`."""
    found: dict[int, list[float]] = {}
    for since, (row, weight) in enumerate(heard[::-1][: RANKING.recent_tracks]):
        if weight > 0 and row >= 0:
            near = RANKING.recent_decay**since
            for other, score in rules.get(row, {}).items():
                found.setdefault(other, []).append(score * near * RANKING.transition_weight)
            for other in np.flatnonzero((ARTISTS[row] == ARTISTS) & (ARTISTS >= 0)).tolist():
                best = KEPT[ARTISTS[row] == ARTISTS].max()
                share = math.sqrt((KEPT[other] + 0.5) / (best + 0.5))
                found.setdefault(other, []).append(share * near * RANKING.artist_weight)
    return found


@given(rules=RULES, listeners=st.lists(st.tuples(HEARD, st.booleans()), min_size=1, max_size=4))
def test_all_listeners_at_once_are_each_as_by_a_plain_loop(
    rules: dict[int, dict[int, float]], listeners: list[tuple[list[tuple[int, float]], bool]]
) -> None:
    histories = []
    for heard, _ in listeners:
        names = [f"t{row}" for row, _ in heard]
        window = Window(names, [w for _, w in heard], list(range(len(heard))), ["complete"] * len(heard))
        histories.append({0: window} if heard else {})
    signals = decayed(histories, settings=[SETTINGS.taste] * len(histories))
    rows = np.array([int(name[1:]) for name in signals.track_ids], dtype=np.int64)
    nowhere = np.zeros((len(rows), 4), dtype=np.float32)
    everybody = Profiles(
        [ListenerHistory("", history, SETTINGS.taste) for history in histories],
        signals,
        rows,
        nowhere,
        np.zeros((len(histories), 4), dtype=np.float32),
    )
    # The others are of another variant.
    served = [i for i, (_, one) in enumerate(listeners) if one]
    if not served:
        return
    profiles = everybody.only(served)
    few = RANKING.model_copy(update={"transition_candidates": 3})
    sources = (TransitionRuleSource(), SameArtistSource())
    found, source = add_up(profiles, index(table(rules)), ranking=few, sources=sources)
    signals, rows = profiles.signals, profiles.rows
    assert set(found.listeners.tolist()) <= set(range(len(served)))
    for i, (heard, _) in enumerate(listeners[place] for place in served):
        part = found.listeners == i
        ways_to = plainly(heard, rules)
        expected = {row: sum(ways) for row, ways in ways_to.items()}
        got = dict(zip(found.rows[part].tolist(), found.scores[part].tolist(), strict=True))
        best = sorted(expected.values(), reverse=True)[:3]
        assert sorted(got.values(), reverse=True) == pytest.approx(best)
        named = zip(got, found.evidence[part].tolist(), source[part].tolist(), strict=True)
        for row, after, place in named:
            assert got[row] == pytest.approx(expected[row])
            assert signals.bounds[i] <= after < signals.bounds[i + 1]
            heard_row = int(rows[after])
            near = few.recent_decay ** signals.since[after]
            if sources[place].name == "artist":
                assert ARTISTS[heard_row] == ARTISTS[row] >= 0
            else:
                assert rules[heard_row][row] * near * few.transition_weight == pytest.approx(
                    max(way for way in rule_ways(heard, rules, row))
                )


def rule_ways(heard: list[tuple[int, float]], rules: dict[int, dict[int, float]], row: int) -> list[float]:
    return [
        rules[place][row] * RANKING.recent_decay**gap * RANKING.transition_weight
        for gap, (place, weight) in enumerate(heard[::-1])
        if weight > 0 and row in rules.get(place, {}) and gap < RANKING.recent_tracks
    ]


def test_an_artist_leads_to_the_tracks_that_most_listeners_kept() -> None:
    model = {"track_ids": encode_ids(["a", "c", "gone"]), "listeners": np.array([1, 9, 50], np.int32)}
    artists = np.array([1, 1, 1, -1], np.int32)
    found = artist_tracks_of(model, track_ids=encode_ids(["a", "b", "c", "d"]), artists=artists, most=2)
    assert found is not None
    assert (found.bounds.tolist(), found.rows.tolist()) == ([0, 0, 2], [2, 0])
    assert found.scores.tolist() == pytest.approx([1.0, math.sqrt(1.5 / 9.5)])
    found.check(4, keys=2, stem="by_artist")
    nobody = np.full(4, -1, np.int32)
    assert artist_tracks_of(model, track_ids=encode_ids(["a", "b", "c", "d"]), artists=nobody) is None


def test_rules_between_tracks_that_the_bundle_has_become_its_table() -> None:
    model = {
        "track_ids": encode_ids(["a", "b", "gone", "z"]),
        "tracks": np.array([0, 0, 1, 2, 0], np.int32),
        "next": np.array([1, 3, 2, 0, 2], np.int32),
        "scores": np.array([0.25, 0.5, 1.0, 1.0, 0.75], np.float32),
    }
    found = transition_rules_of(model, track_ids=encode_ids(["a", "b", "new", "z"]))
    assert found is not None
    assert (found.bounds.tolist(), found.rows.tolist()) == ([0, 2, 2, 2, 2], [3, 1])
    assert found.scores.tolist() == [0.5, 0.25]
    found.check(4, keys=4)
    assert transition_rules_of(model, track_ids=encode_ids(["new"])) is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"bounds": np.array([0, 1], np.int64)}, "following_bounds.npy is"),
        ({"bounds": np.array([0, 2, 1, 2], np.int64)}, "does not rise"),
        ({"rows": np.array([1, 3], np.int32)}, "names a row that is not one of the 3"),
        ({"rows": np.array([1], np.int32)}, "following_rows.npy is"),
        ({"scores": np.array([1, 0], np.float32)}, "not above 0"),
        ({"scores": np.array([1, np.nan], np.float32)}, "not above 0"),
        ({"scores": np.array([1.0, 1.0])}, "following_scores.npy is"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(changed: dict[str, np.ndarray], says: str) -> None:
    sound: dict[str, np.ndarray] = {
        "bounds": np.array([0, 1, 1, 2], np.int64),
        "rows": np.array([1, 0], np.int32),
        "scores": np.array([1, 0.5], np.float32),
    }
    RuleTable(**sound).check(3, keys=3)
    with pytest.raises(BundleError, match=says):
        RuleTable(**(sound | changed)).check(3, keys=3)
