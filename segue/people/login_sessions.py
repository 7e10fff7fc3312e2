"""Log-in sessions: the cookie has a random token; MongoDB has its hash, the listener and the expiry.

Nobody can log in with a copy of the database, since the token cannot be computed from its hash.

A new visitor gets a signed token, of which nothing is stored. The session of a guest begins when the browser
brings it back, so that visitors who never do, such as robots, cost nothing. The token names the network that
it was given to, whose guests are counted then.

The session of a guest that has ended stays for a week, so that the guest's data can be found and removed.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NotRequired, Protocol, TypedDict

from segue.clock import now
from segue.people.signatures import Signatures
from segue.storage.mongo import DESCENDING, Document, DuplicateKeyError
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

COOKIE = "segue_session"
LIFETIME = timedelta(days=30)
_LONGEST_TOKEN = 100
OFFERED_FOR = timedelta(hours=1)
"""A session can begin with an offered token for this time."""
KEPT_AFTER = timedelta(days=7)
"""How long a session that has expired is kept, so that its guest's data can be removed."""
GUEST = "guest-"
"""The beginning of a guest's id, also after the guest has made an account."""
_SEEN_EVERY = timedelta(hours=1)
_ID_LENGTH = 16
_MOST_LISTED = 100
MOST_OPEN = 200
"""The sessions of an account: somebody who logs in again and again ends the oldest ones."""


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
    """When the session ends. MongoDB removes it a week later."""
    closed: NotRequired[bool]
    """Whether the document is not a session any more: its token was offered and then invalidated."""


class Admitting(Protocol):
    """Counts the guests of a network (:class:`segue.people.newcomers.Newcomers`)."""

    def is_full(self, network: str) -> bool: ...
    def admit(self, network: str) -> bool: ...


class LoginSessions(Collection[LoginSession]):
    """The log-in sessions of guests and accounts; MongoDB removes those that have expired."""

    name = "sessions"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=KEPT_AFTER), Index.on("user_id"))

    def __init__(
        self,
        store: Store,
        *,
        offers: Signatures | None = None,
        newcomers: Admitting | None = None,
        guests_kept: timedelta = LIFETIME,
        clock: Callable[[], datetime] = now,
    ) -> None:
        """With `offers`, :meth:`offer` signs tokens with it, and :meth:`find` accepts them.

        With `newcomers`, only as many of them begin sessions as it admits.
        """
        super().__init__(store)
        self._offers, self._newcomers = offers, newcomers
        self._guests_kept, self._clock = min(guests_kept, LIFETIME), clock

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
        self._begin(token, user_id=user_id, name=name, operator=operator, browser=browser)
        if user_id is not None:
            self._end_oldest(user_id)
        return token

    def _end_oldest(self, user_id: str) -> None:
        """End the oldest sessions of a listener who has more than :data:`MOST_OPEN`."""
        found = self.documents.find({"user_id": user_id}, {"user_id": 1}).sort("began_at", DESCENDING)
        beyond = [session["_id"] for session in found.skip(MOST_OPEN).limit(_MOST_LISTED)]
        if beyond:
            self._end({"_id": {"$in": beyond}})

    def _begin(
        self,
        token: str,
        *,
        user_id: str | None = None,
        name: str | None = None,
        operator: bool = False,
        browser: str = "",
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
        if browser:
            session["browser"] = browser
        self.documents.insert_one(session)

    def offer(self, network: str = "") -> str:
        """A token for a new visitor, whose session as a guest begins when :meth:`find` sees it again.

        Parameters
        ----------
        network
            The network by which :class:`segue.people.newcomers.Newcomers` counts guests.
        """
        if self._offers is None:
            return self.open()
        text = f"{secrets.token_urlsafe(24)}.{int(self._clock().timestamp()):x}.{network}"
        return f"{text}.{self._offers.of(text)}"

    def _network_of_offer(self, token: str) -> str | None:
        """The network of a token that was offered; None if it was not, or longer ago than OFFERED_FOR."""
        text, _, signature = token.rpartition(".")
        if self._offers is None or not self._offers.fits(signature, text):
            return None
        _, at, *network = text.split(".")  # tokens of the former release have no network
        age = self._clock() - datetime.fromtimestamp(int(at, 16), UTC)
        return "".join(network) if age <= OFFERED_FOR else None

    def _begin_offered(self, token: str) -> bool:
        """Begin the session of an offered token; False if there is none, since its network has too many."""
        network = self._network_of_offer(token)
        if network is None or (self._newcomers and self._newcomers.is_full(network)):
            return False
        try:
            self._begin(token)
        except DuplicateKeyError:  # another request has just begun it, or it has ended
            return True
        if self._newcomers and not self._newcomers.admit(network):
            self.documents.delete_one({"_id": _hash(token)})
            return False
        return True

    def is_refused(self, token: str | None) -> bool:
        """Whether a token begins no session because its network has too many guests."""
        if not token or len(token) > _LONGEST_TOKEN or self._network_of_offer(token) is None:
            return False
        return self.documents.find_one({"_id": _hash(token)}, {"_id": 1}) is None

    def find(self, token: str | None) -> Listener | None:
        """The listener of a token's session; None if the session does not exist or has expired.

        An offered token begins a session.
        """
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        at = self._clock()
        alive = {"_id": _hash(token), "expires_at": {"$gt": at}}
        fields = {"user_id": 1, "name": 1, "operator": 1, "closed": 1, "began_at": 1, "seen_at": 1}
        session = self.documents.find_one(alive, fields)
        if session is None and self._begin_offered(token):
            session = self.documents.find_one(alive, fields)
        if session is None or session.get("closed"):
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
        if self._end({"_id": _hash(token)}):
            return
        network = self._network_of_offer(token)
        if network is None or (self._newcomers and self._newcomers.is_full(network)):
            return  # it begins no session
        began = self._clock()
        closed: LoginSession = {
            "_id": _hash(token),
            "user_id": "",
            "name": None,
            "began_at": began,
            "expires_at": began + OFFERED_FOR,
            "closed": True,
        }
        with suppress(DuplicateKeyError):  # it has ended before
            self.documents.insert_one(closed)
            if self._newcomers:  # it is stored, as a session would be
                self._newcomers.admit(network)

    def _end(self, wanted: Document) -> int:
        """End sessions; returns their number."""
        at = self._clock()
        guests = {**wanted, "name": None, "closed": None, "expires_at": {"$gt": at}}
        expired = self.documents.update_many(guests, {"$set": {"expires_at": at}}).modified_count
        return expired + self.documents.delete_many({**wanted, "name": {"$ne": None}}).deleted_count

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
        return bool(session_id) and self._end(wanted) == 1

    def end_others(self, user_id: str, session_id: str) -> int:
        """End all sessions of a listener but this one; returns their number."""
        others = {"user_id": user_id, "_id": {"$not": {"$regex": f"^{re.escape(session_id)}"}}}
        return self._end(others) if session_id else 0

    def close_all(self, user_id: str) -> int:
        """End all sessions of a listener; returns their number."""
        return self._end({"user_id": user_id})

    def former_guests(self) -> set[str]:
        """The ids of the guests whose last session has ended, also of those who have made an account."""
        now = self._clock()
        over = self.texts("user_id", {"name": None, "closed": None, "expires_at": {"$lte": now}})
        return {own for own in over if own.startswith(GUEST)} - set(
            self.texts("user_id", {"expires_at": {"$gt": now}})
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
