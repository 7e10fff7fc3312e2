"""A Prometheus of the test's own, with the deployed rules, that scrapes one process every second."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import yaml

from segue.local.process import free_port
from segue.places import ROOT
from tests.waiting import until

PROMETHEUS = shutil.which("prometheus")


class Prometheus:
    """Runs while the block runs."""

    def __init__(self, folder: Path, *, job: str, port: int) -> None:
        self._folder, self._port = folder, free_port(29090)
        target = {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
        folder.mkdir()
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ROOT / "deploy" / "prometheus" / "rules.yml")],
            "scrape_configs": [target],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))

    def __enter__(self) -> Prometheus:
        assert PROMETHEUS
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROMETHEUS,
                    f"--config.file={self._folder}/prometheus.yml",
                    f"--storage.tsdb.path={self._folder}/data",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                ],
                stdout=log,
                stderr=log,
            )
        until(self._answers, "Prometheus answers")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            self.firing()
        except OSError:
            return False
        return True

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/v1/alerts") as answer:
            alerts = json.load(answer)["data"]["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
