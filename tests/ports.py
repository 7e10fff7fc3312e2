"""Ports of servers that a test kills and starts again."""

from __future__ import annotations

from pathlib import Path

from segue.local.process import free_port


def with_ports(folder: Path, *, first: int) -> Path:
    """A folder for an embedded server, which finds its ports in it: the first free ones from `first` on.

    A server takes the first free port of a usual range. If it is away for a moment, another test's server
    may take that port, and clients would find that one.
    """
    folder.mkdir()
    port = free_port(first)
    (folder / "port").write_text(str(port))  # of a mongod
    (folder / "ports").write_text(f"{port} {free_port(first + 1, avoid=[port])}")  # of a broker
    return folder
