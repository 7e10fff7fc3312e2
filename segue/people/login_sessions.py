"""Log-in sessions: the cookie has a random token; MongoDB has its hash, the listener and the expiry.

Nobody can log in with a copy of the database, since the token cannot be computed from its hash.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

COOKIE = "segue_session"
LIFETIME = timedelta(days=30)
_LONGEST_TOKEN = 100


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

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def open(self, *, user_id: str | None = None, name: str | None = None, operator: bool = False) -> str:
        """Begin a session and return its token; without a `user_id`, the session is a new guest's."""
        token = secrets.token_urlsafe(32)
        began = self._clock()
        session: LoginSession = {
            "_id": _hash(token),
            "user_id": user_id or f"guest-{uuid.uuid4().hex}",
            "name": name,
            "began_at": began,
            "expires_at": began + LIFETIME,
        }
        if operator:
            session["operator"] = True
        self.documents.insert_one(session)
        return token

    def find(self, token: str | None) -> Listener | None:
        """The listener of a token's session; None if the session does not exist or has expired."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        alive = {"_id": _hash(token), "expires_at": {"$gt": self._clock()}}
        session = self.documents.find_one(alive, {"user_id": 1, "name": 1, "operator": 1})
        if session is None:
            return None
        return Listener(
            user_id=session["user_id"],
            name=session["name"],
            session_id=session["_id"][:16],
            operator=session.get("operator", False) is True,
        )

    def close(self, token: str) -> None:
        """End a session and invalidate its token."""
        self.documents.delete_one({"_id": _hash(token)})

    def close_all(self, user_id: str) -> int:
        """End all sessions of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
