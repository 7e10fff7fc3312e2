"""An evening with py-opensonic, the client of Music Assistant, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.dashboard.services import Services
from segue.settings import Settings
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import SECONDS, App, track_id

libopensonic = pytest.importorskip("libopensonic")
pytestmark = pytest.mark.integration
MARKED = track_id(0, 2)


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


@pytest.fixture(params=["token", "key", "password"])
def client(request: pytest.FixtureRequest, ada: App, address: int) -> Iterator[Any]:
    """The client, logged in in each of the three ways."""
    ways: dict[str, dict[str, Any]] = {
        "token": {"username": "Ada", "password": ada.app_password},
        "key": {"api_key": ada.app_password},
        "password": {"username": "Ada", "password": ada.app_password, "legacy_auth": True},
    }
    found = libopensonic.Connection("http://127.0.0.1", port=address, **ways[request.param])
    yield found
    found.cleanup()


def read(client: Any, response: Any) -> bytes:
    """The body of a response of the client."""
    body: bytes = asyncio.run_coroutine_threadsafe(response.read(), client._loop).result(30)
    return body


def test_an_evening(client: Any, services: Services, sound_files: dict[str, Path]) -> None:
    assert client.ping()
    names = {extension.name for extension in client.get_open_subsonic_extensions()}
    assert {"playbackReport", "apiKeyAuthentication", "sonicSimilarity"} <= names
    # Browse.
    artists = [artist for index in client.get_artists().index for artist in index.artist]
    example = next(artist for artist in artists if artist.name == "The Example")
    albums = client.get_artist(example.id).album
    assert [album.name for album in albums] == ["First Light", "Second Wind"]
    album = client.get_album(albums[0].id)
    assert album.song[0].title == "Intro"
    assert {genre.value for genre in client.get_genres()} == {"Folk", "Pop", "Rock"}
    assert len(client.get_album_list2("newest")) == 4
    # Search, hear, see.
    found = client.search3("wind")
    assert {song.album for song in found.song} == {"Second Wind"}
    song = client.get_song(MARKED)
    assert song.duration == SECONDS
    assert read(client, client.stream(song.id)) == sound_files[song.id].read_bytes()
    assert read(client, client.get_cover_art(song.cover_art, 64))[:2] == b"\xff\xd8"
    # Play two songs: one to its end, one skipped.
    client.report_playback(song.id, "song", 0, "starting")
    client.report_playback(song.id, "song", round(SECONDS * 1000), "stopped")
    other = album.song[0]
    client.report_playback(other.id, "song", 0, "starting")
    assert [one.id for one in client.get_now_playing()] == [other.id]
    client.report_playback(other.id, "song", 1000, "stopped")
    client.scrobble(track_id(1, 3), True, round(time.time() * 1000))
    kinds = [(event["track_id"], event["type"]) for event in in_kafka(services.settings)]
    assert kinds == [
        (song.id, "play"),
        (song.id, "complete"),
        (other.id, "play"),
        (other.id, "skip"),
        (track_id(1, 3), "play"),
        (track_id(1, 3), "complete"),
    ]
    # Like, rate, and keep.
    client.star([song.id], [albums[0].id], [example.id])
    client.set_rating(song.id, 5)
    starred = client.get_starred2()
    assert [one.id for one in starred.song] == [song.id]
    assert starred.song[0].user_rating == 5
    client.unstar([song.id], [albums[0].id], [example.id])
    assert client.create_playlist(name="Tonight", song_ids=[song.id, other.id])
    made = next(one for one in client.get_playlists() if one.name == "Tonight")
    client.update_playlist(made.id, song_ids_to_add=[song.id], song_indices_to_remove=[0])
    assert [one.id for one in client.get_playlist(made.id).entry] == [other.id, song.id]
    assert {"For you", "Daily mix", "New to you", "Tonight"} == {one.name for one in client.get_playlists()}
    client.delete_playlist(made.id)
    client.save_play_queue([song.id, other.id], other.id, 500)
    assert client.get_play_queue().current == other.id
    # The next songs.
    assert client.get_similar_songs2(song.id, 5)
    assert client.get_sonic_similar_tracks(song.id, 3)[0].similarity > 0
    assert client.get_top_songs("The Example", 3)
    assert len(client.get_random_songs(4)) == 4
    assert client.get_user("Ada").username == "Ada"
