"""`bench quality` on made-up sets: its figures for the folds, and for the learned ranker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks import memory_quality, quality
from segue.benchmarks.log_kinds import KINDS
from segue.recommenders.session_ensemble import EnsembleMember, SessionEnsemble
from segue.recommenders.session_models import Popularity, SessionModel, SessionRepeats
from segue.recommenders.session_rules import SequentialRules
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY
from segue.settings import Settings, load_settings


def few_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate one listener of each kind for the long memory: the time grows with their number."""
    simulated = memory_quality.simulated

    def few(seed: int, settings: Settings, *, listeners: int) -> dict[str, float]:
        assert listeners > len(memory_quality.KINDS)
        return simulated(seed, settings, listeners=len(memory_quality.KINDS))

    monkeypatch.setattr(memory_quality, "simulated", few)


def test_the_fold_that_chose_nothing_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few_listeners(monkeypatch)
    rng = np.random.default_rng(4)
    folder = tmp_path / "hetrec-lastfm-2k"
    folder.mkdir()
    pairs = [(user, artist) for user in range(40) for artist in range(30) if (user + artist) % 2]
    rows = [f"{user}\t{artist}\t{rng.integers(1, 500)}" for user, artist in pairs if rng.random() < 0.6]
    (folder / "user_artists.dat").write_text("\n".join(["userID\tartistID\tweight", *rows]) + "\n")
    found, first = (
        quality.measure(quick=quick, console=Console(quiet=True), data=tmp_path) for quick in (False, True)
    )
    for key in ("ndcg10", "coverage10", "knn_ndcg10", "popularity_ndcg10"):
        assert found[f"{key}_fold1"] == pytest.approx(first[key])
    assert found["knn_ndcg10"] != pytest.approx(first["knn_ndcg10"])


def albums(count: int = 150) -> SessionLog:
    """Ten days of sessions that play an album in order, and now and then a track again."""
    rng = np.random.default_rng(3)
    rows = []
    for session in range(count):
        first = 8 * rng.integers(12)
        for place in range(6):
            track = first + (place - 2 if place > 2 and rng.random() < 0.3 else place)
            rows.append((session % 11, session, track, session * 10 * DAY / count + 200 * place))
    users, sessions, items, times = (np.array(column) for column in zip(*rows, strict=True))
    artists = np.array([f"artist {item // 8}" for item in items.tolist()])
    return make_log(users=users, sessions=sessions, items=items, times=times, artists=artists)


def simple_ranker(*, again: bool = True, seed: int = 0, most: int = 1) -> SessionModel:
    """A model that stands for the learned ranker: sequential rules, and the tracks of the session."""
    rules = EnsembleMember("rules", SequentialRules(), 1.0)
    heard = EnsembleMember("heard", SessionRepeats(), 0.1)
    return SessionEnsemble([rules, heard] if again else [rules]) if most else Popularity()


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that need no time to be compiled; tests/recommenders tests the others."""
    monkeypatch.setattr(quality, "SINGLE", ("rules", "session-knn"))
    monkeypatch.setattr(quality, "Ranked", simple_ranker)
    monkeypatch.setattr(quality, "FIXED", {"rules": None})
    monkeypatch.setattr(quality, "FixedOrder", lambda name: Popularity())


@pytest.mark.usefixtures("simple")
def test_the_ranker_is_measured_beside_single_methods_and_with_few_repeats() -> None:
    log = albums()
    ranked = quality._ranked([log], quick=True)
    assert ranked["ranked_hr20_lowest"] == ranked["ranked_hr20"] > 0.8
    assert ranked["ranked_hr20_low"] <= ranked["ranked_hr20"] <= ranked["ranked_hr20_high"]
    # No track of the session is in a list of the service.
    assert 0 < ranked["ranked_served_hr20"] < ranked["ranked_hr20"]
    alone = quality._session_only([log], quick=True)
    best = max(alone[f"session_only_{name.replace('-', '_')}_mrr20"] for name in quality.SINGLE)
    assert alone["session_only_best_mrr20"] == best
    assert alone["session_only_ratio_mrr20"] == pytest.approx(alone["session_only_mrr20"] / best)
    assert alone["session_only_ingredients_ratio_hr20"] > 1
    curve = quality._repeat_curve([log], quick=True)
    rates = [curve[f"repeat_curve_{most}_hr20"] for most in quality.REPEATS]
    assert rates[0] < rates[-1]
    assert 0 < curve["repeat_curve_share_of_repeats"] < 1


@pytest.mark.usefixtures("simple")
def test_the_ranker_is_measured_on_other_kinds_of_log(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {name: KINDS[name] for name in ("without_artists", "few_listeners")}
    monkeypatch.setattr(quality, "KINDS", kinds)
    found = quality._other_kinds([albums()], quick=True)
    ratios = [found[f"ranked_{kind}_ratio_hr20"] for kind in kinds]
    assert found["ranked_lowest_ratio_hr20"] == min(ratios) > 0
    for kind in kinds:
        assert found[f"ranked_{kind}_hr20"] > found[f"ranked_{kind}_ingredients_best_hr20"]


@pytest.mark.usefixtures("simple")
def test_the_learning_curve_begins_without_lessons() -> None:
    found = quality._learning_curve([albums()], quick=True)
    assert set(found) == {f"ranked_curve_{most}_{key}" for most in quality.TAUGHT for key in quality.CURVE}
    assert found["ranked_curve_0_hr20"] < found["ranked_curve_200_hr20"]


def test_lists_as_served_are_measured_with_other_limits_and_with_the_shipped_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = load_settings()
    short = settings.models.sessions.model_copy(update={"epochs": 1, "dimension": 4, "hidden_units": 4})
    models = settings.models.model_copy(update={"sessions": short})
    monkeypatch.setattr(quality, "load_settings", lambda: settings.model_copy(update={"models": models}))
    monkeypatch.setattr(quality, "REPEAT_SHARES", (1.0,))
    found = quality._served([albums(50)], quick=True)
    strict, free = (found[f"repeat_curve_served_{name}_heard20"] for name in ("strict", "100"))
    assert strict == 0 < free
    assert found["served_hr20"] > 0
    assert found["ranked_shipped_hr20"] > 0
