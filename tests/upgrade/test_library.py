"""The library of an earlier version after its first ingest: the same tracks, with all that belongs to them.

The database, the bundle and the models in data/ were made by the earlier version. The music is composed
again: the composer's version has not changed since, so the sound is the same.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
import pytest
from mutagen.id3 import ID3

from segue.batch_jobs import build_index, extract_features, ingest_catalog, train_embeddings
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.catalog.albums import Albums
from segue.catalog.artists import Artists
from segue.catalog.letters import artist_key
from segue.catalog.tracks import Tracks
from segue.demo.library import TRACKS
from segue.index.active import ActiveBundle
from segue.playlists.playlists import Playlists
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.opinions import Opinions
from tests.conftest import Compose
from tests.upgrade.conftest import Earlier, put_back

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("Spark")]

LIBRARY = "segue-upgrade-music"
STYLES = ("Waltz", "Metal", "Folk")
RENAMED = "Wren Hollis-Beck/Kindling/01 Apple Loft.mp3"
"""Ada likes it, and it is on her playlist. It gets another name and folder before the first ingest."""
CONVERTED = "Clara Venmoor/Letters in Three/01 The Glass Staircase.mp3"
"""She dislikes it. It becomes an Ogg file."""


@dataclass(frozen=True)
class Upgraded:
    earlier: Earlier
    root: Path
    before: Mapping[str, Document]
    """The tracks of the earlier version, by id."""
    summary: IngestSummary

    @property
    def store(self) -> Store:
        return Store(self.earlier.database)

    def tracks(self) -> dict[str, Document]:
        return {track["_id"]: track for track in self.earlier.database.tracks.find()}

    def path_of(self, old: str) -> str:
        """Where the file of an old path is now."""
        moved = {RENAMED: "Renamed/Loft.mp3", CONVERTED: str(Path(CONVERTED).with_suffix(".ogg"))}
        return str(self.root / moved.get(old, old))


@pytest.fixture(scope="module")
def upgraded(
    mongo_uri: str, tmp_path_factory: pytest.TempPathFactory, compose: Compose
) -> Iterator[Upgraded]:
    folder = tmp_path_factory.mktemp("upgraded")
    with put_back(folder, mongo_uri=mongo_uri, database="test_upgrade_library", bootstrap="") as earlier:
        before = {track["_id"]: track for track in earlier.database.tracks.find()}
        root = folder / LIBRARY
        compose(root, [track for track in TRACKS if track.style in STYLES and track.place < 6])
        _as_read(before, root)
        _rename_and_convert(root)
        summary = ingest_catalog.run(Store(earlier.database), root, quiet=True)
        yield Upgraded(earlier, root, before, summary)


def _as_read(stored: Mapping[str, Document], root: Path) -> None:
    """Give the files the tags and times with which the earlier version read them."""
    for number, file in enumerate(sorted(root.rglob("*.mp3"))):
        if number:
            tags = ID3(file)
            tags.delall("APIC")
            tags.save()
    for track in stored.values():
        path = root / _relative(track)
        os.utime(path, ns=(track["modified_ns"], track["modified_ns"]))


def _rename_and_convert(root: Path) -> None:
    (root / "Renamed").mkdir()
    (root / RENAMED).rename(root / "Renamed" / "Loft.mp3")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", root / CONVERTED, "-vn"]
    subprocess.run([*command, (root / CONVERTED).with_suffix(".ogg")], check=True, stdin=subprocess.DEVNULL)
    (root / CONVERTED).unlink()


def _relative(track: Document) -> str:
    return str(track["path"]).partition(f"{LIBRARY}/")[2]


def test_every_track_keeps_its_id(upgraded: Upgraded) -> None:
    assert upgraded.before
    after = upgraded.tracks()
    assert after.keys() == upgraded.before.keys()
    for own, track in upgraded.before.items():
        assert (after[own]["path"], after[own]["state"]) == (upgraded.path_of(_relative(track)), "present")
        assert [after[own][field] for field in ("title", "artist", "album")] == [
            track[field] for field in ("title", "artist", "album")
        ]
    assert (upgraded.summary.new, upgraded.summary.vanished, upgraded.summary.moved) == (0, 0, 2)


def test_every_track_gets_an_identity(upgraded: Upgraded) -> None:
    for own, track in upgraded.tracks().items():
        assert track["sketch"], own
        assert track["inode"] and track["device"] and track["changed_ns"], own
        assert track["details"]["artists"] == [track["artist"]]
        assert track["artist_keys"] == [artist_key(track["artist"])]
    places = {own: track["place"] for own, track in upgraded.tracks().items() if track["place"] != own}
    assert len(places) == 2


def test_tracks_were_added_when_their_files_were_written(upgraded: Upgraded) -> None:
    for own, track in upgraded.tracks().items():
        written = datetime.fromtimestamp(upgraded.before[own]["modified_ns"] / 1e9, tz=UTC)
        assert abs(track["added_at"] - written) < timedelta(milliseconds=2)


def test_tracks_get_albums_and_artists(upgraded: Upgraded) -> None:
    after = upgraded.tracks()
    names = {(track["artist"], track["album"]) for track in after.values()}
    albums = {
        album["_id"]: album for album in Albums(upgraded.store).stored(t["album_id"] for t in after.values())
    }
    assert sorted((album["artist"], album["name"]) for album in albums.values()) == sorted(names)
    assert sum(album["tracks"] for album in albums.values()) == len(after)
    artists = Artists(upgraded.store)
    for name in {artist for artist, _ in names}:
        own = [track for track in after.values() if track["artist"] == name]
        found = artists.get(artist_key(name))
        assert found and (found["name"], found["tracks"], found["albums"]) == (name, len(own), 1)


def test_likes_and_playlists_continue(upgraded: Upgraded) -> None:
    tracks, old = Tracks(upgraded.store), {_relative(t): own for own, t in upgraded.before.items()}
    opinions = Opinions(upgraded.store).by_track("user-ada")
    assert (opinions[old[RENAMED]], opinions[old[CONVERTED]]) == ("like", "dislike")
    [playlist] = Playlists(upgraded.store).of("user-ada")
    assert {old[RENAMED], old[CONVERTED]} <= set(playlist.tracks)
    day_list = upgraded.earlier.database.day_lists.find_one({"user_id": "user-ada"}) or {}
    for own in {*opinions, *playlist.tracks, *day_list["tracks"]}:
        recording = tracks.recording(own)
        assert recording is not None and recording.path.is_file()


def test_history_and_recommendations_are_of_the_same_tracks(upgraded: Upgraded) -> None:
    database = upgraded.earlier.database
    heard = {
        own
        for taste in database.tastes.find()
        for window in taste["windows"].values()
        for own in window["tracks"]
    }
    recommended = {item["track_id"] for one in database.recommendations.find() for item in one["items"]}
    counted = set(database.listening.distinct("rows.track_id")) | set(
        database.listening_stats.distinct("key", {"dimension": "track"})
    )
    assert heard and recommended and counted
    assert (
        Tracks(upgraded.store).summaries(heard | recommended | counted).keys()
        == heard | recommended | counted
    )


def test_a_second_ingest_changes_nothing(upgraded: Upgraded) -> None:
    before = upgraded.tracks()
    again = ingest_catalog.run(upgraded.store, upgraded.root, quiet=True)
    assert (again.unchanged, again.new, again.changed) == (len(before), 0, 0)
    assert upgraded.tracks() == before


def test_the_index_has_the_same_tracks_and_rules(upgraded: Upgraded) -> None:
    """Only the converted song is analysed again; its features outlive the file until then."""
    settings, store = upgraded.earlier.settings, upgraded.store
    old = ActiveBundle(store, folder=settings.index.folder).current()
    work = extract_features.find_work(store, settings)
    [missing] = work.missing
    assert (missing.path, work.gone) == (upgraded.path_of(CONVERTED), [])
    embedded = train_embeddings.run(settings, store)
    assert (embedded.fitted, embedded.space) == (False, upgraded.earlier.active("audio-space"))
    build_index.run(store, settings.index)
    new = ActiveBundle(store, folder=settings.index.folder).current()
    assert new.track_ids.tolist() == old.track_ids.tolist()
    assert old.transition_rules is not None and new.transition_rules is not None
    assert new.transition_rules.rows.tolist() == old.transition_rules.rows.tolist()
