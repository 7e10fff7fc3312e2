"""Whether folders can be written to. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

from segue.doctor.check import Check, ok, problem


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def writable(name: str, folder: Path, *, found: str, setting: str) -> Check:
    """Check that this user may write to a folder, or create it."""
    there = existing(folder)
    if os.access(there, os.W_OK):
        return ok(name, found)
    fix = f"give this user the right to write to {there}, or change the setting {setting}"
    return problem(name, f"{found}: this user may not write to {there}", fix)
