"""The listeners' choices about the interface."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from segue.storage.store import Collection, Job, Personal, Policy, Right


class Preference(TypedDict):
    """A document of `preferences`."""

    _id: str
    """The listener's id."""
    language: NotRequired[str]
    """The code of a language, such as "de"; none for that of the browser."""


class Preferences(Collection[Preference]):
    """The language of the pages that each listener has chosen.

    Delivery: one document per listener; a new choice replaces the former one.
    """

    name = "preferences"
    policy = Policy(personal=Personal(), access={Job.DASHBOARD: Right.WRITE, Job.OPERATOR: Right.WRITE})

    def language(self, user_id: str) -> str | None:
        """The language that a listener has chosen; None for that of the browser."""
        chosen = self.documents.find_one({"_id": user_id}, {"language": 1})
        return chosen.get("language") if chosen else None

    def choose_language(self, user_id: str, code: str | None) -> None:
        """Store a listener's choice."""
        change = {"$set": {"language": code}} if code else {"$unset": {"language": ""}}
        self.documents.update_one({"_id": user_id}, change, upsert=True)
