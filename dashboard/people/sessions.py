"""Server-side sessions: the cookie holds a random token, MongoDB its hash, whose it is and until when.

A copy of the database does not let anybody in, since the token cannot be had from its hash.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pymongo.database import Database

from segue.storage.mongo import Document

COOKIE = "segue_session"
LIFETIME = timedelta(days=30)
_LONGEST_TOKEN = 100


@dataclass(frozen=True)
class Listener:
    """Who is behind a session."""

    user_id: str
    name: str | None
    """None for a guest."""
    session_id: str
    """Names the session in plays; no secret."""


def now() -> datetime:
    return datetime.now(UTC)


class Sessions:
    """Opens, finds and closes sessions; MongoDB removes those that have expired."""

    def __init__(self, database: Database[Document], *, clock: Callable[[], datetime] = now) -> None:
        self._sessions, self._clock = database.sessions, clock
        self._sessions.create_index("expires_at", expireAfterSeconds=0)

    def open(self, *, user_id: str | None = None, name: str | None = None) -> str:
        """Begin a session and return its token; without a user it is that of a new guest."""
        token = secrets.token_urlsafe(32)
        began = self._clock()
        self._sessions.insert_one(
            {
                "_id": _hash(token),
                "user_id": user_id or f"guest-{uuid.uuid4().hex}",
                "name": name,
                "began_at": began,
                "expires_at": began + LIFETIME,
            }
        )
        return token

    def find(self, token: str | None) -> Listener | None:
        """Whose session a token is; None when there is none, or it has expired."""
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        found = self._sessions.find_one({"_id": _hash(token), "expires_at": {"$gt": self._clock()}})
        if found is None:
            return None
        return Listener(user_id=found["user_id"], name=found["name"], session_id=found["_id"][:16])

    def close(self, token: str) -> None:
        """End a session; its token is worth nothing from now on."""
        self._sessions.delete_one({"_id": _hash(token)})


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
