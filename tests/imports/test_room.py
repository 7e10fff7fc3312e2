"""The number of imported plays and scrobbles that a listener may keep."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymongo.database import Database

from segue.imports import room
from segue.imports.beside import BesideTheStream, PlayBeside
from segue.imports.days import ImportedDays
from segue.imports.play import ImportedPlay, Song
from segue.imports.songs import ImportedSongs, Match
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.imports.test_importing import imported, rows

pytestmark = pytest.mark.integration
DAY = 86_400
AT = 1_600_000_000


@pytest.fixture
def beside(database: Database[Document]) -> BesideTheStream:
    return BesideTheStream(Store(database))


def scrobble(title: str, at: int) -> PlayBeside:
    song = Song(title=title, artist="Nobody")
    return PlayBeside(song.key(), ImportedPlay(song=song, at=at), Match(None))


def numbers(database: Database[Document], user_id: str) -> tuple[int, int]:
    """The songs and the plays that are kept."""
    store = Store(database)
    return ImportedSongs(store).number(user_id), ImportedDays(store).number(user_id)


def test_scrobbles_of_made_up_songs_do_not_fill_the_disk(
    beside: BesideTheStream, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither days nor songs had a limit."""
    monkeypatch.setattr(room, "MOST_SONGS", 5)
    for day in range(4):
        beside.keep("ada", [scrobble(f"{day}-{number}", AT + day * DAY + number) for number in range(3)])
    assert numbers(database, "ada") == (5, 5)
    assert beside.keep("ada", [scrobble("0-0", AT + 9 * DAY)]), "a known song has room"
    assert numbers(database, "ada") == (5, 6)
    assert beside.keep("ben", [scrobble("x", AT)]), "and so have other listeners"


def test_plays_have_a_limit_over_all_days(
    beside: BesideTheStream, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_PLAYS", 5)
    for day in range(4):
        beside.keep("ada", [scrobble("one", AT + day * DAY + number) for number in range(3)])
    assert numbers(database, "ada") == (1, 5)
    assert not beside.keep("ada", [scrobble("two", AT)])
    assert numbers(database, "ada") == (1, 5)
    # Another process counts what is there.
    BesideTheStream(Store(database)).keep("ada", [scrobble("two", AT)])
    assert numbers(database, "ada") == (1, 5)


def test_an_import_tells_what_it_left_out(
    database: Database[Document], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_PLAYS", 12)
    path = rows(1, 30, tmp_path)
    summary = imported(Store(database), path)
    assert (summary.stored, summary.left_out) == (12, {"no_room": 18})
    assert summary.rows == summary.stored + summary.known + sum(summary.left_out.values())
