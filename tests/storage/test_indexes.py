"""Every query of every collection's owner uses an index; only reads of everything scan a collection.

Only owners query collections (docs/contributing/rules.md), so that pages, jobs, sweeps and the stream send no
others. The walk calls each method of each owner with made-up arguments, listens to the commands that reach
MongoDB, and asks MongoDB for the plan of each.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymongo import MongoClient, UpdateOne
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from segue.collections import BUCKETS, OWNERS
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.summed_listening import SummedListening
from segue.moods.dial import Dial
from segue.moods.measures import DIMENSIONS, CorpusMoods
from segue.plays.event import Play
from segue.plays.playback import Playback
from segue.storage.files import FileStore
from segue.storage.mongo import Document
from segue.storage.store import Collection, Index, Job, Policy, Right, Store
from tests.conftest import new_database_name
from tests.plays.examples import a_play
from tests.waiting import until

pytestmark = pytest.mark.integration

SMALL = {
    "models": "the versions that are kept, and one document for each kind",
    "bundles.files": "the files of the bundles that are kept",
    "trained.files": "the files of the models that are kept",
}
"""Collections that have fewer than 10,000 documents on any service, and the reason."""
READING = ("find", "aggregate", "count", "distinct", "update", "delete", "findAndModify")
NOT_WALKED = {
    *("dump", "load", "make", "aggregate", "prepare", "distinct", "texts", "shape_of", "room", "stay_within"),
    *("insert_within", "upsert_within"),
}
"""Methods of every owner that read or write everything, or are called by others."""
PARTS: tuple[type[Collection[Any]], ...] = (SummedListening,)
"""Parts of owners, which have queries of their own."""
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)


class Commands(CommandListener):
    """Commands as they reach MongoDB: those that read, or those of the given names."""

    def __init__(self, *names: str) -> None:
        self._names = set(names or READING)
        self.seen: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in self._names:
            self.seen.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None: ...

    def failed(self, event: CommandFailedEvent) -> None: ...


@dataclasses.dataclass
class Walked:
    """A database with all indexes, and the queries that the owners sent to it."""

    database: Database[Document]
    queries: dict[str, list[dict[str, Any]]]
    """By collection; each different form once."""
    silent: list[str]
    """Methods that sent none."""

    def scans(self, collection: str) -> list[str]:
        """The queries of a collection whose plan scans it, though they do not ask for all of it."""
        return [str(query) for query in self.queries.get(collection, []) if self._scans(query)]

    def _scans(self, query: Mapping[str, Any]) -> bool:
        stages = set(_stages(self.database.command("explain", dict(query), verbosity="queryPlanner")))
        return "COLLSCAN" in stages and (bool(_condition(query)) or "SORT" in stages)


@pytest.fixture(scope="module")
def walked(mongo_uri: str) -> Iterator[Walked]:
    commands = Commands()
    client: MongoClient[Document] = MongoClient(mongo_uri, tz_aware=True, event_listeners=[commands])
    database = client["test_indexes"]
    client.drop_database(database.name)
    store, silent = Store(database), []
    for owner in OWNERS:
        _prepare(owner(store))
        database[owner.name].insert_one({"_id": "nobody"})
    for owner in (*OWNERS, *PARTS):
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            inherited = owner in PARTS and name not in vars(owner)
            if not name.startswith("_") and name not in NOT_WALKED and not inherited:
                before = len(commands.seen)
                _call(owner, name, method, store)
                if len(commands.seen) == before:
                    silent.append(f"{owner.__name__}.{name}")
    for bucket in BUCKETS:
        files = FileStore(store, bucket=bucket)
        files.holds("g", "n", size=1, sha256="")
        files.remove("g")
        files.sweep(groups=["g"])
    queries: dict[str, dict[str, dict[str, Any]]] = {}
    for command in commands.seen:
        for query in _single(command):
            kind = next(iter(query))
            queries.setdefault(str(query[kind]), {})[str(query)] = query
    yield Walked(database, {name: list(own.values()) for name, own in queries.items()}, silent)
    client.drop_database(database.name)
    client.close()


def _prepare(owner: Collection[Any]) -> None:
    """Create all indexes, those with a retention, too."""
    owner.prepare()
    if _has_retention(type(owner)):
        typing.cast(Any, owner).keep(timedelta(days=10_000))


def _has_retention(owner: type[Collection[Any]]) -> bool:
    keep = getattr(owner, "keep", None)
    return keep is not None and list(inspect.signature(keep).parameters) == ["self", "time"]


def _call(owner: type[Collection[Any]], name: str, method: types.FunctionType, store: Store) -> None:
    """Call a method with its required arguments, then with all; its queries count, not its result."""
    hints = {key: _specific(hint, owner) for key, hint in typing.get_type_hints(method).items()}
    parameters = [one for key, one in inspect.signature(method).parameters.items() if key != "self"]
    required = [one for one in parameters if one.default is inspect.Parameter.empty]
    for chosen in (required, parameters):
        try:
            values = {one: example(hints[one.name], store) for one in chosen}
            given = {one.name: value for one, value in values.items() if one.kind is not one.VAR_POSITIONAL}
            several = [value for one, value in values.items() if one.kind is one.VAR_POSITIONAL]
            bound = getattr(owner(store), name)
            result = bound(*given.values(), *several) if several else bound(**given)
            if inspect.isgenerator(result) or isinstance(result, Iterator):
                list(result)
        except OperationFailure:
            raise
        except Exception:
            pass


def _specific(hint: Any, owner: type[Collection[Any]]) -> Any:
    """A type with the owner's types in the place of the type variables of its generic bases."""
    known: dict[Any, Any] = {}
    for base in getattr(owner, "__orig_bases__", ()):
        variables = getattr(typing.get_origin(base), "__parameters__", ())
        known |= dict(zip(variables, typing.get_args(base), strict=False))
    if isinstance(hint, typing.TypeVar):
        return known.get(hint, hint)
    variables = getattr(hint, "__parameters__", ())
    return hint[tuple(known.get(one, Any) for one in variables)] if variables else hint


