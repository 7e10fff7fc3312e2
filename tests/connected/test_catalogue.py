"""The catalogue of a connected server: new, renamed and removed songs, and a server that is away or wiped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import mutagen
import pytest
from pymongo.database import Database

from segue.batch_jobs import connected_library, ingest_catalog
from segue.batch_jobs.connected_library import forget_songs, is_due
from segue.catalog.track import MusicBrainzIds, Track, TrackDetails
from segue.catalog.track_files import TrackFiles
from segue.catalog.tracks import Tracks
from segue.connected import log_ins
from segue.connected.client import Pace
from segue.connected.connections import Connections
from segue.connected.faults import LogInRefused, NoSuchThing, ServerAway
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linking import GivenLogIn, connect_server
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.opinions import Opinions
from tests.catalog.library import picture
from tests.catalog.library import song as sound_file
from tests.connected.home import LOG_IN, Home
from tests.connected.small_server import (
    PASSWORD,
    USER,
    Answer,
    SmallServer,
    as_json,
    failed,
    first_then,
    serving,
    song,
    status,
)

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is away is asked once."""
    monkeypatch.setattr(log_ins, "pace_of", lambda settings: Pace(timeout=30, per_second=100_000, attempts=1))


@pytest.fixture
def home(database: Database[Document], settings: Settings, small: SmallServer) -> Home:
    small.fill(*(song(number) for number in range(20)))
    return Home(Store(database), settings, small)


def test_a_catalogue_becomes_a_library(home: Home) -> None:
    first = home.sync()
    assert (first.library, first.tracks, first.new, first.changed, first.vanished) == ("home", 20, 20, 0, 0)
    before = home.offered()
    assert sorted(before.values())[:2] == ["Title 0", "Title 1"]
    again = home.sync()
    assert (again.new, again.changed, again.unchanged) == (0, 0, 20)
    assert home.offered() == before


def test_songs_that_are_renamed_moved_or_retagged_keep_their_tracks(home: Home) -> None:
    home.sync()
    before = home.ids()
    home.small.fill(
        song(0, title="Better title"),
        song(1, path="elsewhere/x.flac"),
        song(2, id="new-id"),
        *(song(number) for number in range(3, 20)),
        song(99),
    )
    summary = home.sync()
    assert (summary.new, summary.changed, summary.vanished, summary.tracks) == (1, 3, 0, 21)
    after = home.ids()
    assert after["song-0"] == before["song-0"]
    assert after["song-1"] == before["song-1"]
    assert after["new-id"] == before["song-2"]
    assert "Better title" in home.offered().values()


def test_all_ids_of_the_server_change_overnight(home: Home) -> None:
    home.sync()
    before = home.offered()
    home.small.fill(
        *(song(number, id=f"{number}" if number < 15 else f"song-{number}") for number in range(20))
    )
    summary = home.sync()
    assert (summary.new, summary.vanished, summary.moved, summary.tracks) == (0, 0, 15, 20)
    assert home.offered() == before


def test_ids_that_are_given_to_other_songs(home: Home) -> None:
    home.sync()
    before = home.offered()
    home.small.fill(*(song(number, id=f"song-{19 - number}") for number in range(20)))
    assert home.sync().tracks == 20
    assert home.offered() == before


def test_a_removed_song_is_gone_and_comes_back_with_its_track(home: Home) -> None:
    home.sync()
    before = home.offered()
    removed = home.small.songs.pop("song-3")
    assert home.sync().vanished == 1
    assert len(home.offered()) == 19
    home.small.songs["song-3"] = removed
    assert home.sync().tracks == 20
    assert home.offered() == before


def test_a_song_that_is_not_listed_but_still_there_stays(home: Home) -> None:
    home.sync()
    listed = [one for own, one in home.small.songs.items() if own != "song-3"]
    home.small.instead["search3"] = first_then(
        1, as_json({"subsonic-response": {"status": "ok", "searchResult3": {"song": listed}}})
    )
    assert home.sync().vanished == 0
    assert len(home.offered()) == 20


