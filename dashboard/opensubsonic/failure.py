"""The protocol's errors."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """The protocol's error codes."""

    GENERIC = 0
    MISSING_PARAMETER = 10
    WRONG_CREDENTIALS = 40
    TOKENS_NOT_SUPPORTED = 41
    MECHANISM_NOT_SUPPORTED = 42
    CONFLICTING_MECHANISMS = 43
    INVALID_API_KEY = 44
    NOT_ALLOWED = 50
    NOT_FOUND = 70


class ProtocolError(Exception):
    """A call failed; the message is for the user of the app."""

    def __init__(
        self, code: Code, message: str, *, status: int = 200, retry_after: int | None = None
    ) -> None:
        """`status` is the HTTP status: 200 but for a server that is not available."""
        super().__init__(message)
        self.code, self.message, self.status, self.retry_after = code, message, status, retry_after


def not_found(what: str) -> ProtocolError:
    """An object that does not exist, or that the caller does not see."""
    return ProtocolError(Code.NOT_FOUND, f"There is no such {what}.")


def missing(name: str) -> ProtocolError:
    """A required parameter is missing."""
    return ProtocolError(Code.MISSING_PARAMETER, f"The parameter {name} is missing.")


def invalid(name: str, reason: str) -> ProtocolError:
    """A parameter has a value that the protocol does not allow."""
    return ProtocolError(Code.MISSING_PARAMETER, f"The parameter {name} is invalid: {reason}.")
