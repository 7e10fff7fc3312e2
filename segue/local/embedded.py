"""The base class of the embedded servers."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from segue.local import process
from segue.places import LOCAL


class EmbeddedServer:
    """A server whose data, log, ports and record are in one folder; the data stay between starts."""

    name: ClassVar[str]
    """The name of its folder in `.local` and of its process."""
    log_name: ClassVar[str]

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or LOCAL / self.name
        self.log = self.folder / self.log_name
        self.record = self.folder / "process.json"

    def address(self) -> str | None:
        """The server's address, or None if it is not running."""
        record = process.read_record(self.record)
        return record.address if record and process.running(record) else None

    def stop(self) -> bool:
        """Stop the server; returns whether it was running."""
        return process.stop(self.record)