@pytest.mark.parametrize("code", [10, 50])
def test_a_removed_song_of_a_server_that_says_so_in_another_way(home: Home, code: int) -> None:
    """Gonic says of an id that it does not know that a parameter is missing; an account may lose a song."""
    home.sync()
    home.small.songs.pop("song-3")
    home.small.instead["getSong"] = failed(code)
    assert home.sync().vanished == 1
    assert len(home.offered()) == 19


@pytest.mark.parametrize("answer", [failed(0), status(404), status(200, body=b"<html>")])
def test_a_song_about_which_the_server_answers_with_an_error_stays(home: Home, answer: Answer) -> None:
    """It holds up no other change."""
    home.sync()
    home.small.songs.pop("song-3")
    home.small.songs["song-99"] = song(99)
    home.small.instead["getSong"] = answer
    summary = home.sync()
    assert (summary.new, summary.vanished) == (1, 0)
    assert len(home.offered()) == 21
    home.small.instead.clear()
    assert home.sync().vanished == 1


def test_a_server_that_is_disconnected_while_it_is_read_leaves_no_songs(home: Home) -> None:
    def disconnected(request: Any) -> None:
        forget_songs(home.store, "home")
        Connections(home.store).remove("home")
        request.usual()

    home.small.instead["search3"] = disconnected
    with pytest.raises(NoSuchThing, match="disconnected"):
        home.sync()
    assert (home.offered(), home.ids()) == ({}, {})


@pytest.mark.parametrize("left", [0, 5])
def test_a_wiped_server_removes_nothing(home: Home, left: int) -> None:
    home.sync()
    before, ids = home.offered(), home.ids()
    songs = dict(home.small.songs)
    home.small.fill(*list(songs.values())[:left])
    summary = home.sync()
    assert (summary.vanished, summary.in_question) == (0, 20 - left)
    assert len(home.offered()) == left
    home.small.fill(*songs.values())
    assert home.sync().tracks == 20
    assert (home.offered(), home.ids()) == (before, ids)


def test_a_small_library_that_is_wiped_is_kept_as_well(home: Home) -> None:
    home.small.fill(song(1), song(2))
    home.sync()
    home.small.fill()
    assert home.sync().in_question == 2
    home.small.fill(song(1), song(2))
    assert home.sync().tracks == 2


def test_an_operator_accepts_the_removal(home: Home) -> None:
    home.sync()
    home.small.fill(song(1))
    assert home.sync().in_question == 19
    assert home.sync(accepted=True).vanished == 19
    assert list(home.offered().values()) == ["Title 1"]
    assert home.sync().unchanged == 1


@pytest.mark.parametrize("code", [429, 500, 503])
@pytest.mark.parametrize("endpoint", ["search3", "getScanStatus", "getSong"])
def test_a_server_that_is_away_changes_nothing(home: Home, endpoint: str, code: int) -> None:
    home.sync()
    before = home.offered()
    home.small.songs.pop("song-3")
    home.small.instead[endpoint] = status(code)
    with pytest.raises(ServerAway):
        home.sync()
    assert home.offered() == before
    assert "HTTP" in (home.connection().get("fault") or "")
    home.small.instead.clear()
    assert home.sync().vanished == 1
    assert home.connection().get("fault") is None


def test_a_pause_that_the_server_asks_for_is_kept(home: Home) -> None:
    """Watching asks a server that did not answer again after some minutes, unless it has asked for more."""
    home.small.instead["search3"] = status(429, headers={"Retry-After": "3600"})
    with pytest.raises(ServerAway):
        home.sync()
    now = datetime.now(UTC)
    for minutes, due in ((30, False), (59, False), (61, True)):
        later = now + timedelta(minutes=minutes)
        assert is_due(home.connection(), home.settings, now=later) is due
    home.small.instead.clear()
    home.sync()
    assert not is_due(home.connection(), home.settings, now=now + timedelta(seconds=1))


def test_a_server_that_is_switched_off(database: Database[Document], settings: Settings) -> None:
    small = SmallServer()
    small.fill(song(1), song(2))
    with serving(small):
        home = Home(Store(database), settings, small)
        home.sync()
    with pytest.raises(ServerAway):
        home.sync()
    assert len(home.offered()) == 2
    with serving(small):
        assert home.sync().unchanged == 2


