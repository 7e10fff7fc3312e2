"""Log-in sessions: the cookie has a random token; MongoDB has its hash, the listener and the expiry.

Nobody can log in with a copy of the database, since the token cannot be computed from its hash.
"""

from __future__ import annotations

import hashlib
import re
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
_SEEN_EVERY = timedelta(hours=1)
_ID_LENGTH = 16
_MOST_LISTED = 100


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


@dataclass(frozen=True, kw_only=True)
class OpenSession:
    """A log-in session, for the list of a listener's own."""

    session_id: str
    """As :attr:`Listener.session_id`."""
    browser: str
    """Browser and system, such as "Firefox, Windows"; empty if they are unknown."""
    began_at: datetime
    seen_at: datetime
    """When a page or a route last asked for it, to the hour."""


class LoginSession(TypedDict):
    _id: str
    """The hash of the token."""
    user_id: str
    """The listener's id."""
    name: str | None
    """Name of the account; none for a guest."""
    operator: NotRequired[bool]
    """Whether a link for operators was opened in it."""
    browser: NotRequired[str]
    """Browser and system at the log-in: :func:`segue.people.browsers.browser_of`."""
    began_at: datetime
    """When the session began."""
    seen_at: NotRequired[datetime]
    """When it was last used, to the hour; missing before the first hour has passed."""
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

    def open(
        self,
        *,
        user_id: str | None = None,
        name: str | None = None,
        operator: bool = False,
        browser: str = "",
    ) -> str:
        """Begin a session and return its token; without a `user_id`, the session is a new guest's.

        Parameters
        ----------
        browser
            As :func:`segue.people.browsers.browser_of`.
        """
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
        if browser:
            session["browser"] = browser
        self.documents.insert_one(session)
        return token

    def find(self, token: str | None) -> Listener | None:
        """The listener of a token's session; None if the session does not exist or has expired."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        at = self._clock()
        alive = {"_id": _hash(token), "expires_at": {"$gt": at}}
        fields = {"user_id": 1, "name": 1, "operator": 1, "began_at": 1, "seen_at": 1}
        session = self.documents.find_one(alive, fields)
        if session is None:
            return None
        if at - session.get("seen_at", session["began_at"]) >= _SEEN_EVERY:
            self.documents.update_one({"_id": session["_id"]}, {"$set": {"seen_at": at}})
        return Listener(
            user_id=session["user_id"],
            name=session["name"],
            session_id=session["_id"][:_ID_LENGTH],
            operator=session.get("operator", False) is True,
        )

    def close(self, token: str) -> None:
        """End a session and invalidate its token."""
        self.documents.delete_one({"_id": _hash(token)})

    def of(self, user_id: str) -> list[OpenSession]:
        """A listener's sessions, the last used first."""
        alive = {"user_id": user_id, "expires_at": {"$gt": self._clock()}}
        found = [
            OpenSession(
                session_id=session["_id"][:_ID_LENGTH],
                browser=session.get("browser", ""),
                began_at=session["began_at"],
                seen_at=session.get("seen_at", session["began_at"]),
            )
            for session in self.documents.find(alive).limit(_MOST_LISTED)
        ]
        return sorted(found, key=lambda one: one.seen_at, reverse=True)

    def end(self, user_id: str, session_id: str) -> bool:
        """End one session of a listener; False if the listener has none with that id."""
        wanted = {"user_id": user_id, "_id": {"$regex": f"^{re.escape(session_id)}"}}
        return bool(session_id) and self.documents.delete_one(wanted).deleted_count == 1

    def end_others(self, user_id: str, session_id: str) -> int:
        """End all sessions of a listener but this one; returns their number."""
        others = {"user_id": user_id, "_id": {"$not": {"$regex": f"^{re.escape(session_id)}"}}}
        return self.documents.delete_many(others).deleted_count if session_id else 0

    def close_all(self, user_id: str) -> int:
        """End all sessions of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
