"""The demo's stages: each starts a job with the user's command, and waits for its result."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.markup import escape

from segue.demo.composing import composed
from segue.demo.listeners import known_styles, make_listeners
from segue.demo.place import COMPOSED, demo_settings
from segue.demo.replay import replay, songs_of
from segue.demo.summary import DemoSummary
from segue.demo.trial import Trial
from segue.errors import SegueError
from segue.local import process, stack
from segue.local.cli import fetch_jars
from segue.local.reachable import notices, operator_line
from segue.operations.stream_progress import StreamProgress
from segue.places import CHECKOUT, LOCAL, PROGRAM, ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.kafka import ensure_topics
from segue.storage.store import open_store

PATIENCE = 600
"""Seconds to wait for a server."""
SEGUE = (sys.executable, "-P", "-m", "segue")
"""The command line of a job, the same as in run.sh."""


class Demo:
    """A run of the demo. Its database, topic, index and checkpoint are separate from others by `name`."""

    def __init__(self, settings: Settings, *, name: str, library: Path | None, console: Console) -> None:
        self._library, self._console = library, console
        self._settings = demo_settings(settings, name)
        self._started: set[process.Record] = set()

    def prepare(self) -> None:
        """Prepare servers, library, features, audio space and index."""
        LOCAL.mkdir(parents=True, exist_ok=True)
        fetch_jars()
        self._say("Starting Kafka and MongoDB")
        ran_before = _running()
        try:
            self._settings = stack.up(self._settings)
        finally:
            self._started |= _running() - ran_before
        ensure_topics(self._settings.kafka, self._settings.retention)
        self._store = open_store(self._settings)
        self._folder = self._music()
        self._job("library ingest", str(self._folder))
        for command in ("library features", "embeddings train", "index build"):
            self._job(command)

    def _music(self) -> Path:
        if self._library is not None:
            return self._library
        self._say("Composing a library")
        composed(COMPOSED, console=self._console)
        return COMPOSED

    def start_stream(self) -> None:
        """Start the streaming job in the background; returns when its queries run."""
        began = datetime.now(UTC)
        record = self._background("stream", "stream run")
        with self._console.status("Starting the stream"):
            self._wait("the stream", record, lambda: self._stream_since(began))
        started = StreamProgress(self._store).started()
        self._say(f"The stream runs; Spark UI at {started.get('ui')}")

    def _stream_since(self, began: datetime) -> bool:
        started_at = StreamProgress(self._store).started().get("started_at")
        return started_at is not None and started_at >= began

    def start_dashboard(self) -> None:
        record = self._background("dashboard", "dashboard serve")
        self._wait("the dashboard", record, lambda: bool(self._dashboard_address()))
        self._say(f"The dashboard is at {self._dashboard_address()}")
        settings, address = self._settings, self._dashboard_address()
        for line in notices(settings.dashboard, database=settings.mongo.database):
            self._say(line)
        if (link := operator_line(settings.dashboard, self._store, address=address)) is not None:
            self._say(link)

    def _dashboard_address(self) -> str:
        record = process.read_record(process.RUN / "dashboard.json")
        if record is None or not record.address:
            return ""
        place = urlsplit(record.address)
        # The port takes connections before the pages have loaded.
        connection = HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=1)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, HTTPException):
            return ""
        finally:
            connection.close()
        return record.address

    def start_watch(self) -> None:
        """Watch the library's folder in the background."""
        self._background("library", "library watch", str(self._folder))
        self._say("The library is watched: new and changed songs are added")

    def replay(self, *, tracks: int, per_second: float) -> DemoSummary:
        """Send the listeners' plays and measure the results."""
        trial = Trial(self._settings, console=self._console, alive=lambda: self._check_running("stream"))
        trial.warm_up(per_second=per_second)
        return trial.measure(tracks=tracks, per_second=per_second, run=_run_name())

    def stay(self) -> None:
        """Keep everything running until Ctrl-C, with a few plays a second."""
        self._say(
            f"The listeners continue to play. Ctrl-C ends the demo; {PROGRAM} status shows its processes"
        )
        self._say(f"To use other commands with the demo: export {self._environment_line()}")
        songs = songs_of(self._store)
        with PlayProducer(self._settings.kafka) as producer:
            while True:
                listeners = make_listeners(known_styles(songs), run=_run_name())
                replay(producer, listeners, songs, tracks=12, per_second=2)
                self._check_running("stream")

    def down(self) -> None:
        """Stop the processes that this demo started, and no others."""
        with self._console.status("Stopping") as status:
            stack.down(only=self._started, waiting=lambda names: status.update(stack.waits_for(names)))

    def _job(self, command: str, *arguments: str) -> None:
        done = subprocess.run(
            [*SEGUE, *command.split(), *arguments],
            env=self._environment(),
            cwd=ROOT,
            # Standard error: standard output is for the results of the demo.
            stdout=2,
            check=False,
        )
        if done.returncode:
            raise SegueError(f"{PROGRAM} {command} ended with status {done.returncode}; see the line above")

    def _background(self, name: str, command: str, *arguments: str) -> process.Record:
        record = process.RUN / f"{name}.json"
        if other := process.running(process.read_record(record)):
            if not self._abandoned(other):
                raise SegueError(
                    f"{name} is already running (pid {other.pid}): stop it first with ./run.sh down"
                )
            self._say(f"Stopping the {name} of an earlier demo, which was killed")
            process.stop(record)
        started = process.spawn(
            [*SEGUE, *command.split(), *arguments],
            name=name,
            address="",
            log=self._log(name),
            record=record,
            folder=ROOT,
            environment=self._environment(),
        )
        self._started.add(started)
        return started

    def _abandoned(self, job: psutil.Process) -> bool:
        """Whether a job works on this demo's data and the demo that started it has ended."""
        try:
            parent = job.parent()
            starter = parent.cmdline() if parent else []
            database = job.environ().get("SEGUE_MONGO__DATABASE")
        except psutil.Error:
            return False
        return database == self._settings.mongo.database and "demo" not in starter

    def _wait(self, what: str, record: process.Record, ready: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if ready():
                return
            if process.running(record) is None:
                raise SegueError(
                    f"{what} did not start: {process.last_line(Path(record.log))} (see {record.log})"
                )
            time.sleep(0.3)
        raise SegueError(f"{what} did not answer within {PATIENCE} s: see {record.log}")

    def _check_running(self, name: str) -> None:
        if process.running(process.read_record(process.RUN / f"{name}.json")) is None:
            log = self._log(name)
            raise SegueError(f"the {name} has ended: {process.last_line(log)} (see {log})")

    def _environment(self) -> dict[str, str]:
        # An installed package does not need it.
        path = {"PYTHONPATH": str(ROOT)} if CHECKOUT else {}
        return {**os.environ, **self._variables(), **path}

    def _variables(self) -> dict[str, str]:
        s = self._settings
        return {
            "SEGUE_MONGO__URI": s.mongo.uri,
            "SEGUE_MONGO__DATABASE": s.mongo.database,
            "SEGUE_KAFKA__BOOTSTRAP_SERVERS": s.kafka.bootstrap_servers,
            "SEGUE_KAFKA__MANAGE_TOPICS": s.kafka.manage_topics,
            "SEGUE_KAFKA__PLAYS_TOPIC": s.kafka.plays_topic,
            "SEGUE_KAFKA__REJECTED_TOPIC": s.kafka.rejected_topic,
            "SEGUE_SPARK__CHECKPOINT_LOCATION": s.spark.checkpoint_location,
            "SEGUE_INDEX__FOLDER": s.index.folder,
        }

    def _environment_line(self) -> str:
        shown = {k: v for k, v in self._variables().items() if not k.endswith(("URI", "BOOTSTRAP_SERVERS"))}
        return " ".join(f"{name}={value}" for name, value in shown.items())

    def _log(self, name: str) -> Path:
        return LOCAL / "logs" / f"{name}.log"

    def _say(self, line: str) -> None:
        self._console.print(f"[bold]segue[/] {escape(line)}", highlight=False, soft_wrap=True)


def _running() -> set[process.Record]:
    return {record for record, runs in stack.status() if runs}


def _run_name() -> str:
    """A part of the listeners' ids: each replay has new listeners."""
    return time.strftime("%m%d-%H%M%S")
