"""Songs with several files: the same sound as it is stored, or as it is heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypedDict

from segue.catalog.fingerprints import Fingerprints
from segue.catalog.joined import Joined
from segue.catalog.tracks import PLAYABLE, Tracks
from segue.storage.mongo import ASCENDING
from segue.storage.store import Store


class Duplicate(TypedDict):
    """A track among those with the same sound."""

    track_id: str
    artist: str
    title: str
    path: str | None


class Duplicates(Tracks):
    """The playable tracks that share their sound with another."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._fingerprints = Fingerprints(store)

    def groups(self) -> list[list[str]]:
        """The ids of tracks with the same sound, the largest groups first."""
        sketches = {"sketch": {"$type": "string"}, **PLAYABLE}
        repeated = self.aggregate(
            [
                {"$match": sketches},
                {"$group": {"_id": "$sketch", "tracks": {"$push": "$_id"}}},
                {"$match": {"tracks.1": {"$exists": True}}},
            ]
        )
        joined, members = Joined(), set[str]()
        for group in chain((group["tracks"] for group in repeated), self._heard_alike()):
            members.update(group)
            for other in group[1:]:
                joined.join(group[0], other)
        found: dict[str, list[str]] = defaultdict(list)
        for own in sorted(members):
            found[joined.first(own)].append(own)
        return sorted(found.values(), key=lambda group: (-len(group), group))

    def described(self, groups: Sequence[Sequence[str]]) -> list[list[Duplicate]]:
        """The tracks of groups, the first added first."""
        wanted = {"_id": {"$in": list(chain.from_iterable(groups))}}
        fields = {"title": 1, "artist": 1, "path": 1}
        found = self.documents.find(wanted, fields).sort([("added_at", ASCENDING), ("_id", ASCENDING)])
        tracks: dict[str, Duplicate] = {
            track["_id"]: {
                "track_id": track["_id"],
                "artist": track.get("artist") or "",
                "title": track.get("title") or "",
                "path": track.get("path"),
            }
            for track in found
        }
        order = {own: number for number, own in enumerate(tracks)}
        return [[tracks[own] for own in sorted(group, key=order.__getitem__)] for group in groups]

    def _heard_alike(self) -> Iterable[list[str]]:
        sounds = self._fingerprints.sounds()
        wanted = {"_id": {"$in": list(sounds)}, **PLAYABLE}
        groups: dict[str, list[str]] = defaultdict(list)
        for track in self.documents.find(wanted, {"_id": 1}):
            groups[sounds[track["_id"]]].append(track["_id"])
        return (group for group in groups.values() if len(group) > 1)
