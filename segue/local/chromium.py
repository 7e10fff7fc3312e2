"""The Chromium of this machine, for pictures, benchmarks and tests."""

from __future__ import annotations

import shutil

from segue.errors import SegueError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""For a headless browser."""


def program() -> str:
    """The path of Chromium.

    Raises
    ------
    SegueError
        It is not installed.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise SegueError("Chromium is not installed: apt install chromium")
    return found
