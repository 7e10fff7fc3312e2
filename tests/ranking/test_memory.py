"""The long memory in plans: songs of long ago come back with a reason that says so, and corrections hold."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from segue.ranking.plan import Plan, plan
from segue.ranking.sources import REASONS
from segue.settings import RankingSettings
from segue.taste.corrections import ListenerCorrections, Rule, Span, Unwanted, UnwantedRows
from segue.taste.history import History, without
from segue.taste.memory import Loved
from segue.taste.profile import ListenerHistory
from tests.ranking.test_plan import AFTER, DAY, NAMES, SETTINGS, heard, shelf_of

NOW = 1_000 * DAY
SHELF = shelf_of(after=AFTER, listeners=dict.fromkeys(NAMES, 1))
RANKING = SETTINGS.ranking.model_copy(update={"exploration_share": 0.0, "list_length": 6})
RECENT = heard(*((f"house{number}", 1.0) for number in range(4)), start=NOW)


def made(history: History, *, ranking: RankingSettings = RANKING, **more: object) -> Plan:
    listener = replace(ListenerHistory("ada", history, SETTINGS.taste), **more)  # type: ignore[arg-type]
    (own,) = plan([listener], bundle=SHELF, ranking=ranking, experiments=SETTINGS.experiments)
    return own


def loved(*tracks: str, days: float) -> Loved:
    return Loved(
        tracks, [3.0 - place / 10 for place in range(len(tracks))], [int(NOW - days * DAY)] * len(tracks)
    )


@pytest.mark.parametrize(
    ("days", "kind"),
    [(100, "loved"), (365, "loved-1"), (2 * 365, "loved-2"), (3 * 365, "loved-3"), (9 * 365, "loved-4")],
)
def test_a_loved_song_comes_back_and_says_when(days: float, kind: str) -> None:
    item = next(
        item for item in made(RECENT, loved=loved("waltz1", days=days)).items if item.track_id == "waltz1"
    )
    assert item.reason == kind
    assert item.evidence is None
    assert REASONS[kind].text(None)


def test_a_song_of_last_month_does_not_come_from_the_memory() -> None:
    reasons = {item.track_id: item.reason for item in made(RECENT, loved=loved("waltz1", days=40)).items}
    assert not reasons.get("waltz1", "").startswith("loved")


def test_without_weight_or_memory_the_list_is_as_before() -> None:
    plain = made(RECENT)
    off = RANKING.model_copy(update={"memory_weight": 0.0})
    assert made(RECENT, ranking=off, loved=loved("waltz1", days=400)).items == plain.items


def test_the_same_songs_all_day_and_others_on_other_days() -> None:
    known = loved(*(name for name in NAMES if name.startswith("waltz")), days=400)

    def offered(at: int) -> set[str]:
        history = heard(*((f"house{number % 6}", 1.0) for number in range(6)), start=at)
        return {item.track_id for item in made(history, loved=known).items if item.reason.startswith("loved")}

    assert offered(NOW) == offered(NOW + 3_600_000)
    assert len({frozenset(offered(NOW + day * DAY)) for day in range(12)}) > 1


def test_who_never_returns_to_an_old_song_is_seldom_offered_one() -> None:
    known = loved("waltz1", days=400)

    def days(returning: float) -> int:
        own = replace(known, returning=returning)
        lists = (made(_settled(NOW + day * DAY), loved=own) for day in range(40))
        return sum(any(item.reason.startswith("loved") for item in one.items) for one in lists)

    assert days(1.0) == 40
    assert 0 < days(0.0) < 12


def _settled(at: int) -> History:
    """Some days with the same songs, which leave nothing to a pause."""
    weeks = [heard(*((f"house{one}", 1.0) for one in range(6)), start=at - day * DAY) for day in range(5)]
    return weeks[0] | weeks[1] | weeks[2] | weeks[3] | weeks[4]


def test_a_pause_brings_more_of_them_and_songs_like_them() -> None:
    known = loved("waltz0", "waltz1", "waltz2", "blues0", "blues1", days=400)
    new = made(heard(("house0", 1.0), start=NOW), loved=known)
    settled = made(_settled(NOW), loved=known)
    reasons = {item.reason for item in new.items}
    assert "like-loved" in reasons or "loved-1" in reasons

    def count(own: Plan) -> int:
        return sum(item.reason.startswith("loved") for item in own.items)

    assert count(new) > count(settled)
    assert new.recommendation_id != made(heard(("house0", 1.0), start=NOW)).recommendation_id


def test_a_disliked_song_does_not_come_back() -> None:
    history = heard(("house0", 1.0), start=NOW) | heard(("waltz1", -2.0), start=NOW - 20 * DAY)
    assert "waltz1" not in {item.track_id for item in made(history, loved=loved("waltz1", days=400)).items}


def unwanted(*, never: tuple[str, ...] = (), less: tuple[str, ...] = ()) -> UnwantedRows:
    rows = {name: place for place, name in enumerate(NAMES)}
    return UnwantedRows(
        np.array(sorted(rows[name] for name in never), dtype=np.int64),
        np.array(sorted(rows[name] for name in less), dtype=np.int64),
    )


def test_never_leaves_songs_out_of_lists_memory_and_reasons() -> None:
    house = tuple(name for name in NAMES if name.startswith("house"))
    history = heard(("house0", 1.0), ("waltz0", 0.5), start=NOW)
    before = made(history)
    assert any(item.track_id in house for item in before.items)
    after = made(history, unwanted=unwanted(never=house), loved=loved("house3", days=400))
    assert not {item.track_id for item in after.items} & set(house)
    assert not {item.evidence for item in after.items} & set(house)
    assert after.vector @ SHELF.vectors[NAMES.index("waltz0")] > 0.9


def test_less_leaves_a_quarter_of_the_songs_each_day_and_moves_the_taste() -> None:
    rows = UnwantedRows(np.empty(0, dtype=np.int64), np.arange(4000))
    left = [rows.left_out("ada", day * DAY) for day in range(8)]
    assert all(0.7 < len(own) / 4000 < 0.8 for own in left)
    assert len(set(left)) > 1
    assert rows.left_out("ada", 5) == rows.left_out("ada", DAY - 1)
    history = heard(("house0", 1.0), ("waltz0", 1.0), start=NOW)
    house = SHELF.vectors[NAMES.index("house0")]
    less = made(history, unwanted=unwanted(less=tuple(name for name in NAMES if name.startswith("house"))))
    assert less.vector @ house < made(history).vector @ house


def test_a_forgotten_evening_says_nothing_but_its_dislikes_stay() -> None:
    evening = heard(("house0", 1.0), start=NOW)
    (window,) = evening.values()
    opinion = replace(window, tracks=["blues5"], weights=[-2.0], types=["dislike"])
    history = heard(("waltz0", 1.0), start=NOW - DAY) | evening
    span = Span(NOW, NOW + DAY)
    own = made(history, corrections=ListenerCorrections(spans=(span,)))
    assert own.vector @ SHELF.vectors[NAMES.index("waltz0")] > 0.9
    assert own.history == history, "the stored history keeps the plays, so that they can count again"
    assert own.recommendation_id != made(history).recommendation_id
    left = without(history | {NOW + 1: opinion}, [span])
    assert left == {NOW - DAY: history[NOW - DAY], NOW + 1: opinion}


def test_rows_of_rules_are_read_once_for_each_index() -> None:
    asked: list[tuple[str, str]] = []

    def tracks_of(kind: str, key: str) -> list[str]:
        asked.append((kind, key))
        return ["house1", "house2", "gone"]

    rules = Unwanted(tracks_of)
    never, less = Rule("artist", "h", "never"), Rule("genre", "house", "less")
    found = rules.of(ListenerCorrections((never, less)), SHELF)
    assert rules.of(ListenerCorrections((never,)), SHELF).never.tolist() == found.never.tolist()
    assert found.never.tolist() == [NAMES.index("house1"), NAMES.index("house2")]
    assert not len(found.less), "never is stronger than less"
    assert asked == [("artist", "h"), ("genre", "house")]
