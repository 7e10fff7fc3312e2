"""Three servers, the first with a user and the others empty, as deploy/compose starts them: one set."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from pymongo import MongoClient

from segue.errors import SegueError
from segue.local import process
from segue.local.mongod import binary
from segue.settings import MongoSettings, load_settings
from segue.storage import mongo_users
from segue.storage.mongo import Document, connect
from tests.waiting import until

pytestmark = pytest.mark.integration
PASSWORD = "hush-root"


class Member:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record = folder / "process.json"
        (folder / "data").mkdir(parents=True)
        (folder / "key").write_text("a2V5IG9mIHRoZSBzZXQ=")
        (folder / "key").chmod(0o600)
        self.port = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> None:
        with process.starting("mongod"):
            self.port = self.port or process.free_port(29117)
            command = [
                str(binary()),
                *("--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"),
                *("--dbpath", str(self.folder / "data"), "--wiredTigerCacheSizeGB", "0.25", *arguments),
            ]
            log = self.folder / "log"
            process.spawn(command, name="m", address=self.host, log=log, record=self.record)
            until(lambda: process.accepts(self.port), "mongod to answer")

    def guarded(self) -> None:
        self.start("--replSet", "segue", "--keyFile", str(self.folder / "key"), "--oplogSize", "64")

    def with_root(self) -> None:
        """As the image of MongoDB does at its first start: without any guard, for a moment."""
        self.start()
        with MongoClient[Document](self.host, serverSelectionTimeoutMS=600_000) as client:
            client.admin.command("createUser", "segue-admin", pwd=PASSWORD, roles=["root"])
        process.stop(self.record)


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[Member]]:
    three = [Member(tmp_path / name) for name in ("one", "two", "three")]
    three[0].with_root()
    for member in three:
        member.guarded()
    yield three
    for member in three:
        process.stop(member.record, patience=5)


@pytest.fixture
def settings(members: list[Member]) -> MongoSettings:
    hosts = ",".join(member.host for member in members)
    base = load_settings().mongo
    return base.model_copy(
        update={
            "uri": f"mongodb://{hosts}/?replicaSet=segue&w=majority",
            "username": "segue-admin",
            "password": SecretStr(PASSWORD),
            "timeout": timedelta(seconds=20),
        }
    )


def test_three_servers_become_one_replica_set(members: list[Member], settings: MongoSettings) -> None:
    hosts = [member.host for member in members]
    with pytest.raises(SegueError, match="cannot initiate the replica set: Authentication failed"):
        mongo_users.initiate(settings.model_copy(update={"password": SecretStr("wrong")}), hosts)
    assert mongo_users.initiate(settings, hosts) is True
    database = connect(settings)
    database.tracks.insert_one({"_id": "t1"})  # by a majority
    assert mongo_users.initiate(settings, hosts) is False
    status = database.client.admin.command("replSetGetStatus")
    assert sorted(member["name"] for member in status["members"]) == sorted(hosts)
