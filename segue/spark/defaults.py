"""Segue's defaults for Spark, from conf/spark-defaults.conf and conf/spark-cluster.conf."""

from __future__ import annotations

import re
from pathlib import Path

from segue.places import CONF, LOCAL
from segue.spark.checkpoint_files import LOW_LATENCY

_POOLS = "fairscheduler.xml"
_TUNING = "# Low latency"
"""The line of conf/spark-defaults.conf below which all values are for latency."""


def defaults(*, tuned: bool = True) -> dict[str, str]:
    """The values of conf/spark-defaults.conf, a file that spark-submit can read, too.

    With `tuned`, the queries of the stream share the cores as conf/fairscheduler.xml says.

    The lines for the files of a checkpoint are left out: they depend on its location
    (:mod:`segue.spark.checkpoint_files`).
    """
    text = (CONF / "spark-defaults.conf").read_text()
    values = _values(text if tuned else text.partition(_TUNING)[0])
    own = {
        key: _from_any_folder(value, options=key.endswith("JavaOptions"))
        for key, value in values.items()
        if key not in LOW_LATENCY
    }
    if tuned:
        # Not in the file: Spark does not start without it, and spark-submit may run in any folder.
        own |= {"spark.scheduler.mode": "FAIR", "spark.scheduler.allocation.file": str(CONF / _POOLS)}
    return own


def cluster_defaults() -> dict[str, str]:
    """The values for a cluster: those of conf/spark-cluster.conf over those that are not for latency."""
    return defaults(tuned=False) | values_of(CONF / "spark-cluster.conf")


def values_of(file: Path) -> dict[str, str]:
    """The key-value lines of a file in the format of spark-submit's --properties-file."""
    return _values(file.read_text())


def _values(text: str) -> dict[str, str]:
    lines = (
        line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")
    )
    return {key: value.strip() for key, value in lines}


def _from_any_folder(value: str, *, options: bool) -> str:
    """Make paths absolute: they are relative to the project's folder, but a job may run in any folder.

    An installed package has its configuration and its jars elsewhere.

    `options` are split at spaces, and one with a path in it is quoted.
    """
    if options:
        return " ".join(f'"{_absolute(option)}"' for option in value.split())
    return _absolute(value)


def _absolute(value: str) -> str:
    folders = {"conf/": CONF, ".local/": LOCAL}
    return re.sub(r"(?<![\w/])(conf/|\.local/)", lambda match: f"{folders[match[1]]}/", value)
