"""API keys: with one, a program of a developer calls the API as a listener, within some scopes.

A key has 160 random bits and is sent in a header, so a digest of it is enough to recognise it: unlike an app
password, it cannot be read from the database. The requests of a key are counted in its document, so that all
processes share the count. The limit is the listener's: the requests with all their keys count together.

Delivery: a key is one document, inserted once, and removed again if it is one too many. Revoking removes it.
A request counts once; one that is repeated counts again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from segue.clock import now
from segue.phrases import marked, phrase
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

MOST = 50
"""The maximum number of keys per listener."""
LONGEST_LABEL = 64
RECOMMENDATIONS, CATALOGUE, EVENTS = "recommendations", "catalogue", "events"
SCOPES = {
    RECOMMENDATIONS: marked("read your next songs"),
    CATALOGUE: marked("search the library"),
    EVENTS: marked("send plays"),
}
"""The scopes, with the words for what they allow."""
WINDOW = timedelta(minutes=1)
"""Requests of a key are counted within it; it begins with the first one."""
PREFIX = "segue_"
"""Of every key: people and programs recognise it where it should not be."""
_BYTES = 20
_LONGEST_SECRET = 100


class ApiKeyError(ValueError):
    """A key was not created; the message is for the listener."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key, without its secret."""

    key_id: str
    user_id: str
    name: str
    """The listener's name."""
    label: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Use:
    """A request with a key."""

    key: ApiKey
    requests: int
    """Requests within the windows of all keys of the listener, with this one."""
    ends: datetime
    """The end of the first of these windows."""


class StoredApiKey(TypedDict):
    """A document of `api_keys`."""

    _id: str
    """The id: 24 hexadecimal digits."""
    user_id: str
    """The listener's id."""
    name: str
    """Name of the account."""
    label: str
    """The listener's name for the program."""
    scopes: list[str]
    """The scopes of the key: keys of :data:`SCOPES`."""
    digest: str
    """SHA-256 of the key, to find it by."""
    created_at: datetime
    """When it was created."""
    last_used_at: datetime | None
    """When a program last used it."""
    window_at: datetime | None
    """When the present window of requests began."""
    requests: Count
    """Requests within the window."""


class ApiKeys(Collection[StoredApiKey]):
    """All API keys. Safe for use by several threads."""

    name = "api_keys"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("digest",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("user_id"), Index.on("digest", unique=True))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def create(self, user_id: str, name: str, *, label: str, scopes: Iterable[str]) -> str:
        """Create a key and return it. It cannot be shown again.

        Raises
        ------
        ApiKeyError
            The label is empty or too long, no scope or an unknown one is named, or the listener has too many
            keys.
        """
        label = " ".join("".join(sign for sign in label if sign.isprintable()).split())
        if not 1 <= len(label) <= LONGEST_LABEL:
            raise ApiKeyError(phrase("The name of a program has 1 to {most} characters.", most=LONGEST_LABEL))
        wanted = set(scopes)
        if not wanted or wanted - SCOPES.keys():
            raise ApiKeyError(phrase("Choose what the key allows: {scopes}.", scopes=", ".join(SCOPES)))
        secret = f"{PREFIX}{secrets.token_hex(_BYTES)}"
        key: StoredApiKey = {
            "_id": secrets.token_hex(12),
            "user_id": user_id,
            "name": name,
            "label": label,
            "scopes": [scope for scope in SCOPES if scope in wanted],
            "digest": _digest(secret),
            "created_at": self._clock(),
            "last_used_at": None,
            "window_at": None,
            "requests": 0,
        }
        if not self.insert_within(key, {"user_id": user_id}, most=MOST):
            raise ApiKeyError(phrase("You have {most} API keys: revoke one to create another.", most=MOST))
        return secret

    def of(self, user_id: str) -> list[ApiKey]:
        """A listener's keys, the newest first."""
        found = self.documents.find({"user_id": user_id})
        return sorted(map(_api_key, found), key=lambda one: one.created_at, reverse=True)

    def revoke(self, user_id: str, key_id: str) -> bool:
        """Revoke a key; False if the listener has none with that id."""
        return self.documents.delete_one({"_id": key_id, "user_id": user_id}).deleted_count == 1

    def revoke_all(self, user_id: str) -> int:
        """Revoke all keys of a listener; returns their number."""
        return self.documents.delete_many({"user_id": user_id}).deleted_count

    def is_valid(self, key_id: str) -> bool:
        """Whether a key has not been revoked."""
        return self.documents.find_one({"_id": key_id}, {"user_id": 1}) is not None

    def use(self, secret: str) -> Use | None:
        """Count a request with this key, and note the time; None if there is no such key."""
        if not 0 < len(secret) <= _LONGEST_SECRET:
            return None
        now = self._clock()
        # A damaged count or date counts as none.
        lasts = {
            "$and": [
                {"$isNumber": "$requests"},
                {"$eq": [{"$type": "$window_at"}, "date"]},
                {"$gt": ["$window_at", now - WINDOW]},
                {"$lt": ["$window_at", now + WINDOW]},
            ]
        }
        used = self.documents.find_one_and_update(
            {"digest": _digest(secret)},
            [
                {
                    "$set": {
                        "requests": {"$cond": [lasts, {"$add": ["$requests", 1]}, 1]},
                        "window_at": {"$cond": [lasts, "$window_at", now]},
                        "last_used_at": now,
                    }
                }
            ],
            return_document=True,
        )
        if used is None:
            return None
        counted = {used["_id"]: used}
        for other in self.documents.find({"user_id": used["user_id"], "window_at": {"$gt": now - WINDOW}}):
            counted.setdefault(other["_id"], other)
        windows = [
            (own["requests"], began)
            for own in counted.values()
            if (began := own["window_at"]) is not None and now - WINDOW < began < now + WINDOW
        ]
        return Use(
            key=_api_key(used),
            requests=sum(requests for requests, _ in windows),
            ends=min(began for _, began in windows) + WINDOW,
        )


def _digest(secret: str) -> str:
    # Not slow, as for a password that a person has made up: this one is random.
    return hashlib.sha256(f"api:{secret}".encode("utf-8", "replace")).hexdigest()


def _api_key(stored: StoredApiKey) -> ApiKey:
    scopes: Sequence[str] = stored["scopes"]
    return ApiKey(
        key_id=stored["_id"],
        user_id=stored["user_id"],
        name=stored["name"],
        label=stored["label"],
        scopes=tuple(scope for scope in scopes if scope in SCOPES),
        created_at=stored["created_at"],
        last_used_at=stored["last_used_at"],
    )
