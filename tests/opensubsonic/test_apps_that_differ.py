"""Calls as real apps send them: blank fields, other spellings, unusual methods, large covers."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mutagen.id3 import APIC
from mutagen.mp3 import MP3
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from segue.audio.length import length_of
from segue.catalog.gathering import gather
from segue.dashboard.api.queue import MOST_SHOWN
from segue.dashboard.api.queue import routes as queue_routes
from segue.dashboard.api.shared import routes as shared_pages
from segue.dashboard.services import Services
from segue.engagement.daily import LongStatistics
from segue.people.login_sessions import COOKIE
from segue.playlists.queues import LONGEST
from segue.storage.store import Store
from tests.audio.sounds import melody, write
from tests.opensubsonic.conftest import COVER, App, track_id
from tests.opensubsonic.test_answers import album_of, artist_of

pytestmark = pytest.mark.integration
A, B, C = (track_id(place, 2) for place in range(3))
TAB = "6f5f2a34-7a0c-4c5f-9d6c-0f8f7a3f6f10"


@pytest.mark.parametrize("folder", ["\u00b2", "9" * 5000, "0", "-1", "\u0661", "1.0", "999999"])
def test_a_folder_with_an_odd_number_does_not_exist(ada: App, folder: str) -> None:
    assert ada.fail("getMusicDirectory", id=folder) == 70


def test_every_library_may_be_minus_one(ada: App) -> None:
    assert len(ada.get("getAlbumList2", type="newest", musicFolderId=-1)["albumList2"]["album"]) == 4
    assert len(ada.get("getAlbumList2", type="newest", musicFolderId="")["albumList2"]["album"]) == 4
    assert ada.fail("getAlbumList2", type="newest", musicFolderId=9) == 70


def test_blank_fields_count_as_missing(ada: App) -> None:
    made = ada.get("createPlaylist", playlistId="", name="New", songId=[A, ""])["playlist"]
    assert [song["id"] for song in made["entry"]] == [A]
    ada.get("updatePlaylist", playlistId=made["id"], name="", songIdToAdd="", songIndexToRemove="")
    assert ada.get("getPlaylist", id=made["id"])["playlist"]["name"] == "New"
    ada.get("savePlayQueue", id="", current="", position="")
    assert ada.get("getPlayQueue")["playQueue"]["entry"] == []
    assert ada.fail("star", id="") == 10
    assert (
        len(ada.get("getRandomSongs", size=3, genre="", fromYear="", toYear="")["randomSongs"]["song"]) == 3
    )
    assert len(ada.get("getPlaylists", username="")["playlists"]["playlist"]) == 4


def test_a_position_may_have_a_fraction(ada: App) -> None:
    ada.get("savePlayQueueByIndex", id=[A, B], currentIndex="1", position="61500.75")
    assert ada.get("getPlayQueueByIndex")["playQueueByIndex"]["position"] == 61_500
    assert ada.fail("savePlayQueueByIndex", id=[A, B], currentIndex="1e3") == 10


def test_a_cover_of_size_0_is_the_picture_itself(ada: App) -> None:
    for size in ("0", "-1", "", "5000"):
        response = ada.web.get("/rest/getCoverArt", params=ada.parameters(id=COVER, size=size))
        with Image.open(io.BytesIO(response.content)) as picture:
            assert picture.size == (100, 100)


def test_an_index_changes_when_songs_go(ada: App, library: Store) -> None:
    changed = ada.get("getIndexes")["indexes"]["lastModified"]
    assert ada.get("getIndexes", ifModifiedSince=changed)["indexes"]["index"] == []
    at = time.time() + 5
    library.database.library_status.insert_one(
        {"_id": "pass", "step": "done", "summary": "1 gone", "summary_at": datetime.fromtimestamp(at, UTC)}
    )
    again = ada.get("getIndexes", ifModifiedSince=changed)["indexes"]
    assert again["lastModified"] == pytest.approx(at * 1000, abs=2)
    assert again["index"]


def test_a_large_cover_makes_no_file_too_large(ada: App, library: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "song.mp3", melody(seconds=6.0))
    tagged = MP3(file)
    assert tagged.info is not None
    assert tagged.tags is not None
    sound = round(tagged.info.bitrate / 1000)
    tagged.tags.add(APIC(mime="image/png", type=3, data=b"x" * len(file.read_bytes())))
    tagged.save()
    library.database.tracks.update_one(
        {"_id": A}, {"$set": {"path": str(file), "size": file.stat().st_size, "duration_ms": 6000}}
    )
    sent = ada.web.get("/rest/stream", params=ada.parameters(id=A, maxBitRate=sound)).content
    assert sent == file.read_bytes()
    smaller = ada.web.get("/rest/stream", params=ada.parameters(id=A, maxBitRate=sound - 1)).content
    assert smaller != file.read_bytes()


def test_a_file_is_not_converted_to_its_own_container(ada: App, library: Store, tmp_path: Path) -> None:
    file = write(tmp_path / "song.ogg", melody(seconds=6.0))
    library.database.tracks.update_one(
        {"_id": A}, {"$set": {"path": str(file), "size": file.stat().st_size, "duration_ms": 6000}}
    )
    asked = ada.web.get("/rest/stream", params=ada.parameters(id=A, format="ogg"))
    assert asked.content == file.read_bytes()


def test_a_place_after_the_end_of_a_song_is_an_error(ada: App) -> None:
    for place in ("6", "5.95", "100", "1e6"):
        assert ada.fail("stream", id=A, format="opus", timeOffset=place) == 10
    late = ada.web.get("/rest/stream", params=ada.parameters(id=A, format="opus", timeOffset="5.5"))
    assert late.headers["content-type"] == "audio/ogg"
    assert late.content


def test_flac_is_a_form_to_convert_to(ada: App, tmp_path: Path) -> None:
    response = ada.web.get("/rest/stream", params=ada.parameters(id=A, format="flac"))
    assert response.headers["content-type"] == "audio/flac"
    file = tmp_path / "song.flac"
    file.write_bytes(response.content)
    assert file.read_bytes()[:4] == b"fLaC"
    assert length_of(file) == pytest.approx(6.0, abs=0.1)
    # Without loss, there is no lower bit rate.
    limited = ada.web.get(
        "/rest/stream", params=ada.parameters(id=track_id(0, 1), format="flac", maxBitRate=96)
    )
    assert limited.headers["content-type"] in ("audio/mpeg", "audio/ogg")
    assert len(limited.content) <= 96 * 125 * 7


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_web_app_can_read_every_refusal(web: TestClient, method: str) -> None:
    for path, sent, status in (
        ("/rest/ping", method, 405),
        ("/rest/", "GET", 404),
        ("/rest/a/b", "POST", 404),
    ):
        response = web.request(sent, path, params={"f": "json"}, headers={"Origin": "https://player.example"})
        assert response.status_code == status
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.json()["subsonic-response"]["error"]["code"] == 0


def test_a_playlist_has_a_comment_and_can_be_public(ada: App, ben: App) -> None:
    own = ada.get("createPlaylist", name="Mine", songId=[A, B])["playlist"]["id"]
    assert ben.fail("getPlaylist", id=own) == 70
    ada.get("updatePlaylist", playlistId=own, comment="For the evening", public="true")
    seen = next(one for one in ben.get("getPlaylists")["playlists"]["playlist"] if one["id"] == own)
    assert (seen["comment"], seen["public"], seen["readonly"]) == ("For the evening", True, True)
    assert seen["owner"] == "Ada"
    assert [song["id"] for song in ben.get("getPlaylist", id=own)["playlist"]["entry"]] == [A, B]
    for change in ({"name": "His"}, {"public": "false"}, {"songIndexToRemove": 0}, {"songIdToAdd": C}):
        assert ben.fail("updatePlaylist", playlistId=own, **change) == 50
    assert ben.fail("createPlaylist", playlistId=own, songId=C) == 50
    assert ben.fail("deletePlaylist", id=own) == 50
    ada.get("updatePlaylist", playlistId=own, public="false", comment="")
    assert ben.fail("getPlaylist", id=own) == 70
    assert "comment" not in ada.get("getPlaylist", id=own)["playlist"]


def test_a_link_shares_an_album_or_songs(ada: App, ben: App, services: Services) -> None:
    pages = TestClient(Starlette(routes=shared_pages(services)))
    album = album_of(ada, "First Light")

    def share(**parameters: Any) -> dict[str, Any]:
        (made,) = ada.get("createShare", **parameters)["shares"]["share"]
        page = pages.get(f"/s/{made['url'].rpartition('/')[2]}")
        assert page.status_code == 200
        assert page.text.count("<audio") == len(made["entry"])
        found: dict[str, Any] = made
        return found

    assert [song["albumId"] for song in share(id=album["id"])["entry"]] == [album["id"]] * 4
    songs = share(id=[C, A], description="Two songs")
    assert [song["id"] for song in songs["entry"]] == [C, A]
    assert songs["description"] == "Two songs"
    assert ada.fail("createShare", id=[A, "nope"]) == 70
    expires = round((time.time() + 3600) * 1000)
    assert ben.fail("updateShare", id=songs["id"], description="His") == 70
    ada.get("updateShare", id=songs["id"], description="Both", expires=expires)
    kept = next(one for one in ada.get("getShares")["shares"]["share"] if one["id"] == songs["id"])
    assert kept["description"] == "Both"
    assert "expires" in kept


def test_the_length_of_a_conversion_is_not_known_before(ada: App) -> None:
    asked = ada.parameters(id=A, format="opus", maxBitRate=48)
    head = ada.web.head("/rest/stream", params=asked)
    assert (head.status_code, head.headers["content-type"]) == (200, "audio/ogg")
    assert "content-length" not in head.headers
    sent = ada.web.get("/rest/stream", params=asked).content
    again = ada.web.head("/rest/stream", params=asked)
    assert int(again.headers["content-length"]) == len(sent)


def test_a_link_shares_several_albums(ada: App) -> None:
    albums = [album_of(ada, name)["id"] for name in ("1999", "First Light")]
    (made,) = ada.get("createShare", id=[*albums, C])["shares"]["share"]
    assert [song["id"] for song in made["entry"]] == [
        *(track_id(3, number) for number in range(1, 5)),
        *(track_id(0, number) for number in range(1, 5)),
        C,
    ]
    assert ada.fail("createShare", id=[albums[0], "al-nope"]) == 70


def test_a_search_page_is_as_long_as_an_app_wants(ada: App, library: Store) -> None:
    tracks = library.database.tracks
    model = tracks.find_one({"_id": A})
    assert model is not None
    tracks.insert_many(
        {**model, "_id": f"{number:016x}", "path": f"/{number}"} for number in range(900, 1500)
    )
    found = ada.get("search3", query="", songCount=5000, artistCount=0, albumCount=0)["searchResult3"]["song"]
    assert len(found) == len({song["id"] for song in found}) == 616


def test_pages_of_a_search_in_one_library_have_no_gaps(ada: App, library: Store) -> None:
    library.database.tracks.update_many({"album": {"$ne": "1999"}, "track": 2}, {"$set": {"library": "work"}})
    folders = ada.get("getMusicFolders")["musicFolders"]["musicFolder"]
    work = next(folder["id"] for folder in folders if folder["name"] == "work")
    seen: list[str] = []
    for after in range(4):
        page = ada.get("search3", query="2", songCount=1, songOffset=after, musicFolderId=work)
        seen += [song["id"] for song in page["searchResult3"]["song"]]
    assert sorted(seen) == [A, B, C]


def test_a_refusal_has_the_form_that_the_body_asks_for(ada: App, web: TestClient) -> None:
    wrong = web.post("/rest/ping.view", params={"u": "Ada", "p": "wrong"}, data={"f": "json"})
    assert wrong.json()["subsonic-response"]["error"]["code"] == 40


def test_nobody_lists_the_playlists_of_another(ada: App, ben: App) -> None:
    assert ada.fail("getPlaylists", username="Ben") == 50
    assert ada.get("getPlaylists", username="ADA")["playlists"]["playlist"]


def test_a_queue_may_be_as_long_as_a_playlist(ada: App) -> None:
    """An app with more than 500 songs in its queue got an error, and could not continue elsewhere."""
    songs = [track_id(place % 4, 1 + place % 4) for place in range(LONGEST)]
    saved = ada.web.post(
        "/rest/savePlayQueueByIndex.view",
        params=ada.parameters(currentIndex=7_001, position=5),
        data={"id": songs},
    )
    assert saved.json()["subsonic-response"]["status"] == "ok"
    queue = ada.unchecked("getPlayQueueByIndex")["playQueueByIndex"]
    assert (queue["currentIndex"], queue["position"]) == (7_001, 5)
    assert [song["id"] for song in queue["entry"]] == songs
    more = ada.web.post(
        "/rest/savePlayQueueByIndex", params=ada.parameters(currentIndex=0), data={"id": [*songs, songs[0]]}
    )
    assert more.json()["subsonic-response"]["error"]["code"] == 0
    assert len(ada.unchecked("getPlayQueue")["playQueue"]["entry"]) == LONGEST


def test_the_web_player_continues_a_long_queue_near_its_present_song(ada: App, services: Services) -> None:
    songs = [track_id(place % 4, 1 + place % 4) for place in range(3_000)]
    ada.web.post(
        "/rest/savePlayQueueByIndex",
        params=ada.parameters(currentIndex=2_000, position=5),
        data={"id": songs},
    )
    pages = TestClient(Starlette(routes=queue_routes(services)), base_url="http://localhost")
    pages.cookies.set(COOKIE, services.login_sessions.open(user_id=ada.account.user_id, name="Ada"))
    shown = pages.get("/api/queue").json()
    assert (shown["at"], shown["position"], len(shown["items"])) == (30, 5, MOST_SHOWN)
    assert [item["id"] for item in shown["items"]] == songs[1_970 : 1_970 + MOST_SHOWN]
    told = {"version": shown["version"], "player": TAB, "at": 1, "position": 9}
    items = [{name: item[name] for name in ("id", "key", "source")} for item in shown["items"][29:33]]
    assert pages.put("/api/queue", json={**told, "items": items}).status_code == 200
    queue = ada.get("getPlayQueueByIndex")["playQueueByIndex"]
    assert (queue["currentIndex"], queue["position"], queue["changedBy"]) == (1, 9, "Segue")
    assert [song["id"] for song in queue["entry"]] == songs[1_999:2_003]


def test_the_top_songs_of_an_artist_by_id(ada: App) -> None:
    by_name = ada.get("getTopSongs", artist="The Example")["topSongs"]["song"]
    own = artist_of(ada, "The Example")["id"]
    assert len(by_name) == 8
    assert ada.get("getTopSongs", id=own)["topSongs"]["song"] == by_name
    assert ada.get("getTopSongs", id=own, artist="311", count=3)["topSongs"]["song"] == by_name[:3]
    assert ada.get("getTopSongs", id="", artist="311", count=0)["topSongs"]["song"] == []
    assert ada.get("getTopSongs", artist="Nobody")["topSongs"]["song"] == []
    assert ada.fail("getTopSongs", id="ar-nope", artist="311") == 70
    assert ada.fail("getTopSongs") == 10


def test_the_most_played_song_of_an_artist_with_many(
    ada: App, library: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the plays of the first 500 songs were compared."""
    tracks = library.database.tracks
    model = tracks.find_one({"_id": A})
    assert model is not None
    tracks.insert_many(
        {**model, "_id": f"{number:016x}", "path": f"/{number}", "year": 2020 + number // 500}
        for number in range(2**48, 2**48 + 600)
    )
    last = f"{2**48 + 599:016x}"
    asked: list[str] = []

    def most_played(_own: LongStatistics, keys: Sequence[str], **_more: Any) -> list[tuple[str, int]]:
        asked.extend(keys)
        return [(last, 5)] if last in keys else []

    monkeypatch.setattr(LongStatistics, "most_played", most_played)
    found = ada.get("getTopSongs", id=artist_of(ada, "The Example")["id"], count=2)["topSongs"]["song"]
    assert (found[0]["id"], len(found), len(set(asked))) == (last, 2, 608)


def test_stars_and_songs_of_one_library(ada: App, library: Store) -> None:
    """The starred artists of all libraries were listed."""
    library.database.tracks.update_many({"album": "1999"}, {"$set": {"library": "work", "grouped": 0}})
    gather(library)
    folders = ada.get("getMusicFolders")["musicFolders"]["musicFolder"]
    numbers = {folder["name"]: folder["id"] for folder in folders}
    chosen = {"home": "The Example", "work": "311"}
    for name in chosen.values():
        ada.get("star", artistId=artist_of(ada, name)["id"])
    for folder, name in chosen.items():
        for call, field in (("getStarred", "starred"), ("getStarred2", "starred2")):
            starred = ada.get(call, musicFolderId=numbers[folder])[field]
            assert [artist["name"] for artist in starred["artist"]] == [name]
    assert len(ada.get("getStarred2")["starred2"]["artist"]) == 2


def test_random_songs_of_years_in_either_order(ada: App) -> None:
    for first, last in ((2001, 2005), (2005, 2001)):
        found = ada.get("getRandomSongs", size=50, fromYear=first, toYear=last)["randomSongs"]["song"]
        assert {song["year"] for song in found} == {2001, 2005}


def test_the_old_search_leaves_out_what_is_not_newer(ada: App) -> None:
    def found(**more: Any) -> tuple[int, set[str]]:
        answer = ada.get("search", title="Intro", **more)["searchResult"]
        return answer["totalHits"], {song["id"] for song in answer["match"]}

    intros = [track_id(album, 1) for album in range(4)]
    since = round(datetime(2026, 1, 3, tzinfo=UTC).timestamp() * 1000)
    assert found() == (4, set(intros))
    assert found(newerThan=since) == (2, set(intros[2:]))
    assert found(newerThan=since + 1) == (1, {intros[3]})
    assert found(newerThan=since, count=1, offset=1)[0] == 2
    assert len(found(newerThan=since, count=1, offset=1)[1]) == 1


def test_a_path_is_not_longer_than_an_app_wants(ada: App) -> None:
    for count in (1, 2, 3):
        found = ada.get("findSonicPath", startSongId=A, endSongId=C, count=count)["sonicMatch"]
        assert 0 < len(found) <= count
        assert found[0]["entry"]["id"] == A


def test_the_playlists_of_segue_are_not_deleted(ada: App) -> None:
    assert ada.fail("deletePlaylist", id="made-for-you") == 50
    assert ada.fail("deletePlaylist", id="made-nothing") == 70
    assert ada.fail("updatePlaylist", playlistId="made-daily-mix", name="Mine") == 50


def test_a_public_playlist_has_a_cover_for_others(ada: App, ben: App) -> None:
    own = ada.get("createPlaylist", name="Ours", songId=[A])["playlist"]["id"]
    asked = {"id": own, "size": 64}
    assert ben.fail("getCoverArt", **asked) == 70
    ada.get("updatePlaylist", playlistId=own, public="true")
    for app in (ada, ben):
        response = app.web.get("/rest/getCoverArt", params=app.parameters(**asked))
        assert response.headers["content-type"] == "image/jpeg"
