"""The first parts of paths, and the programs that call them: each kind has errors of its own form."""

from __future__ import annotations

import enum
import re

APPS, LISTENS, DEVELOPERS = "/rest", "/1", "/api/v1"
"""Below them are OpenSubsonic, ListenBrainz, and the API for developers, whose root belongs to it, too."""
_ROUTES = ("/api/", "/_stcore/", "/static/", "/component/", "/media/", "/s/", "/offline")
"""Beginnings of other paths that are no pages."""
_SOUND = re.compile(rf"/(api|s/[^/]+)/audio/[^/]+|{APPS}/(stream|download|getTranscodeStream)(\.view)?")


class Callers(enum.Enum):
    """Who calls a path."""

    BROWSERS = enum.auto()
    """Segue's own pages and their player."""
    MUSIC_APPS = enum.auto()
    SCROBBLERS = enum.auto()
    """Programs that submit listens."""
    DEVELOPERS = enum.auto()
    """Programs of developers."""


def callers_of(path: str) -> Callers:
    """Who calls a path, which need not exist."""
    if path == DEVELOPERS or path.startswith(f"{DEVELOPERS}/"):
        return Callers.DEVELOPERS
    if path.startswith(f"{APPS}/"):
        return Callers.MUSIC_APPS
    if path.startswith(f"{LISTENS}/"):
        return Callers.SCROBBLERS
    return Callers.BROWSERS


def is_of_pages(path: str) -> bool:
    """Whether a path may be that of a page."""
    return callers_of(path) is Callers.BROWSERS and not path.startswith(_ROUTES)


def is_sound(path: str) -> bool:
    """Whether a path is that of a recording."""
    return _SOUND.fullmatch(path) is not None
