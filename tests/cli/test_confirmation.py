"""Commands that destroy or replace data ask first: on a terminal; elsewhere they need --yes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from typer.testing import CliRunner, Result

from segue.catalog.track import Track
from segue.catalog.track_files import TrackFiles
from segue.cli.commands import COMMANDS
from segue.cli.main import app, load
from segue.collections import prepare
from segue.connected.connections import Connections
from segue.imports.runs import Imports
from segue.people.authentication import Authenticator
from segue.places import ROOT
from segue.privacy.backup import backup
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Job, Store
from segue.streaming_jobs.checkpoint import contract

pytestmark = pytest.mark.integration
ASK = {
    "listener forget": "Ada",
    "listener export": "Ada --output export.zip",
    "library compress": "music",
    "library forget": "",
    "library disconnect": "home",
    "stream repair": "",
    "account delete": "Ada",
    "account disable": "Ada",
    "account reset": "Ada",
    "backup restore": "--replace backup.gz",
    "data remove-demo": "",
    "documents forget": "tracks:gone",
    "history undo": "Ada 1",
    "engagement recount": "",
}
"""Arguments with which each command that has --yes asks for confirmation."""
MISSING = Track(
    track_id="gone",
    library="music",
    path="/music/b.mp3",
    title="B",
    artist="A",
    album=None,
    genres=(),
    duration_ms=200_000,
    track=None,
    year=None,
    cover_id=None,
    size=1,
    modified_ns=1,
)


def test_no_command_is_left_out() -> None:
    have_it = {
        command.name
        for command in COMMANDS
        if not command.checkout and any("--yes" in each.opts for each in load(command).params)
    }
    assert ASK.keys() == have_it


def test_the_upgrade_notes_list_the_commands_that_ask() -> None:
    notes = (ROOT / "docs" / "upgrade-notes.md").read_text()
    assert [name for name in ASK if f"| `{name}" not in notes] == []


class World:
    """A database, files and a damaged checkpoint, and the commands on them."""

    def __init__(self, settings: Settings, database: Database[Document], folder: Path) -> None:
        self._database, self._folder = database, folder
        self._environment = {
            "PYTHONPATH": str(ROOT),
            "SEGUE_HOME": str(folder / "home"),
            "SEGUE_MONGO__URI": settings.mongo.uri,
            "SEGUE_MONGO__DATABASE": database.name,
            # No question needs Kafka.
            "SEGUE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "SEGUE_SPARK__CHECKPOINT_LOCATION": str(folder / "checkpoints"),
        }

    def run_here(self, name: str) -> Result:
        """Run a command in this process, without a terminal; SEGUE_HOME has no effect any more."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self._folder)
            for variable, value in self._environment.items():
                patch.setenv(variable, value)
            return CliRunner().invoke(app, [*name.split(), *ASK[name].split()])

    def run(
        self, name: str, *, terminal: bool = True, answer: bytes = b""
    ) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-P", "-m", "segue", *name.split(), *ASK[name].split()]
        ours, theirs = pty.openpty()
        try:
            os.write(ours, answer)
            return subprocess.run(
                line,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdin=theirs if terminal else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
        finally:
            os.close(ours)
            os.close(theirs)

    def state(self) -> tuple[Any, ...]:
        documents = {
            name: list(self._database[name].find().sort("_id"))
            for name in self._database.list_collection_names()
        }
        files = {
            str(path.relative_to(self._folder)): path.read_bytes()
            for path in self._folder.rglob("*")
            if path.is_file()
        }
        return documents, files


@pytest.fixture
def world(settings: Settings, store: Store, database: Database[Document], tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    for path, content in {
        "export.zip": "an earlier export",
        "music/a.mp3": "a recording",
        "checkpoints/made_with/part-0": json.dumps(contract(settings)),
        "checkpoints/recommend/metadata": '{"id": "a"}',
        "checkpoints/recommend/offsets/0": "",
        "checkpoints/recommend/commits/0": "v1\n{}",
        "checkpoints/demo/made_with/part-0": "{}",
        "home/library/a.mp3": "a composed track",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    account = Authenticator(store).create("Ada", "correct horse")
    Imports(store).begin(account.user_id, ["listens.csv"])
    Connections(store).add(
        {
            "_id": "home",
            "address": "http://127.0.0.1:1",
            "user": "segue",
            "method": "token",
            "encrypted": b"x",
            "connected_at": datetime(2020, 1, 1, tzinfo=UTC),
        }
    )
    prepare(store, Job.CATALOGUE)
    tracks = TrackFiles(store)
    tracks.write([MISSING])
    tracks.mark_vanished(["gone"])
    database.tracks.update_one({"_id": "gone"}, {"$set": {"missing_since": datetime(2020, 1, 1, tzinfo=UTC)}})
    backup(store, folder / "backup.gz")
    database.damaged_documents.insert_one({"_id": "tracks:gone", "collection": "tracks"})
    yield World(settings, database, folder)


@pytest.mark.parametrize("name", [name for name in ASK if name != "data remove-demo"])
def test_without_a_terminal_yes_is_needed(world: World, name: str) -> None:
    before = world.state()
    done = world.run_here(name)
    assert done.exit_code == 2, done.stderr
    assert done.stderr.endswith("add --yes to confirm\n")
    assert world.state() == before


def test_without_a_terminal_the_files_in_segue_home_stay(world: World) -> None:
    before = world.state()
    done = world.run("data remove-demo", terminal=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.endswith("add --yes to confirm\n")
    assert world.state() == before


@pytest.mark.parametrize("name", ASK)
def test_no_on_a_terminal_changes_nothing(world: World, name: str) -> None:
    before = world.state()
    done = world.run(name, answer=b"n\n")
    assert done.returncode == 1, done.stderr
    assert "[y/N]" in done.stderr
    assert done.stderr.rstrip().endswith("Aborted!")
    assert world.state() == before


def test_yes_on_a_terminal_is_carried_out(world: World) -> None:
    before = world.state()
    done = world.run("account delete", answer=b"y\n")
    assert done.returncode == 0, done.stderr
    assert world.state() != before
