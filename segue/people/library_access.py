"""Libraries for certain accounts: the setting `library.accounts`, and the listeners whom it names.

The pages know the name of a log-in session. The stream knows ids only, so the pages store the ids of the
listeners whom the setting names: the collection `admitted_listeners`.

Delivery: one document per listener; writing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from segue.people.named import NamedAccounts
from segue.storage.store import Collection, Job, Personal, Policy, Right

NOTHING: frozenset[str] = frozenset()


class LibraryAccess:
    """Decides which libraries a listener does not see. A library without a list is for everybody."""

    def __init__(self, accounts: Iterable[tuple[str, Sequence[str]]]) -> None:
        """`accounts` has the accounts of a library (:mod:`segue.people.named`), by the library's name."""
        self._admitted = {library: NamedAccounts(names) for library, names in accounts}
        self.restricted = frozenset(self._admitted)
        """The libraries that not everybody sees."""

    def hidden_from(self, user_id: str, name: str | None) -> frozenset[str]:
        """The libraries that a listener does not see; a guest has no name."""
        return frozenset(
            library for library, admitted in self._admitted.items() if not admitted.has(user_id, name)
        )

    def names(self, user_id: str, name: str | None) -> bool:
        """Whether any list has the listener."""
        return self.hidden_from(user_id, name) != self.restricted


class AdmittedListener(TypedDict):
    """A document of `admitted_listeners`."""

    _id: str
    """The listener's id."""
    name: str
    """The name of the listener's account."""


class AdmittedListeners(Collection[AdmittedListener]):
    """The listeners whom a list of `library.accounts` named when they last opened a page."""

    name = "admitted_listeners"
    policy = Policy(
        personal=Personal(),
        access={Job.DASHBOARD: Right.WRITE, Job.STREAM: Right.READ, Job.OPERATOR: Right.WRITE},
    )

    def note(self, user_id: str, name: str) -> None:
        """Store the name of a listener's account."""
        self.documents.update_one({"_id": user_id}, {"$set": {"name": name}}, upsert=True)

    def among(self, user_ids: Sequence[str]) -> Mapping[str, str]:
        """The names of the stored ones among the listeners, by id."""
        found = self.documents.find({"_id": {"$in": list(user_ids)}})
        return {listener["_id"]: listener["name"] for listener in found}
