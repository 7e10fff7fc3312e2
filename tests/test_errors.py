"""Errors that a user or operator can correct end a command with one line."""

from __future__ import annotations

import errno

import pytest
from kafka.errors import KafkaTimeoutError
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from segue.errors import SegueError, one_line_errors
from segue.storage import kafka_client, mongo

CLIENTS = (kafka_client, mongo)
"""They give the errors of their libraries the lines."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ServerSelectionTimeoutError("127.0.0.1:1: timed out"), "MongoDB does not answer"),
        (AutoReconnect("connection closed"), "MongoDB does not answer"),
        (OperationFailure("not authorized on segue", 13), "MongoDB refuses an operation"),
        (DocumentTooLarge("BSON document too large"), "BSON document too large"),
        (BulkWriteError({"writeErrors": [{"errmsg": "disk full", "code": 14031}]}), "disk full"),
        (KafkaTimeoutError("no answer"), "Kafka does not answer"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EFBIG, "File too large"), "File too large"),
        (PermissionError(errno.EACCES, "Permission denied", "/srv/music"), "/srv/music: Permission denied"),
        (SegueError("the cause: the remedy"), "the cause: the remedy"),
    ],
)
def test_a_command_that_is_interrupted_by_an_error_says_why(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error
    assert end.value.code == 1
    said = capsys.readouterr().err
    assert line in said and said.startswith("segue: ")
    assert said.count("\n") == 1


def test_a_defect_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), one_line_errors():
        raise ZeroDivisionError
