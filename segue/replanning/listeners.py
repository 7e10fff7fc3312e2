"""Tastes and recommendations in MongoDB: reading histories, writing plans.

Delivery: a plan is a whole document under the listener's id, so writing it again changes nothing, and a
write with an older event time never replaces a newer one, whichever arrives last. After a crash in the
middle of a bulk the batch is repeated and ends in the same documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
from pymongo import UpdateOne
from pymongo.database import Database

from segue.catalog.unknown import UnknownTracks
from segue.embeddings.stored import Embeddings
from segue.ranking.plan import Item, Plan
from segue.storage.mongo import Document, pack
from segue.storage.store import Store
from segue.taste.history import History, from_document, to_document


def read_histories(database: Database[Document], users: Sequence[str]) -> dict[str, History]:
    """The stored history of each listener; an empty one where there is none."""
    found = {user: History() for user in users}
    for document in database.tastes.find({"_id": {"$in": list(users)}}, {"windows": 1}):
        found[document["_id"]] = from_document(document["windows"])
    return found


def read_vectors(
    database: Database[Document], *, space: str, track_ids: Sequence[str]
) -> dict[str, np.ndarray]:
    """Vectors of those tracks that have one in the embedding space, each (d,) float32."""
    return Embeddings(Store(database)).vectors_of(track_ids, space=space)


def write_plans(database: Database[Document], plans: Sequence[Plan], *, space: str) -> None:
    """Write recommendations and, beside them, tastes; then which tracks are in no catalogue."""
    if not plans:
        return
    tastes = _beside().submit(
        database.tastes.bulk_write,
        [_guarded(plan.user_id, _taste(plan, space), plan.reflects_at) for plan in plans],
        ordered=False,
    )
    try:
        database.recommendations.bulk_write(
            [_guarded(plan.user_id, _recommendation(plan), plan.reflects_at) for plan in plans], ordered=False
        )
    finally:
        tastes.result()
    UnknownTracks(Store(database)).note(
        (track_id, plan.reflects_at) for plan in plans for track_id in plan.unknown
    )


@lru_cache(maxsize=1)
def _beside() -> ThreadPoolExecutor:
    """For a write that goes on beside another; one a process."""
    return ThreadPoolExecutor(thread_name_prefix="tastes")


def _guarded(user: str, fields: dict[str, Any], newest: int) -> UpdateOne:
    """Replace the listener's document unless the stored one reflects a newer play.

    $literal keeps MongoDB from reading an id that begins with a dollar as an expression, and $$NOW is the
    server's own clock at the write.
    """
    document = {"$mergeObjects": [{"$literal": {"_id": user, **fields}}, {"updated_at": "$$NOW"}]}
    newer = {"$gt": ["$reflects_at", newest]}
    return UpdateOne({"_id": user}, [{"$replaceWith": {"$cond": [newer, "$$ROOT", document]}}], upsert=True)


def _taste(plan: Plan, space: str) -> dict[str, Any]:
    return {
        "windows": to_document(plan.history),
        "vector": pack(plan.vector),
        "space": space,
        "reflects_at": plan.reflects_at,
    }


def _recommendation(plan: Plan) -> dict[str, Any]:
    return {
        "recommendation_id": plan.recommendation_id,
        "items": [_item(item) for item in plan.items],
        "model": plan.model,
        "variant": plan.variant,
        "served": plan.served,
        "reflects_at": plan.reflects_at,
    }


def _item(item: Item) -> dict[str, Any]:
    named = {} if item.because is None else {"track_id": item.because}
    return {"track_id": item.track_id, "score": item.score, "reason": {"kind": item.reason, **named}}
