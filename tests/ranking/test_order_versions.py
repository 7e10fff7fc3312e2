"""Versions of the learned order in MongoDB: published, followed, refused when damaged, and rolled back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pymongo.database import Database

from segue.errors import SegueError
from segue.models.versions import Models
from segue.ranking import order_versions
from segue.ranking.learned_order import Evidence, State, shipped
from segue.ranking.order_versions import KIND, ActiveOrder, OrderError
from segue.recommenders.order_learning import PRIOR
from segue.replanning.service import Replanning
from segue.settings import load_settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.tastes import Tastes
from tests.ranking.test_learned_order import SHELF, history_of

pytestmark = pytest.mark.integration


def publish(store: Store, strength: float, *, keep: int = 3) -> str:
    weights = PRIOR.copy()
    weights[Evidence.SOUND, State.ALWAYS] = strength
    version, _ = order_versions.publish(
        store, weights, learned=True, choices=300, gain=0.1, tracks=40, keep=keep
    )
    # Stored in the same millisecond, they would have no order.
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=strength)
    Models(store).documents.update_one({"_id": f"{KIND}:{version}"}, {"$set": {"created_at": at}})
    return version


def test_the_shipped_order_is_used_until_one_is_published(store: Store) -> None:
    active = ActiveOrder(store, every=0)
    assert active.current() is shipped()
    assert order_versions.in_use(store).at is None
    version = publish(store, 3.0)
    assert active.current().version == version
    assert active.current().weights[Evidence.SOUND, State.ALWAYS] == 3.0
    found = order_versions.in_use(store)
    assert (found.version, found.learned, found.choices) == (version, True, 300)
    [listed] = Models(store).listed()
    assert (listed["kind"], listed["active"], listed["tracks"]) == (KIND, True, 40)


def test_the_same_weights_are_the_same_version(store: Store) -> None:
    version = publish(store, 3.0)
    weights = order_versions.read(store, version).weights
    again = order_versions.publish(store, weights, learned=True, choices=9, gain=0.0, tracks=1, keep=3)
    assert again == (version, True)


def test_only_so_many_versions_are_kept(store: Store) -> None:
    versions = [publish(store, float(strength)) for strength in range(1, 5)]
    version = publish(store, 5.0, keep=2)
    assert set(Models(store).versions(KIND)) <= {version, *versions[-2:]}
    assert Models(store).active_version(KIND) == version


def test_going_back_ends_with_the_shipped_order(store: Store) -> None:
    first, second = publish(store, 1.0), publish(store, 2.0)
    active = ActiveOrder(store, every=0)
    assert active.current().version == second
    assert order_versions.roll_back(store) == active.current().version == first
    assert order_versions.roll_back(store) == active.current().version == "shipped"
    with pytest.raises(SegueError, match="none before it"):
        order_versions.roll_back(store)
    assert publish(store, 2.0) == active.current().version == second


@pytest.mark.parametrize(
    "damage",
    [
        {"$unset": {"weights": 1}},
        {"$set": {"weights": {"sound": [-1.0, 0.0]}}},
        {"$set": {"weights": {"no such evidence": [1.0, 0.0]}}},
        {"$set": {"weights": {"sound": [1.0]}}},
        {"$set": {"learned": "yes"}},
    ],
)
def test_a_damaged_version_is_refused_and_the_former_stays(
    database: Database[Document], damage: Document
) -> None:
    store = Store(database)
    active = ActiveOrder(store, every=0)
    first = publish(store, 1.0)
    assert active.current().version == first
    second = publish(store, 2.0)
    database.models.update_one({"_id": f"{KIND}:{second}"}, damage)
    assert active.current().version == first
    assert active.refused == second
    with pytest.raises(OrderError, match=second):
        order_versions.read(store, second)


def test_the_stream_plans_by_the_order_in_use(store: Store, database: Database[Document]) -> None:
    settings = load_settings()
    ordered = settings.model_copy(
        update={"ranking": settings.ranking.model_copy(update={"model": "learned", "list_length": 4})}
    )
    summed = settings.model_copy(update={"ranking": settings.ranking.model_copy(update={"model": "sum"})})
    history = history_of([("house0", "complete"), ("blues0", "complete"), ("waltz3", "skip")])
    ids = []
    for own in (summed, ordered):
        Replanning(store, own).replan_histories({"ada": history}, bundle=SHELF)
        ids.append(database.recommendations.find_one()["recommendation_id"])  # type: ignore[index]
    by_rules = np.zeros_like(PRIOR)
    by_rules[Evidence.RULES_NOW, State.ALWAYS] = 9.0
    order_versions.publish(store, by_rules, learned=True, choices=1, gain=0.1, tracks=1, keep=3)
    Replanning(store, ordered).replan_histories({"ada": history}, bundle=SHELF)
    stored = database.recommendations.find_one()
    assert stored is not None
    assert len({*ids, stored["recommendation_id"]}) == 3
    assert [item["reason"]["kind"] for item in stored["items"]][:2] == ["after", "after"]
    assert Tastes(store).exists("ada")
