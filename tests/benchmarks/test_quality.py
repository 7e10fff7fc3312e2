"""`bench quality` on made-up sets: its figures for the folds, and for the learned ranker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks import memory_quality, quality
from segue.recommenders.session_ensemble import EnsembleMember, SessionEnsemble
from segue.recommenders.session_models import SessionRepeats
from segue.recommenders.session_rules import SequentialRules
from segue.session_logs.logs import SessionLog, make_log
from segue.session_logs.splits import DAY
from segue.settings import Settings


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


def albums() -> SessionLog:
    """Ten days of sessions that play an album in order, and now and then a track again."""
    rng = np.random.default_rng(3)
    rows = []
    for session in range(150):
        first = 8 * rng.integers(12)
        for place in range(6):
            track = first + (place - 2 if place > 2 and rng.random() < 0.3 else place)
            rows.append((session % 11, session, track, session * 10 * DAY / 150 + 200 * place))
    users, sessions, items, times = (np.array(column) for column in zip(*rows, strict=True))
    artists = np.array([f"artist {item // 8}" for item in items.tolist()])
    return make_log(users=users, sessions=sessions, items=items, times=times, artists=artists)


def simple_ranker(*, again: bool = True, seed: int = 0) -> SessionEnsemble:
    """A model that stands for the learned ranker: sequential rules, and the tracks of the session."""
    rules = EnsembleMember("rules", SequentialRules(), 1.0)
    return SessionEnsemble([rules, EnsembleMember("heard", SessionRepeats(), 0.1)] if again else [rules])


def test_the_ranker_is_measured_beside_single_methods_and_with_few_repeats(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The others, and the ranker, take long to compile; tests/recommenders tests them.
    monkeypatch.setattr(quality, "SINGLE", ("rules", "session-knn"))
    monkeypatch.setattr(quality, "Ranked", simple_ranker)
    log = albums()
    ranked = quality._ranked([log], quick=True)
    assert ranked["ranked_hr20_lowest"] == ranked["ranked_hr20"] > 0.8
    assert ranked["ranked_hr20_low"] <= ranked["ranked_hr20"] <= ranked["ranked_hr20_high"]
    # No track of the session is in a list of the service.
    assert 0 < ranked["ranked_served_hr20"] < ranked["ranked_hr20"]
    alone = quality._session_only([log], quick=True)
    best = max(alone[f"session_only_{name.replace('-', '_')}_mrr20"] for name in quality.SINGLE)
    assert alone["session_only_ratio_mrr20"] == pytest.approx(alone["session_only_mrr20"] / best)
    curve = quality._repeat_curve([log])
    rates = [curve[f"repeat_curve_{most}_hr20"] for most in quality.REPEATS]
    assert rates[0] < rates[-1]
    assert 0 < curve["repeat_curve_share_of_repeats"] < 1
