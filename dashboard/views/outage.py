"""Pages while MongoDB is away: one sentence, and the page again when it is back."""

from __future__ import annotations

import logging
import time

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException, StopException, get_script_run_ctx

from segue.dashboard.text import outage
from segue.dashboard.visit import services
from segue.storage.mongo import is_away

_WAIT_SECONDS = 5.0
_LOGGER = "streamlit.error_util"


def show_outage(error: Exception) -> bool:
    """For `st.App(on_script_error=…)`: whether the error is shown as an outage.

    Streamlit calls it for pages, fragments and callbacks alike.
    """
    if not services().availability.failed(error):
        return False
    try:
        st.info(outage(), icon=":material/hourglass_empty:")
        _wait()
        st.rerun()
    except StopException:
        pass  # the visitor has left
    except RerunException as again:
        # Here Streamlit would drop the request: our own, or that of the visitor for another page.
        if (context := get_script_run_ctx()) and context.script_requests:
            context.script_requests.request_rerun(again.rerun_data)
    return True


def _wait() -> None:
    """Wait until MongoDB answers, for a few seconds: a page that was left must not keep its thread."""
    end = time.monotonic() + _WAIT_SECONDS
    while services().availability.is_away and time.monotonic() < end:
        time.sleep(0.2)


def keep_outages_out_of_the_log() -> None:
    """Streamlit logs each error with a traceback before it asks :func:`show_outage`; one line is enough."""
    logging.getLogger(_LOGGER).addFilter(_is_no_outage)


def _is_no_outage(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return error is None or not is_away(error)
