"""The state store of new and of existing checkpoints, and the repair of both kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from segue.settings import SparkSettings, load_settings
from segue.spark.state_store import MANY_LISTENERS, PROVIDER, choose_state_store, uses_rocksdb
from segue.streaming_jobs.checkpoint_folder import Folder
from segue.streaming_jobs.damage import find
from segue.streaming_jobs.repair import repair

Counts = dict[str, int]
Run = Callable[..., Counts]


def spark_settings(store: str) -> SparkSettings:
    return load_settings().spark.model_copy(update={"state_store": store})


@pytest.mark.parametrize(
    ("store", "listeners", "rocksdb"),
    [
        ("auto", 0, False),
        ("auto", MANY_LISTENERS - 1, False),
        ("auto", MANY_LISTENERS, True),
        ("heap", 10**8, False),
        ("rocksdb", 0, True),
    ],
)
def test_the_store_follows_from_the_listeners(store: str, listeners: int, rocksdb: bool) -> None:
    assert uses_rocksdb(spark_settings(store), listeners=listeners) is rocksdb


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    """Count words in one more file, in the same checkpoint; the counts that the batch changed."""
    words = tmp_path / "words"
    words.mkdir()

    def one_more(text: str, *, store: str) -> Counts:
        (words / f"{len(list(words.iterdir()))}.txt").write_text("\n".join(text.split()))
        session = spark.newSession()
        session.conf.set("spark.sql.shuffle.partitions", "2")
        choose_state_store(session, spark_settings(store), listeners=0)
        counted: Counts = {}

        def keep(rows: DataFrame, _batch: int) -> None:
            counted.update({row["value"]: row["count"] for row in rows.collect()})

        query = (
            session.readStream.text(words.as_uri())
            .groupBy("value")
            .count()
            .writeStream.outputMode("update")
            .option("checkpointLocation", (tmp_path / "checkpoint" / "words").as_uri())
            .foreachBatch(keep)
            .start()
        )
        try:
            query.processAllAvailable()
        finally:
            query.stop()
        return counted

    return one_more


def endings(folder: Path) -> Counter[str]:
    return Counter(file.suffix for file in (folder / "checkpoint/words/state/0").rglob("[0-9]*.*"))


def test_a_new_checkpoint_is_in_rocksdb_with_its_changes(run: Run, tmp_path: Path) -> None:
    assert run("a b a", store="rocksdb") == {"a": 2, "b": 1}
    assert run("a c", store="rocksdb") == {"a": 3, "c": 1}
    assert endings(tmp_path)[".changelog"] == 4  # two partitions, two batches
    assert endings(tmp_path)[".delta"] == 0


@pytest.mark.parametrize(("first", "then"), [("heap", "rocksdb"), ("rocksdb", "heap")])
def test_an_existing_checkpoint_keeps_its_own(run: Run, tmp_path: Path, first: str, then: str) -> None:
    run("a b a", store=first)
    kind = ".delta" if first == "heap" else ".changelog"
    assert endings(tmp_path)[kind] == 2
    assert run("a c", store=then) == {"a": 3, "c": 1}
    assert endings(tmp_path) == {kind: 4}


def test_the_users_own_store_stays(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    conf = spark.sparkContext.getConf().set(PROVIDER, "mine")
    monkeypatch.setattr(type(spark.sparkContext), "getConf", lambda _context: conf)
    session = spark.newSession()
    before = session.conf.get(PROVIDER)
    choose_state_store(session, spark_settings("rocksdb"), listeners=0)
    assert session.conf.get(PROVIDER) == before


def test_a_truncated_change_in_rocksdb_is_found_and_repaired(run: Run, tmp_path: Path) -> None:
    for text in ("a b", "a b", "a b"):
        run(text, store="rocksdb")
    changed = sorted((tmp_path / "checkpoint/words/state/0").rglob("3.changelog"))
    changed[0].write_bytes(changed[0].read_bytes()[:10])
    checkpoint = Folder(str(tmp_path / "checkpoint"))
    damage = find(checkpoint, "words")
    assert damage is not None
    assert damage.files == (str(changed[0].relative_to(tmp_path / "checkpoint")),)
    assert damage.complete == 1
    repair(checkpoint, damage)
    assert run("b", store="rocksdb") == {"a": 3, "b": 4}  # the third batch again, then this one
