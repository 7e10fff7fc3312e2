"""The stream plans no track of a library that a listener does not see."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from pymongo.database import Database

from segue.dashboard.services import Services
from segue.index.active import ActiveBundle
from segue.people.library_access import AdmittedListeners, LibraryAccess
from segue.replanning.service import Replanning
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.music import EACH, STYLES, make_music, track_id
from tests.taste.test_history import table


@pytest.fixture
def settings(settings: Settings) -> Settings:
    library = settings.library.model_copy(update={"accounts": (("loud", ("Ada",)), ("kids", ()))})
    return settings.model_copy(update={"library": library})


@pytest.fixture
def music(database: Database[Document], settings: Settings, tmp_path: Path) -> Database[Document]:
    files = {track_id(style, number): tmp_path / "x" for style in STYLES for number in range(EACH)}
    make_music(database, settings, files)
    for library, style in (("loud", "Metal"), ("kids", "House"), ("home", "Waltz")):
        database.tracks.update_many({"genres": style}, {"$set": {"library": library}})
    return database


def planned(music: Database[Document], settings: Settings, user_id: str, *, heard: str) -> set[str]:
    """The styles of a listener's stored recommendations after a play."""
    now = time.time_ns() // 1_000_000
    play = ("e1", heard, "complete", 1000, now)
    store = Store(music)
    bundle = ActiveBundle(store, folder=settings.index.folder).current()
    Replanning(store, settings).replan(table([(user_id, now, [play])]), bundle=bundle)
    stored = music.recommendations.find_one({"_id": user_id})
    assert stored is not None
    assert stored["items"]
    return {item["track_id"].rstrip("0123456789") for item in stored["items"]}


@pytest.mark.parametrize("heard", ["waltz1", "metal1", "house1"])
def test_a_plan_has_visible_tracks_only_whatever_was_heard(
    music: Database[Document], settings: Settings, heard: str
) -> None:
    AdmittedListeners(Store(music)).note("ada", "Ada")
    AdmittedListeners(Store(music)).note("eve", "Eve")
    assert planned(music, settings, "guest-1", heard=heard) == {"waltz"}
    assert planned(music, settings, "eve", heard=heard) == {"waltz"}
    assert planned(music, settings, "ada", heard=heard) <= {"waltz", "metal"}


def test_listeners_of_one_batch_get_only_tracks_that_each_of_them_sees(
    music: Database[Document], settings: Settings
) -> None:
    store = Store(music)
    AdmittedListeners(store).note("ada", "ADA")
    now = time.time_ns() // 1_000_000
    rows = [(user, now, [("e1", "metal1", "complete", 1000, now)]) for user in ("ada", "ben")]
    bundle = ActiveBundle(store, folder=settings.index.folder).current()
    Replanning(store, settings).replan(table(rows), bundle=bundle)
    stored = {one["_id"]: [item["track_id"] for item in one["items"]] for one in music.recommendations.find()}
    assert any(track.startswith("metal") for track in stored["ada"])
    assert stored["ben"]
    assert all(track.startswith("waltz") for track in stored["ben"])


def test_a_page_notes_the_listeners_whom_a_list_names(music: Database[Document], settings: Settings) -> None:
    services = Services(Store(music), settings)
    visitors = services.store.hidden_libraries.__self__  # type: ignore[attr-defined]
    for user, name in (("ada", "ADA"), ("ben", "Ben"), ("guest", None)):
        listener = services.login_sessions.find(services.login_sessions.open(user_id=user, name=name))
        visitors._hidden_from(listener)
    assert list(music.admitted_listeners.find()) == [{"_id": "ada", "name": "ADA"}]
    services.close()


def test_who_sees_which_library() -> None:
    access = LibraryAccess([("loud", ["Ada", "ben"]), ("kids", [])])
    assert access.hidden_from("1", "ÁDA") == access.hidden_from("2", None) == {"loud", "kids"}
    assert access.hidden_from("3", "ada") == access.hidden_from("4", "Ben") == {"kids"}
    assert access.names("4", "BEN")
    assert not access.names("5", "Eve")
    assert not access.names("2", None)
    open_to_all = LibraryAccess([])
    assert open_to_all.hidden_from("2", None) == frozenset()
    assert not open_to_all.names("3", "Ada")
