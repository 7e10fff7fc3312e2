"""What the embedded servers have in common."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from segue.local import process
from segue.places import LOCAL


class EmbeddedServer:
    """A server whose data, log, ports and record are in one folder; the data stay between starts."""

    name: ClassVar[str]
    """Of its folder in `.local`, and of its process."""
    log_name: ClassVar[str]

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or LOCAL / self.name
        self.log = self.folder / self.log_name
        self.record = self.folder / "process.json"

    def address(self) -> str | None:
        """Where it answers, or None while it does not run."""
        record = process.read_record(self.record)
        return record.address if record and process.running(record) else None

    def stop(self) -> bool:
        """End it; whether it ran."""
        return process.stop(self.record)
