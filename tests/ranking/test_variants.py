"""The variant of a listener: by shares, sticky, and independent between experiments."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue.errors import SegueError
from segue.ranking.variants import assigned, left_out, point, ranking_of, variant_label
from segue.settings import ExperimentSettings, Variant, load_settings

USERS = [f"listener-{n}" for n in range(4000)]


EXPERIMENTS = load_settings().experiments


def running(*shares: tuple[Variant, float], salt: str = "1") -> ExperimentSettings:
    return EXPERIMENTS.model_copy(update={"variants": shares, "salt": salt})


def test_the_point_is_computed_as_documented() -> None:
    digest = hashlib.blake2b("1\nädä".encode(), digest_size=8).hexdigest()
    assert point("ädä", salt="1") == int(digest, 16) / 2**64


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_shares_are_kept_over_many_listeners(share: float) -> None:
    experiments = running(("audio", share), ("hybrid", 1 - share))
    found = [assigned(user, experiments=experiments) for user in USERS]
    assert found.count("audio") / len(USERS) == pytest.approx(share, abs=0.03)


def test_shares_count_against_each_other_only() -> None:
    for user in USERS[:100]:
        small = assigned(user, experiments=running(("audio", 1), ("hybrid", 3)))
        assert small == assigned(user, experiments=running(("audio", 25), ("hybrid", 75)))


def test_another_salt_assigns_independently() -> None:
    first = running(("audio", 50), ("hybrid", 50))
    second = running(("audio", 50), ("hybrid", 50), salt="2")
    same = sum(assigned(u, experiments=first) == assigned(u, experiments=second) for u in USERS)
    assert same / len(USERS) == pytest.approx(0.5, abs=0.04)


def test_without_an_experiment_nobody_is_assigned() -> None:
    assert assigned("ada", experiments=running()) is None


@given(user=st.text(max_size=30))
def test_any_listener_has_a_variant_and_keeps_it_when_a_share_grows(user: str) -> None:
    before = assigned(user, experiments=running(("audio", 30), ("hybrid", 70)))
    after = assigned(user, experiments=running(("audio", 60), ("hybrid", 40)))
    assert before in ("audio", "hybrid")
    assert before == "hybrid" or after == "audio"


def test_a_mark_tells_its_variant_and_whether_it_explores() -> None:
    assert [variant_label("hybrid", exploring=one).partition("/")[0] for one in (True, False)] == [
        "hybrid"
    ] * 2
    assert variant_label("hybrid", exploring=True) != variant_label("hybrid", exploring=False)


def test_a_custom_variant_changes_its_own_settings_and_nothing_else() -> None:
    ranking = load_settings().ranking
    changes = (("bold", (("exploration_share", 0.3), ("max_per_artist", 3))),)
    experiments = EXPERIMENTS.model_copy(update={"ranking": changes})
    bold = ranking_of("bold", ranking=ranking, experiments=experiments)
    assert bold == ranking.model_copy(update={"exploration_share": 0.3, "max_per_artist": 3})
    assert isinstance(bold.max_per_artist, int)
    assert ranking_of("hybrid", ranking=ranking, experiments=experiments) == ranking
    assert left_out("audio") == {"transitions", "artist", "like-loved"}
    assert left_out("hybrid") == left_out("bold") == set()


def test_a_variant_can_have_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_EXPERIMENTS__RANKING", '{"summed": {"model": "sum", "candidates": "150"}}')
    monkeypatch.setenv("SEGUE_EXPERIMENTS__VARIANTS", '{"hybrid": 1, "summed": 1}')
    settings = load_settings()
    own = ranking_of("summed", ranking=settings.ranking, experiments=settings.experiments)
    assert (settings.ranking.model, own.model, own.candidates) == ("learned", "sum", 150)
    monkeypatch.setenv("SEGUE_EXPERIMENTS__RANKING", '{"learned": {"model": "best"}}')
    with pytest.raises(SegueError, match=r"experiments\.ranking"):
        load_settings()
