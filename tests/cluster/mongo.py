"""A replica set of three mongods, with MongoDB's own times for elections."""

from __future__ import annotations

from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from segue.local.mongod import binary
from segue.local.process import free_port
from segue.storage.mongo import Document
from tests.cluster.processes import WARM_UP, Server
from tests.waiting import until

MEMBERS = 3
NAME = "segue"


class ReplicaSet:
    """Three members by their ports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._servers: dict[int, Server] = {}
        ports: list[int] = []
        for _ in range(MEMBERS):
            ports.append(free_port(28117, avoid=ports))
        self._ports = ports

    @property
    def uri(self) -> str:
        return f"mongodb://{','.join(f'127.0.0.1:{port}' for port in self._ports)}/?replicaSet={NAME}"

    def start(self) -> str:
        self._servers = {port: self._start(port) for port in self._ports}
        members = [{"_id": n, "host": f"127.0.0.1:{port}"} for n, port in enumerate(self._ports)]

        def initiated() -> bool:
            for server in self._servers.values():
                assert server.runs(), server.why()
            return _answers(self._ports[0], "replSetInitiate", {"_id": NAME, "members": members})

        until(initiated, "the replica set is initiated", seconds=WARM_UP)
        until(lambda: self.primary() is not None, "it has a primary", seconds=WARM_UP)
        return self.uri

    def _start(self, port: int) -> Server:
        folder = self._folder / f"mongod-{port}"
        (folder / "data").mkdir(parents=True)
        command = [str(binary()), "--replSet", NAME, "--port", str(port), "--bind_ip", "127.0.0.1"]
        command += ["--dbpath", "data", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "128"]
        return Server([*command, "--nounixsocket", "--quiet"], folder=folder)

    def primary(self) -> int | None:
        """The port of the member that takes writes."""
        return next((port for port, one in self._servers.items() if one.runs() and _is_primary(port)), None)

    def kill(self, port: int) -> None:
        self._servers[port].kill()

    def stop(self) -> None:
        for server in self._servers.values():
            server.kill()


def _client(port: int) -> MongoClient[Document]:
    return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=1000)


def _answers(port: int, command: str, value: object) -> bool:
    with _client(port) as client:
        try:
            client.admin.command(command, value)
        except PyMongoError as error:
            return getattr(error, "code", None) == 23  # AlreadyInitialized
        return True


def _is_primary(port: int) -> bool:
    with _client(port) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False
