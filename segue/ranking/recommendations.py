"""The owner of the stored recommendations.

Delivery: one document a listener. Writing it again changes nothing, and a write with an older event time
never replaces a newer one, whichever arrives last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict

from segue.ranking.plan import Plan, PlannedTrack
from segue.storage.mongo import DESCENDING, replace_unless_newer
from segue.storage.records import EpochMs
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right


class StoredReason(TypedDict):
    kind: str
    """`because` (near a track with a positive signal), `after` (played after a seed), `artist` (of a seed's
    artist), `explore`, `again` (positive long ago), `repeat` (heard lately), `loved` and `loved-1` to
    `loved-4` (loved some time ago, or this number of years ago), `like-loved` (led to by such tracks),
    `varied`: :data:`segue.ranking.sources.REASONS`."""
    track_id: NotRequired[str]
    """The track that the reason names, if it names one."""
    lifted_by: NotRequired[dict[str, float]]
    """With a learned order, the evidence that lifted the track most, each with the amount it adds to the
    score."""


class StoredItem(TypedDict):
    track_id: str
    """The track."""
    score: float
    """Its similarity to the taste, a cosine; 0 for a track from the varied selection."""
    reason: StoredReason
    """Why it is recommended."""
    propensity: NotRequired[float]
    """The probability with which it is in the list, 1 if it does not depend on the exploration. Missing where
    it is not known, and in documents of earlier releases."""


class StoredRecommendation(TypedDict):
    """A document of `recommendations`."""

    _id: str
    """The listener's id."""
    recommendation_id: str
    """A hash of listener, index version, variant, `reflects_at` and the number of tracks in the history: the
    same when a batch is repeated."""
    items: list[StoredItem]
    """Best first."""
    model: str
    """The version of the index."""
    variant: NotRequired[str]
    """`hybrid`, `audio`, or a variant of `[experiments]`. The player marks plays with it (`model`), with
    `/explore` behind it for an exploring item. The oldest documents lack it."""
    served: str
    """`taste`, or `cold-start` when there is no usable taste."""
    reflects_at: EpochMs
    """Epoch ms of the newest play that it reflects."""
    updated_at: datetime
    """The server's clock at the write; freshness = `updated_at` − `reflects_at`."""


@dataclass(frozen=True)
class Written:
    """When a listener's recommendations were written, and which play they reflect."""

    user_id: str
    reflects_at: int
    """Epoch ms."""
    updated_at: datetime

    @property
    def freshness_ms(self) -> float:
        """From the newest play to the write that reflects it."""
        return self.updated_at.timestamp() * 1000 - self.reflects_at


@dataclass(frozen=True)
class Recommendation(Written):
    """The recommendation of one listener."""

    recommendation_id: str
    tracks: list[PlannedTrack]
    index_version: str
    """The version of the index."""
    variant: str | None
    """None in documents from before there were variants."""
    served: str
    """The origin of the list: the listener's "taste", or the "cold-start" selection."""

    @property
    def named_track_ids(self) -> list[str]:
        """The ids of its tracks, and of the tracks that its reasons name."""
        named = [track.evidence for track in self.tracks if track.evidence is not None]
        return [*(track.track_id for track in self.tracks), *named]


class Recommendations(Collection[StoredRecommendation]):
    """The recommendations of all listeners."""

    name = "recommendations"
    # Like the tastes, they cannot be restored after the topic has dropped the plays.
    policy = Policy(
        personal=Personal(),
        access={
            Job.STREAM: Right.WRITE,
            Job.DASHBOARD: Right.ERASE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
        },
    )
    indexes = (Index.on("updated_at"),)

    def write(self, plans: Iterable[Plan]) -> None:
        """Write the lists of at least one plan."""
        self.documents.bulk_write(
            [
                replace_unless_newer(plan.user_id, _fields(plan), reflects_at=plan.reflects_at)
                for plan in plans
            ],
            ordered=False,
        )

    def of(self, user_id: str) -> Recommendation | None:
        """The recommendation of a listener; None before there is one."""
        stored = self.documents.find_one({"_id": user_id})
        return None if stored is None else _read(stored)

    def of_several(self, user_ids: Sequence[str]) -> list[Recommendation]:
        """The recommendations of those listeners who have one."""
        return [_read(stored) for stored in self.documents.find({"_id": {"$in": list(user_ids)}})]

    def newest(self, *, limit: int) -> list[Written]:
        """The latest recommendations, newest first."""
        stored = self.documents.find({}, {"reflects_at": 1, "updated_at": 1})
        return [_written(document) for document in stored.sort("updated_at", DESCENDING).limit(limit)]

    def written_since(self, moment: datetime | None) -> list[Written]:
        """The recommendations written at a moment or later; all of them for None."""
        since = {} if moment is None else {"updated_at": {"$gte": moment}}
        stored = self.documents.find(since, {"reflects_at": 1, "updated_at": 1})
        return [_written(document) for document in stored]

    def reflected(self, user_ids: Sequence[str]) -> dict[str, int]:
        """Epoch ms of the newest play that is reflected, for the listeners who have a recommendation."""
        stored = self.documents.find({"_id": {"$in": list(user_ids)}}, {"reflects_at": 1})
        return {document["_id"]: document["reflects_at"] for document in stored}

    def versions(self, user_ids: Sequence[str]) -> dict[str, str]:
        """A text that changes with a listener's recommendation, for the listeners who have one."""
        fields = {"recommendation_id": 1, "updated_at": 1}
        stored = self.documents.find({"_id": {"$in": list(user_ids)}}, fields)
        return {one["_id"]: f"{one['recommendation_id']} {one['updated_at'].timestamp()}" for one in stored}

    def remove(self, user_ids: Sequence[str]) -> None:
        self.documents.delete_many({"_id": {"$in": list(user_ids)}})


def stored_item(track: PlannedTrack) -> StoredItem:
    """The stored form of a recommended track."""
    reason = StoredReason(kind=track.reason)
    if track.evidence is not None:
        reason["track_id"] = track.evidence
    if track.lifted_by:
        reason["lifted_by"] = dict(track.lifted_by)
    item = StoredItem(track_id=track.track_id, score=track.similarity, reason=reason)
    if track.propensity is not None:
        item["propensity"] = round(track.propensity, 6)
    return item


def _fields(plan: Plan) -> dict[str, object]:
    return {
        "recommendation_id": plan.recommendation_id,
        "items": [stored_item(track) for track in plan.items],
        "model": plan.index_version,
        "variant": plan.variant,
        "served": plan.served,
        "reflects_at": plan.reflects_at,
    }


def _read(stored: StoredRecommendation) -> Recommendation:
    return Recommendation(
        user_id=stored["_id"],
        recommendation_id=stored["recommendation_id"],
        tracks=[
            PlannedTrack(
                track_id=item["track_id"],
                similarity=item["score"],
                evidence=item["reason"].get("track_id"),
                reason=item["reason"]["kind"],
                propensity=item.get("propensity"),
                lifted_by=tuple(item["reason"].get("lifted_by", {}).items()),
            )
            for item in stored["items"]
        ],
        index_version=str(stored["model"]),
        variant=stored.get("variant"),
        served=stored["served"],
        reflects_at=stored["reflects_at"],
        updated_at=stored["updated_at"],
    )


def _written(stored: StoredRecommendation) -> Written:
    return Written(stored["_id"], stored["reflects_at"], stored["updated_at"])
