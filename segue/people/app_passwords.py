"""App passwords: with one, a music app logs in as a listener, without the password of the account.

OpenSubsonic's clients send the MD5 of a password and a salt. To check it, the server must know the password,
so an app password cannot be stored as a hash. It is encrypted with a key that is kept outside the database
(:mod:`segue.people.secret_box`): a copy of the database alone opens nothing.

Delivery: an app password is one document, inserted once, and removed again if it is one too many. Revoking
removes it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from segue.clock import now
from segue.people.accounts import name_key
from segue.people.secret_box import SecretBox, UnreadableSecret
from segue.phrases import phrase
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

MOST = 50
"""The maximum number of app passwords per listener."""
LONGEST_DEVICE = 64
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike."""
_GROUPS, _GROUP = 5, 4
_NOTED_EVERY = timedelta(minutes=1)
_LONGEST_SECRET = 100


class AppPasswordError(ValueError):
    """An app password was not created; the message is for the listener."""


@dataclass(frozen=True, kw_only=True)
class AppPassword:
    """An app password, without its secret."""

    password_id: str
    user_id: str
    name: str
    """The listener's name."""
    device: str
    created_at: datetime
    last_used_at: datetime | None
    last_client: str | None
    """The name of the app that used it last."""


class StoredAppPassword(TypedDict):
    """A document of `app_passwords`."""

    _id: str
    """The id: 24 hexadecimal digits."""
    user_id: str
    """The listener's id."""
    name: str
    """Name of the account."""
    name_key: str
    """Key of the name: :func:`segue.people.accounts.name_key`."""
    device: str
    """The listener's name for the device or app."""
    encrypted: bytes
    """The password, encrypted with a key outside the database."""
    digest: str
    """SHA-256 of the password, to find it by."""
    created_at: datetime
    """When it was created."""
    last_used_at: datetime | None
    """When an app last used it, to the minute."""
    last_client: str | None
    """Name of that app."""


class AppPasswords(Collection[StoredAppPassword]):
    """The app passwords of all listeners, encrypted.

    Safe for use by several threads.
    """

    name = "app_passwords"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("encrypted", "digest")),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("user_id"), Index.on("name_key"), Index.on("digest", unique=True))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def create(self, user_id: str, name: str, *, device: str, box: SecretBox) -> str:
        """Create an app password and return it. It cannot be shown again.

        Raises
        ------
        AppPasswordError
            The name of the device is empty or too long, or the listener has too many app passwords.
        SegueError
            The key for encryption cannot be read or written.
        """
        device = " ".join("".join(sign for sign in device if sign.isprintable()).split())
        if not 1 <= len(device) <= LONGEST_DEVICE:
            raise AppPasswordError(
                phrase("The name of a device has 1 to {most} characters.", most=LONGEST_DEVICE)
            )
        own = {"user_id": user_id}
        full = AppPasswordError(
            phrase("You have {most} app passwords: revoke one to create another.", most=MOST)
        )
        if not self.room(own, most=MOST):  # before the key is read, or made
            raise full
        groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
        password = "-".join(groups)
        stored: StoredAppPassword = {
            "_id": secrets.token_hex(12),
            "user_id": user_id,
            "name": name,
            "name_key": name_key(name),
            "device": device,
            "encrypted": box.close(password),
            "digest": _digest(password),
            "created_at": self._clock(),
            "last_used_at": None,
            "last_client": None,
        }
        if not self.insert_within(stored, own, most=MOST):
            raise full
        return password

    def of(self, user_id: str) -> list[AppPassword]:
        """A listener's app passwords, the newest first."""
        found = self.documents.find({"user_id": user_id})
        return sorted(map(_app_password, found), key=lambda one: one.created_at, reverse=True)

    def revoke(self, user_id: str, password_id: str) -> bool:
        """Revoke an app password; False if the listener has none with that id."""
        return self.documents.delete_one({"_id": password_id, "user_id": user_id}).deleted_count == 1

    def revoke_all(self, user_id: str) -> int:
        """Revoke all app passwords of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count

    def by_secret(self, password: str) -> AppPassword | None:
        """The app password with this text; None if there is none."""
        if not 0 < len(password) <= _LONGEST_SECRET:
            return None
        found = self.documents.find_one({"digest": _digest(password)})
        return _app_password(found) if found else None

    def named(self, name: str, *, owner: str | None) -> Sequence[StoredAppPassword]:
        """The app passwords of a name, for :meth:`by_token`: those of its owner, then as many of others.

        Parameters
        ----------
        owner
            The listener who has the account of this name, if somebody has. Users of an identity provider may
            choose any name: the passwords of a namesake must not leave out those of the owner.
        """
        key = {"name_key": name_key(name)}
        own = self.documents.find({**key, "user_id": owner}).limit(MOST)
        others = self.documents.find({**key, "user_id": {"$ne": owner}}).limit(MOST)
        return [*own, *others]

    def by_token(
        self, stored: Sequence[StoredAppPassword], token: str, salt: str, *, box: SecretBox
    ) -> AppPassword | None:
        """The one of some app passwords whose MD5 with a salt is the token, in lower or upper case.

        Raises
        ------
        SegueError
            None fits, and some cannot be decrypted: the key has changed.
        """
        expected = token.lower().encode()
        unreadable: UnreadableSecret | None = None
        for one in stored:
            try:
                password = box.open(one["encrypted"])
            except UnreadableSecret as error:
                unreadable = error
                continue
            made = hashlib.md5((password + salt).encode(), usedforsecurity=False).hexdigest()
            if hmac.compare_digest(made.encode(), expected):
                return _app_password(one)
        if unreadable is not None:
            raise unreadable
        return None

    def note_use(self, used: AppPassword, *, client: str) -> None:
        """Note that an app used the password, at most once a minute."""
        now = self._clock()
        if used.last_used_at and used.last_client == client and now - used.last_used_at < _NOTED_EVERY:
            return
        self.documents.update_one(
            {"_id": used.password_id}, {"$set": {"last_used_at": now, "last_client": client}}
        )


def _digest(password: str) -> str:
    # Not slow, as for a password that a person has made up: this one has a hundred random bits.
    return hashlib.sha256(f"app:{password}".encode()).hexdigest()


def _app_password(stored: StoredAppPassword) -> AppPassword:
    return AppPassword(
        password_id=stored["_id"],
        user_id=stored["user_id"],
        name=stored["name"],
        device=stored["device"],
        created_at=stored["created_at"],
        last_used_at=stored["last_used_at"],
        last_client=stored["last_client"],
    )
