"""`--json -`: standard output is JSON and nothing else, for every command that has the option."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from segue.cli.commands import COMMANDS
from segue.cli.main import app, load
from segue.demo.stages import Demo
from segue.demo.summary import DemoSummary
from segue.people.authentication import Authenticator
from segue.places import ROOT
from segue.plays.delivery import PlayProducer
from segue.settings import Settings
from segue.storage.store import Store
from tests.catalog.library import song
from tests.plays.examples import a_play

pytestmark = pytest.mark.integration
HAVE_IT = {
    command.name
    for command in COMMANDS
    if not command.checkout and any("--json" in each.opts for each in load(command).params)
}
WITHOUT_SERVERS = {
    "demo": "",
    "status": "",
    "doctor": "",
    "settings show": "stream",
    "library compress": "music --yes",
    "models evaluate": "--data logs --models popularity",
    "dependencies audit": "--advisories PyPI.zip --advisories Maven.zip --advisories Bitnami.zip",
    "bench": "index --quick --tracks 100",
}
"""Arguments of the commands that need neither Kafka nor MongoDB; files are in the test's folder."""
ON_SERVERS = {
    "library ingest": "music",
    "library rejected": "",
    "library features": "",
    "library update": "music",
    "library duplicates": "",
    "library forget": "",
    "library connections": "",
    "embeddings train": "",
    "index build": "",
    "index list": "",
    "index rollback": "",
    "models train": "",
    "models list": "",
    "rejected list": "",
    "engagement recount": "--check",
    "experiments report": "",
    "experiments estimate": "",
    "account list": "",
    "audit list": "",
    "history import": "Ada listens.csv",
    "history list": "Ada",
    "history unmatched": "Ada",
    "documents check": "",
    "documents list": "",
}
"""Arguments of the others, in an order in which each has something to work on."""
ON_SPARK = {"library features", "models train", "engagement recount"}
"""Those that start Spark: each in a process of its own, where Spark's Java ends with it."""


def test_no_command_is_left_out() -> None:
    assert {*WITHOUT_SERVERS, *ON_SERVERS} == HAVE_IT


def _json_of(folder: Path, *arguments: str, environment: dict[str, str], statuses: tuple[int, ...]) -> Any:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "segue", *arguments, "--json", "-"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in statuses, done.stderr
    return json.loads(done.stdout)


def _json_here(folder: Path, *arguments: str, environment: dict[str, str], statuses: tuple[int, ...]) -> Any:
    """As :func:`_json_of`, in this process, which has imported most already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(app, [*arguments, "--json", "-"])
    assert done.exit_code in statuses, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Music, session logs and advisories."""
    folder = tmp_path_factory.mktemp("json")
    for seed in range(8):
        song(folder / f"music/{seed}.flac", seed=seed)
    (folder / "music/empty.mp3").touch()
    (folder / "listens.csv").write_text("Vela,One,North Side,05 Apr 2023 18:00\n")
    (folder / "logs").mkdir()
    rows = [
        f"u{n % 3}\ts{n}\t{track}\t{1_500_000_000 + n * 9000 + 60 * place}\ta"
        for n in range(20)
        for place, track in enumerate("abc")
    ]
    (folder / "logs/log.tsv").write_text(
        "\n".join(["UserId\tSessionId\tItemId\tTime\tArtistId", *rows]) + "\n"
    )
    for ecosystem in ("PyPI", "Maven", "Bitnami"):
        advisory = {
            "id": "X-1",
            "modified": datetime.now(UTC).isoformat(),
            "affected": [
                {"package": {"ecosystem": ecosystem, "name": "g:no-such-package"}, "versions": ["1"]}
            ],
        }
        with zipfile.ZipFile(folder / f"{ecosystem}.zip", "w") as archive:
            archive.writestr("X-1.json", json.dumps(advisory))
    return folder


@pytest.mark.parametrize("name", [name for name in WITHOUT_SERVERS if name != "demo"])
def test_commands_that_need_no_server(folder: Path, name: str) -> None:
    # The doctor ends with 1 where it finds a problem.
    statuses = (0, 1) if name == "doctor" else (0,)
    assert (
        _json_of(folder, *name.split(), *WITHOUT_SERVERS[name].split(), environment={}, statuses=statuses)
        is not None
    )


def test_commands_on_servers(
    folder: Path, broker: Settings, store: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    environment = {
        "SEGUE_MONGO__URI": broker.mongo.uri,
        "SEGUE_MONGO__DATABASE": broker.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": broker.kafka.bootstrap_servers,
        "SEGUE_KAFKA__PLAYS_TOPIC": broker.kafka.plays_topic,
        "SEGUE_KAFKA__REJECTED_TOPIC": broker.kafka.rejected_topic,
        "SEGUE_INDEX__FOLDER": broker.index.folder,
        "SEGUE_MODELS__FOLDER": broker.models.folder,
        "SEGUE_SPARK__CONF": '{"spark.ui.enabled": "false"}',
        "SEGUE_SPARK__DRIVER_MEMORY": "1g",
        "SEGUE_EXPERIMENTS__VARIANTS": '{"audio": 50, "hybrid": 50}',
    }
    with PlayProducer(broker.kafka) as producer:
        for type_ in ("play", "complete", "like"):
            producer.send(a_play(user_id="ada", track_id="t1", type=type_))

    Authenticator(store).create("Ada", "correct horse")

    def call(name: str, **more: str) -> Any:
        # Plays that were never counted: the check finds a difference.
        statuses = (1,) if name == "engagement recount" else (0,)
        run = _json_of if name in ON_SPARK else _json_here
        found = run(
            folder,
            *name.split(),
            *ON_SERVERS[name].split(),
            environment=environment | more,
            statuses=statuses,
        )
        # Neither this process nor one that the command has started writes past the command's own output.
        assert capfd.readouterr().out == ""
        return found

    found = {}
    for name in ON_SERVERS:
        if name == "index rollback":
            call("index build", SEGUE_INDEX__ANNOY__N_TREES="7")
        found[name] = call(name)
    assert [entry["reason"] for entry in found["library rejected"]] == ["empty"]
    assert found["rejected list"] == []
    assert (found["history import"]["stored"], found["history unmatched"][0]["plays"]) == (1, 1)
    assert found["engagement recount"]["different"] > 0
    assert found["experiments report"]["variants"].keys() == {"audio", "hybrid"}
    assert {"audio", "hybrid"} < found["experiments estimate"]["policies"].keys()


def test_the_demo_leaves_standard_output_to_its_summary(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    summary = DemoSummary(
        tracks=1,
        tracks_rejected=0,
        recall20=1.0,
        plays_sent=1,
        plays_rejected=0,
        listeners_served=1,
        p50_ms=1.0,
        p99_ms=1.0,
        fit=None,
        fit_by_chance=None,
    )
    monkeypatch.setattr(Demo, "prepare", lambda self: self._job("--version"))
    monkeypatch.setattr(Demo, "start_stream", lambda self: None)
    monkeypatch.setattr(Demo, "replay", lambda self, **_: summary)
    monkeypatch.setattr(Demo, "down", lambda self: None)
    monkeypatch.setattr("segue.demo.cli.registered", lambda name: nullcontext())
    done = CliRunner().invoke(app, ["demo", "--check", "--json", "-"])
    assert json.loads(done.stdout) == summary.figures()
    out, err = capfd.readouterr()
    assert (out, "segue" in err) == ("", True)
