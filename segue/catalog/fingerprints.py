"""Fingerprints of tracks, which are stored with the features, and the sounds that several tracks share.

Delivery: a track's sound is written by its id; finding it again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from segue.audio.fingerprint import SAME, difference, marks, unpacked
from segue.batches import batches
from segue.catalog.features import Features
from segue.catalog.identity import HEARD_SECONDS_OFF
from segue.storage.mongo import Document, upsert

MOST_SHARING = 5000
"""How many tracks with a mark of a fingerprint are looked at; more share a jingle or a steady tone."""
MOST_COMPARED = 20
"""How many of them are compared in full: those with the most marks in common."""
_AT_ONCE = 1000


class _Heard(NamedTuple):
    fingerprint: bytes
    sound: str | None


class Fingerprints(Features):
    """The fingerprints in the documents of `features`."""

    def of(self, track_ids: Iterable[str]) -> dict[str, bytes]:
        """The known fingerprints of these tracks, by id."""
        return {own: heard.fingerprint for own, heard in self._heard(track_ids).items()}

    def known(self, track_ids: Collection[str]) -> set[str]:
        """Those of the tracks that have a fingerprint."""
        found: set[str] = set()
        for ids in batches(track_ids, _AT_ONCE):
            wanted = {"_id": {"$in": ids}, "marks.0": {"$exists": True}}
            found |= {entry["_id"] for entry in self.documents.find(wanted, {"_id": 1})}
        return found

    def without(self) -> set[str]:
        """The tracks with features of an earlier release, which has made no fingerprints."""
        return {entry["_id"] for entry in self.documents.find({"marks": None}, {"_id": 1})}

    def complete(self, fingerprints: Mapping[str, bytes | None]) -> None:
        """Store the fingerprints of tracks that have features, by track id; None for a file without one."""
        upsert(
            self.documents,
            (
                {"_id": own, "fingerprint": heard, "marks": marks(heard)[0] if heard else []}
                for own, heard in fingerprints.items()
            ),
        )

    def sounds(self) -> dict[str, str]:
        """The sound of each track that may share it with others, by track id."""
        found = self.documents.find({"sound": {"$gt": ""}}, {"sound": 1}, batch_size=10_000)
        return {entry["_id"]: sound for entry in found if (sound := entry.get("sound"))}

    def find_sounds(self, track_ids: Iterable[str]) -> int:
        """Find tracks with the same sound as these; returns how many of these have one.

        A track is compared with few others: those that share marks of the fingerprint, and whose length is
        the same within :data:`HEARD_SECONDS_OFF`.
        """
        found = 0
        for own in track_ids:
            heard = self._heard([own]).get(own)
            if heard is None:
                continue
            others = self._heard(other for other in self.near(heard.fingerprint) if other != own)
            lengths = self._tracks.lengths([own, *others])
            fitting = {other: entry for other, entry in others.items() if _fit(lengths, own, other)}
            if other := _most_alike(heard, fitting):
                former = others[other].sound
                sound = heard.sound or former or _name(others[other].fingerprint)
                same: Document = {"$or": [{"_id": {"$in": [own, other]}}]}
                if former:  # each may have been found to be another's copy before
                    same["$or"].append({"sound": former})
                self.documents.update_many(same, {"$set": {"sound": sound}})
                found += 1
        return found

    def near(self, fingerprint: bytes) -> list[str]:
        """The tracks that share the most marks with a fingerprint, at most :data:`MOST_COMPARED`."""
        wanted = set(chain.from_iterable(marks(fingerprint)))
        shared: Counter[str] = Counter()
        sharing = self.documents.find({"marks": {"$in": sorted(wanted)}}, {"marks": 1}, batch_size=5000)
        for entry in sharing.limit(MOST_SHARING):
            shared[entry["_id"]] = len(wanted.intersection(entry.get("marks", ())))
        return [other for other, _ in shared.most_common(MOST_COMPARED)]

    def _heard(self, track_ids: Iterable[str]) -> dict[str, _Heard]:
        fields = {"fingerprint": 1, "sound": 1}
        found = self.documents.find({"_id": {"$in": list(track_ids)}}, fields)
        return {
            entry["_id"]: _Heard(heard, entry.get("sound"))
            for entry in found
            if (heard := entry.get("fingerprint"))
        }


def _name(fingerprint: bytes) -> str:
    """A name for a sound: a track's id would stay when its file gets another sound."""
    return hashlib.blake2s(fingerprint, digest_size=8).hexdigest()


def _most_alike(heard: _Heard, others: Mapping[str, _Heard]) -> str | None:
    """The one of the others that is the same recording and differs least."""
    own = unpacked(heard.fingerprint)
    shares = ((difference(own, unpacked(entry.fingerprint)), other) for other, entry in others.items())
    same = [(share, other) for share, other in shares if share is not None and share <= SAME]
    return min(same)[1] if same else None


def _fit(lengths: Mapping[str, int], one: str, other: str) -> bool:
    first, second = lengths.get(one), lengths.get(other)
    return first is None or second is None or abs(first - second) <= 1000 * HEARD_SECONDS_OFF
