"""The genres and artists that a new listener chooses, from which their first selection is made.

They are stored apart from the plays: a taste is made of plays, and a preference for folk is not the play of a
song. After the first play, the taste replaces the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict

from segue.storage.store import Collection, Job, Personal, Policy, Right

MOST = 20
"""The largest number of genres, and of artists, in a choice."""


@dataclass(frozen=True)
class StartingChoice:
    """The genres and artists that a new listener wants to begin with."""

    genres: Sequence[str] = ()
    artists: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.genres or self.artists)


class StoredStart(TypedDict):
    """A stored choice."""

    _id: str
    """The listener's id."""
    genres: list[str]
    """The chosen genres."""
    artists: list[str]
    """The chosen artists."""
    at: datetime
    """When they were chosen."""


class Starts(Collection[StoredStart]):
    """The genres and artists that new listeners have chosen on the first page.

    Delivery: one document for each listener; a new choice replaces the former one.
    """

    name = "starts"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def read(self, user_id: str) -> StartingChoice:
        """A listener's choice; empty if there is none."""
        document = self.documents.find_one({"_id": user_id}, {"genres": 1, "artists": 1})
        if document is None:
            return StartingChoice()
        return StartingChoice(tuple(document.get("genres", ())), tuple(document.get("artists", ())))

    def keep(self, user_id: str, choice: StartingChoice) -> None:
        """Write a listener's choice, which replaces the former one."""
        fields = {
            "genres": list(choice.genres[:MOST]),
            "artists": list(choice.artists[:MOST]),
            "at": datetime.now(UTC),
        }
        self.documents.update_one({"_id": user_id}, {"$set": fields}, upsert=True)
