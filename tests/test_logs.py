"""The form of log lines."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from segue import logs

SERVICE = """
import logging, threading, warnings
from segue import logs
from segue.errors import SegueError
with logs.service({form!r}, level="INFO"):
    logging.getLogger("segue.part").info("it runs: %s", "ä")
    logging.getLogger("kafka.client").info("left out")
    warnings.warn("old")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    raise SegueError("a server is away: start it")
"""


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("segue.part", logging.WARNING, "file", 1, message, (), None)


def test_text_has_the_time_with_its_zone_the_level_and_the_logger() -> None:
    time, level, rest = logs.Text().format(record("a message")).split(" ", 2)
    assert datetime.fromisoformat(time).tzinfo is not None
    assert (level, rest) == ("WARNING", "segue.part: a message")


def test_json_has_the_same_in_an_object_on_one_line() -> None:
    found = json.loads(line := logs.Json().format(record("two\nlines")))
    assert "\n" not in line
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert found == {"level": "WARNING", "logger": "segue.part", "message": "two\nlines"}


def run(form: logs.Form) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", SERVICE.format(form=form)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr.splitlines()


def test_all_that_a_service_writes_is_json() -> None:
    status, lines = run("json")
    found = [json.loads(line) for line in lines]
    assert status == 1
    assert [entry["level"] for entry in found] == ["INFO", "WARNING", "CRITICAL", "CRITICAL"]
    assert found[0]["message"] == "it runs: ä"
    assert "ZeroDivisionError" in found[2]["error"]
    assert found[3]["message"] == "a server is away: start it"


def test_a_service_ends_with_a_line_that_has_date_and_level() -> None:
    status, lines = run("text")
    assert status == 1
    time, rest = lines[-1].split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo is not None
    assert rest == "CRITICAL segue: a server is away: start it"


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        ('__import__("pymongo").errors.AutoReconnect("closed")', "MongoDB does not answer any more"),
        ('OSError(28, "No space left on device", "/data/x")', "/data/x: No space left on device"),
    ],
)
def test_other_errors_of_an_operator_end_a_service_in_the_same_form(error: str, begins: str) -> None:
    code = f"""
from segue import logs
import segue.storage.mongo
with logs.service("json", level="INFO"):
    raise {error}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [entry] = map(json.loads, done.stderr.splitlines())
    assert (entry["level"], entry["message"][: len(begins)]) == ("CRITICAL", begins)


def test_a_broker_that_does_not_answer_is_reported_in_one_line() -> None:
    code = """
from segue import logs
from segue.errors import one_line_errors
from segue.settings import load_settings
from segue.storage import kafka_client, kafka_records
logs.configure("text")
kafka_client._PATIENCE_MS = 300
with one_line_errors():
    list(kafka_records.records_of(load_settings().kafka, "plays"))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SEGUE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9"},
    )
    [line] = done.stderr.splitlines()
    assert done.returncode == 1 and line.startswith("segue: Kafka does not answer at 127.0.0.1:9")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_second_configuration_replaces_the_first(
    form: logs.Form, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before = list(root.handlers), root.level
    try:
        logs.configure("text")
        logs.configure(form)
        logging.getLogger("segue.part").info("once")
        assert capsys.readouterr().err.count("once") == 1
    finally:
        root.handlers[:], root.level = before
        logging.captureWarnings(False)


def test_a_warning_of_a_command_has_the_form_of_the_settings_once(tmp_path: Path) -> None:
    """A former name of a setting is reported while the settings are loaded."""
    file = tmp_path / "settings.toml"
    file.write_text('[logs]\nformat = "json"\n[stream]\nlateness = "2 hours"\n')
    done = subprocess.run(
        [sys.executable, "-P", "-m", "segue", "--config", str(file), "settings", "show"],
        capture_output=True,
        text=True,
        check=True,
    )
    [line] = done.stderr.splitlines()
    assert "stream.allowed_lateness" in json.loads(line)["message"]
