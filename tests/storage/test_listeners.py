"""Plans in MongoDB: written twice they are the same, and the older never replaces the newer."""

from __future__ import annotations

import numpy as np
from pymongo.database import Database

from segue.ranking.plan import Plan, PlannedTrack
from segue.replanning.listeners import read_histories, write_plans
from segue.storage.mongo import Document
from segue.taste.history import Window


def a_plan(*, at: int, track: str = "t1", unknown: list[str] | None = None) -> Plan:
    return Plan(
        user_id="$ada",  # an id may look like a MongoDB expression
        history={0: Window([track], [1.0], [at], ["complete"])},
        vector=np.float32([1, 0]),
        items=[PlannedTrack("$t9", 0.5, track)],
        model="v1",
        variant="audio",
        reflects_at=at,
        unknown=unknown or [],
    )


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


def test_an_older_plan_does_not_replace_a_newer_one(database: Database[Document]) -> None:
    write_plans(database, [a_plan(at=9, track="new")], space="s")
    write_plans(database, [a_plan(at=5, track="old")], space="s")
    taste, recommendation = stored(database)
    assert taste["windows"]["0"]["tracks"] == ["new"]
    assert recommendation["reflects_at"] == 9


def test_a_history_comes_back_and_a_new_listener_has_none(database: Database[Document]) -> None:
    plan = a_plan(at=5)
    write_plans(database, [plan], space="s")
    assert read_histories(database, ["$ada", "ben"]) == {"$ada": plan.history, "ben": {}}


def test_tracks_in_no_catalogue_are_kept_with_when_they_were_played(database: Database[Document]) -> None:
    write_plans(database, [a_plan(at=5, unknown=["ghost"])], space="s")
    write_plans(database, [a_plan(at=9, unknown=["ghost"])], space="s")
    assert list(database.unknown_tracks.find()) == [{"_id": "ghost", "first_at": 5, "last_at": 9}]
