"""An evening beside a real server, supysonic: a real Kafka, streaming job and MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pymongo.database import Database
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.batch_jobs import update_library
from segue.batch_jobs.library_pass import ServersToRead
from segue.connected.client import LogIn, OpenSubsonic
from segue.connected.connections import Connections
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linked_accounts import LinkedAccounts
from segue.connected.linking import GivenLogIn, connect_server, link_account
from segue.dashboard.beside.follower import Follower
from segue.dashboard.opensubsonic.routes import routes
from segue.dashboard.services import Services
from segue.plays.playbacks import Playbacks
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.catalog.library import tag
from tests.connected import supysonic
from tests.connected.conftest import PACE
from tests.connected.supysonic import PASSWORD, Supysonic
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import app_of
from tests.streaming.job import RestartingJob
from tests.waiting import until

pytestmark = pytest.mark.integration
SONGS, SECONDS, SKIPS = 16, 120.0, 5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    """A server with four albums of four songs of two minutes."""
    folder = tmp_path_factory.mktemp("supysonic")
    programs = supysonic.environment(folder / "environment")
    for number in range(SONGS):
        file = folder / "music" / f"Artist {number % 4}" / f"Album {number % 4}" / f"{number:02}.mp3"
        write(file, melody(seconds=SECONDS, pitch=110.0 * (1 + number % 4), seed=number))
        tag(
            file,
            title=f"Song {number}",
            artist=f"Artist {number % 4}",
            album=f"Album {number % 4}",
            genre="Folk",
        )
    made = supysonic.made(programs, folder / "server", folder / "music")
    with made.running():
        yield made


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    quickly = {
        "playing_interval": timedelta(milliseconds=200),
        "playlist_interval": timedelta(milliseconds=1),
    }
    return settings.model_copy(
        update={
            "audio": settings.audio.model_copy(update={"max_duration": timedelta(seconds=4)}),
            "servers": settings.servers.model_copy(update=quickly),
        }
    )


@pytest.fixture
def own_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(update_library, "LOCAL", tmp_path)


def for_you(client: OpenSubsonic) -> list[str]:
    """The songs of the playlist on the server."""
    lists = client.call("getPlaylists")["playlists"].get("playlist", [])
    own = [one["id"] for one in lists if one["name"] == "For you"]
    if not own:
        return []
    found = client.call("getPlaylist", {"id": own[0]})["playlist"]
    return [entry["id"] for entry in found.get("entry", [])]


@pytest.mark.usefixtures("shared_describers", "own_lock")
def test_five_songs_that_are_skipped_there_change_the_playlist_there(
    server: Supysonic, broker: Settings, database: Database[Document], tmp_path: Path
) -> None:
    store, given = Store(database), GivenLogIn(user="ada", secret=PASSWORD)
    connect_server(store, broker, server.address, name="home", given=given)
    done = update_library.run(broker, store, [], quiet=True, servers=ServersToRead(Connections(store).all()))
    assert (done.new, done.described, done.indexed, done.faults) == (SONGS, SONGS, SONGS, [])

    services = Services(
        store, broker.model_copy(update={"stream": broker.stream.model_copy(update={"metrics_port": 0})})
    )
    web = TestClient(Starlette(routes=routes(services)))
    ada = app_of(services, web, "Ada")
    by_password = LogIn(user="ada", secret=PASSWORD, method="password")
    follower = Follower(services)
    with (
        OpenSubsonic(server.address, by_password, pace=PACE) as there,
        RestartingJob(services.settings, tmp_path / "stream.log"),
    ):
        there.call("createPlaylist", {"name": "Mine", "songId": next(iter(ConnectedSongs(store).of("home")))})
        link_account(store, broker, "home", user_id=ada.account.user_id, name=ada.account.name, given=given)
        try:
            follower.start()
            until(lambda: for_you(there), "the playlist on the server")
            before = for_you(there)
            skipped = skip_there(there, services, ada.account.user_id, before)
            until(
                lambda: (now := for_you(there)) and now != before and not set(now) & set(skipped),
                "another playlist on the server",
            )
        finally:
            follower.close()
        lists = {one["name"]: one for one in there.call("getPlaylists")["playlists"]["playlist"]}
        assert {"For you", "New to you", "Mine"} <= lists.keys()
        assert (lists["Mine"]["songCount"], lists["Mine"].get("comment")) == (1, None)
        [linked] = LinkedAccounts(store).of_server("home")
        assert linked.get("fault") is None

        # The songs of the server play here, in apps and with ranges.
        song, track = next((own, known.track_id) for own, known in ConnectedSongs(store).of("home").items())
        with there.sound("download", {"id": song}) as answer:
            whole = answer.read()
        heard = web.get("/rest/stream", params=ada.parameters(id=track), headers={"Range": "bytes=1000-1999"})
        assert (heard.status_code, heard.content) == (206, whole[1000:2000])
    services.close()


def skip_there(there: OpenSubsonic, services: Services, user_id: str, songs: list[str]) -> list[str]:
    """Play songs on the server, each until Segue has seen it, until five were skipped; returns these."""
    known = ConnectedSongs(services.store).of("home")
    skipped: list[str] = []
    for song in songs:
        with there.sound("stream", {"id": song}) as answer:
            answer.read()

        def is_seen(track_id: str = known[song].track_id) -> bool:
            playback = Playbacks(services.store).of(user_id, "home (0)")
            return playback is not None and playback.track_id == track_id

        until(is_seen, "Segue to see the song")
        events = in_kafka(services.settings)
        ids = [event["track_id"] for event in events if event["type"] == "skip"]
        skipped = [own for own, one in known.items() if one.track_id in ids]
        if len(skipped) == SKIPS:
            return skipped
    raise AssertionError(f"{len(skipped)} of {len(songs)} songs were skipped")
