"""All generated pages, and writing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from segue.documentation.reference import (
    benchmarks,
    bundle,
    collections,
    commands,
    events,
    exit_statuses,
    http_api,
    metrics,
    permissions,
    settings,
)

PAGES: Mapping[str, Callable[[], str]] = {
    "settings": settings.render,
    "commands": commands.render,
    "exit-statuses": exit_statuses.render,
    "http-api": http_api.render,
    "events-and-records": events.render,
    "collections": collections.render,
    "index-bundle": bundle.render,
    "metrics": metrics.render,
    "permissions": permissions.render,
    "benchmarks": benchmarks.render,
}
"""By the name of the file without `.md`."""


def write(folder: Path) -> list[Path]:
    """Write all pages into a folder; returns those that changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, render in PAGES.items():
        file, text = folder / f"{name}.md", render()
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
            changed.append(file)
    return changed
