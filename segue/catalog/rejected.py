"""Files that cannot be tracks: the collection `rejected_tracks`, with the stage and the reason.

Delivery: one document per stage and path, so that rejecting a file again changes only its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Group
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NotRequired, TypedDict

from segue.catalog.stamp import Stamp
from segue.storage.mongo import DESCENDING, upsert
from segue.storage.store import Collection, Index, Job, Policy, Right

Stage = Literal["ingest", "features"]
INVALID_CUE = "invalid-cue"
"""The reason of a CUE sheet that cannot be used."""
INVALID_LYRICS = "invalid-lyrics"
"""The reason of a file that should have lyrics."""
_BESIDES = (INVALID_CUE, INVALID_LYRICS)
"""Reasons in the tags of a file that is a track all the same, or in a file that belongs to it."""


@dataclass(frozen=True, kw_only=True)
class RejectedFile:
    """A file with the suffix of audio that cannot be a track."""

    path: str
    reason: str
    """The short name of the fault, the same for all files that have it."""
    detail: str
    track_id: str | None = None


class RejectedTrack(TypedDict):
    """A document of `rejected_tracks`."""

    _id: str
    """"<stage>:<path>"."""
    path: str
    """Absolute path of the file."""
    track_id: str | None
    """Id of the track; none if the file became none."""
    stage: Stage
    """The stage that rejected the file."""
    reason: str
    """Reason, such as `empty` or `truncated`."""
    detail: str
    """Details of the reason, for people."""
    at: datetime
    """When the file was rejected with this reason."""
    library: NotRequired[str]
    """Only for files that ingest rejects."""
    version: NotRequired[str]
    """Only for files that the features job rejects: the features' version, and the file's size and time."""
    size: NotRequired[int]
    """Size of the file in bytes."""
    modified_ns: NotRequired[int]
    """Time of the file's last change, nanoseconds since 1970."""


class RejectedTracks(Collection[RejectedTrack]):
    """The files that cannot be tracks."""

    name = "rejected_tracks"
    policy = Policy(
        computed=True, access={Job.CATALOGUE: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.READ}
    )
    indexes = (
        Index.on("stage", "track_id"),
        Index.on("stage", "library"),
        Index.on("reason", "at"),
        Index.on("at"),
    )

    def reasons(self, *, stage: Stage | None = None, reason: str | None = None) -> Counter[str]:
        """The number of files by reason."""
        wanted = _wanted(stage=stage, reason=reason)
        return Counter(entry["reason"] for entry in self.documents.find(wanted, {"reason": 1}))

    def newest(self, *, reason: str | None = None, limit: int) -> Iterator[RejectedTrack]:
        """The newest rejected files of all stages."""
        yield from self.documents.find(_wanted(reason=reason)).sort("at", DESCENDING).limit(limit)

    def replace_library(self, rejected: Iterable[RejectedFile], *, library: str) -> None:
        """Replace the list of a library's files that ingest rejected; a file already in it keeps its time."""
        now = datetime.now(UTC)
        wanted = {entry["_id"]: entry for file in rejected if (entry := _entry(file, "ingest", at=now))}
        before = {
            entry["_id"]: (entry["reason"], entry["detail"])
            for entry in self.documents.find({"stage": "ingest", "library": library})
        }
        changed = [
            entry | {"library": library}
            for key, entry in wanted.items()
            if before.get(key) != (entry["reason"], entry["detail"])
        ]
        upsert(self.documents, changed)
        self.documents.delete_many({"_id": {"$in": [key for key in before if key not in wanted]}})

    def lasting(self, track_ids: Iterable[str]) -> list[RejectedFile]:
        """The faults of sheets and lyrics of tracks; they last as long as the files are the same."""
        known = set(track_ids)
        fields = {"path": 1, "reason": 1, "detail": 1, "track_id": 1}
        found = self.documents.find({"stage": "ingest", "reason": {"$in": list(_BESIDES)}}, fields)
        return [
            RejectedFile(
                path=entry["path"], reason=entry["reason"], detail=entry["detail"], track_id=entry["track_id"]
            )
            for entry in found
            if entry["track_id"] in known
        ]

    def without_features(self, *, retried: Group[str]) -> dict[str, Stamp]:
        """The tracks that cannot be described, by id, with the stamp of their file, except those to retry.

        Parameters
        ----------
        retried
            Reasons that may be faults of the machine, not of the file.
        """
        wanted = {"stage": "features", "reason": {"$nin": list(retried)}}
        fields = {"track_id": 1, "version": 1, "size": 1, "modified_ns": 1}
        return {str(entry["track_id"]): Stamp.of(entry) for entry in self.documents.find(wanted, fields)}

    def replace_features(
        self, track_ids: Iterable[str], rejected: Iterable[tuple[RejectedFile, Stamp]]
    ) -> None:
        """Replace the rejections of the tracks whose features were just attempted."""
        # First remove old rejections: a moved file may have one under its former path.
        self.documents.delete_many({"stage": "features", "track_id": {"$in": list(track_ids)}})
        now = datetime.now(UTC)
        upsert(
            self.documents, (_entry(file, "features", at=now) | stamp._asdict() for file, stamp in rejected)
        )

    def track_ids(self, stage: Stage) -> set[str]:
        """The tracks that a stage rejected."""
        return {own for own in self.texts("track_id", {"stage": stage}) if own}

    def remove(self, track_ids: Iterable[str], *, stage: Stage) -> None:
        """Remove a stage's rejections of tracks."""
        self.documents.delete_many({"stage": stage, "track_id": {"$in": list(track_ids)}})


def _wanted(*, stage: Stage | None = None, reason: str | None = None) -> dict[str, str]:
    return ({"stage": stage} if stage else {}) | ({"reason": reason} if reason else {})


def _entry(file: RejectedFile, stage: Stage, *, at: datetime) -> RejectedTrack:
    return {
        "_id": f"{stage}:{file.path}",
        "path": file.path,
        "track_id": file.track_id,
        "stage": stage,
        "reason": file.reason,
        "detail": file.detail,
        "at": at,
    }
