"""Fixtures: a real broker, a real mongod and a Spark session for the whole run, in folders of their own."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import hypothesis
import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.collections import OWNERS, POLICIES
from segue.demo.library import DemoTrack, compose_library
from segue.local.jars import ensure_jars
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.local.scratch import scratch
from segue.places import LOCAL, ROOT
from segue.settings import Settings, load_settings
from segue.spark.defaults import defaults
from segue.spark.session import session
from segue.storage.kafka import ensure_topics
from segue.storage.mongo import Document, connect
from segue.storage.store import Store
from tests.compiled_code import FOLDER, compiled_loops, copied, loops, read_code
from tests.data_in_memory import data_in_memory
from tests.passwords import hash_quickly
from tests.seconds import seconds_of
from tests.waiting import PATIENCE

for _name in [name for name in os.environ if name.startswith("SEGUE_")]:
    del os.environ[
        _name
    ]  # the tests set the values they need; a developer's own settings must not change them
os.environ["SEGUE_INDEX__MIN_DURATION"] = "0 seconds"  # short melodies stand for songs
gc.disable()  # until the tests are collected
hash_quickly()
# Brokers and Sparks live a few minutes here: the better compiler would cost more than it saves. The code of
# the simpler one is larger than its default room, and hot methods would be removed and compiled again.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
# Some environments forbid it; here a hundred processes would compile the same modules again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Two that compile at once spoil each other's code (segue.audio.librosa), and tests load more of librosa than
# the code does: each side has a folder of its own, kept between runs.
_SIDE = os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.environ["NUMBA_CACHE_DIR"] = str(copied(FOLDER / _SIDE))
# Each training of a session space compiles the same functions again. All sides share a folder, because JAX
# compiles again what it cannot read.
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(LOCAL / "jax")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

_SERVERS = {"mongo_uri", "bootstrap", "guarded_uri", "guarded_broker"}
"""Fixtures of the whole run that start a server."""
_DESCRIBES_SOUND = {"audio", "benchmarks", "test_composed.py", "test_similar_route.py"}
"""Files or folders whose tests load librosa, as Spark's workers do."""
_STREAMING, _CHROMIUM = "streaming on Spark", "Chromium"
_PARTS = {
    name: tuple(f"{name}, {n} of {count}" for n in range(1, count + 1))
    for name, count in ((_STREAMING, 3), (_CHROMIUM, 2))
}
"""The groups whose files are dealt to parts; one after the other they would end last."""
_LIGHT = {
    # By default, a query without work asks Kafka a hundred times a second. Here, many processes share a core,
    # and streams mostly wait: three queries that ask twenty times a second take a seventh of a core.
    "spark.sql.streaming.pollingDelay": "250ms",
    # A second of processor time at each start. Tests of the UI have their own settings.
    "spark.ui.enabled": "false",
}
"""Features that a Spark of tests does without."""

_DEFAULTS = load_settings()
"""Read once: it takes 30 ms, and most tests need them."""

# The same examples on every run. Fresh ones: ./run.sh test fuzz, which is --hypothesis-profile fuzz.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests that run side by side (pytest-xdist), those that share something take turns on one side.

    Each side has at most one Chromium, one Spark, one broker and one mongod of those that are shared. In a
    fresh clone, librosa is compiled for Spark's workers, and again for the tests of sound. A file's fixtures
    are made once. The longest groups begin first, so that all sides end together; run.sh asks xdist to keep
    the order.
    """
    groups = {item: _group(item) for item in items}
    seconds = seconds_of(map(_file, items))
    for name, parts in _PARTS.items():
        part_of = dealt([_file(item) for item in items if groups[item] == name], parts, seconds)
        groups |= {item: part_of[_file(item)] for item, group in groups.items() if group == name}
    lengths = defaultdict[str, float](float)
    for item, group in groups.items():
        lengths[group] += seconds[_file(item)]
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: (-lengths[groups[item]], groups[item]))


def pytest_collection_finish() -> None:
    """The modules of the tests are imported: their objects stay, and the garbage collector ignores them."""
    gc.freeze()
    gc.enable()
    if compiled_loops().is_dir():
        read_code(loops(), compiled_loops())


def dealt(files: list[str], parts: Sequence[str], seconds: Mapping[str, float]) -> dict[str, str]:
    """One of the parts for each file, given the file of each test: all parts take as long."""
    lengths = {file: tests * seconds[file] for file, tests in Counter(files).items()}
    part_of, sums = dict[str, str](), dict.fromkeys(parts, 0.0)
    for file, length in sorted(lengths.items(), key=lambda one: (-one[1], one[0])):
        part_of[file] = min(sums, key=sums.__getitem__)
        sums[part_of[file]] += length
    return part_of


def _file(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).as_posix()


def _group(item: pytest.Item) -> str:
    if mark := item.get_closest_marker("xdist_group"):
        return str(mark.args[0])
    fixtures = set(getattr(item, "fixturenames", ()))
    if "spark" in fixtures:
        return _STREAMING if item.path.parent.name == "streaming" else "Spark"
    if _DESCRIBES_SOUND.intersection(item.path.parts):
        return "librosa"
    if item.get_closest_marker("browser"):
        return _CHROMIUM
    if _SERVERS & fixtures or item.get_closest_marker("integration"):
        return f"servers of {item.path.parent.name}"
    return _file(item)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit puts each page's script in the place of `__main__`; processes spawned later would run it."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with data_in_memory(tmp_path_factory.mktemp("mongod")) as folder:
        server = Mongod(folder)
        uri = server.start()
        with MongoClient[Document](uri) as client:
            # Documents of long ago, which tests write, would disappear at some moment.
            client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
        yield uri
        server.stop()


@pytest.fixture(scope="session")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ensure_jars()
    with data_in_memory(tmp_path_factory.mktemp("kafka")) as folder:
        server = Broker(folder)
        yield server.start()
        server.stop()


@pytest.fixture(scope="session")
def prepared_database(mongo_uri: str) -> Iterator[Database[Document]]:
    """A database for one test after the other: its indexes take longer than most tests."""
    with MongoClient[Document](mongo_uri) as client:
        database = client[new_database_name()]
        for owner in OWNERS:
            owner(Store(database)).prepare()
        yield database


@pytest.fixture
def database_name(prepared_database: Database[Document]) -> Iterator[str]:
    """The database of a test: empty, with all collections and indexes that their owners prepare.

    A module that needs a database without collections, changes its indexes or has its own server overrides
    this by :func:`new_database_name`.
    """
    yield prepared_database.name
    _empty(prepared_database)


def new_database_name() -> str:
    """A name that no database has."""
    return f"test_{uuid.uuid4().hex[:12]}"


def _empty(database: Database[Document]) -> None:
    existing = set(database.list_collection_names())
    for owner in OWNERS:
        if owner.indexes and owner.name not in existing:  # dropped by the test
            owner(Store(database)).prepare()
    for name in existing.difference(POLICIES):
        database.drop_collection(name)
    for name in _filled(database, sorted(existing.intersection(POLICIES))):
        database[name].delete_many({})


def _filled(database: Database[Document], names: list[str]) -> list[str]:
    """Those collections that have documents, by a single command: most tests fill a few."""
    steps = [{"$unionWith": {"coll": name, "pipeline": _one(name)}} for name in names[1:]]
    return [found["name"] for name in names[:1] for found in database[name].aggregate([*_one(name), *steps])]


def _one(name: str) -> list[Document]:
    return [{"$limit": 1}, {"$project": {"_id": 0, "name": {"$literal": name}}}]


@pytest.fixture
def settings(mongo_uri: str, database_name: str, tmp_path: Path) -> Settings:
    """Settings with folders of the test's own; MongoDB is up, Kafka only with `broker`."""
    return own_settings(mongo_uri, tmp_path, database=database_name)


