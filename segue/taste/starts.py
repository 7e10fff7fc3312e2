"""The genres and artists that a new listener chooses: their first selection is made of these.

It is kept apart from the plays: saying that one likes folk is not the same as having heard a song, and the
taste is made of plays. With the first play the taste takes over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from segue.storage.store import Collection, Job, Personal, Policy, Right

MOST = 20
"""Genres, and artists, that one may choose; more is no choice."""


@dataclass(frozen=True)
class StartingChoice:
    """The genres and artists that a new listener wants to begin with."""

    genres: Sequence[str] = ()
    artists: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.genres or self.artists)


class StoredStart(TypedDict):
    """A choice as it is stored."""

    _id: str
    """The listener's id."""
    genres: list[str]
    """The chosen genres."""
    artists: list[str]
    """The chosen artists."""
    at: datetime
    """When they were chosen."""


class Starts(Collection[StoredStart]):
    """New listeners' choices.

    Delivery: one document for each listener; a choice is written over the former one.
    """

    name = "starts"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def read(self, user_id: str) -> StartingChoice:
        """A listener's choice; an empty one where there is none."""
        document = self.documents.find_one({"_id": user_id})
        if document is None:
            return StartingChoice()
        return StartingChoice(tuple(document.get("genres", ())), tuple(document.get("artists", ())))

    def keep(self, user_id: str, choice: StartingChoice) -> None:
        """Write a listener's choice over the former one."""
        fields = {
            "genres": list(choice.genres[:MOST]),
            "artists": list(choice.artists[:MOST]),
            "at": datetime.now(UTC),
        }
        self.documents.update_one({"_id": user_id}, {"$set": fields}, upsert=True)
