"""Accounts: a name, the argon2 hash of a password, and the listener's id, which plays have as `user_id`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NotRequired, TypedDict

from segue.batches import batches
from segue.normal_forms import normalised
from segue.storage.mongo import ASCENDING, Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

_STRAIGHT = str.maketrans(dict.fromkeys("’‘‛ʼʻ`´′＇", "'"))
"""The apostrophes that phones and word processors write."""


@dataclass(frozen=True)
class Account:
    """A listener with a name."""

    user_id: str
    name: str
    checked: str = field(default="", repr=False, compare=False)
    """The password hash of the account when the password, or a link, was checked; otherwise empty."""


class StoredAccount(TypedDict):
    """A document of `accounts`."""

    _id: str
    """The key of the name: :func:`name_key`."""
    user_id: str
    """The listener's id."""
    name: str
    """Name as entered."""
    password: str
    """The argon2 hash of the password."""
    created_at: datetime
    """When the account was created."""
    disabled_at: NotRequired[datetime]
    """When an operator disabled the account; none while it is in use."""
    skeleton: NotRequired[str]
    """The key of the Latin name that its name looks like, if it is in another script."""
    mail: NotRequired[str]
    """The address that its owner has confirmed, for a forgotten password."""
    devices: NotRequired[list[str]]
    """Hashes of the tokens of the browsers that have logged in, the latest last."""


_MOST_DEVICES = 20


class NameTaken(Exception):
    """An account of that name exists."""


class ListenerTaken(Exception):
    """The listener already has an account."""


class Accounts(Collection[StoredAccount]):
    """The accounts, with password hashes and confirmed mail addresses.

    Delivery: an account is one document whose key is its name: of two people who choose a name at the same
    time, only the first gets it.
    """

    name = "accounts"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("password", "devices")),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("user_id", unique=True), Index.on("skeleton"))

    def listeners(self, among: Iterable[str]) -> set[str]:
        """The listeners among these who have an account."""
        found: set[str] = set()
        for some in batches(list(among), 1000):
            found |= set(self.texts("user_id", {"user_id": {"$in": some}}))
        return found

    def add(self, account: Account, *, password_hash: str, skeleton: str | None = None) -> None:
        """Add an account.

        Parameters
        ----------
        skeleton
            As :func:`segue.people.names.skeleton`.

        Raises
        ------
        NameTaken, ListenerTaken
            The name is taken, or the listener has an account.
        """
        document: StoredAccount = {
            "_id": name_key(account.name),
            "user_id": account.user_id,
            "name": account.name,
            "password": password_hash,
            "created_at": datetime.now(UTC),
        }
        if skeleton is not None and skeleton != document["_id"]:
            document["skeleton"] = skeleton
        try:
            self.documents.insert_one(document)
        except DuplicateKeyError as error:
            if "user_id" in (error.details or {}).get("keyPattern", {}):
                raise ListenerTaken(account.user_id) from None
            raise NameTaken(account.name) from None

    def stored(self, name: str) -> StoredAccount | None:
        """The account of a name, with its password hash."""
        fields = {"user_id": 1, "name": 1, "password": 1, "disabled_at": 1, "devices": 1, "mail": 1}
        return self.documents.find_one(_filter(name), fields)

    def named(self, name: str) -> Account | None:
        """The account of a name, in any case."""
        return self._account({"_id": name_key(name)})

    def looking_like(self, skeleton: str) -> bool:
        """Whether the name of an account looks like another; see :func:`segue.people.names.skeleton`."""
        wanted = {"$or": [{"_id": skeleton}, {"skeleton": skeleton}]}
        return self.documents.find_one(wanted, {"_id": 1}) is not None

    def of(self, user_id: str) -> Account | None:
        """A listener's account; None for guests and for users of an identity provider."""
        return self._account({"user_id": user_id})

    def is_disabled(self, user_id: str) -> bool:
        """Whether an operator has disabled a listener's account."""
        disabled = {"user_id": user_id, "disabled_at": {"$ne": None}}
        return self.documents.find_one(disabled, {"_id": 1}) is not None

    def _account(self, wanted: Document) -> Account | None:
        document = self.documents.find_one(wanted, {"user_id": 1, "name": 1})
        return Account(document["user_id"], document["name"]) if document else None

    def everyone(self) -> list[StoredAccount]:
        """All accounts, by name."""
        return list(self.documents.find().sort("_id", ASCENDING))

    def set_password(self, name: str, *, password_hash: str, former: str | None = None) -> bool:
        """Replace the password hash of an account, and forget its browsers.

        With `former`, only if that is its present hash; False if it is not.
        """
        change = {"$set": {"password": password_hash}, "$unset": {"devices": ""}}
        wanted = _filter(name) if former is None else {**_filter(name), "password": former}
        return self.documents.update_one(wanted, change).matched_count == 1

    def set_mail(self, user_id: str, address: str | None, *, checked: str) -> bool:
        """Store the confirmed address of a listener's account, or remove it.

        Returns
        -------
        False if `checked`, the password hash of the account when the password or the link was checked, is not
        that of the account any more.
        """
        change = {"$set": {"mail": address}} if address else {"$unset": {"mail": ""}}
        wanted = {"user_id": user_id, "password": checked}
        return self.documents.update_one(wanted, change).matched_count == 1

    def mail_of(self, user_id: str) -> str | None:
        """The confirmed address of a listener's account."""
        stored = self.documents.find_one({"user_id": user_id}, {"mail": 1})
        return stored.get("mail") if stored else None

    def note_device(self, user_id: str, device: str) -> None:
        """Note the hash of the token of a browser that has logged in."""
        noted = {"user_id": user_id, "devices": device}
        if self.documents.find_one(noted, {"_id": 1}) is None:
            newest = {"$each": [device], "$slice": -_MOST_DEVICES}
            self.documents.update_one({"user_id": user_id}, {"$push": {"devices": newest}})

    def disable(self, name: str) -> None:
        """Let nobody log in to an account; its data stay."""
        self.documents.update_one(_filter(name), {"$set": {"disabled_at": datetime.now(UTC)}})

    def enable(self, name: str) -> None:
        """Let its owner log in to a disabled account again."""
        self.documents.update_one(_filter(name), {"$unset": {"disabled_at": ""}})

    def remove(self, name: str) -> None:
        """Remove an account. The listener's other data stay."""
        self.documents.delete_one(_filter(name))

    def names(self, user_ids: Sequence[str]) -> dict[str, str]:
        """The names of those listeners who have an account, by id."""
        documents = self.documents.find({"user_id": {"$in": list(user_ids)}}, {"user_id": 1, "name": 1})
        return {document["user_id"]: document["name"] for document in documents}


def name_key(name: str) -> str:
    """A key that ignores case and similar differences: Ana and ana are the same account."""
    return normalised("NFKC", folded_name(name)).casefold()


def folded_name(name: str) -> str:
    """A name in one spelling: composed, with straight apostrophes and single spaces."""
    return " ".join(normalised("NFC", name).translate(_STRAIGHT).split())


def _filter(name: str) -> dict[str, Any]:
    """The filter of an account by its name; releases before 0.2 kept runs of spaces in the key."""
    former = normalised("NFKC", name).strip().casefold()
    return {"_id": {"$in": list(dict.fromkeys([name_key(name), former]))}}
