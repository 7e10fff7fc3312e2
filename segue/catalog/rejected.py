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


OF_CONTENTS = frozenset({"not-audio", "empty", "video"})
"""Reasons that hold for as long as the file is the same: it need not be read again."""
FileStamp = tuple[int, int, int, int]
"""A file's size in bytes, the times of the last changes of its contents and of anything (nanoseconds since
1970), and the version of the reader of tags."""


@dataclass(frozen=True, kw_only=True)
class RejectedFile:
    """A file with the suffix of audio that cannot be a track."""

    path: str
    reason: str
    """The short name of the fault, the same for all files that have it."""
    detail: str
    track_id: str | None = None
    stamp: FileStamp | None = None
    """The file at the time when it was read; None if it is to be read again."""


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
    changed_ns: NotRequired[int]
    """Time of its last change of any kind; only for files that ingest need not read again."""
    reader: NotRequired[int]
    """Version of the reader of tags; only for those files."""


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
            entry["_id"]: entry for entry in self.documents.find({"stage": "ingest", "library": library})
        }
        changed = []
        for key, entry in wanted.items():
            known = before.get(key)
            if known and (known["reason"], known["detail"]) == (entry["reason"], entry["detail"]):
                if _stamp_in(known) == _stamp_in(entry):
                    continue
                entry["at"] = known["at"]
            changed.append(entry | {"library": library})
        upsert(self.documents, changed)
        self.documents.delete_many({"_id": {"$in": [key for key in before if key not in wanted]}})

    def unchanged(self, library: str) -> dict[str, RejectedFile]:
        """The files of a library that need not be read again while their stamps are the same, by path."""
        wanted = {"stage": "ingest", "library": library, "reader": {"$exists": True}}
        return {
            entry["path"]: RejectedFile(
                path=entry["path"],
                reason=entry["reason"],
                detail=entry["detail"],
                track_id=entry["track_id"],
                stamp=_stamp_in(entry),
            )
            for entry in self.documents.find(wanted)
        }

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
    entry: RejectedTrack = {
        "_id": f"{stage}:{file.path}",
        "path": file.path,
        "track_id": file.track_id,
        "stage": stage,
        "reason": file.reason,
        "detail": file.detail,
        "at": at,
    }
    if file.stamp is not None:
        entry["size"], entry["modified_ns"], entry["changed_ns"], entry["reader"] = file.stamp
    return entry


def _stamp_in(entry: RejectedTrack) -> FileStamp | None:
    """The stamp of a file that need not be read again."""
    if "reader" not in entry:
        return None
    return (
        entry.get("size", 0), entry.get("modified_ns", 0), entry.get("changed_ns", 0), entry["reader"],
    )  # fmt: skip
