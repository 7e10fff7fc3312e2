"""Track, artist, album, map, playlists and history, as pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.audio.descriptors import descriptor_names, features_version
from segue.catalog.gathering import gather
from segue.dashboard import visit
from segue.dashboard.queries import playlist_files as keeping
from segue.dashboard.queries import sounding
from segue.dashboard.queries.history import played_by_day
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.reasons import alike
from segue.dashboard.queries.times import day, length
from segue.embeddings.audio_space import AudioSpace
from segue.people.login_sessions import Listener
from segue.playlists.m3u import read_playlist
from segue.settings import Settings
from segue.storage.mongo import Document, pack
from segue.storage.store import Store
from tests.dashboard.conftest import GUEST, serve_pages
from tests.dashboard.test_player_pages import given, titles


@pytest.fixture
def listener(
    settings: Settings, library: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> list[Listener | None]:
    """The last of the list is the listener of the session. The library has an album of Artist 1."""
    library.models.delete_many({})  # an index that is named must be there
    library.tracks.update_many(
        {"_id": {"$in": ["t1", "t2"]}}, {"$set": {"artist": "A & B", "album": "Odd *Album*"}}
    )
    return serve_pages(monkeypatch, library, settings)


def _artist() -> None:
    from segue.dashboard.views import artist

    artist.show()


def _album() -> None:
    from segue.dashboard.views import album

    album.show()


def _map() -> None:
    from segue.dashboard.views import library_map

    library_map.show()


def _playlists() -> None:
    from segue.dashboard.views import library

    library.show_playlists()


def shown(page, **query: str) -> AppTest:  # type: ignore[no-untyped-def]
    at = AppTest.from_function(page, default_timeout=600)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def test_an_artist_and_an_album(listener: list[Listener | None]) -> None:
    at = shown(_artist, name="A & B")
    assert at.header[0].value == "Odd \\*Album\\*"
    assert titles(at, "album-0") == ["Song <1>", "Song <2>"]
    at = shown(_album, artist="A & B", name="Odd *Album*")
    assert at.title[0].value == "Odd \\*Album\\*"
    assert titles(at, "album") == ["Song <1>", "Song <2>"]


def test_an_album_of_two_discs_and_its_artists(
    listener: list[Listener | None], library: Database[Document]
) -> None:
    library.tracks.update_many({}, {"$set": {"library": "home"}})
    for number in (1, 2):
        details: dict[str, Any] = {
            "artists": ["A", "B"][:number],
            "album_artists": ["A"],
            "disc": number,
            "side": "AB"[number - 1],
        }
        library.tracks.update_one(
            {"_id": f"t{number}"}, {"$set": {"track": 1, "details": details, "path": f"/m/CD{number}/1.mp3"}}
        )
    gather(Store(library))
    album = library.albums.find_one({"name": "Odd *Album*"}) or {}
    by_id = shown(_album, id=album["_id"])
    by_name = shown(_album, artist="B", name="Odd *Album*")
    for at in (by_id, by_name):
        assert [heading.value for heading in at.header] == ["Disc 1 · Side A", "Disc 2 · Side B"]
        assert titles(at, "album-0") + titles(at, "album-1") == ["Song <1>", "Song <2>"]
    at = shown(_artist, name="b")
    assert (at.title[0].value, [heading.value for heading in at.header]) == ("B", ["Appears on", "Songs"])
    at = shown(_artist, name="A & B")  # the text of a track's artists
    assert at.title[0].value == "A"


def test_the_songs_of_an_artist_that_were_played_most_come_first(
    listener: list[Listener | None], library: Database[Document]
) -> None:
    library.tracks.update_many({}, {"$set": {"library": "home", "details": {"artists": ["A", "B"]}}})
    gather(Store(library))
    assert "Top songs" not in [heading.value for heading in shown(_artist, name="A").header]
    for hours, track, plays in ((1, "t2", 3), (1, "t4", 4), (1, "t1", 0), (1, "gone", 9), (30, "t2", 2)):
        window = {"dimension": "track", "key": track, "start": datetime.now(UTC) - timedelta(hours=hours)}
        library.listening_stats.insert_one({"_id": window, **window, "plays": plays, "listeners": plays})
    at = shown(_artist, name="B")
    assert at.header[0].value == "Top songs"
    assert [(item["title"], item["note"]) for item in given(at)["top-songs"]["items"]] == [
        ("Song <2>", "5 plays"),
        ("Song <4>", "4 plays"),
    ]


@pytest.mark.parametrize("page", [_artist, _album])
@pytest.mark.parametrize("query", [{}, {"name": "nobody", "artist": "nobody"}])
def test_no_such_artist_or_album(listener: list[Listener | None], page, query: dict[str, str]) -> None:  # type: ignore[no-untyped-def]
    assert shown(page, **query).title[0].value.startswith("No such")


def test_the_map_needs_an_index(listener: list[Listener | None]) -> None:
    assert "./run.sh index build" in shown(_map).info[0].value


def test_a_playlist_is_made_filled_arranged_renamed_and_deleted(listener: list[Listener | None]) -> None:
    at = shown(_playlists)
    assert "…" in given(at)["library"]["empty"]
    at.text_input(key="new-name").set_value("Late *night*")
    next(one for one in at.button if one.label == "Create").click().run()
    (made,) = visit.services().playlists.of("ada")
    assert given(at)[f"head-{made.playlist_id}"]["name"] == "Late *night*"
    visit.services().playlists.add("ada", made.playlist_id, ["t1", "t2", "gone"])
    at.run()
    key = f"songs-{made.playlist_id}"
    assert titles(at, key) == ["Song <1>", "Song <2>", "A song that has left the library"]
    assert [one["place"] for one in given(at)[key]["items"]] == [0, 1, 2]
    visit.services().playlists.describe("ada", made.playlist_id, name="Early", comment="At six", folder="Day")
    head = given(at.run())[f"head-{made.playlist_id}"]
    assert (head["name"], head["comment"], head["folder"], head["folders"]) == (
        "Early",
        "At six",
        "Day",
        ["Day"],
    )
    assert head["covers"] == [["ab" * 32, "Odd *Album*"]]
    at.button(key="delete-playlist").click().run()
    assert not at.exception
    assert (at.title[0].value, given(at)["library"]["show"]) == ("Library", "playlists")
    assert visit.services().playlists.of("ada") == []


def test_anothers_playlist_is_not_shown(listener: list[Listener | None]) -> None:
    made = visit.services().playlists.create("ada", "Hers", tracks=["t1"])
    listener.append(GUEST)
    at = shown(_playlists, id=made.playlist_id)
    assert at.info[0].value.startswith("This playlist no longer exists")
    assert not [one for one in at.button if one.label == "Hers"]
    listener.append(None)
    assert "Reload" in shown(_playlists, id=made.playlist_id).info[0].value


def test_a_playlist_from_elsewhere_is_matched(
    listener: list[Listener | None], library: Database[Document]
) -> None:
    library.tracks.update_one({"_id": "t3"}, {"$set": {"title": "Under Pressure", "artist": "Queen"}})
    listed = read_playlist(b"#EXTINF:9,Queen - Under Presure\nx.mp3\n#EXTINF:9,Nobody - Nothing\ny.mp3\n")
    found = keeping.matched(visit.services().catalogue, listed.entries)
    assert found.track_ids == ("t3",)
    assert [entry.shown for entry in found.unmatched] == ["Nobody - Nothing"]


def test_history_by_the_listeners_own_days(library: Database[Document]) -> None:
    at = round(datetime(2026, 3, 2, 23, 30, tzinfo=UTC).timestamp() * 1000)
    window = {
        "tracks": ["t1", "t2"],
        "weights": [1.0, -0.6],
        "types": ["complete", "skip"],
        "at": [at, at - 86_400_000],
    }
    library.tastes.update_one({"_id": "ada"}, {"$set": {"windows": {"0": window}}})
    found, total = played_by_day(Store(library), "ada")
    assert total == sum(len(items) for _, items in found)
    assert [(name, [item.title for item in items]) for name, items in found] == [
        ("Monday, 2 March", ["Song <1>"]),
        ("Sunday, 1 March", ["Song <2>"]),
    ]
    assert found[1][1][0].note == "skipped"
    later, _ = played_by_day(Store(library), "ada", offset=timedelta(hours=1))
    assert later[0][0] == "Tuesday, 3 March"
    assert played_by_day(Store(library), "bob") == ([], 0)


def test_days_and_lengths() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    ago = [round((now - timedelta(days=days)).timestamp() * 1000) for days in (0, 1, 2, 400)]
    assert [day(at, now=now) for at in ago] == [
        "Today",
        "Yesterday",
        "Saturday, 28 February",
        "Sunday, 26 January 2025",
    ]
    song = Item(track_id="x", title="x", artist="", source="home", duration_ms=1_900_000)
    assert [length([song] * n) for n in (0, 1, 3)] == ["0 songs", "1 song, 32 min", "3 songs, 1 h 35 min"]


def test_why_two_tracks_are_near(library: Database[Document], settings: Settings) -> None:
    names = descriptor_names(settings.audio)
    space = AudioSpace(
        version="s",
        features_version=features_version(settings.audio),
        names=tuple(names),
        mean=np.zeros(len(names)),
        scale=np.ones(len(names)),
        components=np.eye(len(names))[:, :2],
        explained=np.ones(2),
        tracks=2,
        spread=1.0,
    )
    assert sounding.reasons(Store(library), "t1", ["t2"]) == {}
    space.save(Store(library))
    space.activate(Store(library))
    brighter = np.zeros(len(names))
    brighter[names.index("centroid_mean")] = 3.0
    rows = {"t1": np.zeros(len(names)), "t2": brighter}
    library.features.insert_many(
        {"_id": track_id, "version": space.features_version, "vector": pack(row)}
        for track_id, row in rows.items()
    )
    found = sounding.reasons(Store(library), "t1", ["t2", "t3"])
    assert list(found) == ["t2"]
    assert alike(found["t2"]).endswith("; brighter")
