"""Plans on a catalogue that fits on a page: three styles at right angles, three artists each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.plan import Plan, plan
from segue.ranking.reranking import Drawn, explored, limit_artists
from segue.settings import Variant, load_settings
from segue.taste.history import History, Window
from segue.taste.profile import ListenerHistory

SETTINGS = load_settings()
STYLES = ("blues", "house", "waltz")
DAY = 86_400_000


NAMES = sorted(f"{style}{i}" for style in STYLES for i in range(6))
IDS = encode_ids(NAMES)


def shelf_of(
    *,
    after: Mapping[str, str] | None = None,
    songs: Sequence[int] = (),
    listeners: Mapping[str, int] | None = None,
    artists: np.ndarray | None = None,
) -> TrackIndex:
    """Tracks "blues0".."waltz5", each near the axis of its style.

    Parameters
    ----------
    after
        Which track is played after which.
    listeners
        How many have kept each track.
    """
    rng = np.random.default_rng(3)
    axes = np.repeat(np.eye(3, 4), 6, axis=0) + rng.normal(0, 0.05, (18, 4))
    codes = (np.arange(18) // 2 if artists is None else artists).astype(np.int32)
    artist_tracks = None
    if listeners is not None:
        counts = np.array(list(listeners.values()), dtype=np.int32)
        model = {"track_ids": encode_ids(list(listeners)), "listeners": counts}
        artist_tracks = artist_tracks_of(model, track_ids=IDS, artists=codes)
    contents = Contents(
        vectors=(axes / np.linalg.norm(axes, axis=1, keepdims=True)).astype(np.float32),
        track_ids=IDS,
        artists=codes,
        cold_start=np.array([0, 6, 12, 2, 8, 14], dtype=np.int32),
        songs=np.array(songs or [-1] * 18, dtype=np.int32),
        transition_rules=transition_rules_of(rules(after), track_ids=IDS) if after else None,
        artist_tracks=artist_tracks,
    )
    return TrackIndex.in_memory(contents, version="v1")


def rules(after: Mapping[str, str]) -> dict[str, np.ndarray]:
    """A model in which each track is followed by one other."""
    names = sorted({*after, *after.values()})
    return {
        "track_ids": encode_ids(names),
        "tracks": np.array([names.index(one) for one in after], dtype=np.int32),
        "next": np.array([names.index(one) for one in after.values()], dtype=np.int32),
        "scores": np.ones(len(after), dtype=np.float32),
    }


SHELF = shelf_of()


def heard(*signals: tuple[str, float], start: int = 0) -> History:
    return {
        start: Window(
            [s[0] for s in signals],
            [s[1] for s in signals],
            [start + i for i in range(len(signals))],
            ["complete"] * len(signals),
        )
    }


def listeners(histories: Mapping[str, History]) -> list[ListenerHistory]:
    return [ListenerHistory(user_id, history, SETTINGS.taste) for user_id, history in histories.items()]


def planned(
    history: History,
    *,
    lookup: Mapping[str, np.ndarray] | None = None,
    feedback: Mapping[int, float] | None = None,
    shelf: TrackIndex = SHELF,
    variants: tuple[tuple[Variant, float], ...] = (),
    **ranking: Any,
) -> Plan:
    [found] = plan(
        listeners({"ada": history}),
        bundle=shelf,
        lookup=lambda ids: {i: (lookup or {})[i] for i in ids if i in (lookup or {})},
        ranking=SETTINGS.ranking.model_copy(update={"list_length": 4, **ranking}),
        experiments=SETTINGS.experiments.model_copy(update={"variants": variants}),
        feedback=feedback or {},
    )
    return found


def test_the_next_tracks_are_of_the_style_that_was_heard_to_the_end() -> None:
    found = planned(heard(("house0", 1.0), ("house1", 1.0), ("waltz0", -0.5)))
    assert {item.track_id[:5] for item in found.items} == {"house"}
    assert found.served == "taste"


def test_nothing_heard_comes_back_within_its_time() -> None:
    found = planned(heard(("house0", 1.0), ("house1", 1.0)), list_length=18)
    assert not {"house0", "house1"} & {item.track_id for item in found.items}


def test_a_track_heard_long_ago_may_come_back() -> None:
    old = heard(("house0", 1.0))
    found = planned(old | heard(("house1", 1.0), start=40 * DAY), list_length=18)
    assert "house0" in {item.track_id for item in found.items}


def test_each_reason_is_a_track_the_listener_liked() -> None:
    found = planned(heard(("house0", 1.0), ("blues0", 1.0), ("waltz0", -1.0)))
    assert {item.evidence for item in found.items} <= {"house0", "blues0"}
    assert all(item.evidence and item.evidence[:5] == item.track_id[:5] for item in found.items)


def test_scores_fall_along_the_list_until_the_varied_ones_begin() -> None:
    scores = [item.similarity for item in planned(heard(("house0", 1.0)), max_per_artist=9).items]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("history", [{}, heard(("nowhere", 1.0)), heard(("house0", -1.0))])
def test_without_a_usable_history_the_varied_selection_is_served(history: History) -> None:
    found = planned(history)
    assert found.served == "cold-start"
    assert {item.track_id[:5] for item in found.items} == set(STYLES)
    assert all(item.evidence is None for item in found.items)


def test_a_track_newer_than_the_bundle_counts_through_the_lookup() -> None:
    found = planned(heard(("brand-new", 1.0)), lookup={"brand-new": np.array([0, 0, 1, 0], dtype=np.float32)})
    assert {item.track_id[:5] for item in found.items} == {"waltz"}
    assert found.unknown == []


def test_a_track_in_no_catalogue_is_named() -> None:
    assert planned(heard(("nowhere", 1.0), ("house0", 1.0))).unknown == ["nowhere"]


def test_a_vector_of_another_space_is_not_mixed_in() -> None:
    found = planned(heard(("odd", 1.0)), lookup={"odd": np.ones(7, dtype=np.float32)})
    assert found.unknown == ["odd"]


def test_the_same_history_gives_the_same_plan_and_id_beside_any_other_listeners() -> None:
    history = heard(("house0", 1.0), ("waltz1", 0.5))
    several = plan(
        listeners({"ben": heard(("blues0", 1.0)), "ada": history, "eve": {}}),
        bundle=SHELF,
        ranking=SETTINGS.ranking.model_copy(update={"list_length": 4}),
        experiments=SETTINGS.experiments,
    )
    alone = planned(history)
    assert (several[1].items, several[1].recommendation_id) == (alone.items, alone.recommendation_id)


AFTER = {"house0": "waltz3", "house1": "blues2"}


def test_tracks_played_after_a_positive_track_come_first_with_that_reason() -> None:
    found = planned(heard(("house0", 1.0)), shelf=shelf_of(after=AFTER))
    first = found.items[0]
    assert (found.variant, first.track_id, first.reason, first.evidence) == (
        *("hybrid", "waltz3", "after", "house0"),
    )
    assert {item.reason for item in found.items[1:]} == {"because"}


def test_the_session_goes_on_with_an_artist_and_says_so() -> None:
    shelf = shelf_of(after=AFTER, listeners={"blues4": 1, "blues5": 5})
    found = planned(heard(("blues4", 1.0), start=DAY), shelf=shelf, artist_weight=2.0, model="sum")
    first = found.items[0]
    assert (first.track_id, first.reason, first.evidence) == ("blues5", "artist", "blues4")
    without = planned(heard(("blues4", 1.0)), shelf=shelf, artist_weight=0.0)
    assert {item.reason for item in without.items} == {"because"}


def test_of_an_artist_no_more_than_the_limit_comes_however_much_the_session_wants() -> None:
    counts = dict(zip(NAMES, range(18), strict=True))
    shelf = shelf_of(after=AFTER, listeners=counts, artists=np.zeros(18))
    found = planned(
        heard(("blues4", 1.0)),
        shelf=shelf,
        model="sum",
        artist_weight=5.0,
        max_per_artist=2,
        artist_window=10,
        list_length=10,
    )
    assert [item.track_id for item in found.items][:2] == ["waltz5", "waltz4"]
    assert len(found.items) == 10  # the library has no other artist, so the limit gives way
    others = np.where(np.arange(18) < 12, np.arange(18), 0)  # the waltzes have the artist of "blues0"
    found = planned(
        heard(("blues4", 1.0)),
        shelf=shelf_of(after=AFTER, listeners=counts, artists=others),
        model="sum",
        artist_weight=5.0,
        max_per_artist=2,
        artist_window=10,
        list_length=10,
    )
    assert len(found.items) == 10
    assert sum(item.track_id.startswith("waltz") or item.track_id == NAMES[0] for item in found.items) <= 2


@pytest.mark.parametrize(
    "history", [heard(("house0", -1.0), ("house2", 1.0)), heard(("waltz3", 1.0), ("house0", 1.0))]
)
def test_a_skipped_track_is_no_seed_and_heard_tracks_are_no_candidates(history: History) -> None:
    found = planned(history, shelf=shelf_of(after=AFTER), list_length=18)
    assert not [item for item in found.items if item.reason == "after"]


def test_a_track_turned_down_in_the_next_window_leads_nowhere_and_is_no_reason() -> None:
    shelf = shelf_of(after={"blues0": "house3"})
    history = heard(("blues0", 1.0), ("waltz1", 1.0)) | heard(("blues0", -2.0), start=1_800_000)
    found = planned(history, shelf=shelf)
    assert "house3" not in [item.track_id for item in found.items[:5]]
    assert {item.evidence for item in found.items} <= {"waltz1", None}


def test_of_two_ways_to_a_track_the_one_from_the_newer_is_named() -> None:
    shelf = shelf_of(after={"house0": "waltz3", "house1": "waltz3"})
    found = planned(heard(("house1", 1.0), ("house0", 1.0)), shelf=shelf)
    assert (found.items[0].track_id, found.items[0].evidence) == ("waltz3", "house0")


def test_the_variant_audio_gives_the_list_of_an_index_without_sessions() -> None:
    history, shelf = heard(("house0", 1.0)), shelf_of(after=AFTER)
    audio = planned(history, shelf=shelf, variants=(("audio", 1.0),))
    plain = planned(history)
    assert (audio.items, audio.variant, plain.variant) == (plain.items, "audio", "audio")
    all_sources = planned(history, shelf=shelf, variants=(("hybrid", 1.0),))
    assert all_sources.items != audio.items
    assert all_sources.recommendation_id != audio.recommendation_id


def test_each_listener_is_served_by_the_settings_of_their_variant() -> None:
    users = [f"listener{n}" for n in range(40)]
    history, shelf = heard(("house0", 1.0)), shelf_of(after=AFTER)
    running = SETTINGS.experiments.model_copy(
        update={
            "variants": (("audio", 1.0), ("hybrid", 1.0), ("short", 1.0)),
            "ranking": (("short", (("list_length", 3), ("candidates", 5))),),
        }
    )
    ranking = SETTINGS.ranking.model_copy(update={"list_length": 8, "exploration_share": 0.0})
    everybody = listeners(dict.fromkeys(users, history))
    found = plan(everybody, bundle=shelf, ranking=ranking, experiments=running)
    assert {one.variant for one in found} == {"audio", "hybrid", "short"}
    for variant in ("audio", "hybrid", "short"):
        alone = running.model_copy(update={"variants": ((variant, 1.0),)})
        [expected] = plan(listeners({"ada": history}), bundle=shelf, ranking=ranking, experiments=alone)
        assert all(one.items == expected.items for one in found if one.variant == variant)
        assert len(expected.items) == (3 if variant == "short" else 8)


def test_a_variant_that_the_index_cannot_serve_is_not_claimed() -> None:
    assert planned(heard(("house0", 1.0)), variants=(("hybrid", 1.0),)).variant == "audio"


def test_of_the_versions_of_a_song_one_is_recommended_and_none_of_a_heard_one() -> None:
    songs = [number // 3 for number in range(18)]  # house0 to house2 are one song, house3 to house5 another
    found = planned(heard(("house0", 1.0)), shelf=shelf_of(songs=songs), list_length=18, max_per_artist=18)
    named = [item.track_id for item in found.items]
    assert not {"house1", "house2"} & set(named)
    assert len(named) == 5
    assert len({NAMES.index(name) // 3 for name in named}) == 5


def test_a_loved_track_comes_back_after_its_time_and_is_named_as_such() -> None:
    history = heard(("house0", 2.5)) | heard(("house1", 1.0), start=40 * DAY)
    again = {item.track_id: item for item in planned(history, list_length=18).items}["house0"]
    assert (again.reason, again.evidence) == ("again", "house0")


def test_a_disliked_track_does_not_come_back_however_long_ago() -> None:
    history = heard(("house0", -2.0)) | heard(("house1", 1.0), start=40 * DAY)
    assert "house0" not in {item.track_id for item in planned(history, list_length=18).items}


def test_a_share_explores_the_rest_stays_and_the_same_state_draws_the_same() -> None:
    history = heard(("house0", 1.0), ("waltz0", 0.5))
    straight = planned(history, max_per_artist=9, exploration_share=0.0)
    found = planned(history, max_per_artist=9, exploration_share=0.25)
    assert found.items == planned(history, max_per_artist=9, exploration_share=0.25).items
    drawn = [item for item in found.items if item.reason == "explore"]
    assert len(drawn) == 1
    assert found.items[0] == straight.items[0]
    beyond = planned(history, max_per_artist=9, list_length=18, exploration_share=0.0).items[3:]
    assert drawn[0].track_id in {item.track_id for item in beyond}
    assert drawn[0].propensity == 1 / len(beyond)
    assert {item.propensity for item in found.items if item not in drawn} == {1.0}


ARTISTS = [row // 2 for row in range(60)]


@pytest.mark.parametrize("per_artist", [1, 2, 9])
def test_the_probability_of_each_track_is_the_share_of_draws_with_it(per_artist: int) -> None:
    ranking = SETTINGS.ranking.model_copy(update={"list_length": 10, "exploration_share": 0.2})
    limit = ArtistLimit(ARTISTS, per_artist, 10)
    candidates = limit_artists(range(60), limit, items=60)
    draws, times = 3000, Counter[int]()
    propensities: dict[int, float] = {}
    for seed in range(draws):
        found, drawn = explored(candidates[:10], candidates, ranking=ranking, limit=limit, seed=str(seed))
        assert len(found) == len(set(found)) == 10
        assert (found[:2], len(drawn.rows)) == (candidates[:2], 2)
        assert limit.holds(found)
        times.update(found)
        for row in found:
            known = drawn.propensity_of(row)
            assert known is not None
            assert propensities.setdefault(row, known) == known
    assert {row for row in propensities if propensities[row] == 1} == set(candidates[:8])
    for row, propensity in propensities.items():
        spread = (propensity * (1 - propensity) / draws) ** 0.5
        assert abs(times[row] / draws - propensity) <= 5 * spread
    assert sum(propensities.values()) == pytest.approx(10), "every track that can come has come"


def test_where_the_artist_limit_gives_way_no_probability_is_claimed() -> None:
    ranking = SETTINGS.ranking.model_copy(update={"list_length": 10, "exploration_share": 0.2})
    limit = ArtistLimit([row % 2 for row in range(60)], 2, 10)
    found, drawn = explored(list(range(10)), list(range(60)), ranking=ranking, limit=limit, seed="s")
    assert (len(found), len(drawn.rows), drawn.propensity) == (10, 2, None)
    assert {drawn.propensity_of(row) for row in found} == {None}
    listed = planned(heard(("house0", 1.0)), shelf=shelf_of(artists=np.zeros(18)), exploration_share=0.25)
    assert len(listed.items) == 4
    assert {item.propensity for item in listed.items} == {None}


def test_without_a_choice_nothing_is_explored() -> None:
    ranking = SETTINGS.ranking.model_copy(update={"list_length": 10, "exploration_share": 0.2})
    limit = ArtistLimit(ARTISTS, 9, 10)
    for several in (list(range(5)), list(range(10)), [*range(8), 40, 50]):
        found, drawn = explored(several[:10], several, ranking=ranking, limit=limit, seed="s")
        assert (found, drawn) == (several[:10], Drawn())
        assert drawn.propensity_of(several[0]) == 1.0
