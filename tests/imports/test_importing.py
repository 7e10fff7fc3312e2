"""Imports are a union: in any order, any number of times, and each can be undone."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from segue.catalog.tracks import Tracks
from segue.errors import SegueError
from segue.imports import days
from segue.imports.beside import BesideTheStream
from segue.imports.changed import ChangedImports
from segue.imports.days import Added, ImportedDays, KeptPlay, plays_in
from segue.imports.exports import Exports
from segue.imports.importing import Importer, Summary, match_again, preview, unmatched
from segue.imports.runs import Imports
from segue.imports.songs import ImportedSongs
from segue.privacy.export import archive
from segue.privacy.leaving import forget
from segue.storage.store import Store
from tests.imports.deaths import BESIDE
from tests.imports.library import LIBRARY, library, track
from tests.imports.test_exports import SPOTIFY
from tests.imports.test_imported_facts import NORTH_SIDE
from tests.plays.examples import a_play

AT = 1_680_717_600


def rows(first: int, last: int, folder: Path, *, artist: str = "Vela") -> Path:
    """A file of ListenBrainz with the plays of these numbers; the songs alternate."""
    path = folder / f"{artist}-{first}-{last}.jsonl"
    path.write_text(
        "\n".join(
            json.dumps(
                {
                    "listened_at": AT + 7200 * i,
                    "track_metadata": {"artist_name": artist, "track_name": f"Song {i % 7}"},
                }
            )
            for i in range(first, last + 1)
        )
    )
    return path


def imported(store: Store, *files: Path, user_id: str = "ada") -> Summary:
    exports = Exports(files, most_bytes=10**9)
    return Importer(store, user_id).run(exports, LIBRARY, files=[file.name for file in files])


def kept(store: Store, user_id: str = "ada") -> list[tuple[int, str]]:
    found = [play for day in ImportedDays(store).days(user_id) for play, _ in plays_in(day)]
    return [(play.at, play.song) for play in found]


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0)])
def test_files_that_overlap_count_once_in_any_order(
    store: Store, tmp_path: Path, order: Sequence[int]
) -> None:
    files = rows(1, 100, tmp_path), rows(90, 200, tmp_path)
    summaries = [imported(store, files[i]) for i in order]
    assert len(kept(store)) == 200
    assert sum(summary.stored for summary in summaries) == 200
    for summary in summaries:
        assert summary.rows == summary.stored + summary.known + sum(summary.left_out.values())


def test_a_file_with_the_same_rows_twice_counts_once(store: Store, tmp_path: Path) -> None:
    summary = imported(store, rows(1, 10, tmp_path), rows(1, 10, tmp_path))
    assert (summary.rows, summary.stored, summary.known) == (20, 10, 10)


def test_songs_of_the_same_second_are_different_plays(store: Store) -> None:
    added = ImportedDays(store).add("ada", [KeptPlay(AT, "a" * 24), KeptPlay(AT, "b" * 24)], number=1)
    assert added == Added(new=2, beyond=0)


def test_an_import_can_be_undone_and_leaves_the_plays_of_others(store: Store, tmp_path: Path) -> None:
    imported(store, rows(1, 100, tmp_path))
    imported(store, rows(90, 200, tmp_path))
    imported(store, rows(1, 5, tmp_path), user_id="ben")
    assert Importer(store, "ada").undo(2) == 100
    assert len(kept(store)) == 100
    assert Importer(store, "ada").undo(2) == 0
    assert Importer(store, "ada").undo(1) == 100
    assert kept(store) == []
    assert ImportedSongs(store).matches("ada") == {}
    assert len(kept(store, "ben")) == 5
    assert [run["state"] for run in Imports(store).of("ada")] == ["undone", "undone"]
    with pytest.raises(SegueError, match="no import 3"):
        Importer(store, "ada").undo(3)
    imported(store, rows(1, 100, tmp_path))
    assert len(kept(store)) == 100


def test_a_removal_stops_an_import_that_runs(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.imports.importing._AT_ONCE", 30)
    imported(store, rows(90, 200, tmp_path))
    read: list[int] = []

    def remove(now: int) -> None:
        read.append(now)
        if len(read) == 2:
            assert Importer(store, "ada").undo(2) == 60
            assert Imports(store).one("ada", 2)["state"] == "removing", "plays of it may still come"

    exports = Exports([rows(1, 100, tmp_path)], most_bytes=10**9)
    with pytest.raises(SegueError, match="removed while it ran"):
        Importer(store, "ada").run(exports, LIBRARY, files=["a"], progress=remove)
    assert len(read) == 2
    assert [at for at, _ in kept(store)] == [AT + 7200 * i for i in range(90, 201)]
    assert [run["state"] for run in Imports(store).of("ada")] == ["undone", "complete"]
    assert ImportedSongs(store).matches("ada").keys() == {song for _, song in kept(store)}
    assert Importer(store, "ada").undo(2) == 0


def test_an_import_of_somebody_who_leaves_ends_and_keeps_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.imports.importing._AT_ONCE", 30)
    read: list[int] = []

    def leave(now: int) -> None:
        read.append(now)
        if len(read) == 2:
            forget(store, "ada", plays_kept=timedelta(days=30))

    exports = Exports([rows(1, 200, tmp_path)], most_bytes=10**9)
    with pytest.raises(SegueError, match="removed"):
        Importer(store, "ada").run(exports, LIBRARY, files=["a"], progress=leave)
    assert len(read) == 2
    assert kept(store) == []
    assert ImportedSongs(store).matches("ada") == {}
    assert Imports(store).of("ada") == []
    assert ChangedImports(store).waiting(limit=10) == {}


def test_an_interrupted_import_continues_under_its_number(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(SegueError):
        imported(store, tmp_path / "a.json")
    imported(store, rows(1, 10, tmp_path))
    rows(1, 20, tmp_path).rename(tmp_path / "a.json")
    imported(store, tmp_path / "a.json")
    newest, first = Imports(store).of("ada")
    assert [(run["number"], run["state"], run["stored"], run["known"]) for run in (newest, first)] == [
        (2, "complete", 10, 0),
        (1, "complete", 10, 10),
    ]
    assert "error" not in first
    imported(store, tmp_path / "a.json")
    assert [run["number"] for run in Imports(store).of("ada")] == [3, 2, 1], "a complete one is another"


def test_an_import_that_cannot_be_read_says_why(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="max_size"):
        Importer(store, "ada").run(
            Exports([rows(1, 10, tmp_path)], most_bytes=20), LIBRARY, files=["a.jsonl"]
        )
    [run] = Imports(store).of("ada")
    assert run["state"] == "failed" and "max_size" in run["error"]


def test_a_preview_knows_what_was_imported_before(store: Store, tmp_path: Path) -> None:
    imported(store, rows(1, 100, tmp_path))
    exports = Exports([rows(90, 120, tmp_path)], most_bytes=10**9)
    shown = preview(exports, LIBRARY, there=ImportedDays(store).places("ada"))
    assert (shown.plays, shown.stored, shown.known) == (31, 20, 11)


def test_a_song_that_came_into_the_library_is_matched_by_another_import(store: Store, tmp_path: Path) -> None:
    path = rows(0, 13, tmp_path)
    imported(store, path)
    grown = library(track("new", "Song 5"))
    summary = Importer(store, "ada").run(Exports([path], most_bytes=10**9), grown, files=["again"])
    assert summary.matched == 12
    assert unmatched(store, "ada", most=9) == [("Vela", "Song 6", "", 2)]


def test_songs_that_are_missing_are_kept_and_matched_later(store: Store, tmp_path: Path) -> None:
    summary = imported(store, rows(0, 13, tmp_path))
    assert (summary.plays, summary.matched) == (14, 10)
    assert unmatched(store, "ada", most=9) == [("Vela", "Song 5", "", 2), ("Vela", "Song 6", "", 2)]
    assert match_again(store, lambda _: library(track("new", "Song 5"))) == (2, 1)
    assert unmatched(store, "ada", most=9) == [("Vela", "Song 6", "", 2)]
    assert match_again(store, lambda _: LIBRARY) == (1, 0)


def test_a_preview_counts_as_the_import_does_and_stores_nothing(store: Store, tmp_path: Path) -> None:
    files = rows(1, 100, tmp_path), rows(90, 120, tmp_path)
    shown = preview(Exports(files, most_bytes=10**9), LIBRARY)
    assert kept(store) == [] and Imports(store).of("ada") == []
    done = imported(store, *files)
    for name in ("rows", "stored", "known", "matched", "ambiguous", "left_out", "years", "missing"):
        assert getattr(shown, name) == getattr(done, name), name


def test_an_import_without_plays_is_no_success(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(SegueError, match="no plays"):
        imported(store, tmp_path)
    (run,) = Imports(store).of("ada")
    assert run["state"] == "failed"
    assert run["unknown_files"] == ["a.json"]


def test_an_interrupted_import_is_completed_by_another(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.imports.importing._AT_ONCE", 30)
    calls = 0

    def stop(_: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt

    path = rows(1, 100, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        Importer(store, "ada").run(Exports([path], most_bytes=10**9), LIBRARY, files=["a"], progress=stop)
    assert len(kept(store)) == 60
    assert Imports(store).of("ada")[0]["state"] == "failed"
    summary = imported(store, path)
    assert (summary.stored, summary.known) == (40, 60)


def test_imports_at_the_same_time_lose_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "_AT_ONCE", 3)
    # All plays fall on a few days.
    parts = [[KeptPlay(AT + 60 * i, f"{i:024x}") for i in range(start, 600, 4)] for start in range(4)]
    added = [0] * len(parts)

    def add(i: int) -> None:
        for play in parts[i]:
            added[i] += ImportedDays(store).add("ada", [play], number=i + 1).new

    threads = [threading.Thread(target=add, args=(i,)) for i in range(len(parts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(store)) == 600
    assert sum(added) == 600


def test_imports_are_part_of_a_listeners_export(store: Store, tmp_path: Path) -> None:
    import io
    import zipfile

    imported(store, rows(1, 10, tmp_path))
    with zipfile.ZipFile(io.BytesIO(archive(store, "ada", plays=[]))) as packed:
        assert {"imported_days.json", "imported_songs.json", "imports.json"} <= set(packed.namelist())


def test_another_segue_can_import_the_plays_of_an_export(store: Store, tmp_path: Path) -> None:
    Tracks(store).write([NORTH_SIDE])
    plays = [a_play(track_id=own, occurred_at=AT * 1000) for own in ("north", "gone")]
    export = tmp_path / "export.zip"
    export.write_bytes(archive(store, "ada", plays=plays))
    there = library(track("other", "North Side"))  # the same song under another id
    summary = Importer(store, "ben").run(Exports([export], most_bytes=10**9), there, files=["export.zip"])
    assert (summary.stored, summary.matched) == (2, 1)


def test_another_segue_can_import_the_imported_plays_of_an_export(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "endsong.json"
    path.write_text(json.dumps([SPOTIFY, {**SPOTIFY, "ts": "2023-04-06T18:03:20Z", "skipped": True}]))
    imported(store, path, rows(1, 20, tmp_path))
    BesideTheStream(store).keep("ada", BESIDE)
    export = tmp_path / "export.zip"
    export.write_bytes(archive(store, "ada", plays=[]))
    imported(store, export, user_id="ben")
    assert kept(store, "ben") == kept(store)

    def of(user_id: str) -> list[tuple[int | None, bool | None]]:
        found = [play for day in ImportedDays(store).days(user_id) for play, _ in plays_in(day)]
        return [(play.ms_played, play.skipped) for play in found]

    assert of("ben") == of("ada")
    assert imported(store, export).stored == 0, "it changes nothing where it came from"


def test_a_day_holds_as_many_plays_as_a_person_can_make(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "MOST_IN_DAY", 5)
    path = rows(1, 30, tmp_path)  # twelve a day
    summary = imported(store, path)
    assert (summary.stored, summary.left_out) == (16, {"crowded_day": 14})
    assert summary.rows == summary.stored + summary.known + sum(summary.left_out.values())
    assert imported(store, path).known == 16


def test_a_damaged_day_is_written_anew(store: Store, tmp_path: Path) -> None:
    path = rows(1, 30, tmp_path)
    imported(store, path)
    all_of_them = kept(store)
    [first, *_] = ImportedDays(store).days("ada")
    store.database.imported_days.update_one({"_id": first["_id"]}, {"$set": {"plays": "oops"}})
    assert len(kept(store)) < len(all_of_them)
    assert imported(store, path).stored == len(first["plays"]["at"])
    assert kept(store) == all_of_them
