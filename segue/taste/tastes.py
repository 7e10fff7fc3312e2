"""Listeners' tastes: their histories, and the vectors last formed from them.

Delivery: one document a listener. Writing it again changes nothing, and a write with an older event time
never replaces a newer one, whichever arrives last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

import numpy as np

from segue.settings import TasteSettings
from segue.storage.mongo import pack, replace_unless_newer, unpack
from segue.storage.records import EpochMs, Vector
from segue.storage.store import Collection, Job, Personal, Policy, Right, Store
from segue.taste.corrections import NO_CORRECTIONS, Corrections
from segue.taste.history import History, StoredWindows, from_document, to_document, together
from segue.taste.imported import ImportedTastes
from segue.taste.memory import NOTHING_LOVED, Memories
from segue.taste.profile import ListenerHistory


class StoredTaste(TypedDict):
    """A document of `tastes`."""

    _id: str
    """The listener's id."""
    windows: StoredWindows
    """Window start (epoch ms, as text) -> the signals in it, by track."""
    vector: Vector
    """The taste as little-endian float32, at unit length; zeros without a usable taste."""
    space: NotRequired[str]
    """The version of the embedding space that the vector is in."""
    reflects_at: EpochMs
    """Epoch ms of the newest signal."""
    updated_at: datetime
    """The server's clock at the write."""


@dataclass(frozen=True)
class TasteRecord:
    """A taste to be written."""

    user_id: str
    history: History
    vector: np.ndarray
    """(d,) float32."""
    space: str
    reflects_at: int


class Tastes(Collection[StoredTaste]):
    """The histories and vectors of listeners."""

    name = "tastes"
    # The stream makes them from the topic's plays, which are kept for retention.plays only: every backup must
    # include them.
    policy = Policy(
        personal=Personal(),
        access={Job.STREAM: Right.WRITE, Job.DASHBOARD: Right.ERASE, Job.OPERATOR: Right.WRITE},
    )

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._imported = ImportedTastes(store)
        self._memories, self._corrections = Memories(store), Corrections(store)

    def listeners(self, user_ids: Sequence[str], *, taste: TasteSettings) -> list[ListenerHistory]:
        """The stored histories, in the order of the ids; empty for a listener without one.

        Each has the listener's long memory and corrections, without the rows that these mean, and the
        settings, `taste`, that turn it into a taste.
        """
        stored = self.documents.find({"_id": {"$in": list(user_ids)}}, {"windows": 1})
        histories = {document["_id"]: from_document(document["windows"]) for document in stored}
        imported, loved = self._imported.of(user_ids), self._memories.loved(user_ids)
        corrections = self._corrections.of(user_ids)
        return [
            ListenerHistory(
                user_id,
                histories.get(user_id, {}),
                taste,
                imported.get(user_id, {}),
                loved.get(user_id, NOTHING_LOVED),
                corrections.get(user_id, NO_CORRECTIONS),
            )
            for user_id in user_ids
        ]

    def history(self, user_id: str) -> History:
        """A listener's stored history, imported plays included; empty if there is none."""
        stored = self.documents.find_one({"_id": user_id}, {"windows": 1})
        own = {} if stored is None else from_document(stored["windows"])
        return together(own, self._imported.of([user_id]).get(user_id, {}))

    def vectors(self, user_ids: Sequence[str]) -> dict[str, tuple[np.ndarray, str]]:
        """The vectors of those listeners who have one, (d,) float32, each with its embedding space."""
        stored = self.documents.find({"_id": {"$in": list(user_ids)}}, {"vector": 1, "space": 1})
        return {
            document["_id"]: (unpack(document["vector"]), document.get("space", ""))
            for document in stored
            if document.get("vector")
        }

    def count(self) -> int:
        """The approximate number of listeners with a taste."""
        return self.documents.estimated_document_count()

    def exists(self, user_id: str) -> bool:
        """Whether a taste is stored for a listener."""
        return self.documents.find_one({"_id": user_id}, {"_id": 1}) is not None

    def write(self, records: Iterable[TasteRecord]) -> None:
        """Write at least one taste."""
        self.documents.bulk_write(
            [
                replace_unless_newer(
                    record.user_id,
                    {
                        "windows": to_document(record.history),
                        "vector": pack(record.vector),
                        "space": record.space,
                        "reflects_at": record.reflects_at,
                    },
                    reflects_at=record.reflects_at,
                )
                for record in records
            ],
            ordered=False,
        )

    def remove(self, user_ids: Sequence[str]) -> None:
        self.documents.delete_many({"_id": {"$in": list(user_ids)}})
