"""The one error that a user is meant to read."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from segue.places import PROGRAM


class SegueError(Exception):
    """Something a user or operator can put right. Its text is one line: what is wrong, and what to do."""


class TooLittle(SegueError):
    """There is too little to learn a model from; what was learned before stays in use."""


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a :class:`SegueError` into one line on standard error and exit status 1: for an entry point.

    Messages are written for a checkout; the commands in them are shown as this installation has them.
    """
    try:
        yield
    except SegueError as error:
        text = str(error).replace("./run.sh", PROGRAM)
        sys.stderr.write(f"segue: {text}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
