"""Errors of programs' requests, for all protocols: each puts a failure into its own form."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException

from segue.dashboard.retry_after import retry_after
from segue.errors import SegueError
from segue.people.authentication import TooManyGuesses
from segue.people.login_failures import WINDOW
from segue.storage.availability import Availability

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a request has no answer: the HTTP status, the text for the visitor, and the headers."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


AWAY = Failure(status=503, text="The database does not answer: try again in a moment.", headers=retry_after())


def failure_of(error: Exception, availability: Availability) -> Failure:
    """The failure that an error means; an error that nobody expects goes to the log."""
    match error:
        case TooManyGuesses():
            return Failure(status=429, text=str(error), headers=retry_after(WINDOW.total_seconds()))
        case HTTPException():
            return Failure(status=error.status_code, text=str(error.detail), headers=error.headers or {})
    if availability.failed(error):
        return AWAY
    if isinstance(error, SegueError):  # its text is for operators
        log.warning("a request was not answered: %s", error)
        text = "Segue cannot answer this now: try again in a moment."
        return Failure(status=503, text=text, headers=retry_after())
    log.error("a request failed", exc_info=error)
    return Failure(status=500, text="Segue could not answer this request.")
