"""A deployment as an earlier version left it: its settings file, database, index, checkpoints and topic."""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from kafka import KafkaProducer
from pymongo.database import Database

from segue.settings import Settings, load_settings
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import Document, connect

DATA = Path(__file__).with_name("data")


@dataclass(frozen=True)
class Earlier:
    """The deployment on today's machine, and the earlier version's description of it."""

    settings: Settings
    database: Database[Document]
    facts: dict[str, Any]
    """Versions in use, rejected records, and the number of plays sent before the upgrade."""
    records: list[dict[str, Any]]
    """Of the plays topic: those before the upgrade, then those after it."""

    def active(self, kind: str) -> str:
        """The version of a kind of model that is in use."""
        return str(self.facts["active"][f"active:{kind}"])

    def send_what_came_after(self) -> None:
        """Send the plays that came after the upgrade."""
        _send(self.settings, self.records[self.facts["sent_before"] :])

    def expected(self) -> dict[str, list[Document]]:
        """By collection, the documents that the earlier version made of all plays, before and after."""
        return read_dump(DATA / "expected.bson.gz")[0]


@pytest.fixture(scope="module")
def earlier(mongo_uri: str, bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Earlier]:
    """Put back in place, once for all tests: they bring nothing out of line that another looks at."""
    folder = tmp_path_factory.mktemp("earlier")
    with put_back(folder, mongo_uri=mongo_uri, database="test_upgrade", bootstrap=bootstrap) as found:
        ensure_topics(found.settings.kafka)
        _send(found.settings, found.records[: found.facts["sent_before"]])
        yield found


@contextmanager
def put_back(folder: Path, *, mongo_uri: str, database: str, bootstrap: str) -> Iterator[Earlier]:
    """The files and the database of the deployment; the database is removed at the end."""
    for name in ("checkpoints", "index"):
        with tarfile.open(DATA / f"{name}.tar.xz") as archive:
            archive.extractall(folder / name, filter="data")
    with pytest.MonkeyPatch.context() as patch:
        for key, value in {
            "CONF": DATA / "settings.toml",
            "MONGO__URI": mongo_uri,
            "MONGO__DATABASE": database,
            "KAFKA__BOOTSTRAP": bootstrap,
            "SPARK__CHECKPOINT": folder / "checkpoints",
            "INDEX__FOLDER": folder / "index",
            "MODELS__FOLDER": folder / "models",
        }.items():
            patch.setenv(f"SEGUE_{key}", str(value))
        settings = load_settings()
    stored = connect(settings.mongo)
    stored.client.drop_database(stored.name)
    documents, indexes = read_dump(DATA / "database.bson.gz")
    for name, of_collection in documents.items():
        stored[name].insert_many(of_collection)
    for name, known in indexes.items():
        for index in known:
            keys, options = list(index.pop("key").items()), index
            options.pop("v")
            if options["name"] != "_id_":
                stored[name].create_index(keys, **options)
    records = (DATA / "records.jsonl.gz").read_bytes()
    yield Earlier(
        settings=settings,
        database=stored,
        facts=json.loads((DATA / "facts.json").read_text()),
        records=[json.loads(line) for line in gzip.decompress(records).splitlines()],
    )
    stored.client.drop_database(stored.name)
    stored.client.close()


def read_dump(file: Path) -> tuple[dict[str, list[Document]], dict[str, list[Document]]]:
    """The documents and the indexes of each collection."""
    documents: dict[str, list[Document]] = {}
    indexes: dict[str, list[Document]] = {}
    options: CodecOptions[Document] = CodecOptions(tz_aware=True)
    for record in bson.decode_all(gzip.decompress(file.read_bytes()), options):
        if "c" in record:
            documents.setdefault(record["c"], []).append(record["d"])
        else:
            indexes = record["indexes"]
    return documents, indexes


def _send(settings: Settings, records: list[dict[str, Any]]) -> None:
    """Send records to the partitions where they were; they get the same offsets there."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap_servers, acks="all")
    for record in records:
        value, key = record["value"], record["key"]
        sent = producer.send(
            settings.kafka.plays_topic,
            key=None if key is None else key.encode(),
            value=None if value is None else value.encode("latin-1"),
            partition=record["partition"],
        )
        assert sent.get(timeout=60).offset == record["offset"]
    producer.close()
