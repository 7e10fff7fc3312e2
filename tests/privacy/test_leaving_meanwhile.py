"""Nothing is stored of a listener who leaves while players, programs and jobs write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pymongo import InsertOne, ReplaceOne, UpdateMany, UpdateOne
from pymongo.database import Database

from segue.collections import OWNERS
from segue.engagement.facts import Fact
from segue.engagement.stored import StoredEngagement
from segue.errors import SegueError
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.play import ImportedPlay, Song
from segue.imports.songs import Match
from segue.moods.dial import Dial, MoodDials
from segue.people.forgotten import Forgotten
from segue.people.login_failures import LoginFailures, of_mails_to, of_server
from segue.people.preferences import Preferences
from segue.playlists.playlists import Playlists
from segue.plays.delivery import Claim, PlayDelivery, SentPlays
from segue.plays.event import checked
from segue.privacy.leaving import forget
from segue.settings import Settings
from segue.storage.damaged import keep
from segue.storage.documents import Documents
from segue.storage.mongo import Document
from segue.storage.store import Collection, Store
from segue.taste.marks import Marks
from segue.taste.opinions import Opinions
from segue.taste.tastes import TasteRecord, Tastes
from tests.plays.examples import a_play
from tests.waiting import until

pytestmark = pytest.mark.integration

DAY = timedelta(days=1)
PERSONAL = [owner for owner in OWNERS if owner.policy.personal and not owner.policy.log]
OWNED = [owner for owner in PERSONAL if owner.policy.personal and owner.policy.personal.owner]
Write = Callable[[Documents[Any], Document], object]


def _set(document: Document) -> tuple[Document, Document]:
    return {"_id": document["_id"]}, {
        "$set": {key: document[key] for key in document if key != "_id"} or {"n": 1}
    }


def _piped(document: Document) -> tuple[Document, list[Document]]:
    return {"_id": document["_id"]}, [{"$replaceWith": {"$cond": [False, "$$ROOT", {"$literal": document}]}}]


def _found(document: Document) -> tuple[Document, Document]:
    """A new document takes the fields of the filter."""
    return {key: value for key, value in document.items() if not isinstance(value, list)}, {
        "$setOnInsert": {key: value for key, value in document.items() if isinstance(value, list)},
        "$inc": {"n": 1},
    }


WRITES: dict[str, Write] = {
    "insert_one": lambda documents, one: documents.insert_one(one),
    "insert_many": lambda documents, one: documents.insert_many([one]),
    "replace_one": lambda documents, one: documents.replace_one({"_id": one["_id"]}, one, upsert=True),
    "update_one": lambda documents, one: documents.update_one(*_set(one), upsert=True),
    "a pipeline": lambda documents, one: documents.update_one(*_piped(one), upsert=True),
    "a filter": lambda documents, one: documents.update_one(*_found(one), upsert=True),
    "update_many": lambda documents, one: documents.update_many(*_set(one), upsert=True),
    "find_one_and_update": lambda documents, one: documents.find_one_and_update(*_set(one), upsert=True),
    "find_one_and_replace": lambda documents, one: documents.find_one_and_replace(
        {"_id": one["_id"]}, one, upsert=True
    ),
    "InsertOne": lambda documents, one: documents.bulk_write([InsertOne(one)]),
    "ReplaceOne": lambda documents, one: documents.bulk_write(
        [ReplaceOne({"_id": one["_id"]}, one, upsert=True)]
    ),
    "UpdateOne": lambda documents, one: documents.bulk_write([UpdateOne(*_set(one), upsert=True)]),
    "UpdateMany": lambda documents, one: documents.bulk_write([UpdateMany(*_set(one), upsert=True)]),
}


def a_document(owner: type[Collection[Any]], field: str, user_id: str) -> Document:
    if field == "_id":
        return {"_id": user_id}
    return {"_id": f"{field} of {user_id}", field: [user_id] if field == "listeners" else user_id}


@pytest.mark.parametrize("owner", OWNED, ids=lambda owner: owner.name)
def test_no_owner_keeps_what_is_written_for_a_listener_who_has_left(
    store: Store, owner: type[Collection[Any]]
) -> None:
    Forgotten(store).remember("ada", plays_kept=DAY)
    documents = owner(store).documents
    assert owner.policy.personal
    for name, write in WRITES.items():
        for field in owner.policy.personal.owner:
            for user_id in ("ada", "ben"):
                write(documents, a_document(owner, field, user_id))
            stored = str(list(store.database[owner.name].find()))
            assert "ada" not in stored, name
            assert "ben" in stored, name
        store.database[owner.name].delete_many({})


@pytest.mark.parametrize("operator", ["$addToSet", "$push", "$set"])
@pytest.mark.parametrize("several", [False, True])
def test_nobody_who_has_left_comes_into_lists_of_others(
    store: Store, database: Database[Document], operator: str, several: bool
) -> None:
    Forgotten(store).remember("ada", plays_kept=DAY)
    database.playlists.insert_one({"_id": "p1", "owner": "ben", "asked": [], "collaborators": []})
    for member in ("asked", "collaborators"):
        value: Any = ["ada", "cem"] if several or operator == "$set" else "ada"
        change = {operator: {member: {"$each": value} if several and operator != "$set" else value}}
        Playlists(store).documents.update_one({"_id": "p1"}, change)
        [playlist] = database.playlists.find()
        assert "ada" not in playlist[member]
        assert playlist["owner"] == "ben"


def test_a_bulk_that_fails_leaves_nothing_either(store: Store, database: Database[Document]) -> None:
    Forgotten(store).remember("ada", plays_kept=DAY)
    repeated = [InsertOne({"_id": "1", "user_id": "ada"}), InsertOne({"_id": "1", "user_id": "ben"})]
    with pytest.raises(Exception, match="duplicate key"):
        Opinions(store).documents.bulk_write(repeated)
    assert list(database.opinions.find()) == []


def test_keys_with_the_id_and_copies_of_damaged_documents_are_refused_too(
    store: Store, database: Database[Document]
) -> None:
    Forgotten(store).remember("ada", plays_kept=DAY)
    for source in (of_mails_to("ada"), of_server("ada"), of_server("ben")):
        LoginFailures(store).count(source)
    assert [one["_id"] for one in database.login_failures.find()] == [of_server("ben")]
    assert SentPlays(store).claim(checked(a_play(user_id="ada"))) is Claim.NOBODYS
    assert SentPlays(store).claim(checked(a_play(user_id="ben"))) is Claim.OURS
    assert "ada" not in str(list(database.sent_plays.find()))
    database.opinions.insert_many([{"_id": own, "user_id": own, "at": "soon"} for own in ("ada", "ben")])
    for own in ("ada", "ben"):
        keep(database, "opinions", own, "at is a text", used=True, personal=("user_id",))
    assert [one["document_id"] for one in database.damaged_documents.find()] == ["ben"]


def test_plays_of_a_listener_who_has_left_are_not_sent(store: Store) -> None:
    def connect() -> Any:
        raise AssertionError("nothing is to be sent")

    Forgotten(store).remember("ada", plays_kept=DAY)
    play = a_play(user_id="ada")
    assert PlayDelivery(store, connect).send([play]) == ([], {play["event_id"]: "its listener has left"})


def a_fact(user_id: str, now: int) -> Fact:
    counts = {"plays": 1, "starts": 1, "listening_ms": 200_000}
    row = {"track_id": "t1", "artist": "A", "genre": "", "source": "home", "variant": "", "rank": None}
    start = now - now % 900_000
    return Fact(user_id=user_id, start=start, rows=[row | counts], events=1, first_at=now, last_at=now)


def test_a_batch_that_began_before_the_removal_counts_for_nobody(
    store: Store, database: Database[Document], settings: Settings
) -> None:
    """Its plays were facts, and in the numbers for all, until the next sweep."""
    stored, now = StoredEngagement(store, settings), int(datetime.now(UTC).timestamp() * 1000)
    Forgotten(store).remember("ada", plays_kept=DAY)
    facts = [a_fact("ada", now), a_fact("ben", now)]
    stored.write(facts)
    stored.count(fact.start for fact in facts)
    assert [fact["user_id"] for fact in database.listening.find()] == ["ben"]
    assert {one["user_id"] for one in database.listening_sessions.find()} == {"ben"}
    [one] = database.listening_stats.find({"dimension": "track"})
    assert (one["plays"], one["listeners"]) == (1, 1)


def writers(store: Store, settings: Settings) -> dict[str, Callable[[str, int], object]]:
    """The writes of the player, programs, imports and the stream for a listener, by name."""
    engagement, now = StoredEngagement(store, settings), int(datetime.now(UTC).timestamp() * 1000)
    beside, vector = BesideTheStream(store), np.zeros(4, dtype=np.float32)

    def imported(user_id: str, number: int) -> None:
        play = ImportedPlay(
            song=Song(title=f"{number}"), at=1_700_000_000 + number, ms_played=None, skipped=False
        )
        with suppress(SegueError):  # the days vanish while it writes
            beside.keep(user_id, [PlayBeside(f"k{number}", play, Match(None))])

    def playlist(user_id: str, number: int) -> None:
        with suppress(SegueError):  # as many as a listener may have
            Playlists(store).create(user_id, f"{number}")

    return {
        "likes": lambda own, n: Opinions(store).keep([(own, f"t{n}", "like")]),
        "sent plays": lambda own, n: SentPlays(store).claim(checked(a_play(user_id=own))),
        "stars": lambda own, n: Marks(store).star(own, [("track", f"t{n}")]),
        "dial": lambda own, n: MoodDials(store).keep(own, Dial({"energy": 1})),
        "language": lambda own, n: Preferences(store).choose_language(own, "de"),
        "playlists": playlist,
        "imports": imported,
        "taste": lambda own, n: Tastes(store).write([TasteRecord(own, {}, vector, "audio", now + n)]),
        "facts": lambda own, n: engagement.write([a_fact(own, now)]),
    }


@pytest.mark.parametrize("times", range(4))
def test_nothing_stays_while_everything_writes(
    store: Store, database: Database[Document], settings: Settings, times: int
) -> None:
    """The removal deleted documents one collection after the other, and writers came after it."""
    me, ends = f"listener-{times}", threading.Event()
    written = dict.fromkeys(writers(store, settings), 0)

    def write(name: str, kind: Callable[[str, int], object]) -> None:
        after = 0
        while after < 5:  # some more after the removal
            kind(me, written[name])
            written[name] += 1
            after += ends.is_set()

    with ThreadPoolExecutor(len(written)) as pool:
        working = [pool.submit(write, name, kind) for name, kind in writers(store, settings).items()]
        until(lambda: all(written.values()), "every writer has written")
        forget(store, me, plays_kept=DAY)
        ends.set()
        for each in working:
            each.result()
    left = [
        name
        for name in database.list_collection_names()
        if name != "forgotten" and any(me in str(one) for one in database[name].find())
    ]
    assert left == []
