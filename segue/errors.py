"""The errors that users see, and the exit statuses."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator

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


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a :class:`SegueError`, and an unusable file, into one line on standard error: for an entry point.

    Messages have the commands of a checkout; they are translated to those of this installation.
    """
    try:
        yield
    except SegueError as error:
        text = str(error).replace("./run.sh", PROGRAM)
        sys.stderr.write(f"segue: {text}\n")
        raise SystemExit(error.status) from None
    except OSError as error:
        # A file, a folder or a disk that the user can correct; an error of a connection is a defect here.
        if error.filename is None and error.errno != errno.ENOSPC:
            raise
        place = "" if error.filename is None else f"{error.filename}: "
        sys.stderr.write(f"segue: {place}{error.strerror}\n")
        raise SystemExit(SegueError.status) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
