"""The state of the library's upkeep: the pass in progress, the last pass, and how each folder is watched.

Delivery: documents under fixed names, replaced by each write; a crash leaves the last state with its time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict, cast

from segue.storage.mongo import Document
from segue.storage.record_shapes import record_shape
from segue.storage.records import Count
from segue.storage.shapes import RecordShape
from segue.storage.store import Collection, Job, Policy, Right, Store

_PASS, _WATCH = "pass", "watch"


class LibraryPass(TypedDict, total=False):
    """The present or last pass; empty before the first."""

    step: str
    """Its step: reading, describing, placing, indexing, fingerprinting, measuring, done or failed."""
    done: Count
    """Tracks that the step has finished."""
    total: Count
    """Tracks of the step."""
    started_at: datetime
    """When the pass began."""
    at: datetime
    """When this was written."""
    summary: str
    """The result of the last complete pass."""
    summary_at: datetime
    """When the last complete pass ended."""
    fault: str | None
    """Why the last pass failed; none if it succeeded."""


class WatchedFolder(TypedDict):
    """How a folder is watched."""

    library: str
    """The name of the library."""
    folder: str
    """The folder."""
    mode: str
    """events: the operating system reports changes; polling: the folder is compared at intervals."""
    reason: str
    """Why it is polled; empty otherwise."""


class LibraryWatch(TypedDict, total=False):
    """The watch; empty before the first."""

    folders: list[WatchedFolder]
    """The folders and how each is watched."""
    at: datetime
    """When the watch last was alive."""
    trained_plays: Count
    """Plays in the topic when the watch last trained the models."""


class LibraryStatus(Collection[Document]):
    """The state of the present or last pass over the library, and that of the watch."""

    shapes = (LibraryPass, LibraryWatch)
    name = "library_status"
    policy = Policy(
        computed=True,
        access={Job.CATALOGUE: Right.WRITE, Job.DASHBOARD: Right.READ, Job.OPERATOR: Right.READ},
    )

    def shape_of(self, document: Mapping[str, Any]) -> RecordShape:
        return record_shape(LibraryWatch if document.get("_id") == _WATCH else LibraryPass)

    def __init__(self, store: Store, *, written: Callable[[], None] = lambda: None) -> None:
        """`written` is called after each write."""
        super().__init__(store)
        self._written = written

    def begin(self) -> None:
        """Note that a pass begins."""
        self._set(_PASS, {"step": "reading", "done": 0, "total": 0, "started_at": datetime.now(UTC)})

    def progress(self, step: str, *, done: int = 0, total: int = 0) -> None:
        """Note the progress of the pass."""
        self._set(_PASS, {"step": step, "done": done, "total": total})

    def end(self, summary: str) -> None:
        """Note that the pass is complete."""
        self._set(_PASS, {"step": "done", "summary": summary, "summary_at": datetime.now(UTC), "fault": None})

    def fail(self, fault: str) -> None:
        """Note why the pass failed."""
        self._set(_PASS, {"step": "failed", "fault": fault})

    def watch(self, folders: Sequence[WatchedFolder]) -> None:
        """Note how the folders are watched, and that the watch is alive."""
        self._set(_WATCH, {"folders": list(folders)})

    def trained(self, plays: int) -> None:
        """Note the plays that the models have been trained on."""
        self._set(_WATCH, {"trained_plays": plays})

    def trained_plays(self) -> int:
        """Plays in the topic when the watch last trained the models; 0 before."""
        return self.watched().get("trained_plays", 0)

    def last_pass(self) -> LibraryPass:
        """The present or last pass."""
        return cast(LibraryPass, self.documents.find_one({"_id": _PASS}) or {})

    def words(self) -> str:
        """The pass in progress and the result of the last one, in a line."""
        present = self.last_pass()
        step, total = present.get("step", ""), present.get("total", 0)
        parts = []
        if step and step not in ("done", "failed"):
            parts.append(step + (f" {present.get('done', 0):,} of {total:,}" if total else ""))
        if fault := present.get("fault"):
            parts.append(f"the last pass failed: {fault}")
        if "summary" in present and "summary_at" in present:
            parts.append(f"pass of {present['summary_at']:%Y-%m-%d %H:%M} UTC: {present['summary']}")
        return "; ".join(parts) or "no pass yet"

    def watched(self) -> LibraryWatch:
        """The folders of the watch."""
        return cast(LibraryWatch, self.documents.find_one({"_id": _WATCH}) or {})

    def _set(self, name: str, fields: Document) -> None:
        self.documents.update_one({"_id": name}, {"$set": {**fields, "at": datetime.now(UTC)}}, upsert=True)
        self._written()
