"""Reports of changes below folders, by inotify.

Only folders are remembered, and a report says no more than that something has changed: the pass that follows
compares the whole folder. So neither a flood of reports nor a lost one does harm.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchDescriptor,
)

from segue.catalog.left_out import is_left_out, leads_back

log = logging.getLogger(__name__)
_MASK = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)
"""Reading a file reports nothing, so a pass does not cause the next one."""
_LIMITS = {
    errno.ENOSPC: "the limit of watched folders, fs.inotify.max_user_watches, is reached",
    errno.EMFILE: "the limit of watches, fs.inotify.max_user_instances, is reached",
    errno.ENOMEM: "the kernel has no memory for more watched folders",
    errno.ENOSYS: "this system has no inotify",
}
_OWN = CallbackId(0)


class FolderEvents:
    """Calls `changed` after a change in a watched folder or below, from a thread of its own."""

    def __init__(self, changed: Callable[[], None], *, open_: Callable[[], InotifyFD] = InotifyFD) -> None:
        self._changed, self._open = changed, open_
        self._lock = threading.RLock()
        self._inotify: InotifyFD | None = None
        self._watches = _Watches()
        self._roots: dict[bytes, str] = {}
        self._watched: dict[bytes, tuple[int, int] | None] = {}
        self._lost = False

    def watch(self, roots: Iterable[Path]) -> dict[Path, str]:
        """Watch folders and all folders below, in place of those watched before.

        Returns
        -------
        For each folder, why changes may stay unreported; empty if all are reported.
        """
        with self._lock:
            self.close()
            self._lost = False
            self._roots = {os.fsencode(root): "" for root in roots}
            self._watched = {root: _identity(root) for root in self._roots}
            try:
                self._inotify = self._open()
                self._inotify.start()
            except OSError as error:
                self._roots = dict.fromkeys(self._roots, _reason(error))
                return self.faults()
            for root in self._roots:
                self._add_tree(root)
            return self.faults()

    def faults(self) -> dict[Path, str]:
        """For each folder, why changes may stay unreported; empty if all are reported."""
        return {Path(os.fsdecode(root)): fault for root, fault in self._roots.items()}

    @property
    def lost(self) -> bool:
        """Whether to call :meth:`watch` again: reports were lost, or a folder is gone, back or another."""
        return self._lost or any(_identity(root) != folder for root, folder in self._watched.items())

    def close(self) -> None:
        """End all watches."""
        with self._lock:
            inotify, self._inotify = self._inotify, None
            self._watches = _Watches()
        if inotify is not None:
            inotify.stop()

    # Called by the thread that reads the reports.

    def on_event(self, event: InotifyEvent) -> None:
        """Watch new folders, and pass on that something has changed."""
        with self._lock:
            folder = self._watches.path(event.wd)
            if folder is None:
                return
            if event.is_delete_self or event.is_move_self:
                self._lost |= folder in self._roots
            name = event.name
            if name and is_left_out(os.fsdecode(name), is_folder=event.is_directory):
                return
            path = folder.rstrip(b"/") + b"/" + name if name else folder
            if event.is_directory and event.is_moved_from:
                self._drop_tree(path)
            elif event.is_directory and (event.is_create or event.is_moved_to):
                self._add_tree(path)
        self._changed()

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Forget a folder that was removed or unmounted."""
        with self._lock:
            folder = self._watches.remove(wd)
            self._lost |= folder in self._roots
        if folder is not None:
            self._changed()

    def on_queue_overflow(self) -> None:
        """Ask for a new start: the kernel has dropped reports, among them those of new folders."""
        log.warning("the kernel has dropped reports of changes: the folders are compared as a whole")
        self._lost = True
        self._changed()

    def _add_tree(self, top: bytes) -> None:
        """Watch a folder, then those in it: one that appears in between is reported or found."""
        self._drop_tree(top)
        seen: set[tuple[int, int]] = set()
        folders = [top]
        while folders and self._inotify is not None:
            folder = folders.pop()
            try:
                status = Path(os.fsdecode(folder)).stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                self._watches.add(self._inotify.add_callback(folder, _MASK, self, _OWN), folder)
                with os.scandir(folder) as entries:
                    folders += [entry.path for entry in entries if _is_music_folder(entry)]
            except OSError as error:
                if error.errno in _LIMITS:
                    self._note(folder, _reason(error))
                    return
                if folder in self._roots:
                    self._note(folder, error.strerror or str(error))

    def _note(self, folder: bytes, fault: str) -> None:
        for root in self._roots:
            if (folder == root or folder.startswith(root.rstrip(b"/") + b"/")) and not self._roots[root]:
                self._roots[root] = fault
                log.warning("%s: %s: it is compared at intervals", os.fsdecode(root), fault)

    def _drop_tree(self, top: bytes) -> None:
        for wd in self._watches.at_or_below(top):
            self._watches.remove(wd)
            if self._inotify is not None:
                self._inotify.remove_callbacks([(wd, _OWN)])


class _Watches:
    """The watched folders, as a tree: to find those below a folder, no others are looked at."""

    def __init__(self) -> None:
        self._paths: dict[WatchDescriptor, bytes] = {}
        self._by_path: dict[bytes, WatchDescriptor] = {}
        self._inner: dict[bytes, set[bytes]] = {}
        """The folders in a folder that are watched, or have watched ones below."""

    def path(self, wd: WatchDescriptor) -> bytes | None:
        return self._paths.get(wd)

    def add(self, wd: WatchDescriptor, path: bytes) -> None:
        """Note a folder. The kernel has one watch for a folder with two paths; the last one counts."""
        self.remove(wd)
        self._paths[wd], self._by_path[path] = path, wd
        while path not in self._inner.get(parent := _parent(path), ()) and parent != path:
            self._inner.setdefault(parent, set()).add(path)
            path = parent

    def remove(self, wd: WatchDescriptor) -> bytes | None:
        """Forget a folder; returns its path."""
        removed = path = self._paths.pop(wd, None)
        if path is None:
            return None
        if self._by_path.get(path) == wd:
            del self._by_path[path]
        while path not in self._by_path and not self._inner.get(path):
            parent = _parent(path)
            inner = self._inner.get(parent)
            if inner is None:
                break
            inner.discard(path)
            if not inner:
                del self._inner[parent]
            path = parent
        return removed

    def at_or_below(self, top: bytes) -> list[WatchDescriptor]:
        """The watches of a folder and of all folders below it."""
        found, paths = [], [top]
        while paths:
            path = paths.pop()
            if path in self._by_path:
                found.append(self._by_path[path])
            paths += self._inner.get(path, ())
        return found


def _parent(path: bytes) -> bytes:
    return path.rpartition(b"/")[0] or b"/"


def _identity(folder: bytes) -> tuple[int, int] | None:
    """The device and inode of a folder, which change when a disk is mounted there; None if it is gone."""
    try:
        status = Path(os.fsdecode(folder)).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_music_folder(entry: os.DirEntry[bytes]) -> bool:
    try:
        if not entry.is_dir() or is_left_out(os.fsdecode(entry.name), is_folder=True):
            return False
        return not (entry.is_symlink() and leads_back(Path(os.fsdecode(entry.path))))
    except OSError:  # a link to itself
        return False


def _reason(error: OSError) -> str:
    return _LIMITS.get(error.errno or 0) or error.strerror or str(error)
