"""A backup of data that cannot be computed again, tested by destroying them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from typer.testing import CliRunner

from segue.cli.main import app
from segue.collections import COMPUTED, prepare
from segue.errors import SegueError
from segue.people.authentication import Authenticator
from segue.people.forgotten import Forgotten
from segue.playlists.playlists import Playlists
from segue.privacy.backup import backup, restore
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Collection, Job, Snapshot, Store

pytestmark = pytest.mark.integration
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def accounts(database: Database[Document]) -> Authenticator:
    prepare(Store(database), Job.DASHBOARD)
    return Authenticator(Store(database))


@pytest.fixture
def lived_in(database: Database[Document], accounts: Authenticator) -> Database[Document]:
    """A service with two listeners, and with data that can be computed again."""
    ada = accounts.sign_up("Ada", "correct horse", guest_id="ada", address="a").user_id
    ben = accounts.sign_up("Ben", "battery staple", guest_id="ben", address="a").user_id
    lists = Playlists(Store(database))
    lists.create(ada, "Evening")
    database.playlists.update_one({"owner": ada}, {"$set": {"collaborators": [ben]}})
    database.opinions.insert_many(
        {"_id": f"{user}:t1", "user_id": user, "track_id": "t1", "at": AT} for user in (ada, ben)
    )
    database.listening.insert_many(
        {"_id": f"{n}:{ada}", "user_id": ada, "start": AT + timedelta(minutes=15 * n), "rows": [{"plays": n}]}
        for n in range(1200)
    )
    database.tastes.insert_one({"_id": ada, "windows": {}, "vector": b"\x00\x01\x02\x03"})
    database.follows.insert_one({"_id": f"{ada}>{ben}", "follower": ada, "followed": ben, "agreed": True})
    database.tracks.insert_one({"_id": "t1", "title": "Song"})
    return database


def contents(database: Database[Document]) -> dict[str, list[Document]]:
    names = set(database.list_collection_names()) - COMPUTED
    return {name: list(database[name].find().sort("_id", 1)) for name in names if database[name].find_one()}


def destroyed(database: Database[Document]) -> Database[Document]:
    database.client.drop_database(database.name)
    assert contents(database) == {}
    return database


def test_destroyed_documents_are_restored_to_the_last_bit(
    lived_in: Database[Document], accounts: Authenticator, tmp_path: Path
) -> None:
    before, file = contents(lived_in), tmp_path / "backup.gz"
    counts = backup(Store(lived_in), file)
    assert file.stat().st_mode & 0o777 == 0o600
    database = destroyed(lived_in)
    assert restore(Store(database), file) == {name: count for name, count in counts.items() if count}
    assert contents(database) == before
    assert accounts.log_in("Ada", "correct horse", address="b").user_id == "ada"
    assert database.tracks.find_one() is None  # the library has it


def test_the_commands_report_their_counts(
    lived_in: Database[Document], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGUE_MONGO__URI", settings.mongo.uri)
    monkeypatch.setenv("SEGUE_MONGO__DATABASE", settings.mongo.database)
    file = str(tmp_path / "backup.gz")
    run = CliRunner().invoke
    saved = run(app, ["backup", "create", file])
    assert "2 accounts" in saved.stdout
    assert "1,200 listening" in saved.stdout
    again = run(app, ["backup", "create", file])
    assert again.exit_code == 1
    destroyed(lived_in)
    assert "2 accounts" in run(app, ["backup", "restore", file]).stdout
    refused = run(app, ["backup", "restore", file])
    assert refused.exit_code == 1
    assert run(app, ["backup", "restore", "--replace", "--yes", file]).exit_code == 0


def test_a_database_with_listeners_is_not_written_over_by_the_way(
    lived_in: Database[Document], tmp_path: Path
) -> None:
    file = tmp_path / "backup.gz"
    backup(Store(lived_in), file)
    lived_in.opinions.delete_one({"_id": "ada:t1"})
    lived_in.opinions.insert_one({"_id": "ada:t2", "user_id": "ada"})
    before = contents(lived_in)
    with pytest.raises(SegueError, match=r"has documents in accounts, .* --replace"):
        restore(Store(lived_in), file)
    assert contents(lived_in) == before
    restore(Store(lived_in), file, replace=True)
    assert lived_in.opinions.distinct("_id") == ["ada:t1", "ada:t2", "ben:t1"]


def test_who_left_after_the_backup_stays_away(lived_in: Database[Document], tmp_path: Path) -> None:
    file = tmp_path / "backup.gz"
    backup(Store(lived_in), file)
    left = {name: documents for name, documents in contents(lived_in).items() if name != "forgotten"}
    for name in left:
        lived_in[name].drop()
    Forgotten(Store(lived_in)).remember("ben", plays_kept=timedelta(days=1))
    restore(Store(lived_in), file)
    assert lived_in.accounts.distinct("user_id") == ["ada"]
    assert lived_in.opinions.distinct("user_id") == ["ada"]
    assert lived_in.follows.find_one() is None
    assert (lived_in.playlists.find_one() or {})["collaborators"] == []


def test_who_left_before_the_backup_stays_away(lived_in: Database[Document], tmp_path: Path) -> None:
    Forgotten(Store(lived_in)).remember("ben", plays_kept=timedelta(days=1))
    file = tmp_path / "backup.gz"
    backup(Store(lived_in), file)
    database = destroyed(lived_in)
    restore(Store(database), file)
    assert Forgotten(Store(database)).among({"ada", "ben"}) == {"ben"}
    assert database.accounts.distinct("user_id") == ["ada"]


def test_it_shows_one_moment(lived_in: Database[Document], tmp_path: Path, monkeypatch: Any) -> None:
    """Documents written while it reads are missing from all collections."""
    file, read = tmp_path / "backup.gz", Collection.dump

    def meanwhile(owner: Collection[Any], snapshot: Snapshot) -> Iterator[Any]:
        yield from read(owner, snapshot)
        lived_in.opinions.insert_one({"_id": f"after {owner.name}", "user_id": "ada"})
        lived_in.tastes.delete_many({})

    monkeypatch.setattr(Collection, "dump", meanwhile)
    before = contents(lived_in)
    backup(Store(lived_in), file)
    monkeypatch.undo()
    database = destroyed(lived_in)
    restore(Store(database), file)
    assert contents(database) == before


@pytest.mark.parametrize("damage", ["cut off", "a bit turned", "cut and closed", "something else", "absent"])
def test_a_damaged_file_changes_nothing(lived_in: Database[Document], tmp_path: Path, damage: str) -> None:
    file = tmp_path / "backup.gz"
    backup(Store(lived_in), file)
    data = file.read_bytes()
    changed = {
        "cut off": data[:-2000],
        "a bit turned": data[:2000] + bytes([data[2000] ^ 16]) + data[2001:],
        "cut and closed": gzip.compress(gzip.decompress(data)[:-1000]),
        "something else": gzip.compress(b"a letter to the editor"),
        "absent": None,
    }[damage]
    file.unlink()
    if changed is not None:
        file.write_bytes(changed)
    database = destroyed(lived_in)
    with pytest.raises(SegueError, match=r"is incomplete|is not a backup|cannot be read"):
        restore(Store(database), file)
    assert contents(database) == {}


def test_a_document_that_stands_against_the_archive_is_named(
    lived_in: Database[Document], tmp_path: Path
) -> None:
    file = tmp_path / "backup.gz"
    backup(Store(lived_in), file)
    lived_in.accounts.update_one({"_id": "ada"}, {"$set": {"user_id": "another"}})
    lived_in.accounts.insert_one({"_id": "eve", "user_id": "ada"})
    with pytest.raises(SegueError, match=r"accounts: .*duplicate key.* remove the document that conflicts"):
        restore(Store(lived_in), file, replace=True)


def test_a_file_that_is_there_is_not_written_over(lived_in: Database[Document], tmp_path: Path) -> None:
    file = tmp_path / "backup.gz"
    file.write_bytes(b"the last one")
    with pytest.raises(SegueError, match="already exists"):
        backup(Store(lived_in), file)
    with pytest.raises(SegueError, match="cannot be written"):
        backup(Store(lived_in), tmp_path / "no folder" / "backup.gz")
    assert file.read_bytes() == b"the last one"
