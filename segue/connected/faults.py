"""The faults of another server, as errors that an operator or a listener can act on."""

from __future__ import annotations

from segue.errors import SegueError

LONGEST_ASKED = 86_400.0
"""Seconds: a server that asks for a longer pause is called again after this time."""


class ServerFault(SegueError):
    """Another server did not answer a request as it should."""


class ServerAway(ServerFault):
    """The server cannot be reached, is too slow, fails, or asks for a pause: a later attempt may succeed.

    Attributes
    ----------
    pause
        The seconds for which the server asks not to be called; None if it does not say.
    """

    def __init__(self, text: str, *, pause: float | None = None) -> None:
        super().__init__(text)
        self.pause = None if pause is None else min(pause, LONGEST_ASKED)


class LogInRefused(ServerFault):
    """The server refuses the name and the password, or the key."""


class NoSuchThing(ServerFault):
    """The server says that it has no such song or playlist."""


class UnexpectedAnswer(ServerFault):
    """The answer is not one of OpenSubsonic, or is too large."""


class RefusedCall(UnexpectedAnswer):
    """The server speaks OpenSubsonic, and answers with another error of the protocol.

    Attributes
    ----------
    code
        The number of the error; None if the server gives none.
    """

    def __init__(self, text: str, *, code: int | None = None) -> None:
        super().__init__(text)
        self.code = code


class NotAllowed(RefusedCall):
    """The account may not do this on the server."""


class NameNeeded(SegueError):
    """An API key was given without the name of its account, which the server does not tell."""
