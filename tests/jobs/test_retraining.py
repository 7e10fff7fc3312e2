"""The watch trains the models again when enough plays are new, and takes them into the index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.batch_jobs import build_index, train_embeddings
from segue.batch_jobs.watch_library import Watch
from segue.catalog.library import Library
from segue.index.published import PublishedBundles
from segue.operations.library_status import LibraryStatus
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.jobs.test_train_embeddings import descriptors, store
from tests.jobs.test_train_models import EVENINGS, evening, send

pytestmark = pytest.mark.integration
PLAYS = sum(map(len, EVENINGS.values()))


@pytest.fixture
def settings(broker: Settings) -> Settings:
    library = broker.library.model_copy(update={"retrain_plays": PLAYS})
    return broker.model_copy(update={"library": library})


@pytest.fixture
def watch(
    settings: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Watch]:
    """A watch over an indexed library. The command `models train` gets its settings from the environment."""
    for name, value in {
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SEGUE_KAFKA__PLAYS_TOPIC": settings.kafka.plays_topic,
        "SEGUE_KAFKA__REJECTED_TOPIC": settings.kafka.rejected_topic,
        "SEGUE_INDEX__FOLDER": settings.index.folder,
        "SEGUE_MODELS__FOLDER": settings.models.folder,
        "SEGUE_MODELS__SESSIONS__MIN_PLAYS": "1000",
        "SEGUE_SPARK__CONF": '{"spark.ui.enabled": "false"}',
    }.items():
        monkeypatch.setitem(os.environ, name, value)
    store(database, descriptors(40, settings), settings)
    train_embeddings.run(settings, Store(database))
    build_index.run(Store(database), settings.index)
    made = Watch(settings, Store(database), [Library(name="Music", folder=tmp_path)])
    yield made
    made.close()


def send_evenings(settings: Settings, names: list[str]) -> None:
    send(settings, [play for name in names for play in evening(name, EVENINGS[name])])


def test_models_are_trained_when_enough_plays_are_new_and_not_before(
    watch: Watch, settings: Settings, database: Database[Document]
) -> None:
    status, bundles = LibraryStatus(Store(database)), PublishedBundles(Store(database))
    before = bundles.active_version()
    first, *rest = EVENINGS
    send_evenings(settings, [first])
    watch._retrain()
    assert (status.trained_plays(), bundles.active_version()) == (0, before)

    send_evenings(settings, rest)
    watch._retrain()
    assert status.trained_plays() == PLAYS
    assert database.models.find_one({"_id": "active:following"}) is not None
    version = bundles.active_version()
    assert version != before
    bundle = bundles.load(str(version), folder=settings.index.folder)
    assert bundle.transition_rules is not None, "the index has the rules that were learned"

    watch._retrain()
    assert bundles.active_version() == version, "nothing is new"
