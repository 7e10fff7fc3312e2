"""Faults of other servers that users of apps reported, each with the request and the right answer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from starlette.testclient import TestClient

from segue.audio.length import length_of
from segue.catalog.gathering import gather
from segue.catalog.lyrics import lyrics_in
from segue.catalog.track_lyrics import TrackLyrics
from segue.dashboard.opensubsonic import ids
from segue.dashboard.services import Services
from segue.settings import Settings
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import ALBUMS, EACH, SECONDS, App, track_id
from tests.opensubsonic.test_answers import album_of, artist_of

pytestmark = pytest.mark.integration
A, B, C, D = (track_id(place, 2) for place in range(4))


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


def entries(app: App, playlist_id: str) -> list[str]:
    return [song["id"] for song in app.get("getPlaylist", id=playlist_id)["playlist"]["entry"]]


def test_a_list_without_entries_is_a_list(ben: App) -> None:
    own = [one for one in ben.get("getPlaylists")["playlists"]["playlist"] if not one["readonly"]]
    assert own == []
    assert ben.get("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}
    assert ben.get("getAlbumList2", type="newest", offset=99999)["albumList2"] == {"album": []}
    nothing = ben.get("search3", query="zzzzqqqq")["searchResult3"]
    assert nothing == {"artist": [], "album": [], "song": []}
    assert ben.get("getBookmarks")["bookmarks"] == {"bookmark": []}


def test_one_entry_is_a_list_and_one_object_is_none(ada: App, library: Store) -> None:
    first = library.database.tracks.find_one({"album": "1999"})
    assert first is not None
    library.database.tracks.delete_many({"album": "1999", "_id": {"$ne": first["_id"]}})
    gather(library, [first["_id"]])
    artist = ada.get("getArtist", id=artist_of(ada, "311")["id"])["artist"]
    assert [album["name"] for album in artist["album"]] == ["1999"]
    assert len(ada.get("getAlbum", id=artist["album"][0]["id"])["album"]["song"]) == 1
    assert isinstance(ada.get("getSong", id=first["_id"])["song"], dict)


def test_no_information_is_an_empty_object(ada: App) -> None:
    assert ada.get("getAlbumInfo2", id=album_of(ada, "1999")["id"])["albumInfo"] == {}
    info = ada.get("getArtistInfo2", id=artist_of(ada, "311")["id"])["artistInfo2"]
    assert info.keys() <= {"similarArtist"}


def test_names_of_digits_are_text_and_an_unknown_year_is_left_out(ada: App, library: Store) -> None:
    library.database.tracks.update_one({"_id": D}, {"$set": {"title": "1999", "year": None}})
    song = ada.get("getSong", id=D)["song"]
    assert (song["title"], song["album"], song["artist"]) == ("1999", "1999", "311")
    assert "year" not in song
    assert (song["isDir"], type(song["duration"]), type(song["size"])) == (False, int, int)


def test_the_order_of_years_is_that_of_the_call(ada: App) -> None:
    def years(first: int, last: int) -> list[int]:
        found = ada.get("getAlbumList2", type="byYear", fromYear=first, toYear=last)
        return [album["year"] for album in found["albumList2"]["album"]]

    assert years(2010, 2001) == [2010, 2005, 2001]
    assert years(2001, 2010) == [2001, 2005, 2010]


def test_a_long_form_keeps_its_order(ada: App) -> None:
    songs = [track_id(place % 4, 1 + place % EACH) for place in range(3_000)]
    response = ada.web.post(
        "/rest/createPlaylist.view",
        params=ada.parameters(name="Long"),
        data={"songId": songs},
    )
    made = response.json()["subsonic-response"]["playlist"]
    assert [song["id"] for song in made["entry"]] == songs


def test_saving_a_playlist_replaces_its_songs(ada: App) -> None:
    made = ada.get("createPlaylist", name="Mine", songId=[A, B, C])["playlist"]
    again = ada.get("createPlaylist", playlistId=made["id"], songId=[C, A])["playlist"]
    assert ([song["id"] for song in again["entry"]], again["id"], again["name"]) == (
        [C, A],
        made["id"],
        "Mine",
    )


def test_songs_are_removed_by_their_places_before_the_call(ada: App) -> None:
    made = ada.get("createPlaylist", name="Mine", songId=[A, B, A, C])["playlist"]
    ada.get("updatePlaylist", playlistId=made["id"], songIndexToRemove=[0, 1], songIdToAdd=D, name="New name")
    assert entries(ada, made["id"]) == [A, C, D]
    assert ada.get("getPlaylist", id=made["id"])["playlist"]["name"] == "New name"
    assert ada.fail("updatePlaylist", playlistId=made["id"], songIndexToRemove=9) == 70


def test_a_queue_keeps_its_place_and_can_be_emptied(ada: App) -> None:
    ada.get("savePlayQueueByIndex", id=[A, B, A], currentIndex=2, position=61_500)
    queue = ada.get("getPlayQueueByIndex")["playQueueByIndex"]
    assert (queue["currentIndex"], queue["position"], len(queue["entry"])) == (2, 61_500, 3)
    assert ada.fail("savePlayQueueByIndex", id=[A, B], currentIndex=3) == 10
    assert ada.fail("savePlayQueue", id=[A, B]) == 10
    ada.get("savePlayQueue", id=[A, B], current=B)
    queue = ada.get("getPlayQueue")["playQueue"]
    assert (queue["current"], queue["position"]) == (B, 0)
    ada.get("savePlayQueue")
    assert ada.get("getPlayQueue")["playQueue"]["entry"] == []


def test_similar_songs_of_an_artist_an_album_and_a_song(ada: App) -> None:
    for own in (artist_of(ada, "The Example")["id"], album_of(ada, "1999")["id"], A):
        for name, field in (("getSimilarSongs", "similarSongs"), ("getSimilarSongs2", "similarSongs2")):
            songs = [song["id"] for song in ada.get(name, id=own, count=5)[field]["song"]]
            assert 0 < len(songs) <= 5
            assert len(set(songs)) == len(songs)


def test_a_star_is_seen_wherever_its_listener_sees_the_object(ada: App, ben: App) -> None:
    album, artist = album_of(ada, "First Light")["id"], artist_of(ada, "The Example")["id"]
    playlist = ada.get("createPlaylist", name="Mine", songId=[A])["playlist"]["id"]
    ada.get("star", id=A, albumId=album, artistId=artist)
    ada.get("setRating", id=A, rating=4)

    def songs(app: App) -> Iterator[dict[str, Any]]:
        yield from app.get("getAlbum", id=album)["album"]["song"]
        yield app.get("getSong", id=A)["song"]
        yield from app.get("search3", query="First Light")["searchResult3"]["song"]
        yield from app.get("getRandomSongs", size=50)["randomSongs"]["song"]

    found = [
        song
        for song in [*songs(ada), *ada.get("getPlaylist", id=playlist)["playlist"]["entry"]]
        if song["id"] == A
    ]
    assert len(found) == 5
    assert all("starred" in song and song["userRating"] == 4 for song in found)
    assert "starred" in album_of(ada, "First Light")
    assert "starred" in ada.get("getArtist", id=artist)["artist"]
    starred = ada.get("getStarred2")["starred2"]
    assert [[one["id"] for one in starred[kind]] for kind in ("song", "album", "artist")] == [
        [A],
        [album],
        [artist],
    ]
    assert not any("starred" in song or "userRating" in song for song in songs(ben))
    ada.get("unstar", id=A, albumId=album, artistId=artist)
    assert ada.get("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}


def shown(answer: object, own: str) -> Iterator[dict[str, Any]]:
    """All objects of an answer that describe a song, an album or an artist; credits only name one."""
    if isinstance(answer, dict):
        if answer.get("id") == own and ("title" in answer or "name" in answer):
            yield answer
        for name, value in answer.items():
            if name not in ("artists", "albumArtists") or isinstance(value, dict):
                yield from shown(value, own)
    if isinstance(answer, list):
        for value in answer:
            yield from shown(value, own)


def test_every_answer_has_the_star_of_the_objects_that_it_shows(ada: App, ben: App) -> None:
    album, artist = album_of(ada, "First Light")["id"], artist_of(ada, "The Example")["id"]
    for app in (ada, ben):
        app.get("savePlayQueue", id=[A, B], current=A)
        app.get("createBookmark", id=A, position=1000)
        app.get("createShare", id=A)
        app.get("scrobble", id=A, submission="false")
    playlist = ada.get("createPlaylist", name="Ours", songId=[A, B])["playlist"]["id"]
    ada.get("updatePlaylist", playlistId=playlist, public="true")
    ada.get("star", id=A, albumId=album, artistId=artist)
    for own, rating in ((A, 2), (album, 3), (artist, 4)):
        ada.get("setRating", id=own, rating=rating)
    songs: dict[str, dict[str, Any]] = {
        "getAlbum": {"id": album},
        "getSong": {"id": A},
        "getMusicDirectory": {"id": album},
        "getSongsByGenre": {"genre": "Folk", "count": 500},
        "getTopSongs": {"artist": "The Example"},
        "getSonicSimilarTracks": {"id": track_id(0, 3), "count": 500},
        "findSonicPath": {"startSongId": A, "endSongId": D},
        "search": {"any": "First Light 2"},
        "search2": {"query": "First Light 2"},
        "search3": {"query": "First Light 2"},
        "getPlaylist": {"id": playlist},
        "getPlayQueue": {},
        "getPlayQueueByIndex": {},
        "getBookmarks": {},
        "getShares": {},
        "getNowPlaying": {},
    }
    albums: dict[str, dict[str, Any]] = {
        "getAlbum": {"id": album},
        "getArtist": {"id": artist},
        "getMusicDirectory": {"id": artist},
        "getAlbumList": {"type": "alphabeticalByName"},
        "getAlbumList2": {"type": "byGenre", "genre": "Folk"},
        "search2": {"query": "First Light"},
        "search3": {"query": "First Light"},
    }
    artists: dict[str, dict[str, Any]] = {
        "getArtists": {},
        "getIndexes": {},
        "getArtist": {"id": artist},
        "getMusicDirectory": {"id": artist},
        "search2": {"query": "The Example"},
        "search3": {"query": "The Example"},
    }
    for own, rating, calls in ((A, 2, songs), (album, 3, albums), (artist, 4, artists)):
        for name, parameters in calls.items():
            if name == "getNowPlaying":  # for as long as the song lasts
                for app in (ada, ben):
                    app.get("scrobble", id=A, submission="false")
            found = list(shown(ada.get(name, **parameters), own))
            assert found, (name, own)
            assert all("starred" in one for one in found), (name, own)
            assert all(one.get("userRating") == rating for one in found), (name, own)
            others = list(shown(ben.get(name, **parameters), own))
            assert others, (name, own)
            assert not any("starred" in one or "userRating" in one for one in others), (name, own)
    ada.get("unstar", id=A, albumId=album, artistId=artist)
    for own, calls in ((A, songs), (album, albums), (artist, artists)):
        for name, parameters in calls.items():
            assert not any("starred" in one for one in shown(ada.get(name, **parameters), own)), (name, own)


def test_lyrics_have_times_and_clean_words(ada: App, library: Store) -> None:
    timed = lyrics_in("[offset:+500]\n[00:12.30]one\n[00:15.005]two", language="eng")
    plain = lyrics_in("one\ntwo")
    assert timed is not None
    assert plain is not None
    TrackLyrics(library).replace({A: [timed], B: [plain]})

    def lyrics(own: str) -> dict[str, Any]:
        (only,) = ada.get("getLyricsBySongId", id=own)["lyricsList"]["structuredLyrics"]
        found: dict[str, Any] = only
        return found

    found = lyrics(A)
    assert (found["synced"], found["lang"], found["offset"]) == (True, "eng", 0)
    assert [(line["start"], line["value"]) for line in found["line"]] == [(11_800, "one"), (14_505, "two")]
    found = lyrics(B)
    assert (found["synced"], found["lang"]) == (False, "und")
    assert found["line"] == [{"value": "one"}, {"value": "two"}]
    assert ada.get("getLyricsBySongId", id=C)["lyricsList"]["structuredLyrics"] == []
    words = ada.get("getLyrics", artist="the example", title="FIRST LIGHT 2")["lyrics"]
    assert (words["value"], words["title"]) == ("one\ntwo", "First Light 2")
    assert ada.get("getLyrics", artist="Someone Else", title="First Light 2")["lyrics"] == {"value": ""}


def test_a_file_that_fits_is_sent_as_it_is(ada: App, sound_files: dict[str, Path]) -> None:
    mp3, flac = track_id(0, 2), track_id(0, 1)

    def bytes_of(own: str, **parameters: Any) -> bytes:
        sent: bytes = ada.web.get("/rest/stream", params=ada.parameters(id=own, **parameters)).content
        return sent

    assert bytes_of(mp3, maxBitRate=320) == sound_files[mp3].read_bytes()
    assert bytes_of(mp3, maxBitRate=0) == sound_files[mp3].read_bytes()
    assert bytes_of(flac, format="raw", maxBitRate=64) == sound_files[flac].read_bytes()
    assert bytes_of(flac, format="flac") == sound_files[flac].read_bytes()
    small = bytes_of(flac, maxBitRate=64)
    assert len(small) <= 64 * 125 * (SECONDS + 1)
    assert (
        ada.web.get("/rest/download", params=ada.parameters(id=flac)).content
        == sound_files[flac].read_bytes()
    )


def test_a_limit_that_a_file_keeps_changes_nothing(ada: App, library: Store, tmp_path: Path) -> None:
    seconds, rate = 20.0, 44_100
    rng = np.random.default_rng(3)
    noise = rng.uniform(-0.3, 0.3, (round(seconds * rate), 2)).astype(np.float32)
    loud = melody(seconds=seconds, rate=rate)[:, None] + noise
    flac, mp3 = write(tmp_path / "song.flac", loud, rate=rate), tmp_path / "song.mp3"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(flac), "-b:a", "128k", str(mp3)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    for own, file in ((A, mp3), (B, flac)):
        stored = {"path": str(file), "size": file.stat().st_size, "duration_ms": round(seconds * 1000)}
        library.database.tracks.update_one({"_id": own}, {"$set": stored})
    assert ada.get("getSong", id=B)["song"]["bitRate"] > 900

    def sent(own: str, **parameters: Any) -> bytes:
        content: bytes = ada.web.get("/rest/stream", params=ada.parameters(id=own, **parameters)).content
        return content

    for limit in (192, 128, 0):
        assert sent(A, maxBitRate=limit) == mp3.read_bytes(), limit
        assert sent(A, maxBitRate=limit, format="mp3") == mp3.read_bytes(), limit
    for more in ({"format": "raw"}, {"format": "raw", "maxBitRate": 64}, {"maxBitRate": 0}):
        assert sent(B, **more) == flac.read_bytes(), more
    for form in (None, "mp3", "opus", "aac"):
        for limit in (192, 96):
            smaller = sent(B, maxBitRate=limit, **({"format": form} if form else {}))
            assert 8 * len(smaller) / seconds <= 1000 * limit * 1.03, (form, limit)  # with the container
            assert smaller != flac.read_bytes()


def test_ranges_are_exact(ada: App, sound_files: dict[str, Path]) -> None:
    whole = sound_files[A].read_bytes()
    size = len(whole)

    def part(wanted: str, method: str = "GET") -> tuple[int, str | None, bytes, int]:
        response = ada.web.request(
            method, "/rest/stream", params=ada.parameters(id=A), headers={"Range": wanted}
        )
        length = int(response.headers["content-length"])
        return response.status_code, response.headers.get("content-range"), response.content, length

    assert part("bytes=0-1") == (206, f"bytes 0-1/{size}", whole[:2], 2)
    assert part("bytes=-10") == (206, f"bytes {size - 10}-{size - 1}/{size}", whole[-10:], 10)
    assert part(f"bytes={size - 10}-{size + 5000}")[1] == f"bytes {size - 10}-{size - 1}/{size}"
    assert part(f"bytes={size}-")[:2] == (416, f"bytes */{size}")
    assert part("bytes=0-1", "HEAD") == (206, f"bytes 0-1/{size}", b"", 2)
    assert part(" bytes=0-1 ")[:2] == (206, f"bytes 0-1/{size}")
    for none in ("items=0-1", "bytes=2-1", "bytes=a-b", "bytes=-", "bytes=", "bytes", "0-1"):
        assert part(none) == (200, None, whole, size), none


def test_a_converted_song_is_complete(ada: App, tmp_path: Path) -> None:
    flac = track_id(0, 1)
    for own, form in ((flac, "opus"), (flac, "mp3"), (flac, "aac"), (track_id(0, 2), "flac")):
        limit = {} if form == "flac" else {"maxBitRate": 64}
        response = ada.web.get(
            "/rest/stream",
            params=ada.parameters(id=own, format=form, estimateContentLength="true", **limit),
        )
        announced = response.headers.get("content-length")
        assert announced is None or int(announced) == len(response.content)
        file = tmp_path / f"song.{'ogg' if form == 'opus' else form}"
        file.write_bytes(response.content)
        assert length_of(file) == pytest.approx(SECONDS, abs=0.1)


def test_a_song_that_is_a_part_of_a_file_is_sent_alone(ada: App, library: Store, tmp_path: Path) -> None:
    part = {"number": 1, "start": 2.0, "end": 5.0, "digest": "d"}
    library.database.tracks.update_one({"_id": A}, {"$set": {"cue": part, "duration_ms": 3000}})
    assert "bitRate" not in ada.get("getSong", id=A)["song"]
    for name, more in (("stream", {}), ("stream", {"format": "raw"}), ("download", {})):
        response = ada.web.get(f"/rest/{name}", params=ada.parameters(id=A, **more))
        file = tmp_path / "part.mp3"
        file.write_bytes(response.content)
        assert length_of(file) == pytest.approx(3.0, abs=0.1)
    later = ada.web.get("/rest/stream", params=ada.parameters(id=A, timeOffset=1))
    file.write_bytes(later.content)
    assert length_of(file) == pytest.approx(2.0, abs=0.1)


def playing(app: App) -> list[str]:
    return [one["id"] for one in app.get("getNowPlaying")["nowPlaying"]["entry"]]


def plays_in_kafka(services: Services) -> list[tuple[str, str, int]]:
    """(track, type, ms played) of all events, each once."""
    events = in_kafka(services.settings)
    assert len({event["event_id"] for event in events}) == len(events)
    return [(event["track_id"], event["type"], event["ms_played"]) for event in events]


def test_a_song_that_plays_now_is_no_play_yet(ada: App, services: Services) -> None:
    ada.get("scrobble", id=A, submission="false")
    assert playing(ada) == [A]
    ada.get("scrobble", id=A, time=round(time.time() * 1000), submission="true")
    length = round(SECONDS * 1000)
    assert plays_in_kafka(services) == [(A, "play", 0), (A, "complete", length)]


def test_times_in_seconds_are_no_plays_of_1970(ada: App, services: Services) -> None:
    now = int(time.time())
    ada.get("scrobble", id=[A, B], time=[now - 600, (now - 300) * 1000])
    began = {e["track_id"]: e["occurred_at"] for e in in_kafka(services.settings) if e["type"] == "play"}
    assert began == {A: (now - 600) * 1000, B: (now - 300) * 1000}
    assert datetime.fromtimestamp(began[A] / 1000, UTC).year > 2025
    assert ada.fail("scrobble", id=A, time=-5) == 10


def report(app: App, own: str, state: str, position: int, **more: Any) -> None:
    app.get("reportPlayback", mediaId=own, mediaType="song", positionMs=position, state=state, **more)


def test_a_reported_play_that_is_submitted_too_counts_once(ada: App, services: Services) -> None:
    began = round(time.time() * 1000)
    report(ada, A, "starting", 0)
    report(ada, A, "playing", 0)
    report(ada, A, "stopped", 4_000)
    ada.get("scrobble", id=A, time=began)
    assert plays_in_kafka(services) == [(A, "play", 0), (A, "skip", 4_000)]
    report(ada, B, "starting", 0, ignoreScrobble="true")
    report(ada, B, "stopped", 4_000, ignoreScrobble="true")
    assert len(plays_in_kafka(services)) == 2
    wrong = {"mediaId": A, "mediaType": "song", "positionMs": 1}
    assert ada.fail("reportPlayback", **wrong, state="completed") == 10
    assert ada.fail("reportPlayback", **wrong) == 10


def test_an_app_whose_reports_do_not_count_submits_its_songs(ada: App, services: Services) -> None:
    began = round(time.time() * 1000)
    report(ada, A, "starting", 0, ignoreScrobble="true")
    report(ada, A, "playing", 3_000, ignoreScrobble="true")
    ada.get("scrobble", id=A, time=began)
    report(ada, A, "stopped", 6_000, ignoreScrobble="true")
    ada.get("scrobble", id=A, time=began)
    assert plays_in_kafka(services) == [(A, "play", 0), (A, "complete", 6_000)]


def test_an_app_that_went_silent_left(ada: App, library: Store, services: Services) -> None:
    report(ada, A, "starting", 0)
    ago = {"began_at": -3_600_000, "reported_at": -3_600_000}
    # Documents of earlier versions have fewer fields.
    added = dict.fromkeys(("former", "sent", "version", "end", "submitted_at"), "")
    change = {"$inc": ago, "$set": {"played_ms": 2_000}, "$unset": added}
    library.database.playbacks.update_many({}, change)
    report(ada, B, "starting", 0)
    assert plays_in_kafka(services) == [(A, "play", 0), (A, "leave", 2_000), (B, "play", 0)]


def test_a_song_that_is_gone_does_not_hold_up_the_others(ada: App, services: Services) -> None:
    now = round(time.time() * 1000)
    times = [now - 600_000, now - 500_000, now - 400_000]
    ada.get("scrobble", id=[A, "gone", B], time=times)
    began = {e["track_id"]: e["occurred_at"] for e in in_kafka(services.settings) if e["type"] == "play"}
    assert began == {A: times[0], B: times[2]}
    assert ada.fail("scrobble", id=["gone", "too"], time=times[:2]) == 70
    ada.get("scrobble", id=[C, D], time=["", now - 300_000])
    began = {e["track_id"]: e["occurred_at"] for e in in_kafka(services.settings) if e["type"] == "play"}
    assert began[D] == now - 300_000
    assert began[C] >= now


def test_reports_at_the_same_time_are_applied_one_after_the_other(ada: App, services: Services) -> None:
    """An app may end one song and begin the next in two requests at once."""
    for first, second in ((A, B), (B, C), (C, D)):
        report(ada, first, "playing", 1_000)
        with ThreadPoolExecutor(2) as threads:
            sent = [
                threads.submit(report, ada, second, "starting", 0),
                threads.submit(report, ada, first, "stopped", 1_000),
            ]
            for one in sent:
                one.result()
        assert playing(ada) == [second]
    kinds = [(track, kind) for track, kind, _ in plays_in_kafka(services)]
    plays = sorted(track for track, kind in kinds if kind == "play")
    assert plays == [A, B, C, D]
    assert sorted(track for track, kind in kinds if kind == "skip") == [A, B, C]


def test_a_skip_counts_before_the_stream_has_it(ada: App, services: Services) -> None:
    """No streaming job runs here."""

    def similar() -> list[str]:
        found = ada.get("getSimilarSongs2", id=A, count=8)["similarSongs2"]["song"]
        return [song["id"] for song in found]

    report(ada, B, "starting", 0)
    report(ada, B, "stopped", 6_000)
    liked = similar()
    assert B not in liked
    report(ada, liked[0], "starting", 0)
    report(ada, liked[0], "stopped", 500)
    after = similar()
    assert liked[0] not in after
    random = {song["id"] for song in ada.get("getRandomSongs", size=50)["randomSongs"]["song"]}
    assert random.isdisjoint({B, liked[0]})


def test_an_empty_search_lists_everything_once(ada: App) -> None:
    every = len(ALBUMS) * EACH
    for query in ("", '""'):
        seen: list[str] = []
        for after in range(0, every + 6, 6):
            found = ada.get(
                "search3", query=query, songCount=6, songOffset=after, artistCount=0, albumCount=0
            )["searchResult3"]
            assert (found["artist"], found["album"]) == ([], [])
            seen += [song["id"] for song in found["song"]]
        assert len(seen) == len(set(seen)) == every


def test_an_empty_search_lists_a_large_library_in_pages(ada: App, library: Store) -> None:
    tracks = library.database.tracks
    model = tracks.find_one({"_id": A})
    assert model is not None
    wanted = 1203
    tracks.insert_many(
        {**model, "_id": f"{number:016x}", "path": f"/{number}", "title": f"Song {number % 7}"}
        for number in range(2**48, 2**48 + wanted - len(ALBUMS) * EACH)
    )
    for query in ("", '""'):
        pages = []
        for after in (0, 500, 1000, 1500):
            counts = {"songCount": 500, "songOffset": after, "artistCount": 0, "albumCount": 0}
            found = ada.unchecked("search3", query=query, **counts)["searchResult3"]
            assert (found["artist"], found["album"]) == ([], [])
            pages.append([song["id"] for song in found["song"]])
        assert [len(page) for page in pages] == [500, 500, 203, 0]
        seen = [own for page in pages for own in page]
        assert set(seen) == {track["_id"] for track in tracks.find({}, {"_id": 1})}
        assert len(seen) == wanted
    none = ada.get("search3", query="", songCount=0, artistCount=0, albumCount=0)["searchResult3"]
    assert none == {"artist": [], "album": [], "song": []}


def test_an_app_cannot_name_a_track_of_another_kind(ada: App, web: TestClient) -> None:
    assert ada.fail("getAlbum", id=A) == 70
    assert ada.fail("getSong", id=ids.album("x")) == 70


@pytest.mark.parametrize(
    ("stated", "shown"),
    [
        ({"track_gain": -9.1}, {"trackGain": -9.1}),
        ({"track_gain": -9.1, "album_gain": 0.0}, {"trackGain": -9.1, "albumGain": 0.0}),
        ({"album_gain": -3.0, "album_peak": 1.02}, {"albumGain": -3.0, "albumPeak": 1.02}),
        ({"track_gain": 0.0, "base_gain": 2.5}, {"trackGain": 0.0, "baseGain": 2.5}),
    ],
)
def test_a_gain_that_is_not_known_is_left_out(
    ada: App, library: Store, stated: dict[str, float], shown: dict[str, float]
) -> None:
    library.database.tracks.update_one({"_id": A}, {"$set": {"details.replay_gain": stated}})
    assert ada.get("getSong", id=A)["song"]["replayGain"] == shown
