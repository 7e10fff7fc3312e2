"""Waiting for a MongoDB that is away, as long as the settings' `stream.outage`."""

from __future__ import annotations

import logging
from datetime import timedelta

from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_delay, wait_exponential

from segue.storage.mongo import is_away

log = logging.getLogger(__name__)


def patient(outage: timedelta) -> Retrying:
    """Calls a function again while MongoDB is away; writing twice must do no harm."""
    return Retrying(
        retry=retry_if_exception(is_away),
        wait=wait_exponential(multiplier=0.2, max=5),
        stop=stop_after_delay(outage),
        before_sleep=before_sleep_log(log, logging.WARNING),
        reraise=True,
    )
