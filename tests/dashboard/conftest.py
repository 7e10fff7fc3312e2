"""A small library, one listener, and the dashboard over them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pymongo.database import Database

from segue.storage.mongo import Document

COVER = "ab" * 32


@pytest.fixture
def library(database: Database[Document]) -> Database[Document]:
    """Five tracks with a cover, an index, and Ada, who finished t1 and skipped t2."""
    database.covers.insert_one({"_id": COVER, "type": "image/jpeg", "data": b"\xff\xd8 a picture"})
    database.tracks.insert_many(
        {
            "_id": f"t{n}",
            "title": f"Song <{n}>",
            "artist": f"Artist {n}",
            "genres": ["Folk"],
            "cover_id": COVER,
        }
        for n in range(1, 6)
    )
    database.models.insert_many(
        [{"_id": "active:index", "version": "v1"}, {"_id": "index:v1", "manifest": {"count": 5}}]
    )
    database.tastes.insert_one(
        {
            "_id": "ada",
            "windows": {"0": {"tracks": ["t1", "t2"], "types": ["complete", "skip"], "at": [10, 20]}},
        }
    )
    database.recommendations.insert_one(recommendation(["t3", "t4"]))
    return database


def recommendation(track_ids: list[str]) -> Document:
    return {
        "_id": "ada",
        "items": [
            {"track_id": t, "score": 0.9, "reason": {"kind": "because", "track_id": "t1"}} for t in track_ids
        ],
        "model": "v1",
        "served": "taste",
        "reflects_at": 20,
        "updated_at": datetime.fromtimestamp(0.15, UTC),
    }
