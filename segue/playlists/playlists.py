"""Playlists in MongoDB: each belongs to one listener, and every read and change names that listener.

Delivery: a change is one atomic update of one document, guarded by its owner. Adding twice adds twice, as
a listener who presses twice expects. Removing and moving name the tracks and their places, so that a
repeated or late change does nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Container, Iterable, Sequence
from datetime import UTC, datetime

from segue.phrases import marked, phrase
from segue.playlists.picture import square
from segue.playlists.playlist import Playlist, PlaylistError, StoredPlaylist, playlist_of, version_of
from segue.playlists.rules import Rules
from segue.storage.mongo import ASCENDING, DESCENDING, Document
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

MOST_PLAYLISTS = 200
"""The most playlists of one listener."""
MOST_TRACKS = 10_000
"""The most songs in one playlist."""
LONGEST_NAME = 100
LONGEST_COMMENT = 1000
_MOST_PUBLIC = 500
_ATTEMPTS = 5
_SHOWN = dict.fromkeys(
    (
        "owner",
        "name",
        "tracks",
        "created_at",
        "changed_at",
        "collaborators",
        "asked",
        "comment",
        "public",
        "folder",
        "cover_id",
        "picture",
        "rules",
    ),
    1,
)
"""The fields of a :class:`Playlist`."""


class Playlists(Collection[StoredPlaylist]):
    """The playlists of all listeners.

    Safe for use by several threads and processes.
    """

    name = "playlists"
    policy = Policy(
        personal=Personal(owner=("owner",), members=("collaborators", "asked")),
        access={
            Job.DASHBOARD: Right.WRITE | Right.INDEX,
            Job.OPERATOR: Right.WRITE,
            Job.CATALOGUE: Right.READ,  # library forget counts those that it affects
        },
    )
    indexes = (
        Index(keys=[("owner", ASCENDING), ("changed_at", DESCENDING)]),
        Index.on("collaborators"),
        Index.on("asked"),
        Index.on("public", "name"),
        Index.on("tracks"),
    )

    def of(self, owner: str) -> list[Playlist]:
        """A listener's playlists, the last changed first."""
        documents = self.documents.find({"owner": owner}, _SHOWN).sort("changed_at", DESCENDING)
        return [playlist_of(document) for document in documents.limit(MOST_PLAYLISTS)]

    def read(self, owner: str, playlist_id: str) -> Playlist | None:
        """A listener's playlist; None if the listener has none with that id."""
        document = self.documents.find_one(_own(owner, playlist_id), _SHOWN)
        return playlist_of(document) if document else None

    def count_with(self, track_ids: Iterable[str]) -> int:
        """The number of playlists, of all listeners, with at least one of these tracks."""
        return self.documents.count_documents({"tracks": {"$in": list(track_ids)}})

    def create(
        self, owner: str, name: str, *, tracks: Sequence[str] = (), rules: Rules | None = None
    ) -> Playlist:
        """Create a playlist with tracks, or with rules.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or there are too many playlists or tracks.
        """
        if len(tracks) > MOST_TRACKS:
            raise PlaylistError(_FULL)
        now = datetime.now(UTC)
        document: StoredPlaylist = {
            "_id": secrets.token_hex(12),
            "owner": owner,
            "name": _named(name),
            "tracks": list(tracks),
            "created_at": now,
            "changed_at": now,
        }
        if rules is not None:
            document["rules"] = rules.stored()
        if not self.insert_within(document, {"owner": owner}, most=MOST_PLAYLISTS):
            raise PlaylistError(
                phrase("You have {most} playlists: delete one to make another.", most=MOST_PLAYLISTS)
            )
        return playlist_of(document)

    def describe(
        self,
        owner: str,
        playlist_id: str,
        *,
        name: str | None = None,
        comment: str | None = None,
        public: bool | None = None,
        folder: str | None = None,
        cover_id: str | None = None,
    ) -> None:
        """Change facts of a playlist; None leaves a fact. A chosen cover replaces its own picture.

        Raises
        ------
        PlaylistError
            The name is empty or too long, or the listener has no such playlist.
        """
        change: Document = {
            **({} if name is None else {"name": _named(name)}),
            **({} if comment is None else {"comment": _plain(comment)[:LONGEST_COMMENT]}),
            **({} if public is None else {"public": public}),
            **({} if folder is None else {"folder": _plain(folder)[:LONGEST_NAME]}),
            **({} if cover_id is None else {"cover_id": cover_id}),
        }
        if change:
            picture = {} if cover_id is None else {"$unset": {"picture": "", "picture_data": ""}}
            self._change(owner, playlist_id, {"$set": change, **picture})

    def set_rules(self, owner: str, playlist_id: str, rules: Rules) -> None:
        """Replace the rules of a playlist by rules.

        Raises
        ------
        PlaylistError
            The listener has no such playlist.
        """
        wanted = {**_own(owner, playlist_id), "rules": {"$exists": True}}
        if not self._try(wanted, {"$set": {"rules": rules.stored()}}):
            raise PlaylistError(_NONE)

    def set_picture(self, owner: str, playlist_id: str, data: bytes) -> None:
        """Give a playlist a picture of its own, in any common image format.

        Raises
        ------
        PlaylistError
            It is not an image that can be read, or the listener has no such playlist.
        """
        made = square(data)
        digest = hashlib.sha256(made).hexdigest()[:16]
        self._change(owner, playlist_id, {"$set": {"picture": digest, "picture_data": made}})

    def picture(self, owner: str, playlist_id: str) -> bytes | None:
        """The JPEG of a playlist's own picture; None if it has none, or the listener has no such playlist."""
        found = self.documents.find_one(_own(owner, playlist_id), {"picture_data": 1})
        return found.get("picture_data") if found else None

    def delete(self, owner: str, playlist_id: str) -> None:
        """Remove a playlist; nothing happens if the listener has none with that id."""
        self.documents.delete_one(_own(owner, playlist_id))

    def add(self, owner: str, playlist_id: str, tracks: Sequence[str]) -> None:
        """Append tracks.

        Raises
        ------
        PlaylistError
            The playlist would be too long, or the listener has no such playlist.
        """
        full = {f"tracks.{MOST_TRACKS - len(tracks)}": {"$exists": False}}
        if len(tracks) > MOST_TRACKS or not self._try(
            {**_own(owner, playlist_id), "tracks": {"$type": "array"}, **full, **_FILLED},
            {"$push": {"tracks": {"$each": list(tracks)}}},
        ):
            raise PlaylistError(self._why_not(owner, playlist_id))

    def replace(self, owner: str, playlist_id: str, tracks: Sequence[str]) -> None:
        """Replace the tracks.

        Raises
        ------
        PlaylistError
            There are too many tracks, or the listener has no such playlist.
        """
        if len(tracks) > MOST_TRACKS:
            raise PlaylistError(_FULL)
        if not self._try({**_own(owner, playlist_id), **_FILLED}, {"$set": {"tracks": list(tracks)}}):
            raise PlaylistError(self._why_not(owner, playlist_id))

    def edit(self, owner: str, playlist_id: str, *, without: Container[int], added: Sequence[str]) -> None:
        """Remove the tracks at some places, from 0, then append others; both or neither.

        Raises
        ------
        PlaylistError
            There would be too many tracks, the listener has no such playlist, or it changed meanwhile.
        """
        for _ in range(_ATTEMPTS):
            before = self.read(owner, playlist_id)
            if before is None or before.rules is not None:
                raise PlaylistError(self._why_not(owner, playlist_id))
            kept = [track for place, track in enumerate(before.tracks) if place not in without]
            if len(kept) + len(added) > MOST_TRACKS:
                raise PlaylistError(_FULL)
            # Guarded by the list that was read, so that no concurrent change is lost.
            own = {**_own(owner, playlist_id), "tracks": list(before.tracks)}
            if self._try(own, {"$set": {"tracks": [*kept, *added]}}):
                return
        raise PlaylistError(marked("The playlist was changed elsewhere at the same time: try again."))

    def arrange(
        self, owner: str, playlist_id: str, tracks: Sequence[tuple[int, str]], *, to: int | None
    ) -> int | None:
        """Move tracks, or remove them.

        Parameters
        ----------
        tracks
            The place of each in the list, from 0, and its id.
        to
            Their first place in the list without them; None removes them.

        Returns
        -------
        The playlist's version; None if another track is at one of the places by now: nothing was changed.
        """
        before = self.read(owner, playlist_id)
        chosen = dict(tracks)
        if (
            before is None
            or before.rules is not None
            or any(
                not 0 <= place < len(before.tracks) or before.tracks[place] != track_id
                for place, track_id in tracks
            )
        ):
            return None
        kept = [track for place, track in enumerate(before.tracks) if place not in chosen]
        if to is not None:
            at = max(0, min(to, len(kept)))
            kept[at:at] = list(chosen.values())
        # Guarded by the list that was read, so that a concurrent change in another tab is not lost.
        own = {**_own(owner, playlist_id), "tracks": list(before.tracks)}
        return self._try(own, {"$set": {"tracks": kept}})

    def ask_to_join(self, owner: str, playlist_id: str, user_id: str) -> None:
        """Ask another listener to edit the owner's playlist; nothing happens if there is no such playlist."""
        wanted = {**_own(owner, playlist_id), **_list_or_missing("asked")}
        self.documents.update_one(wanted, {"$addToSet": {"asked": user_id}})

    def asking(self, user_id: str) -> list[Playlist]:
        """The playlists that a listener is asked to join, by name."""
        return [
            playlist_of(document)
            for document in self.documents.find({"asked": user_id}, _SHOWN).sort("name", ASCENDING)
        ]

    def joined(self, user_id: str) -> list[Playlist]:
        """The playlists of others that a listener may edit, by name."""
        documents = self.documents.find({"collaborators": user_id}, _SHOWN).sort("name", ASCENDING)
        return [playlist_of(document) for document in documents]

    def public(self, *, but: str) -> list[Playlist]:
        """The public playlists of all listeners but one, by name."""
        wanted = {"public": True, "owner": {"$ne": but}}
        documents = self.documents.find(wanted, _SHOWN).sort("name", ASCENDING).limit(_MOST_PUBLIC)
        return [playlist_of(document) for document in documents]

    def join(self, user_id: str, playlist_id: str) -> bool:
        """Accept the request to edit a playlist; False for a listener who was not asked."""
        change = {"$pull": {"asked": user_id}, "$addToSet": {"collaborators": user_id}}
        wanted = {"_id": playlist_id, "asked": user_id, **_list_or_missing("collaborators")}
        return bool(self.documents.update_one(wanted, change).matched_count)

    def leave(self, playlist_id: str, user_id: str, *, by: str) -> bool:
        """Remove a listener, joined or asked; False if `by` is neither this listener nor the owner."""
        wanted = {"_id": playlist_id} if by == user_id else _own(by, playlist_id)
        lists = [
            name
            for name in ("collaborators", "asked")
            if self.documents.update_one(
                {**wanted, **_list_or_missing(name)}, {"$pull": {name: user_id}}
            ).matched_count
        ]
        return bool(lists)

    def _why_not(self, owner: str, playlist_id: str) -> str:
        """Why tracks cannot be added to a playlist."""
        found = self.documents.find_one(_own(owner, playlist_id), {"rules": 1})
        if found is None:
            return _NONE
        return _RULED if found.get("rules") is not None else _FULL

    def _change(self, owner: str, playlist_id: str, change: Document) -> None:
        if not self._try(_own(owner, playlist_id), change):
            raise PlaylistError(_NONE)

    def _try(self, wanted: Document, change: Document) -> int | None:
        """Change a playlist; its version, or None if there is none like this."""
        now = datetime.now(UTC)
        stamped = {**change, "$max": {"changed_at": now}}  # never back, whatever a clock says
        changed = self.documents.find_one_and_update(wanted, stamped, {"changed_at": 1}, return_document=True)
        if not changed:
            return None
        at = changed["changed_at"]
        if not isinstance(at, datetime):  # damaged: a date after the year 9999
            at = now
            self.documents.update_one({"_id": changed["_id"]}, {"$set": {"changed_at": at}})
        return version_of(at)


_NONE = marked("There is no such playlist any more.")
_RULED = marked("The rules of this playlist choose its songs.")
_FILLED: Document = {"rules": {"$exists": False}}
"""The filter of playlists without rules."""
_FULL = phrase("A playlist holds {most} songs at most.", most=MOST_TRACKS)


def _own(owner: str, playlist_id: str) -> Document:
    return {"_id": playlist_id, "owner": owner}


def _list_or_missing(field: str) -> Document:
    """The filter of documents whose field MongoDB can add to, or remove from."""
    return {"$or": [{field: {"$type": "array"}}, {field: {"$exists": False}}]}


def _named(name: str) -> str:
    name = _plain(name)
    if not name:
        raise PlaylistError(marked("A playlist needs a name."))
    if len(name) > LONGEST_NAME:
        raise PlaylistError(phrase("A name has at most {most} characters.", most=LONGEST_NAME))
    return name


def _plain(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable()).strip()
