"""The imports of listeners: the files, the result, and whether an import was undone.

Delivery: a document for each import, written by the process that imports, and updated as it proceeds. An
import whose process has died stays `running` and is not updated any more. Importing the same files again
continues it under its number. In the same way, a removal whose process has died stays `removing`, until
somebody removes the import again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, NotRequired, TypedDict

from segue.errors import SegueError
from segue.storage.mongo import DESCENDING, DuplicateKeyError
from segue.storage.records import Count
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right

ImportState = Literal["running", "complete", "failed", "removing", "undone"]
SILENT = timedelta(minutes=2)
"""An import or a removal that has not been updated for so long has no process any more."""
INTERRUPTED = "the import was interrupted"
"""The error of an import that the same files complete."""
MOST_EXAMPLES = 200
"""Rows that are kept as examples of those left out."""


class Begun(NamedTuple):
    """An import that runs."""

    number: int
    continues: bool
    """Whether an interrupted import has the number already."""


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

    def begin(self, user_id: str, files: Sequence[str]) -> Begun:
        """Begin an import, or continue the last one of files with these names, if it is not complete.

        Whether the process of a running import has just died is not known. If it has not, both add the same
        plays under the same number.
        """
        now = datetime.now(UTC)
        names = list(files)[:100]
        for earlier in self.of(user_id):
            open_ = earlier["state"] in {"failed", "running"} or is_stalled(earlier)
            if open_ and sorted(earlier["files"]) == sorted(names):
                own = {"_id": earlier["_id"], "state": earlier["state"], "changed_at": earlier["changed_at"]}
                change = {"$set": {"state": "running", "changed_at": now}, "$unset": {"error": ""}}
                if self.documents.update_one(own, change).matched_count:
                    return Begun(earlier["number"], continues=True)
        while True:
            last = self.documents.find_one({"user_id": user_id}, {"number": 1}, sort=[("number", DESCENDING)])
            number = (last["number"] if last else 0) + 1
            run: ImportRun = {
                "_id": _id(user_id, number),
                "user_id": user_id,
                "number": number,
                "files": names,
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
            return Begun(number, continues=False)

    def update(self, user_id: str, number: int, **fields: object) -> bool:
        """Change fields of an import; returns whether it is there and nobody is removing it."""
        own = {"_id": _id(user_id, number), "state": {"$nin": ["removing", "undone"]}}
        change = {"$set": {**fields, "changed_at": datetime.now(UTC)}}
        return self.documents.update_one(own, change).matched_count > 0

    def begin_removal(self, user_id: str, number: int) -> ImportRun:
        """Mark an import as one that is being removed; returns it as it was before.

        Raises
        ------
        SegueError
            There is none with the number.
        """
        change = {"$set": {"state": "removing", "changed_at": datetime.now(UTC)}}
        before: ImportRun | None = self.documents.find_one_and_update({"_id": _id(user_id, number)}, change)
        if before is None:
            raise _no_import(number)
        return before

    def end_removal(self, user_id: str, number: int) -> None:
        """Mark an import as removed."""
        change = {"$set": {"state": "undone", "changed_at": datetime.now(UTC)}}
        self.documents.update_one({"_id": _id(user_id, number)}, change)

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
            raise _no_import(number)
        return run


def is_active(run: ImportRun) -> bool:
    """Whether a process is importing the plays, or removing them."""
    return run["state"] in {"running", "removing"} and not is_stalled(run)


def is_stalled(run: ImportRun) -> bool:
    """Whether the process that was importing or removing the plays has died."""
    silent = datetime.now(UTC) - run["changed_at"] > SILENT
    return run["state"] in {"running", "removing"} and silent


def _no_import(number: int) -> SegueError:
    return SegueError(f"there is no import {number}: `history list` shows the imports")


def _id(user_id: str, number: int) -> str:
    return f"{user_id}:{number}"
