"""The contract of candidate sources, over the registry; and a source that is added to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from segue.index.track_index import TrackIndex
from segue.index.visible import without
from segue.ranking import sources
from segue.ranking.candidates import NO_EVIDENCE, CandidateSource, Proposals, Reason, add_up
from segue.ranking.sources import REASONS, SOURCES, TASTE, VARIED, describe, in_use, is_exploring
from segue.ranking.variants import left_out
from segue.settings import RankingSettings, load_settings
from segue.taste.profile import Profiles, build_profiles
from tests.ranking.test_plan import AFTER, heard, listeners, planned, shelf_of

RANKING = load_settings().ranking
INDEX = shelf_of(after=AFTER, listeners={"blues4": 1, "house2": 5})
HISTORIES = {
    "ada": heard(("house0", 1.0), ("waltz0", -0.5)),
    "ben": {},
    "eve": heard(("house1", 1.0), ("blues4", 1.0)),
}


def named(found: Sequence[CandidateSource]) -> list[str]:
    return [source.name for source in found]


@pytest.mark.parametrize("source", [TASTE, *SOURCES], ids=lambda source: source.name)
def test_proposals_are_rows_with_scores_and_signals_of_their_listeners(source: CandidateSource) -> None:
    profiles = build_profiles(listeners(HISTORIES), bundle=INDEX)
    assert source.available(INDEX)
    proposals = source.propose(profiles, INDEX, RANKING)
    assert len(proposals.rows) == len(proposals.scores) == len(proposals.evidence)
    assert set(proposals.listeners.tolist()) <= {0, 2}, "nothing for one who has heard nothing"
    assert (np.diff(proposals.listeners) >= 0).all()
    assert ((proposals.rows >= 0) & (proposals.rows < len(INDEX.vectors))).all()
    named = proposals.evidence != NO_EVIDENCE
    owners = profiles.owner[proposals.evidence[named]]
    assert owners.tolist() == proposals.listeners[named].tolist()


def test_names_and_reasons_are_unique_and_every_reason_has_words() -> None:
    names = [TASTE.name, *(source.name for source in SOURCES), VARIED.name]
    assert len(set(names)) == len(names)
    several = sum(len(source.reasons) - 1 for source in SOURCES)
    assert len(REASONS) == len(names) + 3 + several
    for kind, reason in REASONS.items():
        assert describe(kind, "a song") == (reason.text("a song") or "")
        assert describe(kind, None) in (VARIED.reason.words, reason.words)
        assert is_exploring(kind) == (kind == "explore")
    assert describe("of another release", "a song") == VARIED.reason.words


def test_a_source_without_weight_or_knowledge_or_left_out_is_not_in_use() -> None:
    assert in_use(INDEX, RANKING) == [source for source in SOURCES if source.weight(RANKING)]
    assert named(in_use(INDEX, RANKING, without=left_out("audio"))) == ["memory"]
    assert named(in_use(shelf_of(), RANKING)) == ["memory"]
    plain = RANKING.model_copy(update={"memory_weight": 0.0})
    assert named(in_use(INDEX, plain.model_copy(update={"artist_weight": 0.0}))) == ["transitions"]
    without_rules = plain.model_copy(update={"transition_weight": 0.0})
    assert named(in_use(INDEX, without_rules)) == ["artist"]
    neither = without_rules.model_copy(update={"artist_weight": 0.0})
    assert in_use(INDEX, neither) == []
    assert in_use(shelf_of(), plain) == []


class Newest(CandidateSource):
    """Proposes the last row to everybody."""

    name: ClassVar = "newest"
    reason: ClassVar = Reason("new", "Added in the last 14 days", names_track=False)

    def weight(self, ranking: RankingSettings) -> float:
        return 1.5

    def propose(self, profiles: Profiles, bundle: TrackIndex, ranking: RankingSettings) -> Proposals:
        everybody = np.arange(len(profiles))
        last = np.full(len(profiles), len(bundle.vectors) - 1)
        nothing = np.full(len(profiles), NO_EVIDENCE)
        return Proposals(everybody, last, np.full(len(profiles), self.weight(ranking)), nothing)


def test_a_new_source_needs_its_class_and_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "SOURCES", (*SOURCES, Newest()))
    first = planned(HISTORIES["ada"], shelf=shelf_of()).items[0]
    assert (first.track_id, first.reason, first.evidence) == ("waltz5", "new", None)
    assert Newest.reason.text(None) == "Added in the last 14 days"
    # Its score for a track is added to those of the other sources.
    scored = planned(HISTORIES["ada"], shelf=shelf_of(after={"house0": "waltz5"}), model="sum").items[0]
    assert (scored.track_id, scored.reason, scored.evidence) == ("waltz5", "after", "house0")


def test_a_source_adds_no_track_that_a_listener_may_not_see() -> None:
    for index, count in ((INDEX, len(HISTORIES)), (without(INDEX, ["waltz5"]), 0)):
        profiles = build_profiles(listeners(HISTORIES), bundle=index)
        proposed = Newest().propose(profiles, index, RANKING)
        assert index.ids(proposed.rows) == ["waltz5"] * len(HISTORIES)
        found, _ = add_up(profiles, index, ranking=RANKING, sources=[Newest()])
        assert len(found.rows) == count
