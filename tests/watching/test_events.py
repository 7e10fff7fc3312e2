"""Reports of changes: new and moved folders, the kernel's limits, dropped reports."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from watchdog.observers.inotify_c import InotifyFD, WatchDescriptor

from segue.watching.events import FolderEvents, _Watches
from tests.memory import memory
from tests.waiting import until


class Reports:
    """Watched folders with the reports of their changes."""

    def __init__(self, **options: Any) -> None:
        self.changed = threading.Event()
        self.events = FolderEvents(self.changed.set, **options)

    def follows(self, description: str) -> None:
        """Wait for a report, and forget it."""
        until(self.changed.is_set, description)
        self.quiet()

    def quiet(self) -> None:
        """Forget all reports until none has come for a moment."""
        while self.changed.wait(0.3):
            self.changed.clear()


@pytest.fixture
def reports() -> Iterator[Reports]:
    one = Reports()
    yield one
    one.events.close()


def test_changes_of_files_and_folders_are_reported(reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert reports.events.watch([tmp_path]) == {tmp_path: ""}
    (tmp_path / "a.mp3").write_bytes(b"one")
    reports.follows("a new file")
    (tmp_path / "a.mp3").write_bytes(b"two")
    reports.follows("a changed file")
    (tmp_path / "a.mp3").rename(tmp_path / "old" / "b.mp3")
    reports.follows("a moved file")
    (tmp_path / "old" / "b.mp3").unlink()
    reports.follows("a removed file")


def test_reading_a_file_is_no_change(reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(b"one")
    reports.events.watch([tmp_path])
    (tmp_path / "a.mp3").read_bytes()
    assert not reports.changed.wait(0.5)


def test_a_folder_that_is_moved_in_is_watched_with_all_below(reports: Reports, tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "music", tmp_path / "elsewhere"
    root.mkdir()
    (elsewhere / "Album" / "CD 1" / "extra").mkdir(parents=True)
    reports.events.watch([root])
    (elsewhere / "Album").rename(root / "Album")
    reports.follows("a folder that is moved in")
    (root / "Album" / "CD 1" / "extra" / "x.mp3").touch()
    reports.follows("a file far below it")
    (root / "Album").rename(root / "Other")
    reports.follows("a renamed folder")
    (root / "Other" / "CD 1" / "new").mkdir()
    reports.follows("a new folder in the renamed one")
    (root / "Other" / "CD 1" / "new" / "x.mp3").touch()
    reports.follows("a file in it")
    (root / "Other").rename(elsewhere / "Away")
    reports.follows("a folder that is moved out")
    (elsewhere / "Away" / "y.mp3").touch()
    assert not reports.changed.wait(0.5)


def test_a_flood_of_new_files_takes_memory_for_the_folders_only(reports: Reports, tmp_path: Path) -> None:
    root = tmp_path / "music"
    root.mkdir()
    reports.events.watch([root])
    with memory() as peak:
        for album in range(50):
            folder = root / f"Album {album}"
            folder.mkdir()
            for number in range(400):
                (folder / f"{number}.mp3").touch()
        reports.follows("20,000 new files")
    assert peak() < 500_000
    if reports.events.lost:  # the kernel has dropped reports: the watch starts again
        reports.events.watch([root])
    for album in range(50):
        (root / f"Album {album}" / "0.mp3").unlink()
        reports.follows("a change in a new folder")


def test_a_link_to_a_folder_above_is_not_followed(reports: Reports, tmp_path: Path) -> None:
    root = tmp_path / "music"
    (root / "a").mkdir(parents=True)
    (root / "a" / "up").symlink_to(tmp_path)
    reports.events.watch([root])
    (tmp_path / "new.mp3").touch()
    assert not reports.changed.wait(0.5)
    (root / "a" / "new.mp3").touch()
    reports.follows("a new file")


def test_hidden_folders_and_bins_are_not_watched(reports: Reports, tmp_path: Path) -> None:
    (tmp_path / "#recycle").mkdir()
    (tmp_path / ".stversions").mkdir()
    reports.events.watch([tmp_path])
    (tmp_path / "#recycle" / "a.mp3").touch()
    (tmp_path / ".stversions" / "a.mp3").touch()
    (tmp_path / "._a.mp3").touch()
    assert not reports.changed.wait(0.5)


class Limited(InotifyFD):
    """The kernel with a limit of two watched folders."""

    def add_callback(self, *arguments: Any) -> Any:
        if len(self._watch_for_wd) >= 2:
            raise OSError(errno.ENOSPC, "inotify watch limit reached")
        return super().add_callback(*arguments)


def test_beyond_the_limit_of_watched_folders_the_reason_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reports = Reports(open_=Limited)
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    try:
        [fault] = reports.events.watch([tmp_path]).values()
        assert "max_user_watches" in fault
        assert len(caplog.records) == 1
        (tmp_path / "a.mp3").touch()
        reports.follows("a change in a folder that is watched")
    finally:
        reports.events.close()


def test_without_any_watch_the_reason_is_known(tmp_path: Path) -> None:
    def none_left() -> InotifyFD:
        raise OSError(errno.EMFILE, "inotify instance limit reached")

    [fault] = Reports(open_=none_left).events.watch([tmp_path]).values()
    assert "max_user_instances" in fault


def test_dropped_reports_ask_for_a_new_start(reports: Reports, tmp_path: Path) -> None:
    reports.events.watch([tmp_path])
    reports.events.on_queue_overflow()
    assert reports.events.lost
    assert reports.changed.is_set()
    reports.events.watch([tmp_path])
    reports.quiet()
    assert not reports.events.lost
    (tmp_path / "a.mp3").touch()
    reports.follows("a change after the new start")


def test_a_folder_that_is_gone_asks_for_a_new_start(reports: Reports, tmp_path: Path) -> None:
    root = tmp_path / "music"
    root.mkdir()
    reports.events.watch([root])
    shutil.rmtree(root)
    reports.follows("the folder is gone")
    assert reports.events.lost
    assert reports.events.watch([root])[root]


def test_watches_below_a_folder_are_found_among_it_alone() -> None:
    watches = _Watches()
    numbers = {
        path: WatchDescriptor(number) for number, path in enumerate((b"/m", b"/m/a", b"/m/a/b", b"/m/ab"))
    }
    for path, number in numbers.items():
        watches.add(number, path)
    assert sorted(watches.at_or_below(b"/m/a")) == [numbers[b"/m/a"], numbers[b"/m/a/b"]]
    assert watches.at_or_below(b"/m/a/c") == []
    assert watches.remove(numbers[b"/m/a"]) == b"/m/a"  # the kernel may report this before the folders below
    assert watches.at_or_below(b"/m/a") == [numbers[b"/m/a/b"]]
    watches.add(numbers[b"/m/a/b"], b"/m/link")  # the same folder by another path
    assert watches.at_or_below(b"/m/a") == []
    assert sorted(watches.at_or_below(b"/")) == sorted(numbers[path] for path in (b"/m", b"/m/ab", b"/m/a/b"))
    for number in numbers.values():
        watches.remove(number)
    assert not watches._inner
    assert not watches._by_path
