"""The imports of listeners: the files, the result, and whether an import was undone.

Delivery: a document for each import, written by the process that imports, and updated as it proceeds. An
import whose process has died stays `running` and is not updated any more; importing the files again
completes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NotRequired, TypedDict

from segue.errors import SegueError
from segue.storage.mongo import DESCENDING, DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

ImportState = Literal["running", "complete", "failed", "undone"]
SILENT = timedelta(minutes=2)
"""An import that has not been updated for so long has no process any more."""
MOST_EXAMPLES = 200
"""Rows that are kept as examples of those left out."""


class RowLeftOut(TypedDict):
    """A row that was left out."""

    file: str
    """The name of the file."""
    row: int
    """The number of the row, from 1; 0 for the whole file."""
    reason: str
    """The reason; see the events and records."""


class ImportRun(TypedDict):
    """A document of `imports`."""

    _id: str
    """"<user id>:<number>"."""
    user_id: str
    """The listener's id."""
    number: Count
    """The number of the import, from 1 for each listener."""
    files: list[str]
    """Names of the files."""
    state: ImportState
    """State of the import."""
    started_at: datetime
    """When it began."""
    changed_at: datetime
    """When it was last updated."""
    rows: Count
    """Rows that were read."""
    stored: Count
    """Plays that are new."""
    known: Count
    """Plays that had been imported before."""
    left_out: dict[str, Count]
    """Rows that were left out, by reason."""
    examples: list[RowLeftOut]
    """The first of these rows."""
    unknown_files: list[str]
    """Files that are not a listening history."""
    first_at: NotRequired[datetime | None]
    """When the first play began."""
    last_at: NotRequired[datetime | None]
    """When the last play began."""
    error: NotRequired[str]
    """Why the import failed."""


class Imports(Collection[ImportRun]):
    """The imports of listening histories, with their counts."""

    name = "imports"
    policy = Policy(
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index(keys=[("user_id", 1), ("number", DESCENDING)]),)

    def begin(self, user_id: str, files: Sequence[str]) -> int:
        """Begin an import; returns its number."""
        now = datetime.now(UTC)
        while True:
            last = self.documents.find_one({"user_id": user_id}, {"number": 1}, sort=[("number", DESCENDING)])
            number = (last["number"] if last else 0) + 1
            run: ImportRun = {
                "_id": _id(user_id, number),
                "user_id": user_id,
                "number": number,
                "files": list(files)[:100],
                "state": "running",
                "started_at": now,
                "changed_at": now,
                "rows": 0,
                "stored": 0,
                "known": 0,
                "left_out": {},
                "examples": [],
                "unknown_files": [],
            }
            try:
                self.documents.insert_one(run)
            except DuplicateKeyError:  # another process was quicker
                continue
            return number

    def update(self, user_id: str, number: int, **fields: object) -> None:
        """Change fields of an import."""
        self.documents.update_one(
            {"_id": _id(user_id, number)}, {"$set": {**fields, "changed_at": datetime.now(UTC)}}
        )

    def of(self, user_id: str) -> list[ImportRun]:
        """A listener's imports, the last first."""
        return list(self.documents.find({"user_id": user_id}).sort("number", DESCENDING))

    def one(self, user_id: str, number: int) -> ImportRun:
        """An import.

        Raises
        ------
        SegueError
            There is none with the number.
        """
        run = self.documents.find_one({"_id": _id(user_id, number)})
        if run is None:
            raise SegueError(f"there is no import {number}: `history list` shows the imports")
        return run


def is_stalled(run: ImportRun) -> bool:
    """Whether the process of a running import has died."""
    return run["state"] == "running" and datetime.now(UTC) - run["changed_at"] > SILENT


def _id(user_id: str, number: int) -> str:
    return f"{user_id}:{number}"
