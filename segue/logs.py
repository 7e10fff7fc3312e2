"""The form of log lines: text with an ISO 8601 time and a level, or a JSON object a line.

Spark's Java process writes the same forms (conf/log4j2.properties, conf/log4j2-json.properties).
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Literal

from segue.errors import exit_statuses

Form = Literal["text", "json"]
_NOISY = ("kafka", "py4j", "pymongo")
"""Libraries that log each connection as information."""
_REPORTED = ("kafka.net", "py4j.clientserver")
"""Loggers of errors that Segue reports in a line: kafka-python logs each of its attempts in four more, py4j
the traceback of each failed micro-batch."""
log = logging.getLogger("segue")


def _time(record: logging.LogRecord) -> str:
    """The local time with its zone, such as 2026-03-01T12:00:00.250+01:00."""
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class Text(logging.Formatter):
    """`TIME LEVEL LOGGER: MESSAGE`, and the traceback of an error below it."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return _time(record)


class Json(logging.Formatter):
    """An object with `time`, `level`, `logger`, `message`, and `error` with the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage().rstrip(),
        }
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


def formatter(form: Form) -> logging.Formatter:
    return Json() if form == "json" else Text()


class _StandardError(logging.Handler):
    """Writes to the standard error of the moment, which a test or a terminal program may replace."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record).rstrip() + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


def configure(form: Form, *, level: str = "INFO") -> None:
    """Write the log of this process to standard error; replaces an earlier configuration by this function."""
    root = logging.getLogger()
    for former in [handler for handler in root.handlers if isinstance(handler, _StandardError)]:
        root.removeHandler(former)
    handler = _StandardError()
    handler.setFormatter(formatter(form))
    root.addHandler(handler)
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in _REPORTED:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)


@contextmanager
def service(form: Form, *, level: str) -> Iterator[None]:
    """Log all that a service writes, including the error that ends it and errors of its threads.

    An error that an operator can correct becomes one line and the exit status, as with
    :func:`segue.errors.one_line_errors`.
    """
    configure(form, level=level)
    sys.excepthook = _uncaught
    threading.excepthook = lambda found: _uncaught(
        found.exc_type, found.exc_value or found.exc_type(), found.exc_traceback
    )
    with exit_statuses(lambda line: log.critical("%s", line)):
        yield


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("an error that was not expected", exc_info=(kind, error, trace))
