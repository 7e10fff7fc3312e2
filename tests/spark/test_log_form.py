"""The lines of Spark's Java process have the form of Python's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime

import pytest

from segue.places import CONF
from segue.settings import load_settings
from segue.spark.pack import CONF_FILES
from segue.spark.session import _started_here

LOG = """
from pyspark import SparkContext
SparkContext._ensure_initialized()
jvm = SparkContext._jvm
logger = jvm.org.apache.logging.log4j.LogManager.getLogger("org.example.Part")
logger.warn("a message", jvm.java.lang.IllegalStateException("a cause"))
SparkContext._gateway.shutdown()
"""


def lines(file: str) -> list[str]:
    options = f"--driver-java-options -Dlog4j2.configurationFile={CONF / file} pyspark-shell"
    done = subprocess.run(
        [sys.executable, "-c", LOG],
        env={**os.environ, "PYSPARK_SUBMIT_ARGS": options},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stderr.splitlines() if "a message" in line or "a cause" in line]


@pytest.mark.integration
def test_a_line_of_text() -> None:
    line = lines("log4j2.properties")[0]
    time, level, rest = line.split(" ", 2)
    assert datetime.fromisoformat(time).tzinfo is not None
    assert (level, rest) == ("WARN", "org.example.Part: a message")


@pytest.mark.integration
def test_a_line_of_json() -> None:
    [line] = lines("log4j2-json.properties")
    found = json.loads(line)
    assert datetime.fromisoformat(found.pop("time")).tzinfo is not None
    assert "IllegalStateException: a cause" in found.pop("error")
    assert found == {"level": "WARN", "logger": "org.example.Part", "message": "a message"}


def test_both_forms_have_the_same_loggers() -> None:
    text, as_json = (
        [line for line in (CONF / name).read_text().splitlines() if re.match("logger|rootLogger.level", line)]
        for name in ("log4j2.properties", "log4j2-json.properties")
    )
    assert text == as_json
    assert {"log4j2.properties", "log4j2-json.properties"} <= set(CONF_FILES)


@pytest.mark.parametrize(
    ("form", "file"), [("text", "conf/log4j2.properties"), ("json", "conf/log4j2-json.properties")]
)
def test_a_session_gets_the_form_of_the_settings(form: str, file: str) -> None:
    settings = load_settings()
    logs = settings.logs.model_copy(update={"format": form})
    _, own = _started_here(settings.model_copy(update={"logs": logs}), tuned=True)
    assert f"-Dlog4j2.configurationFile={CONF.parent / file}" in own["spark.driver.extraJavaOptions"]
