"""A standalone master and workers, each worker with an address, a folder and a bare Python of its own."""

from __future__ import annotations

import json
import urllib.request
import venv
from pathlib import Path

import pyspark

from segue.local.process import free_port
from tests.cluster.processes import SHORT_LIVED, WARM_UP, Server, bare_environment
from tests.waiting import until

HOME = Path(pyspark.__file__).parent
"""The Spark of the pip package, as installed on a cluster's machines."""
_CLASS = str(HOME / "bin" / "spark-class")


class Standalone:
    """A master on 127.0.0.1 and two workers on 127.0.0.2 and 127.0.0.3."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port(17077)
        self._ui = free_port(18080, avoid=[self._port])
        self._servers: list[Server] = []

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self._port}"

    @property
    def workers(self) -> list[Server]:
        return self._servers[1:]

    def start(self) -> str:
        ports = ["--port", str(self._port), "--webui-port", str(self._ui)]
        master = [_CLASS, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", *ports]
        self._servers = [
            Server(master, folder=self._folder / "master", environment=_environment("127.0.0.1")),
            *(self._worker(number) for number in (2, 3)),
        ]
        until(lambda: self.alive() == 2, "both workers are there", seconds=WARM_UP)
        return self.master

    def _worker(self, number: int) -> Server:
        folder, address = self._folder / f"worker-{number}", f"127.0.0.{number}"
        # Nothing is installed in it, and nothing of the machine's own Python is seen from it.
        venv.create(folder / "python", with_pip=False)
        command = [_CLASS, "org.apache.spark.deploy.worker.Worker", "--host", address, "--webui-port", "0"]
        command += ["--cores", "2", "--memory", "900m", "--work-dir", str(folder / "work"), self.master]
        environment = _environment(address)
        environment["PATH"] = f"{folder / 'python' / 'bin'}:{environment['PATH']}"
        environment["SPARK_LOCAL_DIRS"] = str(folder / "local")
        return Server(command, folder=folder, environment=environment)

    def alive(self) -> int:
        """How many workers the master holds to be there."""
        for server in self._servers:
            assert server.runs(), server.why()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._ui}/json/", timeout=2) as answer:
                return int(json.load(answer)["aliveworkers"])
        except (OSError, ValueError):  # it is not there yet, or has its first page but not this one
            return 0

    def stop(self) -> None:
        for server in reversed(self._servers):
            server.kill()


def _environment(address: str) -> dict[str, str]:
    own = {
        "SPARK_LOCAL_IP": address,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": f"{SHORT_LIVED} -Dspark.master.rest.enabled=false",
    }
    return bare_environment(SPARK_HOME=str(HOME), **own)
