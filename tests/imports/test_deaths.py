"""Changes of imported plays that SIGKILL ends before any of their writes, and that are then started again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.imports import changed
from segue.imports.beside import BesideTheStream
from segue.imports.changed import ChangedImports
from segue.imports.importing import Importer
from segue.imports.runs import Imports
from segue.imports.songs import ImportedSongs
from segue.settings import Settings
from segue.storage.store import Store
from segue.taste.corrections import Corrections
from tests.imports.deaths import BESIDE, PART, die
from tests.imports.test_importing import imported, kept, rows

pytestmark = pytest.mark.integration
PLAYS = 4 * PART
LATEST: timedelta = changed._LATEST


def told(store: Store, user_id: str) -> bool:
    """Whether the stream takes up what has changed for a listener, after a pause if nobody tells it more."""
    change = store.database[ChangedImports.name].find_one({"_id": user_id})
    return change is not None and change.get("after", datetime.now(UTC)) <= datetime.now(UTC) + LATEST


def songs(store: Store, user_id: str) -> dict[str, Any]:
    return {
        key: (song["track_id"], song["first_at"]) for key, song in ImportedSongs(store).heard(user_id).items()
    }


def test_an_import_that_is_killed_is_completed_by_another(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    file = rows(1, PLAYS, tmp_path)
    imported(store, file, user_id="whole")
    listeners = die(settings, ("import", file))
    before = {f"u{n}": len(kept(store, f"u{n}")) for n in range(1, listeners + 1)}
    assert set(before.values()) == set(range(0, PLAYS + 1, PART)), "deaths between all parts"
    completed = {own: any(run["state"] == "complete" for run in Imports(store).of(own)) for own in before}
    assert 0 < sum(completed.values()) < len(completed)
    for user_id, there in before.items():
        assert told(store, user_id) or not there
        again = imported(store, file, user_id=user_id)
        assert (again.rows, again.known, again.stored) == (PLAYS, there, PLAYS - there)
        assert kept(store, user_id) == kept(store, "whole")
        assert songs(store, user_id) == songs(store, "whole")
        assert user_id in ChangedImports(store).waiting(limit=1000)
        runs = Imports(store).of(user_id)
        assert {run["state"] for run in runs} == {"complete"}
        assert [run["number"] for run in runs] == ([2, 1] if completed[user_id] else [1])
        if not completed[user_id]:
            assert (runs[0]["rows"], runs[0]["stored"], runs[0]["known"]) == (PLAYS, PLAYS, 0)
            assert Importer(store, user_id).undo(1) == PLAYS


def test_plays_beside_the_stream_are_told_of_if_their_process_is_killed(
    store: Store, settings: Settings
) -> None:
    listeners = die(settings, ("keep", 0))
    assert listeners > 3
    for user_id in (f"u{n}" for n in range(1, listeners + 1)):
        assert told(store, user_id) or not kept(store, user_id)
        BesideTheStream(store).keep(user_id, BESIDE)
        assert len(kept(store, user_id)) == len(BESIDE)
        assert told(store, user_id)


def test_listeners_whose_songs_came_into_the_library_are_told_of(store: Store, settings: Settings) -> None:
    listeners = [f"a{n}" for n in range(5)]
    for user_id in listeners:
        BesideTheStream(store).keep(user_id, BESIDE)
    store.database[ChangedImports.name].delete_many({})
    assert die(settings, ("match", 0)) > 2
    for user_id in listeners:
        assert any(song["track_id"] for song in ImportedSongs(store).heard(user_id).values())
        assert told(store, user_id)


def test_corrections_are_told_of_if_their_process_is_killed(store: Store, settings: Settings) -> None:
    listeners = die(settings, ("forget", 0))
    corrections = Corrections(store)
    spans = {own: corrections.spans([own]) for own in (f"u{n}" for n in range(1, listeners + 1))}
    assert 0 < sum(map(bool, spans.values())) < listeners
    for user_id, forgotten in spans.items():
        assert told(store, user_id) or not forgotten


def test_a_removal_that_is_killed_is_completed_by_another(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    first, second = rows(1, PLAYS, tmp_path), rows(PLAYS - PART, 2 * PLAYS, tmp_path)
    most = 20
    for user_id in ("whole", *(f"u{n}" for n in range(1, most + 1))):
        imported(store, first, user_id=user_id)
        if user_id != "whole":
            imported(store, second, user_id=user_id)
    store.database[ChangedImports.name].delete_many({})
    listeners = die(settings, ("undo", 2))
    assert 1 < listeners <= most
    for user_id in (f"u{n}" for n in range(1, listeners + 1)):
        state = Imports(store).of(user_id)[0]["state"]
        if len(kept(store, user_id)) < 2 * PLAYS:
            assert told(store, user_id)
            assert state == ("undone" if user_id == f"u{listeners}" else "removing")
        Importer(store, user_id).undo(2)
        assert kept(store, user_id) == kept(store, "whole")
        assert songs(store, user_id) == songs(store, "whole")
        assert user_id in ChangedImports(store).waiting(limit=1000)
        assert Imports(store).of(user_id)[0]["state"] == "undone"


def test_a_change_that_goes_on_waits_until_it_has_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = ChangedImports(store)
    changes.begin("ada")
    assert changes.waiting(limit=10) == {}
    changes.note(["ada"])
    taken = changes.waiting(limit=10)
    assert taken.keys() == {"ada"}
    changes.begin("ada")  # it waits for another change, and no longer for this one
    changes.done(taken)
    assert changes.waiting(limit=10).keys() == {"ada"}


def test_a_change_whose_process_has_died_is_taken_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed, "_LATEST", timedelta(0))
    changes = ChangedImports(store)
    changes.begin("ada")
    assert changes.waiting(limit=10).keys() == {"ada"}


def test_a_change_that_begins_again_and_again_is_taken_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that repeats the same plays would keep an earlier change waiting."""
    monkeypatch.setattr(changed, "_LATEST", timedelta(0))
    changes = ChangedImports(store)
    changes.begin("ada")  # its process dies
    monkeypatch.setattr(changed, "_LATEST", LATEST)
    changes.begin("ada")
    assert changes.waiting(limit=10).keys() == {"ada"}
