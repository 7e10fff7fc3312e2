"""Plans in MongoDB: written twice they are the same, and the older never replaces the newer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pymongo.database import Database

from segue.ranking.plan import Plan, PlannedTrack
from segue.ranking.recommendations import Recommendations
from segue.replanning.service import Replanning
from segue.settings import load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.history import Window
from segue.taste.tastes import Tastes

SETTINGS = load_settings()


def a_plan(*, at: int, track: str = "t1", unknown: list[str] | None = None) -> Plan:
    return Plan(
        user_id="$ada",  # an id may look like a MongoDB expression
        history={0: Window([track], [1.0], [at], ["complete"])},
        vector=np.array([1, 0], dtype=np.float32),
        items=[PlannedTrack("$t9", 0.5, track)],
        index_version="v1",
        variant="audio",
        reflects_at=at,
        unknown=unknown or [],
    )


def write_plans(database: Database[Document], plans: list[Plan], *, space: str) -> None:
    Replanning(Store(database), SETTINGS).write(plans, space=space)


def stored(database: Database[Document]) -> tuple[Document, Document]:
    taste, recommendation = database.tastes.find_one(), database.recommendations.find_one()
    assert taste and recommendation
    return taste, recommendation


def test_a_plan_written_twice_is_one_document(database: Database[Document]) -> None:
    write_plans(database, [a_plan(at=5)], space="s")
    first = stored(database)
    write_plans(database, [a_plan(at=5)], space="s")
    second = stored(database)
    assert [{**d, "updated_at": 0} for d in first] == [{**d, "updated_at": 0} for d in second]
    assert second[1]["items"] == [
        {"track_id": "$t9", "score": 0.5, "reason": {"kind": "because", "track_id": "t1"}}
    ]


def test_propensity_and_evidence_are_stored_with_a_track_and_older_documents_have_none(
    database: Database[Document],
) -> None:
    lifts = (("artist_now", 0.5), ("sound", 0.25))
    tracks = [
        PlannedTrack("t1", 0.5, "t0", propensity=1.0, lifted_by=lifts),
        PlannedTrack("t2", 0.4, "t0", propensity=1 / 3),
    ]
    write_plans(database, [replace(a_plan(at=5), items=[*tracks, PlannedTrack("t3", 0.1, "t0")])], space="s")
    found = Recommendations(Store(database)).of("$ada")
    assert found is not None
    assert [track.propensity for track in found.tracks] == [1.0, pytest.approx(1 / 3, abs=1e-6), None]
    assert [track.lifted_by for track in found.tracks] == [lifts, (), ()]


def test_an_older_plan_does_not_replace_a_newer_one(database: Database[Document]) -> None:
    write_plans(database, [a_plan(at=9, track="new")], space="s")
    write_plans(database, [a_plan(at=5, track="old")], space="s")
    taste, recommendation = stored(database)
    assert taste["windows"]["0"]["tracks"] == ["new"]
    assert recommendation["reflects_at"] == 9


def test_a_history_comes_back_and_a_new_listener_has_none(database: Database[Document]) -> None:
    plan = a_plan(at=5)
    write_plans(database, [plan], space="s")
    listeners = Tastes(Store(database)).listeners(["$ada", "ben"], taste=SETTINGS.taste)
    assert {one.user_id: one.history for one in listeners} == {"$ada": plan.history, "ben": {}}
    assert {one.settings for one in listeners} == {SETTINGS.taste}


def test_recommendations_come_back_as_they_were_planned(database: Database[Document]) -> None:
    plan = a_plan(at=5)
    write_plans(database, [plan], space="s")
    recommendations = Recommendations(Store(database))
    stored = recommendations.of("$ada")
    assert stored is not None
    assert (stored.tracks, stored.recommendation_id, stored.variant) == (
        *(plan.items, plan.recommendation_id, "audio"),
    )
    assert recommendations.of("ben") is None
    assert recommendations.reflected(["$ada", "ben"]) == {"$ada": 5}
    assert recommendations.newest(limit=1)[0].freshness_ms == stored.freshness_ms
    assert recommendations.written_since(stored.updated_at) == recommendations.newest(limit=1)
    recommendations.remove(["$ada"])
    assert recommendations.of("$ada") is None


def test_tracks_in_no_catalogue_are_kept_with_when_they_were_played(database: Database[Document]) -> None:
    write_plans(database, [a_plan(at=5, unknown=["ghost"])], space="s")
    write_plans(database, [a_plan(at=9, unknown=["ghost"])], space="s")
    assert list(database.unknown_tracks.find()) == [{"_id": "ghost", "first_at": 5, "last_at": 9}]
