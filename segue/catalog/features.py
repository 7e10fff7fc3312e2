"""The descriptors of tracks: the collection `features`.

Delivery: one document per track, replaced as a whole, so that writing it again changes nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from segue.audio.fingerprint import marks
from segue.catalog.stamp import Stamp
from segue.catalog.tracks import Tracks
from segue.storage.mongo import unpack, upsert
from segue.storage.records import Vector as Packed
from segue.storage.store import Collection, Index, Job, Policy, Right, Store

Vector = NDArray[np.float32]


class TrackFeatures(TypedDict):
    """A document of `features`."""

    _id: str
    """The track's id."""
    version: str
    """The version of settings and code: :func:`segue.audio.descriptors.features_version`."""
    names_version: NotRequired[str]
    """Version of the descriptors' names and order."""
    vector: Packed
    """Little-endian float32."""
    size: NotRequired[int | None]
    """Size of the file that was described."""
    modified_ns: NotRequired[int | None]
    """Time of the file's last change, nanoseconds since 1970."""
    fingerprint: NotRequired[bytes | None]
    """Audio fingerprint: two rows of little-endian 32-bit numbers (`segue.audio.fingerprint`)."""
    marks: NotRequired[list[int]]
    """Numbers of the fingerprint by which a search finds it."""
    sound: NotRequired[str | None]
    """The sound that it shares with other tracks: a digest of the first fingerprint of it."""


class Features(Collection[TrackFeatures]):
    """The descriptors of tracks."""

    name = "features"
    policy = Policy(
        computed=True,
        access={
            Job.CATALOGUE: Right.WRITE | Right.INDEX,
            Job.DASHBOARD: Right.READ,
            Job.OPERATOR: Right.READ,
        },
    )
    indexes = (Index.on("version"), Index.on("marks"), Index.on("sound"))

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._tracks = Tracks(store)

    def write(
        self,
        described: Iterable[tuple[str, bytes, Stamp]],
        *,
        names_version: str,
        fingerprints: Mapping[str, bytes | None] = MappingProxyType({}),
    ) -> int:
        """Store packed descriptors; returns the number of tracks.

        Parameters
        ----------
        described
            Track id, float32 bytes, and the stamp of their version and file.
        names_version
            :func:`segue.audio.descriptors.names_version`.
        fingerprints
            By track id; the sound that a track shared until now is forgotten.
        """
        return upsert(
            self.documents,
            (
                {
                    "_id": track_id,
                    "names_version": names_version,
                    "vector": vector,
                    "fingerprint": (heard := fingerprints.get(track_id)),
                    "marks": marks(heard)[0] if heard else [],
                    "sound": None,
                    **stamp._asdict(),
                }
                for track_id, vector, stamp in described
            ),
        )

    def remove(self, track_ids: Iterable[str]) -> None:
        """Remove the descriptors of tracks."""
        self.documents.delete_many({"_id": {"$in": list(track_ids)}})

    def restamp(self, files: Mapping[str, tuple[Stamp, Stamp]]) -> None:
        """Keep the descriptors of retagged files, whose sound is the same: (old, new) stamps by track id.

        The stamps' versions do not matter. Descriptors of another file than the old one stay outdated.
        """
        for track_id, (old, new) in files.items():
            self.documents.update_one(
                {"_id": track_id, "size": old.size, "modified_ns": old.modified_ns},
                {"$set": {"size": new.size, "modified_ns": new.modified_ns}},
            )

    def stamps(self) -> dict[str, Stamp]:
        """The stamps of all computed features, by track id."""
        fields = {"version": 1, "size": 1, "modified_ns": 1}
        return {entry["_id"]: Stamp.of(entry) for entry in self.documents.find({}, fields)}

    def count(self, version: str) -> int:
        """The number of tracks with features of a version."""
        return self.documents.count_documents({"version": version})

    def read(self, track_ids: Sequence[str], *, version: str) -> dict[str, Vector]:
        """The descriptors of those tracks that have them in this version, each (d,)."""
        wanted = {"_id": {"$in": list(track_ids)}, "version": version}
        return {entry["_id"]: unpack(entry["vector"]) for entry in self.documents.find(wanted, {"vector": 1})}

    def all_present(self, version: str) -> tuple[list[str], Vector]:
        """The ids of tracks whose file exists, and their descriptors of a version, float32 (n, d).

        Without such tracks the array has the shape (0, 0).
        """
        present = self._tracks.present_ids()
        documents = self.documents.find({"version": version}, {"vector": 1}).sort("_id")
        pairs = [(entry["_id"], entry["vector"]) for entry in documents if entry["_id"] in present]
        # All vectors of a version are equally long; one of another length is damaged.
        usual = statistics.mode(len(vector) for _, vector in pairs) if pairs else 0
        for track_id in [track_id for track_id, vector in pairs if len(vector) != usual]:
            self._set_aside(
                track_id, f"vector does not have {usual} bytes, as the others of {version}", False
            )
        pairs = [(track_id, vector) for track_id, vector in pairs if len(vector) == usual]
        rows = np.frombuffer(b"".join(vector for _, vector in pairs), "<f4")
        return [track_id for track_id, _ in pairs], rows.reshape(len(pairs), -1 if pairs else 0)