def own_settings(mongo_uri: str, folder: Path, *, database: str | None = None) -> Settings:
    """Settings with folders that no others have, and by default such a database.

    The queries process plays as soon as they arrive: waiting for triggers would test nothing.
    """
    base, at_once = _DEFAULTS, timedelta(0)
    return base.model_copy(
        update={
            "mongo": base.mongo.model_copy(
                update={
                    "uri": mongo_uri,
                    "database": database or new_database_name(),
                    "timeout": timedelta(seconds=PATIENCE),
                }
            ),
            "spark": base.spark.model_copy(
                update={
                    "checkpoint_location": str(folder / "checkpoints"),
                    "ui_port": 0,
                    "conf": (*base.spark.conf, *_LIGHT.items()),
                }
            ),
            "index": base.index.model_copy(update={"folder": str(folder / "index")}),
            "models": base.models.model_copy(update={"folder": str(folder / "models")}),
            "transcoding": base.transcoding.model_copy(update={"folder": str(folder / "transcoded")}),
            "opensubsonic": base.opensubsonic.model_copy(update={"key_file": str(folder / "app.key")}),
            "servers": base.servers.model_copy(
                update={"folder": str(folder / "servers"), "requests_per_second": 1000.0}
            ),
            "stream": base.stream.model_copy(update={"rejected_trigger_interval": at_once}),
            "engagement": base.engagement.model_copy(update={"trigger_interval": at_once}),
        }
    )


@pytest.fixture
def broker(settings: Settings, bootstrap: str) -> Settings:
    """The same settings with Kafka, and topics of the test's own."""
    return with_topics(settings, bootstrap)


def with_topics(settings: Settings, bootstrap: str) -> Settings:
    """The same settings with Kafka, and topics that no others have."""
    suffix = uuid.uuid4().hex[:8]
    kafka = settings.kafka.model_copy(
        update={
            "bootstrap_servers": bootstrap,
            "plays_topic": f"plays-{suffix}",
            "rejected_topic": f"plays-{suffix}.rejected",
        }
    )
    ensure_topics(kafka)
    return settings.model_copy(update={"kafka": kafka})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database[Document]]:
    """The empty database of the settings."""
    found = connect(settings.mongo)
    yield found
    found.client.close()


@pytest.fixture
def store(database: Database[Document]) -> Store:
    """The same database as the code gets it."""
    return Store(database)


Compose = Callable[[Path, Sequence[DemoTrack]], None]


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Compose:
    """Composes tracks of the demo into a folder, each once in the run: it takes two seconds of a core."""
    shelf = tmp_path_factory.mktemp("composed")

    def copies(folder: Path, tracks: Sequence[DemoTrack]) -> None:
        for track in compose_library(shelf, tracks=tracks):
            file = folder / track.relative_path
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(shelf / track.relative_path, file)

    return copies


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    ensure_jars()
    base = _DEFAULTS
    quiet = base.model_copy(update={"spark": base.spark.model_copy(update={"ui_port": 0})})
    # The serial collector takes a third less memory, and a tenth less time for little data.
    options = defaults()["spark.driver.extraJavaOptions"].replace("-XX:+UseG1GC", "-XX:+UseSerialGC")
    found = session(
        quiet,
        app="segue tests",
        spark__ui__enabled=_LIGHT["spark.ui.enabled"],
        spark__sql__streaming__pollingDelay=_LIGHT["spark.sql.streaming.pollingDelay"],
        spark__driver__extraJavaOptions=f'{options} "-Djava.io.tmpdir={scratch()}"',
    )
    yield found
    found.stop()
