"""Log-in sessions: the cookie has a random token; MongoDB has its hash, the listener and the expiry.

Nobody can log in with a copy of the database, since the token cannot be computed from its hash.

A new visitor gets a signed token, of which nothing is stored. The session of a guest begins when the browser
brings it back, so that visitors who never do, such as robots, cost nothing.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.people.signatures import Signatures
from segue.storage.mongo import DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

COOKIE = "segue_session"
LIFETIME = timedelta(days=30)
_LONGEST_TOKEN = 100
OFFERED_FOR = timedelta(hours=1)
"""A session can begin with an offered token for this time."""
GUEST = "guest-"
"""The beginning of a guest's id, also after the guest has made an account."""


@dataclass(frozen=True)
class Listener:
    """The person of a log-in session: a guest or the owner of an account."""

    user_id: str
    name: str | None
    """None for a guest."""
    session_id: str
    """The `session_id` of plays; not a secret."""
    operator: bool = False
    """Whether the session was opened with a link for operators."""


class LoginSession(TypedDict):
    _id: str
    """The hash of the token."""
    user_id: str
    """The listener's id."""
    name: str | None
    """Name of the account; none for a guest."""
    operator: NotRequired[bool]
    """Whether a link for operators was opened in it."""
    began_at: datetime
    """When the session began."""
    expires_at: datetime
    """When MongoDB removes the session."""
    closed: NotRequired[bool]
    """Whether it is no session: its token was offered, and has been invalidated since."""


def now() -> datetime:
    return datetime.now(UTC)


class LoginSessions(Collection[LoginSession]):
    """Opens, finds and closes log-in sessions; MongoDB removes those that have expired."""

    name = "sessions"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=timedelta()), Index.on("user_id"))

    def __init__(
        self,
        store: Store,
        *,
        offers: Signatures | None = None,
        guests_kept: timedelta = LIFETIME,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """With `offers`, :meth:`offer` signs tokens with it, and :meth:`find` accepts them."""
        super().__init__(store)
        self._offers, self._guests_kept, self._clock = offers, min(guests_kept, LIFETIME), clock

    def open(self, *, user_id: str | None = None, name: str | None = None, operator: bool = False) -> str:
        """Begin a session and return its token; without a `user_id`, the session is a new guest's."""
        token = secrets.token_urlsafe(32)
        self._begin(token, user_id=user_id, name=name, operator=operator)
        return token

    def _begin(
        self, token: str, *, user_id: str | None = None, name: str | None = None, operator: bool = False
    ) -> None:
        began = self._clock()
        session: LoginSession = {
            "_id": _hash(token),
            "user_id": user_id or f"{GUEST}{uuid.uuid4().hex}",
            "name": name,
            "began_at": began,
            "expires_at": began + (LIFETIME if user_id else self._guests_kept),
        }
        if operator:
            session["operator"] = True
        self.documents.insert_one(session)

    def offer(self) -> str:
        """A token for a new visitor, whose session as a guest begins when :meth:`find` sees it again."""
        if self._offers is None:
            return self.open()
        text = f"{secrets.token_urlsafe(24)}.{int(self._clock().timestamp()):x}"
        return f"{text}.{self._offers.of(text)}"

    def _is_offered(self, token: str) -> bool:
        """Whether a token was offered, no longer ago than :data:`OFFERED_FOR`."""
        text, _, signature = token.rpartition(".")
        if self._offers is None or not self._offers.fits(signature, text):
            return False
        age = self._clock() - datetime.fromtimestamp(int(text.rpartition(".")[2], 16), UTC)
        return age <= OFFERED_FOR

    def find(self, token: str | None) -> Listener | None:
        """The listener of a token's session; None if the session does not exist or has expired.

        An offered token begins a session.
        """
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(token), "expires_at": {"$gt": self._clock()}}
        fields = {"user_id": 1, "name": 1, "operator": 1, "closed": 1}
        session = self.documents.find_one(alive, fields)
        if session is None and self._is_offered(token):
            with suppress(DuplicateKeyError):  # another request has just begun it
                self._begin(token)
            session = self.documents.find_one(alive, fields)
        if session is None or session.get("closed"):
            return None
        return Listener(
            user_id=session["user_id"],
            name=session["name"],
            session_id=session["_id"][:16],
            operator=session.get("operator", False) is True,
        )

    def close(self, token: str) -> None:
        """End a session and invalidate its token."""
        if not self._is_offered(token):
            self.documents.delete_one({"_id": _hash(token)})
            return
        began = self._clock()
        closed: LoginSession = {
            "_id": _hash(token),
            "user_id": "",
            "name": None,
            "began_at": began,
            "expires_at": began + OFFERED_FOR,
            "closed": True,
        }
        self.documents.replace_one({"_id": _hash(token)}, closed, upsert=True)

    def close_all(self, user_id: str) -> int:
        """End all sessions of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count

    def guests(self) -> set[str]:
        """The ids of the guests who have a session."""
        found = self.distinct("user_id", {"name": None, "expires_at": {"$gt": self._clock()}})
        return {user_id for user_id in found if isinstance(user_id, str)}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