@pytest.mark.parametrize(
    "hostile",
    [
        {"id": 7, "title": ["x"], "artist": {"a": 1}, "duration": "NaN", "size": -1, "suffix": "mp3"},
        {"id": "../../etc/passwd", "title": "\ud800\0\n", "suffix": "flac", "path": "/../../etc/passwd"},
        {"id": "$where", "title": "x" * 100_000, "suffix": "flac", "year": 10**30, "genre": "\x00"},
        {"id": "a/b", "title": "", "suffix": "flac", "coverArt": "../x", "created": "9999-99-99"},
    ],
)
def test_a_hostile_song_harms_no_other(home: Home, hostile: dict[str, Any]) -> None:
    home.small.songs["hostile"] = hostile
    assert home.sync().tracks == 21
    assert home.sync().unchanged == 21
    [own] = [track for song_id, track in home.ids().items() if not song_id.startswith("song-")]
    found = Tracks(home.store).recording(own)
    assert found is not None
    assert str(found.path) in ("song.mp3", "song.flac")


def test_a_song_in_an_unknown_format_is_left_out(home: Home) -> None:
    home.small.songs["exe"] = song(50, id="exe", suffix="exe", contentType="x/y")
    summary = home.sync()
    assert (summary.tracks, summary.rejected) == (20, 1)


def test_songs_that_are_here_already_are_those_tracks(home: Home) -> None:
    """By recording, by path, and by names with a length, whatever its unit; the other songs are new."""
    ours = {
        "by-recording": ours_of("Other name", "Other", None, ids="00000000-0000-4000-8000-000000000001"),
        "by-path": ours_of("Renamed", "Artist 0", 202, path="/music/Artist 0/Album 0/002 Title 2.flac"),
        "by-names": ours_of("Title 3", "Artist 0", 203, path="/music/x.mp3"),
    }
    Tracks(home.store).write(make(own, **one) for own, one in ours.items())
    songs = [song(number, duration=1000 * (200 + number)) for number in range(20)]
    songs[1]["musicBrainzId"] = "00000000-0000-4000-8000-000000000001"
    home.small.fill(*songs)
    summary = home.sync()
    assert (summary.new, summary.tracks) == (20, 17)
    found = home.ids()
    assert {found["song-1"], found["song-2"], found["song-3"]} == set(ours)
    assert Tracks(home.store).summaries([found["song-4"]])[found["song-4"]].duration_ms == 204_000


def test_a_track_whose_file_is_gone_here_is_played_from_the_server(home: Home) -> None:
    tracks = TrackFiles(home.store)
    tracks.write([make("ours", title="Title 3", artist="Artist 0", seconds=203)])
    home.sync()
    assert home.ids()["song-3"] == "ours"
    tracks.mark_vanished(["ours"])
    home.sync()
    own = home.ids()["song-3"]
    assert own != "ours"
    assert "Title 3" in home.offered().values()


