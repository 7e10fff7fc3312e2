"""`./run.sh library watch`: brings everything up to date after each change in the folders of music.

Delivery: that of :mod:`segue.batch_jobs.update_library`. A change during a pass causes another pass; after a
restart, the first pass finds everything that has changed meanwhile.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from segue.batch_jobs import build_index
from segue.batch_jobs.connected_library import is_due
from segue.batch_jobs.library_pass import ServersToRead
from segue.batch_jobs.update_library import libraries_of, run
from segue.batch_jobs.update_summary import UpdateSummary
from segue.catalog.library import Library
from segue.collections import prepare
from segue.connected.connections import Connection, Connections
from segue.errors import SegueError, line_of, one_line_errors
from segue.figures import say
from segue.local.process import registered
from segue.local.stack import connected
from segue.operations.library_status import LibraryStatus, WatchedFolder
from segue.places import LOCAL, ROOT
from segue.processes import ended_by_sigterm
from segue.settings import Settings, load_settings
from segue.storage.kafka_topics import end_offsets
from segue.storage.mongo import PyMongoError
from segue.storage.store import Job, Store, open_store
from segue.watching.events import FolderEvents
from segue.watching.mounts import MOUNTINFO, remote_mount

log = logging.getLogger(__name__)
_LONGEST_WAIT = 12
"""Settle times after which a pass begins even though changes continue, as when a tagger is at work."""
LIFE = LOCAL / "run" / "library.alive"
_LIFE_SECONDS = 60.0
"""The longest time between two signs of life while nothing changes."""
_RETRY_SECONDS = 30.0
"""Seconds until the next pass after one that failed."""


def watch_library(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders of music. Default: those of the setting library.folders."),
    ] = None,
) -> None:
    """Watch folders of music and connected servers, and bring everything up to date, until Ctrl-C.

    A new song can be played after library.settle_time, and is recommended after its sound has been analysed.
    On network disks, and beyond the system's limit of watched folders, the folders are compared at intervals
    (library.poll_interval), and connected servers are asked at intervals (servers.catalogue_interval).
    Nothing in a folder of music is written, moved or deleted.

    Example: ./run.sh library watch ~/Music

    Example: ./run.sh library watch ~/Music /mnt/nas/Vinyl
    """
    with one_line_errors():
        settings = load_settings()
        settings = connected(settings, kafka=settings.library.retrain_plays > 0)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        libraries = libraries_of(settings, folders or [], servers=Connections(store).all())
        watch = Watch(settings, store, libraries)
        address = ", ".join(str(folder) for library in libraries for folder in library.folders) or "servers"
        with ended_by_sigterm(), registered("library", address=address):
            for folder in watch.begin():
                polled = f" (compared at intervals: {folder['reason']})" if folder["reason"] else ""
                say(f"watching {folder['folder']}{polled}")
            try:
                watch.keep(said=lambda summary: say(summary.sentence()))
            except KeyboardInterrupt:
                say("the watch has ended; nothing is lost")
            finally:
                watch.close()


def _show_life() -> None:
    """Touch the file by whose time a deployment sees that the watch works."""
    LIFE.parent.mkdir(parents=True, exist_ok=True)
    LIFE.touch()


class Watch:
    """Passes over libraries, one after each change."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        libraries: Sequence[Library],
        *,
        mountinfo: Path = MOUNTINFO,
        events: Callable[[Callable[[], None]], FolderEvents] = FolderEvents,
    ) -> None:
        self._settings, self._store, self._libraries = settings, store, list(libraries)
        self._mountinfo = mountinfo
        self._status = LibraryStatus(store, written=_show_life)
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._events = events(self._changed.set)
        self._reasons: dict[Path, str] = {}
        self._complete = self._away = False

    def begin(self) -> list[WatchedFolder]:
        """Watch the folders; returns how each is watched."""
        every = [folder for library in self._libraries for folder in library.folders]
        remote = {folder: remote_mount(folder, mountinfo=self._mountinfo) for folder in every}
        self._reasons = {
            folder: f"{mount.place} is a network disk ({mount.kind})"
            for folder, mount in remote.items()
            if mount
        }
        local = [folder for folder in every if folder not in self._reasons]
        self._events.watch(local)
        return self.folders()

    def folders(self) -> list[WatchedFolder]:
        """How each folder is watched at present."""
        reasons = {**self._events.faults(), **self._reasons}
        return [
            WatchedFolder(
                library=library.name,
                folder=str(folder),
                mode="polling" if reasons.get(folder) else "events",
                reason=reasons.get(folder, ""),
            )
            for library in self._libraries
            for folder in library.folders
        ]

    def keep(self, *, said: Callable[[UpdateSummary], None] = lambda summary: None) -> None:
        """Make a pass now and after each change, until :meth:`close`; `said` gets passes with changes."""
        scanned = polled = passed = float("-inf")
        retry = False
        while not self._ended.is_set():
            folders = self.folders()
            self._note(folders)
            settings, now = self._settings.library, time.monotonic()
            # A disk that is mounted again is not reported.
            by_poll = self._away or any(folder["mode"] == "polling" for folder in folders)
            due = [scanned + settings.full_scan_interval.total_seconds()]
            if by_poll:
                due.append(polled + settings.poll_interval.total_seconds())
            if retry:
                due.append(passed + settings.settle_time.total_seconds())
            if self._has_due_server():
                due.append(now)
            if self._changed.wait(min(_LIFE_SECONDS, max(0.0, min(due) - now))):
                self._settle()
            elif time.monotonic() < min(due):
                continue
            if self._ended.is_set():
                return
            scanned = polled = time.monotonic()
            summary = self._pass(by_poll=by_poll)
            passed = time.monotonic()
            retry = summary is None or summary.waiting + summary.unmeasured + summary.unfingerprinted > 0
            if summary is None:
                self._ended.wait(_RETRY_SECONDS)
            elif summary.has_news:
                said(summary)

    def close(self) -> None:
        """End :meth:`keep` and the watches."""
        self._ended.set()
        self._changed.set()
        self._events.close()

    def _settle(self) -> None:
        """Wait until nothing has changed for the settle time, or changes continue for too long."""
        seconds = self._settings.library.settle_time.total_seconds()
        for _ in range(_LONGEST_WAIT):
            self._changed.clear()
            if self._ended.is_set() or not self._changed.wait(seconds):
                return
        self._changed.clear()

    def _pass(self, *, by_poll: bool) -> UpdateSummary | None:
        """One pass; None if it failed, which the status says.

        A change ends the measurement of loudness, so that new songs need not wait for it. Where changes are
        not reported, it ends after the interval of comparisons.
        """
        began, limit = time.monotonic(), self._settings.library.poll_interval.total_seconds()

        def measuring() -> bool:
            changed = self._changed.is_set() or self._ended.is_set()
            return not changed and not (by_poll and time.monotonic() - began > limit)

        try:
            if self._events.lost:
                self.begin()
            summary = run(
                self._settings,
                self._store,
                self._libraries,
                quiet=True,
                only_changes=self._complete,
                measuring=measuring,
                status=self._status,
                servers=ServersToRead(self._due_servers()),
            )
            self._complete, self._away = True, bool(summary.faults or summary.away)
            for fault in summary.faults:
                log.warning("%s", fault)
            self._retrain()
        # After any fault of a file, a disk or a server, the next pass may succeed.
        except Exception as error:
            line = line_of(error)
            log.warning("the pass failed and is repeated: %s", line or repr(error), exc_info=line is None)
            self._complete = False
            return None
        return summary

    def _due_servers(self) -> list[Connection]:
        """The connected servers that are to be asked now."""
        return [one for one in Connections(self._store).all() if is_due(one, self._settings)]

    def _has_due_server(self) -> bool:
        try:
            return bool(self._due_servers())
        except PyMongoError:  # the pass would fail as well
            return False

    def _note(self, folders: Sequence[WatchedFolder]) -> None:
        """Note that the watch is alive, unless MongoDB is away."""
        try:
            self._status.watch(folders)
        except PyMongoError as error:
            log.warning("the state of the watch is not stored: %s", line_of(error))

    def _retrain(self) -> None:
        """Train the models if enough plays are new, and take them into the index."""
        least = self._settings.library.retrain_plays
        if not least:
            return
        plays = sum(end_offsets(self._settings.kafka).values())
        before = self._status.trained_plays()
        if plays - before < least and plays >= before:
            return
        self._status.progress("training")
        command = [sys.executable, "-P", "-m", "segue", "models", "train"]
        if subprocess.run(command, cwd=ROOT, check=False, stdout=2).returncode:
            raise SegueError("models train failed: see the line above")
        self._status.trained(plays)
        build_index.run(self._store, self._settings.index, extend=True)
