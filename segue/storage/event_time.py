"""Writes that are guarded by event time: an older document never replaces a newer one."""

from __future__ import annotations

from typing import Any

from segue.storage.mongo import UpdateOne


def replace_unless_newer(document_id: str, fields: dict[str, Any], *, reflects_at: int) -> UpdateOne:
    """Replace a document, or make it, unless the stored one reflects a newer event.

    `fields` have `reflects_at` (epoch ms) too; `updated_at` is the server's own clock at the write ($$NOW).
    """
    # $literal keeps MongoDB from reading an id that begins with a dollar as an expression.
    document = {"$mergeObjects": [{"$literal": {"_id": document_id, **fields}}, {"updated_at": "$$NOW"}]}
    newer = {"$gt": ["$reflects_at", reflects_at]}
    replacement = [{"$replaceWith": {"$cond": [newer, "$$ROOT", document]}}]
    return UpdateOne({"_id": document_id}, replacement, upsert=True)
