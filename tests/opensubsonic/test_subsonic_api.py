"""An evening with subsonic-api, a client from npm, over HTTP (node/evening.mjs)."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from segue.dashboard.services import Services
from segue.settings import Settings
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import App

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")),
        reason="node and npm run the client subsonic-api: install nodejs and npm",
    ),
]
PROGRAM = Path(__file__).with_name("node")


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, with its package from the registry."""
    folder = tmp_path_factory.mktemp("node")
    for file in PROGRAM.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "evening.mjs"


@pytest.mark.parametrize("way", ["token", "key", "form"])
def test_an_evening(way: str, ada: App, address: int, program: Path, services: Services) -> None:
    login = {"username": "Ada", "password": ada.app_password}
    ways: dict[str, dict[str, Any]] = {
        "token": {"auth": login},
        "key": {"auth": {"apiKey": ada.app_password}},
        "form": {"auth": login, "post": True},
    }
    done = subprocess.run(
        ["node", program, f"http://127.0.0.1:{address}", json.dumps(ways[way])],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    played = json.loads(done.stdout)
    kinds = [(event["track_id"], event["type"]) for event in in_kafka(services.settings)]
    assert kinds == [
        (played["heard"], "play"),
        (played["heard"], "complete"),
        (played["skipped"], "play"),
        (played["skipped"], "skip"),
        (played["submitted"], "play"),
        (played["submitted"], "complete"),
        (played["heard"], "like"),
        (played["heard"], "unlike"),
    ]
