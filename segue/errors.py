"""The errors that users see, and the exit statuses."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Callable, Iterator

from segue.places import PROGRAM

EXIT_STATUSES = {
    0: "The command succeeded.",
    1: "The command failed, a check found a problem, or the answer to a question was no.",
    2: "The command line is wrong: an unknown command or option, a missing argument, or --yes is needed.",
    130: "Ctrl-C interrupted the command.",
    143: "SIGTERM ended the command. The stream ends with 0 instead, after the micro-batch in progress.",
}
"""The exit statuses of all commands."""


class SegueError(Exception):
    """An error that a user or operator can correct. Its text is one line: the cause, and the remedy."""

    status = 1
    """The exit status of a command that ends with this error."""


class UsageError(SegueError):
    """The command line has to be corrected."""

    status = 2


class TooLittle(SegueError):
    """There are too few data to train a model; the former model stays in use."""


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DESCRIBED: list[tuple[type[Exception], Callable[[Exception], str]]] = []


def described_by(kind: type[Exception], words: Callable[[Exception], str]) -> None:
    """Give the errors of a client library, which the lower layers do not import, their lines.

    `words` makes the line of an error: the cause, and the remedy.
    """
    _DESCRIBED.append((kind, words))


def line_of(error: BaseException) -> str | None:
    """The line of an error that a user or operator can correct; None for a defect."""
    if isinstance(error, SegueError):
        return str(error)
    if isinstance(error, OSError):
        # A file, a folder or a disk; an error of a connection without an owner is a defect here.
        if error.filename is None and error.errno not in _FULL:
            return None
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}"
    return next((words(error) for kind, words in _DESCRIBED if isinstance(error, kind)), None)


def status_of(error: Exception) -> int:
    """The exit status of a command that ends with an error."""
    return error.status if isinstance(error, SegueError) else SegueError.status


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors that a user or operator can correct into one line on standard error: for an entry point.

    Messages have the commands of a checkout; they are translated to those of this installation.
    """
    with exit_statuses(lambda line: sys.stderr.write(f"segue: {line}\n")):
        yield


@contextlib.contextmanager
def exit_statuses(tell: Callable[[str], object]) -> Iterator[None]:
    """Turn errors that a user or operator can correct into exit statuses; `tell` gets their lines."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        line = line_of(error)
        if line is None:
            raise
        tell(line.replace("./run.sh", PROGRAM))
        raise SystemExit(status_of(error)) from None