def test_a_folder_that_is_read_after_the_server_shows_no_song_twice(home: Home, tmp_path: Path) -> None:
    """The files take over the tracks of the songs: by recording, path, album, and names with length."""
    songs = [song(number, duration=4, bitRate=None) for number in range(20)]
    songs[1]["musicBrainzId"] = "00000000-0000-4000-8000-000000000001"
    home.small.fill(*songs)
    home.sync()
    before, ids = home.offered(), home.ids()
    Opinions(home.store).keep([("ada", ids["song-4"], "like")])
    root = tmp_path / "Music"
    file_of(root / "x/y.flac", "Other name", "Other", "", recording="00000000-0000-4000-8000-000000000001")
    file_of(root / "Artist 0/Album 0/002 Title 2.flac", "Renamed", "Artist 0", "Album 0")
    file_of(root / "z/3.flac", "Title 3", "Artist 0", "Album 0")
    file_of(root / "z/4.flac", "Title 4", "Artist 0", "")
    file_of(root / "z/another.flac", "Title 5 (live)", "Artist 0", "Album 9")
    ingest_catalog.run(home.store, root, quiet=True, name="disk")
    tracks = home.store.database.tracks
    on_disk = {one["_id"]: one["title"] for one in tracks.find({"library": "disk"})}
    taken = {ids[f"song-{number}"] for number in (1, 2, 3, 4)}
    assert on_disk.keys() - taken == {own for own, title in on_disk.items() if title == "Title 5 (live)"}
    assert taken <= on_disk.keys()
    assert not tracks.count_documents({"library": "disk", "server": {"$ne": None}})
    assert tracks.count_documents({"state": "present"}) == len(before) + 1
    for again in range(2):
        done = home.sync()
        assert (done.new, done.tracks, done.vanished) == (0, 16, 0), again
    assert home.ids() == ids
    known = ConnectedSongs(home.store).of("home")
    assert {own for own, one in known.items() if not one.own} == {"song-1", "song-2", "song-3", "song-4"}
    # What the listener thinks of the song is there, and it is played from the file.
    assert Opinions(home.store).count("ada", "like") == 1
    found = Tracks(home.store).recording(ids["song-4"])
    assert found is not None
    assert (found.server, found.path) == (None, root / "z/4.flac")
    assert ingest_catalog.run(home.store, root, quiet=True, name="disk").unchanged == 5
    # The server's own changes do not reach a track that has a file here.
    home.small.songs["song-4"]["title"] = "Title 4!"
    home.sync()
    assert tracks.find_one({"_id": ids["song-4"]})["title"] == "Title 4"  # type: ignore[index]
    assert home.ids() == ids


def test_an_interrupted_takeover_is_completed_by_the_next_reading(home: Home, tmp_path: Path) -> None:
    home.small.fill(song(3, duration=4, bitRate=None))
    home.sync()
    [own] = home.ids().values()
    root = tmp_path / "Music"
    file_of(root / "z/3.flac", "Title 3", "Artist 0", "Album 0")
    ingest_catalog.run(home.store, root, quiet=True, name="disk")
    server = {"connection": "home", "song": "song-3", "path": "a/b.flac"}
    home.store.database.tracks.update_one({"_id": own}, {"$set": {"server": server}})
    ingest_catalog.run(home.store, root, quiet=True, name="disk")
    assert Tracks(home.store).recording(own).server is None  # type: ignore[union-attr]