SIMPLE: dict[Any, Any] = {
    str: "ada",
    int: 5,
    float: 0.5,
    bool: True,
    bytes: b"1234",
    datetime: MOMENT,
    date: MOMENT.date(),
    timedelta: timedelta(days=2),
    Path: Path("/nowhere"),
    np.ndarray: np.zeros(2, dtype=np.float32),
    object: "ada",
    Any: "ada",
    UpdateOne: UpdateOne({"_id": "ada"}, {"$set": {"at": MOMENT}}),
    # A listening has listenings of its own kind.
    Playback: Playback(track_id="ada", duration_ms=5, began_at=5, state="playing", reported_at=5, version=5),
    # These check their values.
    Play: a_play(),
    Dial: Dial(),
    CorpusMoods: CorpusMoods(
        percentiles=np.zeros((1, len(DIMENSIONS)), dtype=np.float32), bpm=np.zeros(1, dtype=np.float32)
    ),
}


def example(hint: Any, store: Store) -> Any:
    """A value of a type."""
    origin = typing.get_origin(hint)
    if origin is not None:
        return _generic(origin, typing.get_args(hint), store)
    if inspect.isclass(hint) and hint not in SIMPLE:
        return _made(hint, store)
    return SIMPLE.get(hint)


def _generic(origin: Any, arguments: tuple[Any, ...], store: Store) -> Any:
    if origin is typing.Literal:
        return arguments[0]
    if origin is collections.abc.Callable:
        return None
    known = [one for one in arguments if one not in (types.NoneType, Ellipsis)]
    if origin in (typing.Union, types.UnionType, typing.Annotated, typing.NotRequired, typing.Required):
        return example(known[0], store)
    values = [example(one, store) for one in known]
    if issubclass(origin, collections.abc.Mapping):
        return {values[0]: values[1]}
    return origin(values) if origin in (set, frozenset, tuple) else values[:1]


def _made(kind: type, store: Store) -> Any:
    if issubclass(kind, Collection):
        return kind(store)
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    fields = typing.get_type_hints(kind) if _has_fields(kind) else {}
    return kind(**{name: example(hint, store) for name, hint in fields.items()}) if fields else None


def _has_fields(kind: type) -> bool:
    return dataclasses.is_dataclass(kind) or hasattr(kind, "_fields") or typing.is_typeddict(kind)


