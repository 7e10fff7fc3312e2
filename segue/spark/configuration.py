"""The configuration of a Spark session: the user's values, Segue's defaults, and a few required values.

=====================================  ===============================================================
started by                             the user's values are
=====================================  ===============================================================
`segue stream run` and the batch jobs  the table `[spark.conf]` of the settings
`spark-submit`                         the properties file and each `--conf`, as spark-submit merged them
=====================================  ===============================================================

A default applies if the user gives no value. A required value replaces the user's, with a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Required:
    """A value that Segue's results depend on."""

    value: str
    reason: str


REQUIRED: Mapping[str, Required] = {
    "spark.sql.session.timeZone": Required("UTC", "windows and days are counted in UTC"),
    "spark.sql.adaptive.enabled": Required(
        "false", "the partitions of a stateful query must not be merged while it runs"
    ),
}


def configuration(*, given: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The values to set on the session.

    Parameters
    ----------
    given
        The user's values.
    defaults
        Segue's own, by the way in which the session is started.

    Returns
    -------
    dict
        All of `given` and `defaults`, with precedence for `given`, and :data:`REQUIRED`. Each required value
        that replaces one of `given` is logged as a warning.
    """
    for key, required in REQUIRED.items():
        if key in given and given[key].lower() != required.value.lower():
            log.warning("%s is %s, not %s: %s", key, required.value, given[key], required.reason)
    return {**defaults, **given, **{key: required.value for key, required in REQUIRED.items()}}
