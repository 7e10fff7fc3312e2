"""Hashes of the listeners who have left: nothing writes documents of these listeners again.

The owners of the collections refuse them (:meth:`segue.storage.store.Collection.refuse_gone`).

The stream still has data of such a listener (windows in its state, plays in Kafka). Without the hashes, a
late event or a replay of the topic would restore their documents. A hash expires when Kafka has removed the
listener's last play (`retention.plays`).

Delivery: one document under the hash of the id, so that repeating the removal changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection as Several
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.storage.gone import NAME, gone, hash_of
from segue.storage.store import Collection, Index, Job, Policy, Right

MARGIN = timedelta(days=2)
"""Kafka removes whole segments, some time after their last record has expired."""
_IN_FLIGHT = timedelta(minutes=2)
"""A micro-batch that began before the removal has ended after this time."""


class ForgottenListener(TypedDict):
    _id: str
    """The hash."""
    until: datetime
    """When MongoDB removes the note: no play of the listener is left in Kafka."""
    user_id: NotRequired[str]
    """The id, until :func:`segue.privacy.leaving.sweep` has run."""
    sweep_at: NotRequired[datetime]
    """When traces of plays in flight are removed."""


class Forgotten(Collection[ForgottenListener]):
    """The hashes of listeners who have left. The removal of a listener's data leaves them in place."""

    name = NAME
    policy = Policy(
        access={
            Job.STREAM: Right.WRITE,
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.CATALOGUE: Right.READ,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        }
    )
    indexes = (Index.on("until", keep=timedelta()), Index.on("sweep_at"))

    def remember(self, user_id: str, *, plays_kept: timedelta) -> None:
        """Forbid writes of a listener's documents from now on.

        The id itself stays for some minutes, for :meth:`due`; after that, only its hash.

        Parameters
        ----------
        plays_kept
            How long Kafka keeps plays: the streams must ignore the listener's plays for this time.
        """
        self.prepare()
        now = datetime.now(UTC)
        fields = {"until": now + plays_kept + MARGIN, "user_id": user_id, "sweep_at": now + _IN_FLIGHT}
        self.documents.update_one({"_id": hash_of(user_id)}, {"$set": fields}, upsert=True)

    def among(self, users: Several[str]) -> set[str]:
        """The listeners among these who have left."""
        return gone(self._database, users)

    def until(self, user_id: str) -> datetime | None:
        """When the note about a listener who has left expires; None for all others."""
        note = self.documents.find_one({"_id": hash_of(user_id)}, {"until": 1})
        return note["until"] if note else None

    def hashes(self) -> list[str]:
        """All hashes; a batch job compares them with the SHA-256 of :data:`segue.storage.gone.PREFIX`
        plus an id."""
        return sorted(document["_id"] for document in self.documents.find({}, {"_id": 1}))

    def due(self, now: datetime) -> list[str]:
        """The ids of listeners to sweep: all micro-batches that began before their removal have ended."""
        documents = self.documents.find({"sweep_at": {"$lte": now}}, {"user_id": 1})
        return [user_id for document in documents if (user_id := document.get("user_id"))]

    def swept(self, user_id: str) -> None:
        """Remove the id after the sweep and keep only the hash."""
        self.documents.update_one({"_id": hash_of(user_id)}, {"$unset": {"user_id": "", "sweep_at": ""}})
