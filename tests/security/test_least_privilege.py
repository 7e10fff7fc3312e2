"""Each job's user in a guarded MongoDB and Kafka: its job runs with it, and nothing else does."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaAdminClient, KafkaConsumer
from kafka.admin import ConfigResource
from kafka.errors import AuthorizationError
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.synchronous.mongo_client import MongoClient

from segue.batch_jobs.report_experiments import run as run_experiments
from segue.collections import prepare
from segue.deploy.access import job_access
from segue.deploy.cli import grant
from segue.doctor.permissions import job_of, kafka_permissions, mongo_permissions
from segue.errors import SegueError
from segue.models import trained
from segue.moods.dial import Dial, MoodDials
from segue.moods.measures import CorpusMoods
from segue.moods.stored import Moods
from segue.operations.stream_minutes import StreamMinutes
from segue.people.authentication import Authenticator
from segue.people.forgotten import Forgotten
from segue.people.login_sessions import LoginSessions
from segue.playlists.day_lists import DayLists
from segue.playlists.playlists import Playlists
from segue.plays.delivery import PlayDelivery, PlayProducer
from segue.privacy.backup import backup, restore
from segue.privacy.export import archive as export
from segue.privacy.leaving import leave
from segue.settings import Settings
from segue.social.follows import Follows
from segue.storage import kafka_topics, mongo_users
from segue.storage.inspection import inspect_kafka, inspect_mongo
from segue.storage.kafka import RejectedRecord, read_rejected
from segue.storage.kafka_client import client_options
from segue.storage.kafka_records import plays_of
from segue.storage.mongo import Document, connect, upsert
from segue.storage.store import Job, Right, Store
from tests.plays.examples import a_play
from tests.security.certificates import Certificates
from tests.security.conftest import Load
from tests.security.servers import MONGO_PASSWORD, USER
from tests.security.test_stream import _job, _publish_index, _wait
from tests.storage.rejected import write_rejected
from tests.waiting import PATIENCE

pytestmark = pytest.mark.integration
KAFKA_JOBS = ("stream", "dashboard", "operator")


class Deployed:
    """The results of a deployment: topics, users, and a settings file for each job."""

    def __init__(self, load: Load, environment: dict[str, str], logins: Path) -> None:
        self._load, self._logins = load, logins
        self.environment = environment
        self.name = uuid.uuid4().hex[:6]
        self.admin = load(environment)
        for job in job_access():
            self.file(job).write_text(self._login(job))
        self.grant()

    def file(self, job: str) -> Path:
        return self._logins / f"{job}.toml"

    def grant(self) -> None:
        grant(self.admin, job_access(), logins=self._logins)

    def _login(self, job: str) -> str:
        section = f'username = "{job}-{self.name}"\npassword = "hush {uuid.uuid4().hex}"\n'
        return f"[mongo]\n{section}" + (f"[kafka]\n{section}" if job in KAFKA_JOBS else "")

    def as_job(self, job: str) -> dict[str, str]:
        """The environment of a job: of the deployment, with the file that has its own user."""
        mine = {name: value for name, value in self.environment.items() if "USER" not in name}
        if job not in KAFKA_JOBS:
            mine = {name: value for name, value in mine.items() if "KAFKA" not in name}
        return {
            **{name: value for name, value in mine.items() if "PASSWORD" not in name},
            "SEGUE_CONF": str(self.file(job)),
        }


@pytest.fixture
def deployed(
    load: Load, kafka_environment: dict[str, str], mongo_environment: dict[str, str], tmp_path: Path
) -> Deployed:
    logins = tmp_path / "logins"
    logins.mkdir()
    places = {
        "SEGUE_INDEX__FOLDER": str(tmp_path / "index"),
        "SEGUE_SPARK__CHECKPOINT_LOCATION": str(tmp_path / "checkpoints"),
        "SEGUE_SPARK__UI_PORT": "0",
        "SEGUE_SPARK__DRIVER_MEMORY": "1g",
        "SEGUE_STREAM__METRICS_PORT": "0",
    }
    return Deployed(load, {**kafka_environment, **mongo_environment, **places}, logins)


As = Callable[[str], Settings]


@pytest.fixture
def settings_of(deployed: Deployed, load: Load, monkeypatch: pytest.MonkeyPatch) -> As:
    def found(job: str) -> Settings:
        for name in deployed.environment:
            monkeypatch.delenv(name, raising=False)
        return load(deployed.as_job(job))

    return found


def test_the_stream_runs_as_its_user_with_nothing_refused(
    deployed: Deployed, settings_of: As, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue, log = settings_of("catalogue"), tmp_path / "job.log"
    _publish_index(catalogue)
    database = connect(deployed.admin.mongo)
    database.tracks.insert_one({"_id": "t001", "artist": "A", "genres": ["Folk"]})
    with PlayProducer(settings_of("dashboard").kafka) as producer:
        producer.send(a_play(user_id="ada", track_id="t001", type="complete"))
        producer.send_bytes(b"no play")
    for name in deployed.environment:
        monkeypatch.delenv(name, raising=False)
    with _job(deployed.as_job("stream"), log) as process:
        _wait(lambda: database.recommendations.find_one({"_id": "ada"}), process, log)
        _wait(lambda: list(read_rejected(deployed.admin.kafka)), process, log)
        for written in ("listening", "listening_stats", "listening_sessions", "stream_minutes"):
            _wait(database[written].find_one, process, log)
        _wait(lambda: database.models.find_one({"kind": "feedback"}), process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(600) == 0, log.read_text()
    refused = [line for line in log.read_text().splitlines() if "uthoriz" in line]
    # How long the topics keep is the operator's, and was set when the users were made.
    assert [line for line in refused if "retention of the topics stays" not in line] == []


def test_the_dashboard_does_its_work_as_its_user(deployed: Deployed, settings_of: As) -> None:
    settings = settings_of("dashboard")
    database = connect(settings.mongo)
    store = Store(database)
    prepare(store, Job.DASHBOARD)
    accounts = Authenticator(store)
    ada = accounts.sign_up("Ada", "correct horse", guest_id=None, address="a")
    ben = accounts.sign_up("Ben", "correct horse", guest_id=None, address="a")
    assert accounts.log_in("Ada", "correct horse", address="a") == ada
    LoginSessions(store).open(user_id=ada.user_id)
    Playlists(store).create(ada.user_id, "Evening")
    Follows(store).ask(ada.user_id, "Ben")
    MoodDials(store).keep(ada.user_id, Dial({"energy": 2}))
    assert MoodDials(store).read(ada.user_id) == Dial({"energy": 2})
    assert Moods(Store(database)).read("t1") is None
    today = datetime.now(UTC).date()
    assert DayLists(store).keep(ada.user_id, "mix", today, ["t1"]) == ["t1"]
    assert StreamMinutes(store).recent(seconds=60) == []
    play = a_play(user_id=ada.user_id)
    delivery = PlayDelivery(store, lambda: PlayProducer(settings.kafka))
    assert delivery.send([play])[0] == [play]
    delivery.close()
    admin = connect(deployed.admin.mongo)
    for name in ("tastes", "recommendations"):
        admin[name].insert_one({"_id": ada.user_id})
    admin.listening.insert_one({"_id": "w", "user_id": ada.user_id})
    assert export(store, ada.user_id, plays=plays_of(settings.kafka, ada.user_id))
    removed = leave(store, settings, ada.user_id)
    assert {
        "accounts",
        "sessions",
        "playlists",
        "mood_dials",
        "day_lists",
        "follows",
        "tastes",
        "listening",
    } <= removed.keys()
    assert database.accounts.distinct("user_id") == [ben.user_id]


def test_the_operator_backs_up_documents_of_other_jobs(
    deployed: Deployed, settings_of: As, tmp_path: Path
) -> None:
    admin = connect(deployed.admin.mongo)
    for job in job_access().values():
        for name in (name for name, right in job.mongo.rights.items() if right & (Right.WRITE | Right.ERASE)):
            admin[name].update_one({"_id": "one"}, {"$set": {"at": 1}}, upsert=True)
    settings = settings_of("operator")
    counts = backup(Store(connect(settings.mongo)), tmp_path / "backup.gz")
    assert counts["accounts"] == counts["listening"] == 1
    for name in counts:
        admin.drop_collection(name)
    assert restore(Store(connect(settings.mongo)), tmp_path / "backup.gz") == counts
    retention = settings.retention.model_copy(
        update={"plays": timedelta(days=3), "rejected": timedelta(days=4)}
    )
    managed = settings.kafka.model_copy(update={"manage_topics": "on"})
    kafka_topics.keep_topics_in_line(managed, retention)
    topic = ConfigResource("TOPIC", settings.kafka.plays_topic)
    client = KafkaAdminClient(**client_options(deployed.admin.kafka))
    described = client.describe_configs([topic])["topic"][settings.kafka.plays_topic]
    client.close()
    assert described["retention.ms"]["value"] == str(3 * 86_400_000)
    with PlayProducer(settings.kafka) as producer:
        producer.send(a_play())
    assert list(read_rejected(settings.kafka)) == []


def test_the_catalogue_uses_models_that_the_operator_trained(deployed: Deployed, settings_of: As) -> None:
    settings = settings_of("operator")
    variants = settings.experiments.model_copy(update={"variants": (("audio", 50), ("hybrid", 50))})
    settings = settings.model_copy(update={"experiments": variants})
    database = connect(settings.mongo)
    assert run_experiments(settings, since=datetime.now(UTC) - timedelta(days=1)).listeners["audio"] == 0
    assert Forgotten(Store(database)).hashes() == []
    assert len(kafka_topics.end_offsets(settings.kafka)) == settings.kafka.partitions
    for version in ("1", "2"):
        arrays = {"track_ids": np.array([b"t1"]), "scores": np.ones(1, np.float32)}
        trained.save(Store(database), "following", version, arrays=arrays, made_of={"tracks": 1})
        trained.put_in_use(Store(database), "following", version, keep=1)
    assert trained.stored(Store(database), "following", "2")
    catalogue = connect(settings_of("catalogue").mongo)
    found = trained.load(Store(catalogue), "following")
    assert found is not None
    assert found["track_ids"].tolist() == [b"t1"]
    nan = np.full((1, 4), np.nan, np.float32)
    assert (
        Moods(Store(catalogue)).replace(["t1"], CorpusMoods(percentiles=nan, bpm=nan[:, 0]), version="v") == 1
    )
    dashboard = connect(settings_of("dashboard").mongo)
    assert Moods(Store(dashboard)).read("t1") is not None
    assert trained.load(Store(dashboard), "following") is not None
    database.embeddings.delete_many({"space": "gone"})
    assert database.features.find_one() is None


Try = Callable[[Database[Document]], object]
FORBIDDEN_IN_MONGODB: dict[str, tuple[str, Try]] = {
    "the dashboard drops models": ("dashboard", lambda d: d.drop_collection("models")),
    "the dashboard publishes an index": ("dashboard", lambda d: upsert(d.models, [{"_id": "active:index"}])),
    "the dashboard writes tastes": ("dashboard", lambda d: d.tastes.insert_one({"_id": "ada"})),
    "the dashboard changes tracks": ("dashboard", lambda d: d.tracks.delete_many({})),
    "the dashboard changes moods": ("dashboard", lambda d: d.moods.delete_many({})),
    "the dashboard drops accounts": ("dashboard", lambda d: d.drop_collection("accounts")),
    "the dashboard makes a user": (
        "dashboard",
        lambda d: d.client.admin.command("createUser", "eve", pwd="eve", roles=["root"]),
    ),
    "the stream reads accounts": ("stream", lambda d: d.accounts.find_one()),
    "the stream reads sessions": ("stream", lambda d: d.sessions.find_one()),
    "the stream drops tastes": ("stream", lambda d: d.drop_collection("tastes")),
    "the stream changes tracks": ("stream", lambda d: upsert(d.tracks, [{"_id": "t1"}])),
    "the catalogue reads accounts": ("catalogue", lambda d: d.accounts.find_one()),
    "the catalogue reads tastes": ("catalogue", lambda d: d.tastes.find_one()),
    "the catalogue changes trained models": (
        "catalogue",
        lambda d: d["trained.files"].delete_many({}),
    ),
    "the dashboard changes a taste": ("dashboard", lambda d: d.tastes.update_one({}, {"$set": {"at": 1}})),
    "the catalogue sees another database": ("catalogue", lambda d: d.client.other.tracks.find_one()),
    "the operator drops the database": ("operator", lambda d: d.client.drop_database(d.name)),
}


def test_no_job_has_further_rights_in_mongodb(deployed: Deployed, settings_of: As) -> None:
    """One deployment for all, since making the users takes seconds."""
    databases = {job: connect(settings_of(job).mongo) for job in job_access()}
    allowed = []
    for what, (job, attempt) in FORBIDDEN_IN_MONGODB.items():
        try:
            attempt(databases[Job(job)])
        except OperationFailure as error:
            assert error.code == 13, what  # Unauthorized
        else:
            allowed.append(what)
    assert allowed == []


def test_no_job_has_further_rights_in_kafka(deployed: Deployed, settings_of: As) -> None:
    stream, dashboard = settings_of("stream").kafka, settings_of("dashboard").kafka
    with pytest.raises(AuthorizationError), PlayProducer(stream) as producer:
        producer.send(a_play()).get(PATIENCE)
    with pytest.raises(AuthorizationError):
        record = RejectedRecord(reason="late", topic="plays", partition=0, offset=1, timestamp=1, value=b"")
        write_rejected(dashboard, record)
    consumer = KafkaConsumer(**client_options(dashboard), enable_auto_commit=False)
    assert dashboard.plays_topic in consumer.topics()
    assert dashboard.rejected_topic not in consumer.topics()
    consumer.close()
    for kafka in (stream, dashboard):
        admin = KafkaAdminClient(**client_options(kafka))
        with pytest.raises(AuthorizationError):
            admin.delete_topics([kafka.plays_topic])
        shorter = ConfigResource("TOPIC", kafka.plays_topic, configs={"retention.ms": "1"})
        results = admin.alter_configs([shorter], raise_on_unknown=False)
        assert "TopicAuthorizationFailed" in results["topic"][kafka.plays_topic]
        admin.close()


def test_a_second_run_revokes_rights_granted_by_hand(deployed: Deployed, settings_of: As) -> None:
    admin = connect(deployed.admin.mongo)
    user = f"dashboard-{deployed.name}"
    admin.client.admin.command("grantRolesToUser", user, roles=["root"])
    database = connect(settings_of("dashboard").mongo)
    database.client.other.tracks.find_one()
    changed = deployed.file("dashboard").read_text().replace("hush", "hush hush")
    deployed.file("dashboard").write_text(changed)
    deployed.grant()
    database = connect(settings_of("dashboard").mongo)
    with pytest.raises(OperationFailure, match="not authorized"):
        database.client.other.tracks.find_one()
    with PlayProducer(settings_of("dashboard").kafka) as producer:
        producer.send(a_play()).get(PATIENCE)


@pytest.mark.parametrize("job", KAFKA_JOBS)
def test_the_doctor_finds_the_permissions_of_a_job(deployed: Deployed, settings_of: As, job: str) -> None:
    settings = settings_of(job)
    mongo, kafka = inspect_mongo(settings.mongo), inspect_kafka(settings.kafka)
    database = settings.mongo.database
    assert job_of(database, mongo) == job
    checks = [
        *mongo_permissions(database, mongo),
        *kafka_permissions(settings.kafka, kafka, job=Job(job)),
        *kafka_permissions(settings.kafka, kafka),
    ]
    assert [(check.state, job in check.found) for check in checks] == [("ok", True)] * 3


def test_the_doctor_names_a_right_that_is_missing(deployed: Deployed, settings_of: As) -> None:
    admin = connect(deployed.admin.mongo)
    role = mongo_users.role_name(admin.name, "stream")
    resource = {"db": admin.name, "collection": "tastes"}
    admin.command(
        "revokePrivilegesFromRole", role, privileges=[{"resource": resource, "actions": ["insert"]}]
    )
    settings = settings_of("stream")
    (found,) = mongo_permissions(admin.name, inspect_mongo(settings.mongo))
    assert found.state == "problem"
    assert found.found.endswith("lacks rights of the job stream: insert in tastes")
    assert "./run.sh access create" in found.fix
    other = settings_of("dashboard")
    (found,) = kafka_permissions(other.kafka, inspect_kafka(other.kafka), job=Job.STREAM)
    assert found.state == "problem"
    assert f"WRITE {other.kafka.rejected_topic}" in found.found


def test_a_replica_set_that_is_one_is_left_alone(deployed: Deployed, certificates: Certificates) -> None:
    host = deployed.admin.mongo.uri.partition("//")[2].partition("/")[0]
    assert mongo_users.initiate(deployed.admin.mongo, [host]) is False
    client: MongoClient[Document]
    with MongoClient(
        deployed.admin.mongo.uri,
        username=USER,
        password=MONGO_PASSWORD,
        tls=True,
        tlsCAFile=str(certificates.authority),
    ) as client:
        assert client.admin.command("hello")["setName"] == "guarded"


@pytest.mark.parametrize(
    "text", ["", "[mongo]\nusername = 'x'\n", "[mongo]\nusername = 'x'\npassword = ''\n", "no toml hush"]
)
def test_a_job_without_a_password_is_named_without_telling_more(deployed: Deployed, text: str) -> None:
    deployed.file("stream").write_text(text)
    with pytest.raises(
        SegueError, match=r"stream\.toml (has no username and password|is not TOML)"
    ) as caught:
        deployed.grant()
    assert "hush" not in str(caught.value)
