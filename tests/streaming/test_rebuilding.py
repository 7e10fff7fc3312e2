"""Damaged documents of listeners are rebuilt from the plays in the topic, as if never damaged."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo.database import Database
from pyspark.sql import SparkSession

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.engagement.facts import facts_of
from segue.engagement.listening import Listening
from segue.engagement.stored import StoredEngagement
from segue.index.active import ActiveBundle
from segue.operations.damaged_documents import DamagedDocuments
from segue.plays.delivery import PlayProducer
from segue.plays.event import Play, checked
from segue.replanning.rebuilding import Rebuilding
from segue.replanning.service import Replanning
from segue.settings import Settings
from segue.spark.recorded import RecordedWindows
from segue.storage import damaged
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs import engagement, recommend
from segue.taste.tastes import Tastes
from tests.plays.examples import a_play, encoded
from tests.plays.windows import event_windows, signal_windows
from tests.properties import examples
from tests.streaming.conftest import run_until_all_is_taken, track_id
from tests.streaming.reference import contents, histories, sort_out

MINUTE = 60_000
COMPUTED = ("tastes", "recommendations", "listening", "listening_sessions", "listening_stats")


class Service:
    """A stream without its queries: the work of the queries on the windows of plays."""

    def __init__(self, settings: Settings, database: Database[Document], spark: SparkSession) -> None:
        self.settings, self.database, self.store = settings, database, Store(database)
        bundle = ActiveBundle(self.store, folder=settings.index.folder)
        self._bundle = bundle.current()
        self.recorded = RecordedWindows(spark, settings)
        self.rebuilding = Rebuilding(self.store, settings, bundle=bundle.current, recorded=self.recorded)
        self._replanning = Replanning(self.store, settings)

    def hear(self, plays: Sequence[Play], *, state: Sequence[Play] = ()) -> None:
        """Send plays, and process the windows that they change, which have the plays in `state` already."""
        with PlayProducer(self.settings.kafka) as producer:
            for play in plays:
                producer.send(play)
        changed = [*state, *plays]
        self._replanning.replan_once(signal_windows(changed, self.settings), bundle=self._bundle)
        stored = StoredEngagement(self.store, self.settings)
        facts = facts_of(event_windows(changed, self.settings), described=TrackLabels(Tracks(self.store)))
        stored.write(facts)
        stored.count(fact.start for fact in facts)

    def documents(self) -> dict[str, list[Document]]:
        """Everything computed, without the times of writing."""
        return {
            name: [
                {key: value for key, value in document.items() if key != "updated_at"}
                for document in self.database[name].find().sort("_id")
            ]
            for name in COMPUTED
        }

    def open_entries(self) -> dict[str, int]:
        return dict(DamagedDocuments(self.store).counts())


@pytest.fixture
def service(published: Settings, database: Database[Document], spark: SparkSession) -> Service:
    database.tracks.insert_many({"_id": track_id(n), "artist": "A", "genres": ["Folk"]} for n in range(8))
    return Service(published, database, spark)


def an_evening(user: str, *, tracks: int = 8) -> list[Play]:
    """Plays of the last hour, in two or three half-hour windows, of several types."""
    now = time.time_ns() // 1_000_000
    kinds = ("complete", "skip", "like", "complete")
    return [
        checked(
            a_play(
                user_id=user,
                track_id=track_id(n % tracks),
                type=kinds[n % 4],
                ms_played=3000 if kinds[n % 4] == "skip" else 190_000,
                occurred_at=now - (55 - 3 * n) * MINUTE,
            )
        )
        for n in range(18)
    ]


def rebuild(service: Service) -> None:
    """Rounds as the stream makes them, until nothing is open."""
    for _ in range(3):
        service.rebuilding.run()
    assert service.open_entries() == {}


TASTES = [
    {"windows": "oops"},
    {"windows": None},
    {"windows": {"a": {"b": 1}}},
    {"vector": 7, "windows": []},
    {"vector": b"abc"},
    {"reflects_at": "tomorrow"},
    {"reflects_at": 2**62},
    {"space": 3},
]


@pytest.mark.parametrize("damage", TASTES, ids=str)
def test_a_damaged_taste_is_rebuilt_exactly(service: Service, damage: dict[str, Any]) -> None:
    ada, ben = an_evening("ada"), an_evening("ben", tracks=5)
    service.hear([*ada[:-1], *ben])
    service.database.tastes.update_one({"_id": "ada"}, {"$set": damage})
    # The stream has the newest window in its state, and goes on without the others.
    newest = ada[-1]["occurred_at"] // (30 * MINUTE)
    service.hear(
        ada[-1:], state=[play for play in ada[:-1] if play["occurred_at"] // (30 * MINUTE) == newest]
    )
    for document in service.database.tastes.find():
        Replanning(service.store, service.settings)._tastes.documents.checked(document)
    rebuild(service)
    found = service.documents()
    plays = sort_out(contents(service.settings), service.settings).plays
    expected = histories(plays, service.settings)
    for document in found["tastes"]:
        stored = {int(start): window["weights"] for start, window in document["windows"].items()}
        assert stored == {start: window.weights for start, window in expected[document["_id"]].items()}
    service.database.tastes.delete_many({})
    service.database.recommendations.delete_many({})
    service.hear([], state=[*ada, *ben])
    assert service.documents()["tastes"] == found["tastes"]
    assert service.documents()["recommendations"] == found["recommendations"]


def test_one_damaged_window_costs_no_other(service: Service) -> None:
    """Windows whose plays have left the topic stay."""
    ada = an_evening("ada")
    service.hear(ada)
    old = {"tracks": ["t050"], "weights": [1.0], "at": [1_700_000_000_000], "types": ["like"]}
    [taste] = service.database.tastes.find()
    recent = str(min(map(int, taste["windows"])) - 30 * MINUTE)
    newest = max(taste["windows"])
    service.database.tastes.update_one(
        {"_id": "ada"}, {"$set": {f"windows.{recent}": old, f"windows.{newest}.tracks": 5}}
    )
    service.hear(ada[:1], state=[])
    rebuild(service)
    [rebuilt] = service.database.tastes.find()
    assert rebuilt["windows"][recent] == old
    assert rebuilt["windows"][newest] == taste["windows"][newest]


DAMAGES: list[tuple[str, dict[str, Any]]] = [
    ("recommendations", {"items": "oops"}),
    ("recommendations", {"served": 5}),
    ("listening", {"rows": "oops"}),
    ("listening", {"rows.0.plays": "many"}),
    ("listening", {"rows.0.track_id": ["t1"]}),
    ("listening", {"events": "oops"}),
    ("listening", {"user_id": 5}),
    ("listening_sessions", {"first_at": "oops"}),
    ("listening_sessions", {"plays": [1]}),
    ("listening_stats", {"plays": "oops"}),
    ("listening_stats", {"listeners": None}),
]


@pytest.mark.parametrize(("collection", "damage"), DAMAGES, ids=str)
def test_other_documents_of_listeners_are_rebuilt_exactly(
    service: Service, collection: str, damage: dict[str, Any]
) -> None:
    service.hear([*an_evening("ada"), *an_evening("ben", tracks=5)])
    before = service.documents()
    service.database[collection].update_many({}, {"$set": damage})
    owner = {one.name: one for one in _owners()}[collection]
    documents, found = owner(service.store).check_all()
    assert documents == found > 0
    rebuild(service)
    assert service.documents() == before


def _owners() -> Sequence[Any]:
    from segue.collections import OWNERS

    return OWNERS


def test_windows_whose_plays_have_left_the_topic_are_noted_as_lost(service: Service) -> None:
    service.database.tastes.insert_one({"_id": "eve", "windows": "oops"})
    Replanning(service.store, service.settings)._tastes.history("eve")
    service.rebuilding.run()
    [entry] = DamagedDocuments(service.store).newest(limit=5)
    assert "lost_at" in entry and entry["document"] == {"_id": "eve", "windows": "oops"}
    assert service.rebuilding.run() == 0


def test_only_plays_that_the_stream_accepts_count(service: Service) -> None:
    good = encoded(user_id="ada", track_id="t001")
    bad = [
        b"{",
        b"\xff",
        b"[]",
        encoded(user_id="ada", type="hum"),
        encoded(user_id="ada", occurred_at=time.time_ns() // 1_000_000 - 30 * 24 * 3_600_000),
        encoded(user_id="ada", occurred_at=time.time_ns() // 1_000_000 + 24 * 3_600_000),
        encoded(user_id="ben"),
        b" " * (service.settings.stream.max_play_size + 1) + good,
    ]
    with PlayProducer(service.settings.kafka) as producer:
        for value in [*bad, good]:
            producer.send_bytes(value, key=b"ada")
        producer.send_bytes(None, key=b"ada")
        producer.flush()
    [window] = service.recorded.signals({"ada"}).to_pylist()
    assert [signal["track_id"] for signal in window["signals"]] == ["t001"]
    assert [window["user_id"] for window in service.recorded.events({"ada"}).to_pylist()] == ["ada"]


_NUMBERS = ["7", "-0", "7.50", "1e2", "1E400", "9" * 400, "1.0", "007", "+1", "NaN", "-Infinity"]
_TEXTS = ['"ada"', '""', '"\\ud800"', '"\\u0000"', '"a\tb"', '"\xe4"', '"\\ud83c\\udfb5"', '"a\\/b"']
_OTHERS = ["null", "true", "[]", "{}", '{"a": 1.50}', "[1, 2", *("[" * n + "]" * n for n in (400, 999, 5000))]
_ODD = st.sampled_from([*_NUMBERS, *_TEXTS, *_OTHERS])
_NAMES = st.sampled_from(["user_id", "session_id", "ms_played", "rank", "model", "occurred_at", "other"])


@st.composite
def odd_records(draw: st.DrawFn) -> bytes:
    """A play as JSON in which some fields are odd, absent or there twice."""
    play = a_play(user_id=draw(st.sampled_from(["ada", "ben"])), track_id=track_id(draw(st.integers(0, 9))))
    fields = [(name, json.dumps(value)) for name, value in play.items()]
    odd = draw(st.lists(st.tuples(_NAMES, _ODD), min_size=1, max_size=2))
    if draw(st.booleans()):
        fields = [field for field in fields if field[0] not in dict(odd)]
    fields = draw(st.permutations([*fields, *odd])) if draw(st.booleans()) else [*fields, *odd]
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in fields) + "}").encode()


@hypothesis.settings(
    parent=examples(3),
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    phases=[hypothesis.Phase.generate],  # a smaller example says no more, and takes many runs of the stream
)
@given(data=st.data())
def test_the_plays_that_the_stream_accepts_are_those_that_rebuild(
    service: Service, spark: SparkSession, data: st.DataObject
) -> None:
    records = [data.draw(odd_records()) for _ in range(60)]
    with PlayProducer(service.settings.kafka) as producer:
        for value in [*records, b"{}", b"", encoded(user_id=7), encoded(user_id={"a": 1.5})]:
            producer.send_bytes(value, key=b"ada")
        producer.flush()
    run_until_all_is_taken(spark, service.settings, [recommend, engagement])
    before = service.documents()
    assert {"7", '{"a":1.5}'} <= {document["_id"] for document in before["tastes"]}
    damaged._RECENT = damaged._Recent()  # the same fault is not reported twice within minutes
    service.database.tastes.update_many({}, {"$set": {"windows": "oops"}})
    service.database.listening.update_many({}, {"$set": {"rows": "oops"}})
    for owner in (Tastes, Listening):
        owner(service.store).check_all()
    rebuild(service)
    assert service.documents() == before
