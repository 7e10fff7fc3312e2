"""The data of a demo, and their removal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segue.demo.place import COMPOSED, demo_name, demo_settings
from segue.errors import SegueError
from segue.local import process, stack
from segue.settings import Settings
from segue.storage import kafka_topics
from segue.storage.mongo import drop_database


class DemoData:
    """The data of the demo of a library; None is the composed library."""

    def __init__(self, settings: Settings, *, library: Path | None) -> None:
        self.name = demo_name(library)
        self._settings = demo_settings(settings, self.name)
        folders = [self._settings.index.folder, self._settings.spark.checkpoint_location]
        self._folders = [Path(folder.removeprefix("file:")) for folder in folders]
        if library is None:
            self._folders.append(COMPOSED)

    def lines(self) -> list[str]:
        """A line for each place of data."""
        kafka = self._settings.kafka
        return [
            f"database  {self._settings.mongo.database}",
            f"topics    {kafka.plays_topic}, {kafka.rejected_topic}",
            *(f"folder    {folder}" for folder in self._folders if folder.is_dir()),
        ]

    def remove(self) -> None:
        """Delete the database, the topics and the folders. Missing ones are skipped.

        Raises
        ------
        SegueError
            The stream or the dashboard is running, or a server cannot be reached.
        """
        for name in ("stream", "dashboard"):
            if process.running(process.read_record(process.RUN / f"{name}.json")):
                raise SegueError(f"the {name} is running: stop it first, with ./run.sh down or Ctrl-C")
        with _servers(self._settings) as settings:
            drop_database(settings.mongo)
            kafka_topics.delete(settings.kafka)
        for folder in self._folders:
            if folder.is_dir():
                shutil.rmtree(folder)


@contextmanager
def _servers(settings: Settings) -> Iterator[Settings]:
    """The servers, started for the block where they are embedded and do not run."""
    before = {record for record, runs in stack.status() if runs}
    try:
        yield stack.up(settings)
    finally:
        stack.down(only={record for record, runs in stack.status() if runs} - before)
