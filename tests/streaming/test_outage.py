"""A MongoDB that is away for a while: loaded data stay in use, and writes wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pymongo import MongoClient
from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure

from segue.errors import SegueError
from segue.index.active import ActiveBundle
from segue.local.mongod import Mongod
from segue.models.versions import Models
from segue.ranking.feedback import KIND, ActiveFeedback
from segue.replanning.service import Replanning
from segue.settings import Settings
from segue.storage.mongo import connect, is_away, pack, upsert
from segue.storage.store import Store
from segue.udfs.replan import WRITTEN, Assignment, replan_in_workers
from tests.conftest import new_database_name
from tests.streaming.conftest import publish_made_up, track_id
from tests.taste.test_history import table
from tests.waiting import PATIENCE

MINUTE = 60_000


class Obliging(Mongod):
    """A mongod that fails when it is asked to."""

    def _command(self, port: int) -> list[str]:
        return [*super()._command(port), "--setParameter", "enableTestCommands=1"]

    def without_majority(self, command: str, *, times: int) -> None:
        """The next so many of these commands are applied, and answered by a primary that steps down."""
        stepped_down = {"code": 189, "codeName": "PrimarySteppedDown", "errmsg": "no majority is left"}
        data = {"failCommands": [command], "appName": "segue", "writeConcernError": stepped_down}
        with MongoClient[dict[str, object]](self.start()) as client:
            client.admin.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Obliging]:
    """One of the tests' own, to be stopped."""
    own = Obliging(tmp_path_factory.mktemp("mongo"))
    yield own
    own.stop()


@pytest.fixture
def database_name() -> str:
    return new_database_name()


@pytest.fixture
def service(settings: Settings, mongod: Obliging) -> Settings:
    """Settings with short waits, a published index, and feedback on two tracks."""
    mongo = settings.mongo.model_copy(update={"uri": mongod.start(), "timeout": timedelta(milliseconds=300)})
    stream = settings.stream.model_copy(update={"mongo_retry_timeout": timedelta(seconds=60)})
    own = settings.model_copy(update={"mongo": mongo, "stream": stream})
    database = connect(own.mongo)
    publish_made_up(database, own.index.folder)
    fields = {"kind": KIND, "track_ids": [track_id(0), track_id(1)], "steps": pack(np.array([0.1, -0.1]))}
    database.models.update_one({"_id": f"{KIND}:f1"}, {"$set": fields}, upsert=True)
    Models(Store(database)).activate(KIND, "f1")
    return own


def test_the_loaded_index_serves_while_mongodb_is_away(service: Settings, mongod: Obliging) -> None:
    database = connect(service.mongo)
    bundle = ActiveBundle(Store(database), folder=service.index.folder, every=0)
    feedback = ActiveFeedback(Store(database), every=0)
    version = bundle.current().version
    assert feedback.current().version == "f1"
    mongod.stop()
    assert bundle.current().version == version
    assert feedback.current().version == "f1"
    mongod.start()
    Models(Store(database)).activate(KIND, "")
    assert feedback.current().version == "", "it is followed again"


def test_without_a_first_index_it_is_said_that_mongodb_is_away(service: Settings, mongod: Obliging) -> None:
    database = connect(service.mongo)
    mongod.stop()
    with pytest.raises(ConnectionFailure):
        ActiveBundle(Store(database), folder=service.index.folder).current()
    with pytest.raises(SegueError, match="does not answer"):
        connect(service.mongo)


def rows_of_one_listener() -> pa.Table:
    now = time.time_ns() // 1_000_000
    return table([("ada", now // MINUTE * MINUTE, [("e1", track_id(3), "complete", 1000, now)])])


def test_a_write_whose_majority_was_lost_is_done_again(service: Settings, mongod: Obliging) -> None:
    """pymongo itself repeats it once, and then gives up."""
    database = connect(service.mongo)
    bundle = ActiveBundle(Store(database), folder=service.index.folder).current()
    mongod.without_majority("update", times=3)
    with pytest.raises(BulkWriteError):
        upsert(database.tracks, [{"_id": "t", "title": "Song"}])
    mongod.without_majority("update", times=3)
    freshness = Replanning(Store(database), service).replan(rows_of_one_listener(), bundle=bundle)
    assert len(freshness) == 1
    assert database.recommendations.count_documents({"_id": "ada"}) == 1


def test_a_merge_without_a_majority_counts_as_an_outage(service: Settings, mongod: Obliging) -> None:
    database = connect(service.mongo)
    mongod.without_majority("aggregate", times=1)
    with pytest.raises(OperationFailure) as caught:
        database.tracks.aggregate([{"$merge": {"into": "tracks"}}])
    assert is_away(caught.value)


def test_an_error_that_does_not_pass_is_not_retried(service: Settings) -> None:
    database = connect(service.mongo)
    with pytest.raises(OperationFailure) as caught:
        database.command("nonsense")
    assert not is_away(caught.value)


def test_a_worker_that_starts_while_mongodb_is_away_waits_for_it(
    service: Settings, mongod: Obliging, tmp_path: Path
) -> None:
    """It has no connection yet, and must fetch index and feedback before it can plan."""
    database = connect(service.mongo)
    version = Models(Store(database)).active_version("index")
    assert version
    elsewhere = service.index.model_copy(update={"folder": str(tmp_path / "worker")})
    task = Assignment(service.model_copy(update={"index": elsewhere}), version, "f1")
    mongod.stop()
    back = threading.Timer(2.0, mongod.start)
    back.start()
    [written] = replan_in_workers(lambda: task)(iter(rows_of_one_listener().to_batches()))
    back.join()
    assert written.schema == pa.schema([(WRITTEN.split()[0], pa.float64())])
    assert written.num_rows == 1
    # The client of this test may not have noticed yet that MongoDB is back.
    patient = connect(service.mongo.model_copy(update={"timeout": timedelta(seconds=PATIENCE)}))
    found = patient.recommendations.find_one({"_id": "ada"})
    assert found and found["items"]
