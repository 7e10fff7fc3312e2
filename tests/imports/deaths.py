"""Runs work that SIGKILL ends before its first, second, third ... write to MongoDB."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

from pymongo import monitoring

from segue.dashboard.queries.beliefs import Correcting
from segue.imports import importing
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.exports import Exports
from segue.imports.importing import Importer, match_again
from segue.imports.play import ImportedPlay, Song
from segue.imports.songs import Match
from segue.places import ROOT
from segue.settings import Settings
from segue.storage.store import open_store
from segue.taste.corrections import Span
from tests.imports.library import LIBRARY

_WRITES = {"insert", "update", "delete", "findAndModify"}
PART = 30
"""Rows that an import takes at once here."""
BESIDE = [
    PlayBeside(song.key(), ImportedPlay(song=song, at=1_680_717_600 + 7200 * number), Match(None))
    for number in range(40)
    for song in [Song(title=f"Song {number % 7}", artist="Vela")]
]
"""Plays that the task "keep" keeps beside the stream, on several days."""
Task = tuple[str, Path | int]


class _DeadlyWrite(monitoring.CommandListener):
    """Kills the process before it sends a write; counts from 1."""

    def __init__(self, number: int) -> None:
        self._left = number

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._left -= event.command_name in _WRITES
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def die(settings: Settings, task: Task) -> int:
    """Run a task for the listeners `u1`, `u2`, ..., each killed before the write of that number.

    The task is ("import", a file), ("undo", the number of an import), or ("keep", 0), ("match", 0) and
    ("forget", 0). The last listener's run reaches its end. Returns the number of listeners.
    """
    given = pickle.dumps((settings, task)).hex()
    done = subprocess.run(
        [sys.executable, "-m", "tests.imports.deaths", given], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout)


def _run(settings: Settings, task: Task, number: int) -> None:
    monitoring.register(_DeadlyWrite(number))
    store = open_store(settings)
    importer = Importer(store, f"u{number}")
    match task:
        case "import", Path() as file:
            importer.run(Exports([file], most_bytes=10**9), LIBRARY, files=[file.name])
        case "undo", int() as run:
            importer.undo(run)
        case "keep", _:
            BesideTheStream(store).keep(f"u{number}", BESIDE)
        case "match", _:
            match_again(store, lambda _: LIBRARY)
        case "forget", _:
            Correcting(store, f"u{number}").forget(Span(1000, 2000))


def _main() -> None:
    settings, task = pickle.loads(bytes.fromhex(sys.argv[1]))
    for number in range(1, 1000):
        child = os.fork()
        if not child:
            try:
                _run(settings, task, number)
            except BaseException as error:
                print(repr(error), file=sys.stderr)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            print(number)
            return
        if not os.WIFSIGNALED(status):
            sys.exit(1)
    sys.exit("it writes without end")


if __name__ == "__main__":
    importing._AT_ONCE = PART
    _main()
