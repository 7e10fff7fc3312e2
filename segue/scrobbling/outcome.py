"""The result of a delivery to a service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from segue.phrases import marked

TOO_OLD, TOO_NEW, NOT_TAKEN, DAILY_LIMIT = "too-old", "too-new", "not-taken", "daily-limit"
CREDENTIALS, UNREADABLE, SERVER_KEY, AWAY, BUSY = "credentials", "unreadable", "server-key", "away", "busy"
NOT_OFFERED = "not-offered"
WORDS = {
    TOO_OLD: marked("too old for the service"),
    TOO_NEW: marked("from the future, for the service"),
    NOT_TAKEN: marked("not accepted by the service"),
    DAILY_LIMIT: marked("the service takes no more plays today"),
    CREDENTIALS: marked("the service no longer accepts the connection: connect again"),
    UNREADABLE: marked("the stored connection cannot be read: connect again"),
    SERVER_KEY: marked("the service does not accept this server's key: tell the person who runs it"),
    NOT_OFFERED: marked("this server does not offer the service any more"),
    AWAY: marked("the service does not answer"),
    BUSY: marked("the service asks to wait"),
}
"""The reasons, in words for the listener."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of sending scrobbles. Those that are neither taken nor refused are sent again later."""

    taken: frozenset[str] = frozenset()
    """Ids of the scrobbles that the service has."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """By id, why the service will never take a scrobble: a key of :data:`WORDS`."""
    problem: str | None = None
    """Why the others have to wait: a key of :data:`WORDS`."""
    wait_seconds: float | None = None
    """How long the service asks to wait before the next delivery."""
    split: bool = False
    """Whether the service refused all for one of them: they are to be sent one by one."""
    ended: bool = False
    """Whether the listener has to connect again."""


def all_taken(ids: list[str], *, wait_seconds: float | None = None) -> Outcome:
    """The service has all of them."""
    return Outcome(taken=frozenset(ids), wait_seconds=wait_seconds)


def refused_request(ids: list[str]) -> Outcome:
    """The service does not take the request as it is."""
    if len(ids) > 1:
        return Outcome(split=True)
    return Outcome(refused=dict.fromkeys(ids, NOT_TAKEN))