def _single(command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A command as explain accepts it: one update or deletion, and without its session."""
    kept = {key: value for key, value in command.items() if not key.startswith("$")}
    for key in ("lsid", "txnNumber", "writeConcern", "ordered", "readConcern", "batchSize"):
        kept.pop(key, None)
    several = {"update": "updates", "delete": "deletes"}.get(next(iter(kept)))
    if several is None:
        yield kept
        return
    for one in kept[several]:
        yield {**kept, several: [one]}


def _condition(query: Mapping[str, Any]) -> Any:
    """The condition on the documents that a query names; empty for all of them."""
    if "pipeline" in query:
        return dict(query["pipeline"][0]).get("$match", {}) if query["pipeline"] else {}
    for several in ("updates", "deletes"):
        if several in query:
            return query[several][0]["q"]
    return query.get("filter") or query.get("query") or {}


def _stages(plan: Any) -> Iterator[str]:
    """The stages of the plan that MongoDB chose."""
    if isinstance(plan, Mapping):
        if isinstance(plan.get("stage"), str):
            yield plan["stage"]
        for key, value in plan.items():
            if key not in ("rejectedPlans", "command"):
                yield from _stages(value)
    elif isinstance(plan, list):
        for one in plan:
            yield from _stages(one)


def test_no_query_scans_a_collection_that_may_have_more_than_10_000_documents(walked: Walked) -> None:
    scans = {name: found for name in walked.queries if name not in SMALL and (found := walked.scans(name))}
    assert scans == {}


def test_the_walk_reaches_every_method(walked: Walked) -> None:
    generic = {f"{owner.__name__}.{name}" for owner in OWNERS for name in ("forget", "held_by")}
    personal = {owner.__name__ for owner in OWNERS if owner.policy.personal and owner.policy.personal.owner}
    unread = {name for name in walked.silent if name not in generic or name.partition(".")[0] in personal}
    assert unread == {
        # Filters, and changes of a document that was read.
        *(
            f"{owner}.{name}"
            for owner in ("Tracks", "Albums", "Artists")
            for name in ("hidden_libraries", "visible")
        ),
        *(f"{owner}.{name}" for owner in ("Albums", "Artists") for name in ("outside", "shown")),
        "Tracks.shows_cover",  # reads only for visitors from whom a library is hidden
        "AppPasswords.by_token",  # compares the read documents
        "Playlists.set_picture",  # refuses the example, which is not a picture
        "ApiKeys.create",  # refuses the example, which is not a scope
        # They insert, or set a retention, and read nothing.
        "Connections.add",
        "Connections.note_pause",  # writes by id, and nothing for the example's error
        "Opinions.keep",  # writes by id, and nothing for the example's type of event
        "OperatorLinks.create",
        "AuditLog.note_of_library",
        "AuditLog.forget",  # its entries stay
        "LoginSessions.is_refused",  # checks a signature, and reads nothing for one that is not valid
        *(f"{owner.__name__}.keep" for owner in OWNERS if _has_retention(owner)),
    }
    assert {owner.name for owner in OWNERS} <= walked.queries.keys()


@pytest.mark.parametrize(
    "owner",
    [owner for owner in OWNERS if any(index.keep is None for index in owner.indexes)],
    ids=lambda owner: str(owner.name),
)
def test_a_missing_index_is_found(walked: Walked, owner: type[Collection[Any]]) -> None:
    assert not walked.scans(owner.name)
    walked.database[owner.name].drop_indexes()
    try:
        assert walked.scans(owner.name)
    finally:
        _prepare(owner(Store(walked.database)))
        until(lambda: not walked.scans(owner.name), "the indexes of a collection with documents")


@pytest.fixture
def database_name() -> str:
    return new_database_name()


def test_an_index_is_built_in_the_background_of_a_collection_with_documents(
    store: Store,
) -> None:
    sessions = ListeningSessions(store)
    store.database[sessions.name].insert_many(
        [{"_id": n, "user_id": "u", "first_at": n} for n in range(2000)]
    )
    sessions.prepare()
    until(
        lambda: len(sessions.documents.index_information()) == 1 + len(sessions.indexes),
        "the indexes of a collection with documents",
    )


def test_indexes_that_exist_are_left_alone(mongo_uri: str, database_name: str) -> None:
    commands = Commands("createIndexes", "collMod", "find", "listIndexes")
    with MongoClient[Document](mongo_uri, event_listeners=[commands]) as client:
        owners = [owner(Store(client[database_name])) for owner in OWNERS]
        for owner in owners:
            owner.prepare()
        assert any("createIndexes" in command for command in commands.seen)
        commands.seen.clear()
        for owner in owners:
            owner.prepare()
        assert [next(iter(command)) for command in commands.seen] == ["listIndexes"] * len(OWNERS)
        client.drop_database(database_name)


def test_an_index_gets_another_retention(store: Store) -> None:
    class ForADay(Collection[Document]):
        name, policy = "kept", Policy()
        indexes = (Index.on("at", keep=timedelta(days=1)),)

    class ForAnHour(Collection[Document]):
        name, policy = "kept", Policy()
        indexes = (Index.on("at", keep=timedelta(hours=1)),)

    for owner, seconds in ((ForADay, 86_400), (ForAnHour, 3_600)):
        owner(store).prepare()
        assert owner(store).documents.index_information()["at_1"]["expireAfterSeconds"] == seconds


def test_each_collection_with_indexes_has_a_job_that_creates_them() -> None:
    for owner in OWNERS:
        if owner.indexes:
            assert any(right & Right.INDEX for right in owner.policy.access.values()), owner.name
    assert Job.CATALOGUE in {job for owner in OWNERS for job in owner.policy.access}
