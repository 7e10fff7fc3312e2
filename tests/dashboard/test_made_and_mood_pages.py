"""The mood dial and the lists that are made, as pages and as the player asks for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.dashboard import visit
from segue.dashboard.app import PAGES
from segue.dashboard.queries.profile import read_listener
from segue.dashboard.queries.steered import planned
from segue.dashboard.services import Services
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.moods.dial import Dial, MoodDials
from segue.moods.measures import CorpusMoods
from segue.moods.stored import Moods
from segue.people.login_sessions import Listener
from segue.privacy import holdings
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import GUEST, Enter, recommendation, serve_pages, whose
from tests.dashboard.test_player_pages import follow, given, links, titles
from tests.index.corpus import ANNOY

COUNT = 40
IDS = [f"t{n:02d}" for n in range(COUNT)]


@pytest.fixture
def shelf(database: Database[Document], settings: Settings) -> Database[Document]:
    """Forty tracks on an arc, even ones calm and odd ones energetic; Ada liked t00 and t03, skipped t05."""
    database.tracks.insert_many(
        {
            "_id": one,
            "title": f"Song {n}",
            "artist": f"Artist {n // 2}",
            "genres": ["Folk"],
            "duration_ms": 60_000,
        }
        for n, one in enumerate(IDS)
    )
    angles = np.arange(COUNT) / 15
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
            track_ids=encode_ids(IDS),
            artists=np.arange(COUNT, dtype=np.int32) // 2,
            cold_start=np.arange(0, COUNT, 3, dtype=np.int32),
        ),
        space="s",
        backend=ANNOY,
    )
    PublishedBundles(Store(database)).publish(Path(settings.index.folder) / manifest.version)
    percentiles = np.full((COUNT, 4), 0.5, dtype=np.float32)
    percentiles[:, 0] = np.where(np.arange(COUNT) % 2, 0.9, 0.1)
    percentiles[0, 1] = np.nan
    bpm = np.full(COUNT, 120, dtype=np.float32)
    Moods(Store(database)).replace(IDS, CorpusMoods(percentiles=percentiles, bpm=bpm), version="v")
    window = {
        "tracks": ["t00", "t03", "t05"],
        "weights": [1.0, 1.0, -0.5],
        "types": ["complete", "like", "skip"],
        "at": [10, 20, 30],
    }
    database.tastes.insert_one({"_id": "ada", "windows": {"0": window}})
    recommended = recommendation(["t01", "t02", "t04"])
    for item in recommended["items"]:
        item["reason"]["track_id"] = "t00"
    database.recommendations.insert_one(recommended)
    return database


@pytest.fixture
def who(
    shelf: Database[Document], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> list[Listener | None]:
    return serve_pages(monkeypatch, shelf, settings)


@pytest.fixture
def home(who: list[Listener | None]) -> AppTest:
    return AppTest.from_file(str(PAGES), default_timeout=600).run()


def _playlists() -> None:
    from segue.dashboard.views import library

    library.show_playlists()


def lists(**query: str) -> AppTest:
    at = AppTest.from_function(_playlists, default_timeout=600)
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def numbers(at: AppTest, key: str) -> list[int]:
    return [int(title.removeprefix("Song ")) for title in titles(at, key)]


def test_the_dial_changes_the_recommendations_and_not_the_taste(
    home: AppTest, shelf: Database[Document]
) -> None:
    assert titles(home, "for-you") == ["Song 1", "Song 2", "Song 4"]
    before = shelf.tastes.find_one({}), shelf.recommendations.find_one({})
    home.select_slider(key="dial-energy").set_value(2).run()
    assert not home.exception
    shown = numbers(home, "for-you")
    assert shown[:2] == [1, 7]  # 3 and 5 were heard
    assert all(n % 2 for n in shown)
    items = given(home)["for-you"]["items"]
    assert items[0]["why"] == "Because you played Song 0 · energetic"
    assert items[1]["why"] == "Because you played Song 3 · energetic"
    assert items[0]["rec"]["model"].startswith("mood:")
    assert given(home)["for-you"]["dial"] == "energetic"
    assert any("that are energetic" in one.value for one in home.caption)
    home.button(key="dial-open").click().run()
    assert titles(home, "for-you") == ["Song 1", "Song 2", "Song 4"]
    assert not MoodDials(Store(shelf)).read("ada")
    assert (shelf.tastes.find_one({}), shelf.recommendations.find_one({})) == before


def test_the_dial_is_there_again_and_is_ones_own(
    home: AppTest, who: list[Listener | None], shelf: Database[Document]
) -> None:
    home.select_slider(key="dial-energy").set_value(-2).run()
    again = AppTest.from_file(str(PAGES), default_timeout=600).run()
    assert again.select_slider(key="dial-energy").value == -2
    who.append(GUEST)
    other = AppTest.from_file(str(PAGES), default_timeout=600).run()
    assert other.select_slider(key="dial-energy").value == 0
    assert "mood_dials" in dict(holdings.held(Store(shelf), "ada"))


def test_a_new_listener_steers_the_varied_selection(
    who: list[Listener | None], shelf: Database[Document], settings: Settings
) -> None:
    version = shelf.models.find_one({"_id": "active:index"})
    assert version is not None
    shelf.models.update_one(
        {"_id": f"index:{version['version']}"}, {"$set": {"cold_start": ["t00", "t03", "t06"]}}
    )
    MoodDials(Store(shelf)).keep("new", Dial({"energy": 2}))
    found = planned(visit.services().catalogue, settings, "new")
    assert found.served == "cold-start"
    assert all(int(item.track_id[1:]) % 2 for item in found.items[:5])
    assert found.items[0].why == "energetic"


def test_without_moods_there_is_no_dial(who: list[Listener | None], shelf: Database[Document]) -> None:
    shelf.models.delete_one({"_id": "active:moods"})
    at = AppTest.from_file(str(PAGES), default_timeout=600).run()
    assert not at.exception
    assert not at.select_slider


def test_the_player_goes_by_the_dial_too(enter: Enter, services: Services, shelf: Database[Document]) -> None:
    client = enter()
    before = client.get("/api/upcoming").json()
    assert before["items"]
    MoodDials(Store(shelf)).keep(whose(services, client).user_id, Dial({"energy": -2}))
    after = client.get("/api/upcoming").json()
    assert after["recommendation_id"] != before["recommendation_id"]
    assert all(int(item["id"][1:]) % 2 == 0 for item in after["items"][:5])


def test_a_song_played_long_ago_counts_as_heard(
    who: list[Listener | None], shelf: Database[Document], settings: Settings
) -> None:
    rows = [{"track_id": "t09", "plays": 1}, {"track_id": "t11", "plays": 0, "impressions": 3}]
    shelf.listening.insert_one({"_id": "0:ada", "user_id": "ada", "rows": rows})
    found = read_listener(
        visit.services().catalogue, settings, "ada", bundle=visit.services().catalogue.bundle()
    )
    assert found.heard == {0, 3, 5, 9}
    assert found.profile.recent == {0, 3, 5}
    assert set(found.positive) == {0, 3}


def test_a_daily_mix_is_made_and_kept(who: list[Listener | None]) -> None:
    at = lists()
    follow(at, links(at, "made")["Daily mix"])
    assert at.title[0].value == "Daily mix"
    made = titles(at, "made-mix")
    assert {"Song 0", "Song 3"} <= set(made)
    assert "Song 5" not in made
    notes = {item["title"]: item.get("note") for item in given(at)["made-mix"]["items"]}
    assert [title for title, note in notes.items() if note is None] == [
        title for title in made if title in ("Song 0", "Song 3")
    ]
    assert titles(lists(made="mix"), "made-mix") == made
    at.button(key="keep-made").click().run()
    assert not at.exception
    (kept,) = visit.services().playlists.of("ada")
    assert kept.name.startswith("Daily mix, ")
    assert [f"Song {int(one[1:])}" for one in kept.tracks] == made


def test_new_to_you_has_no_song_that_was_heard(who: list[Listener | None]) -> None:
    found = numbers(lists(made="discovery"), "made-discovery")
    assert found and not set(found) & {0, 3, 5}
    assert not set(found) & {1, 2, 4}  # by artists who were heard


def test_a_mix_stays_all_day_without_disliked_songs(
    who: list[Listener | None], shelf: Database[Document]
) -> None:
    def like(*numbers: int, start: int) -> None:
        window = {
            "tracks": [IDS[n] for n in numbers],
            "weights": [1.0] * len(numbers),
            "types": ["like"] * len(numbers),
            "at": [start + n for n in numbers],
        }
        shelf.tastes.update_one({"_id": "ada"}, {"$set": {f"windows.{start}": window}})

    like(*range(6, 26, 2), start=1_800_000)
    made = titles(lists(made="mix"), "made-mix")
    like(*range(27, 39, 2), start=3_600_000)
    assert titles(lists(made="mix"), "made-mix") == made
    gone = IDS[int(made[0].removeprefix("Song "))]
    shelf.opinions.insert_one(
        {"_id": f"ada:{gone}", "user_id": "ada", "track_id": gone, "opinion": "dislike"}
    )
    assert titles(lists(made="mix"), "made-mix") == made[1:]
    assert "day_lists" in dict(holdings.held(Store(shelf), "ada"))
    who.append(GUEST)
    assert "made from songs that you like" in lists(made="mix").info[0].value


def test_a_new_listener_has_no_mix_but_something_to_discover(who: list[Listener | None]) -> None:
    who.append(GUEST)
    assert "made from songs that you like" in lists(made="mix").info[0].value
    assert numbers(lists(made="discovery"), "made-discovery")


def test_a_playlist_is_continued(who: list[Listener | None]) -> None:
    playlist = visit.services().playlists.create("ada", "Mine", tracks=["t20", "t22", "t24"])
    at = lists(id=playlist.playlist_id)
    at.button(key="add-similar").click().run()
    assert at.title[0].value == "Continuation of Mine"
    found = numbers(at, "made-continued")
    assert found and not set(found) & {20, 22, 24}
    assert abs(found[0] - 24) <= 4
    at.button(key="add-made").click().run()
    assert not at.exception
    grown = visit.services().playlists.read("ada", playlist.playlist_id)
    assert grown is not None
    assert list(grown.tracks) == ["t20", "t22", "t24", *(f"t{n:02d}" for n in found)]


def test_a_path_leads_from_the_one_to_the_other(who: list[Listener | None]) -> None:
    at = lists(made="path", **{"from": "t02", "to": "t38"})
    found = numbers(at, "made-path")
    assert (found[0], found[-1]) == (2, 38)
    assert at.title[0].value == "Song 2 to Song 38"
    at.button(key="keep-made").click().run()
    assert visit.services().playlists.of("ada")[0].name == "Song 2 to Song 38"


@pytest.mark.parametrize(
    "query",
    [
        {"made": "path", "from": "t02", "to": "t02"},
        {"made": "path", "from": "t02", "to": "gone"},
        {"made": "path"},
        {"made": "continued", "id": "another's"},
        {"made": "nonsense"},
    ],
)
def test_a_list_that_cannot_be_made_has_a_message(who: list[Listener | None], query: dict[str, str]) -> None:
    at = lists(**query)
    assert len(at.info) == 1
    follow(at, links(at, "back")["All playlists"])
    assert (at.title[0].value, given(at)["library"]["show"]) == ("Library", "playlists")


def test_a_track_shows_its_mood_and_asks_where_a_path_shall_lead(who: list[Listener | None]) -> None:
    def page() -> None:
        from segue.dashboard.views import track

        track.show()

    at = AppTest.from_function(page, default_timeout=600)
    at.query_params["id"] = "t07"
    at.run()
    assert not at.exception
    drawn = next(one for one in at.get("html") if "mood" in one.proto.body).proto.body
    assert "Energy: more energetic than 90% of the library" in drawn
    assert "120 beats per minute" in [one.value for one in at.caption]
    at.text_input(key="path-to").set_value("Song 12").run()
    assert links(at, "path-ends")["Song 12"] == "/playlists?made=path&from=t07&to=t12"
    at.text_input(key="path-to").set_value("zzzz").run()
    assert any("No other song" in one.value for one in at.caption)