def file_of(path: Path, title: str, artist: str, album: str, *, recording: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    sound_file(path, seed=len(str(path)))
    audio = mutagen.File(path)
    given = {"title": title, "artist": artist, "album": album, "musicbrainz_trackid": recording}
    audio.update({name: value for name, value in given.items() if value})
    audio.save()


def test_a_server_that_scans_for_ever_is_read_all_the_same(home: Home) -> None:
    home.sync()
    scanning = {"scanStatus": {"scanning": True, "count": 20, "lastScan": "x"}}
    home.small.instead["getScanStatus"] = as_json({"subsonic-response": {"status": "ok", **scanning}})
    home.small.songs["new"] = song(77, id="new")
    home.sync()
    assert len(home.offered()) == 20, "it is left alone while it scans"
    long_ago = home.connection()["listed_at"] - timedelta(days=2)
    home.store.database.connections.update_one({"_id": "home"}, {"$set": {"listed_at": long_ago}})
    home.sync()
    assert len(home.offered()) == 21


def test_requests_to_the_database_have_a_bounded_number_of_ids(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request takes 16 MB; a server may have a million songs."""
    monkeypatch.setattr(connected_library, "IDS_AT_ONCE", 3)
    sizes: list[int] = []
    for owner, name in (
        (TrackFiles, "bring_back_missing"),
        (TrackFiles, "mark_away"),
        (TrackFiles, "mark_vanished"),
        (TrackFiles, "present_or_away"),
        (ConnectedSongs, "remove"),
    ):
        usual = getattr(owner, name)

        def counted(self: object, *given: Any, usual: Any = usual) -> Any:
            sizes.append(len(list(given[-1])))
            return usual(self, *given)

        monkeypatch.setattr(owner, name, counted)
    home.sync()
    songs = dict(home.small.songs)
    home.small.songs.clear()
    assert home.sync().in_question == 20
    home.small.songs = songs
    assert home.sync().tracks == 20
    for number in range(4):
        del songs[f"song-{number}"]
    assert home.sync().vanished == 4
    assert len(home.offered()) == 16
    assert forget_songs(home.store, "home") == 20
    assert sizes
    assert max(sizes) == 3


def ours_of(
    title: str, artist: str, seconds: int | None, *, path: str = "/m/x.flac", ids: str = ""
) -> dict[str, Any]:
    return {"title": title, "artist": artist, "seconds": seconds, "path": path, "recording": ids or None}


def make(
    own: str,
    *,
    title: str,
    artist: str,
    seconds: int | None,
    path: str = "/m/x.flac",
    recording: str | None = None,
) -> Track:
    return Track(
        track_id=own,
        library="folders",
        path=path,
        title=title,
        artist=artist,
        album=None,
        genres=(),
        duration_ms=seconds and seconds * 1000,
        track=None,
        year=None,
        cover_id=None,
        size=1,
        modified_ns=1,
        details=TrackDetails(ids=MusicBrainzIds(recording=recording)),
    )


def test_nothing_is_read_while_the_server_reports_no_change(home: Home) -> None:
    home.small.mark = "2026-01-01T00:00:00Z"
    home.sync()
    home.small.calls.clear()
    home.sync()
    assert home.small.calls == ["getScanStatus"]
    home.small.mark = "2026-01-02T00:00:00Z"
    home.sync()
    assert "search3" in home.small.calls


def test_an_album_has_the_servers_cover(home: Home) -> None:
    home.small.fill(*(song(number, coverArt=f"al-{number // 10}") for number in range(20)))
    data = picture()
    home.small.instead["getCoverArt"] = first_then(
        1, status(503), status(200, headers={"Content-Type": "image/jpeg"}, body=data)
    )
    home.sync()
    assert {one.cover_id for one in Tracks(home.store).summaries(home.offered()).values()} == {None}
    home.sync()
    assert None not in {one.cover_id for one in Tracks(home.store).summaries(home.offered()).values()}
    home.small.calls.clear()
    home.sync()
    assert "getCoverArt" not in home.small.calls


def test_the_password_is_stored_encrypted_and_can_be_replaced(
    home: Home, database: Database[Document]
) -> None:
    stored = database.connections.find_one({"_id": "home"})
    assert stored is not None
    assert PASSWORD.encode() not in stored["encrypted"]
    assert PASSWORD not in str(stored)
    with pytest.raises(LogInRefused):
        connect_server(
            home.store,
            home.settings,
            home.small.address,
            name="home",
            given=GivenLogIn(user=USER, secret="x"),
        )
    _, new = connect_server(home.store, home.settings, home.small.address, name="home", given=LOG_IN)
    assert not new
    Path(home.settings.opensubsonic.key_file).write_text("A" * 43 + "=\n")
    with pytest.raises(SegueError, match="connect the servers again"):
        home.sync()


@pytest.mark.parametrize("name", ["", "a/b", "../x", "x" * 65, "a\nb", "$x"])
def test_names_that_cannot_be_used(home: Home, name: str) -> None:
    with pytest.raises(SegueError):
        connect_server(home.store, home.settings, home.small.address, name=name or "/", given=LOG_IN)


def test_a_library_of_folders_is_not_taken_over(home: Home) -> None:
    Tracks(home.store).write([make("ours", title="T", artist="A", seconds=1)])
    with pytest.raises(SegueError, match="choose another"):
        connect_server(home.store, home.settings, home.small.address, name="folders", given=LOG_IN)


def test_one_process_follows_a_server(home: Home) -> None:
    connections, hour = Connections(home.store), timedelta(hours=1)
    assert connections.follow("home", "one", lasting=hour)
    assert not connections.follow("home", "two", lasting=hour)
    assert connections.follow("home", "one", lasting=-hour)
    assert connections.follow("home", "two", lasting=hour)
