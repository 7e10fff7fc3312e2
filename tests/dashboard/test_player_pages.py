"""The player's pages as a listener gets them: the data of the browser's components."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.dashboard.app import PAGES
from segue.dashboard.player.components import tag
from segue.dashboard.queries.attributed import verified
from segue.index.bundle import Contents, write_bundle
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.people.login_sessions import Listener
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from tests.dashboard.conftest import ADA, GUEST, recommendation, serve_pages
from tests.index.corpus import ANNOY


@pytest.fixture
def who(
    settings: Settings, database: Database[Document], monkeypatch: pytest.MonkeyPatch
) -> list[Listener | None]:
    """The last of the list is the listener of the session."""
    return serve_pages(monkeypatch, database, settings)


@pytest.fixture
def page(who: list[Listener | None]) -> AppTest:
    return AppTest.from_file(str(PAGES), default_timeout=600)


def given(page: AppTest) -> dict[str, dict[str, Any]]:
    """The data of each of the browser's components, by its key."""
    parts = [element.proto for element in page.get("bidi_component")]
    return {part.id.split("-", 2)[2]: json.loads(part.json or "{}") for part in parts}


def titles(page: AppTest, key: str) -> list[str]:
    return [item["title"] for item in given(page)[key]["items"]]


def links(page: AppTest, key: str) -> dict[str, str]:
    """The addresses of a list of links, by name."""
    return {item["name"]: item["href"] for item in given(page)[key]["items"]}


def follow(page: AppTest, address: str) -> AppTest:
    """The same page with the parameters of an address."""
    page.query_params.clear()
    for name, value in parse_qsl(urlsplit(address).query):
        page.query_params[name] = value
    return page.run()


def test_home_before_there_is_music(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "./run.sh library update" in page.info[0].value
    assert list(given(page)) == ["player"]


def test_home_shows_recommendations_with_reasons_and_where_they_come_from(
    page: AppTest, library: Database[Document], settings: Settings
) -> None:
    publish_five(library, settings)
    page.run()
    assert not page.exception
    shown = given(page)["for-you"]
    assert titles(page, "for-you") == ["Song <3>", "Song <4>"]
    assert shown["items"][1]["why"] == "Because you played Song <1>"
    rec = shown["items"][1]["rec"]
    assert rec == {"id": rec["id"], "rank": 2, "model": "v1"}
    play = {"track_id": "t4", "recommendation_id": rec["id"], "rank": 2, "model": "v1"}
    assert verified(play, user_id=ADA.user_id, settings=settings)["recommendation_id"] == "r1"
    assert shown["items"][1]["source"] == "home"
    assert [(i["title"], i["note"]) for i in given(page)["played"]["items"]] == [
        ("Song <2>", "skipped"),
        ("Song <1>", "heard to the end"),
    ]


def test_an_item_says_its_reason_in_words_and_is_marked_with_its_variant(
    page: AppTest, library: Database[Document], settings: Settings
) -> None:
    publish_five(library, settings)
    lifted_by = {"rules_now": 0.4, "artist_now": 0.2, "of another release": 0.1}
    kinds = [
        {"kind": "after", "track_id": "t1", "lifted_by": lifted_by},
        {"kind": "explore", "track_id": "t1", "lifted_by": lifted_by},
        {"kind": "varied"},
    ]
    items = [{"track_id": f"t{n}", "score": 0.5, "reason": reason} for n, reason in enumerate(kinds, start=3)]
    document = recommendation([]) | {"items": items, "variant": "hybrid"}
    library.recommendations.replace_one({"_id": "ada"}, document)
    page.run()
    assert not page.exception
    assert [(item["why"], item["rec"]["model"]) for item in given(page)["for-you"]["items"]] == [
        ("Played along with Song <1> · you are playing this artist now", "hybrid"),
        ("A little further from Song <1>", "hybrid/explore"),
        ("Something different", "hybrid"),
    ]


def test_home_shows_the_newest_songs(page: AppTest, library: Database[Document]) -> None:
    page.run()
    assert given(page)["for-you"]["fresh"] == []
    library.recommendations.replace_one({"_id": "ada"}, recommendation(["t5", "t3"]))
    page.run()
    assert titles(page, "for-you") == ["Song <5>", "Song <3>"]
    assert given(page)["for-you"]["fresh"] == ["t5"]


def test_a_new_listener_gets_the_varied_selection(
    page: AppTest, library: Database[Document], who: list[Listener | None]
) -> None:
    who.append(GUEST)
    library.models.update_one({"_id": "index:v1"}, {"$set": {"cold_start": ["t2", "gone", "t4"]}})
    page.run()
    assert titles(page, "for-you") == ["Song <2>", "Song <4>"]
    assert "why" not in given(page)["for-you"]["items"][0]
    assert "played" not in given(page)


def test_a_new_listener_may_choose_genres_and_artists(
    page: AppTest, library: Database[Document], who: list[Listener | None]
) -> None:
    who.append(GUEST)
    library.models.update_one({"_id": "index:v1"}, {"$set": {"cold_start": ["t1", "t2"]}})
    library.tracks.update_many({"_id": {"$in": ["t4", "t5"]}}, {"$set": {"genres": ["Jazz"]}})
    page.run()
    page.button_group(key="start-genres").set_value(["Jazz"]).run()
    assert not page.exception
    assert titles(page, "for-you") == ["Song <4>", "Song <5>"]
    assert given(page)["for-you"]["items"][0]["why"] == "You chose Jazz"
    first = given(page)["for-you"]["items"][0]["rec"]
    page.multiselect(key="start-artists").set_value(["Artist 3"]).run()
    assert titles(page, "for-you") == ["Song <4>", "Song <3>", "Song <5>"]
    assert given(page)["for-you"]["items"][0]["rec"]["id"] != first["id"]
    page.button_group(key="start-genres").set_value([]).run()
    page.multiselect(key="start-artists").set_value([]).run()
    assert titles(page, "for-you") == ["Song <1>", "Song <2>"]


@pytest.mark.parametrize("key", ["start-genres", "genre"])
def test_the_name_of_a_genre_is_text_in_its_button(
    page: AppTest, library: Database[Document], who: list[Listener | None], key: str
) -> None:
    who.append(GUEST)
    picture = "![x](//evil.example/x.png)"
    library.tracks.update_many({}, {"$set": {"genres": [picture]}})
    library.models.update_one({"_id": "index:v1"}, {"$set": {"cold_start": ["t1", "t2"]}})
    page = AppTest.from_function(_search, default_timeout=600) if key == "genre" else page
    page.run()
    buttons = page.button_group(key=key)
    assert buttons.options == ["\\!\\[x\\]\\(//evil\\.example/x\\.png\\)"]
    buttons.set_value(picture if key == "genre" else [picture]).run()
    assert not page.exception


def test_a_listener_with_a_taste_is_not_asked_for_genres_and_artists(
    page: AppTest, library: Database[Document]
) -> None:
    page.run()
    assert not page.button_group
    assert not page.multiselect


def test_popular_songs_are_those_that_several_listeners_kept_today(
    page: AppTest, library: Database[Document]
) -> None:
    page.run()
    assert "popular" not in given(page)
    start = datetime.now(UTC) - timedelta(hours=1)
    for track, listeners, skips in (("t5", 4, 1), ("t4", 6, 6), ("t3", 2, 0)):
        for number in range(listeners):
            row = {"track_id": track, "plays": 1, "listening_ms": 40_000, "skips": int(number < skips)}
            own = {"_id": f"{track}:{number}", "user_id": f"user{number}", "start": start, "rows": [row]}
            library.listening.insert_one(own)
    page.run()
    assert titles(page, "popular") == ["Song <5>"]


def test_songs_that_sound_like_the_last_song_enjoyed(
    page: AppTest, library: Database[Document], settings: Settings
) -> None:
    publish_five(library, settings)
    library.recommendations.replace_one({"_id": "ada"}, recommendation(["t3"]))
    page.run()
    assert not page.exception
    assert "Because you played Song \\<1\\>" in [heading.value for heading in page.header]
    assert titles(page, "because") == ["Song <4>", "Song <5>"]  # t2 was played, t3 is shown above


def publish_five(library: Database[Document], settings: Settings) -> None:
    """An index in which the five tracks are alike, the nearer the closer their numbers."""
    angles = np.arange(5) / 10
    manifest = write_bundle(
        settings.index.folder,
        Contents(
            vectors=np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32),
            track_ids=encode_ids([f"t{n}" for n in range(1, 6)]),
            artists=np.arange(5, dtype=np.int32),
            cold_start=np.arange(5, dtype=np.int32),
        ),
        space="s",
        backend=ANNOY,
    )
    PublishedBundles(Store(library)).publish(Path(settings.index.folder) / manifest.version)


def test_a_track_that_has_left_the_library_is_not_offered(page: AppTest, library: Database[Document]) -> None:
    library.tracks.update_one({"_id": "t3"}, {"$set": {"state": "vanished"}})
    page.run()
    assert titles(page, "for-you") == ["Song <4>"]


def test_the_player_does_not_name_the_listener(page: AppTest, library: Database[Document]) -> None:
    page.run()
    assert given(page)["player"] == {
        "tag": tag("ada"),
        "signals": ["play", "complete", "skip", "leave", "like", "dislike", "unlike", "undislike"],
        "opinions": ["like", "dislike", "unlike", "undislike"],
        "keptMs": 6 * 24 * 3_600_000,
    }
    assert "ada" not in tag("ada")


def test_without_a_session_there_is_no_player(page: AppTest, who: list[Listener | None]) -> None:
    who.append(None)
    page.run()
    assert not page.exception
    assert given(page) == {}
    assert "Reload" in page.info[0].value


def _search() -> None:
    from segue.dashboard.views import search

    search.show()


def _track() -> None:
    from segue.dashboard.views import track

    track.show()


def _you() -> None:
    from segue.dashboard.views import you

    you.show()


def test_search_has_the_query_of_the_address_and_the_genres(
    page: AppTest, library: Database[Document]
) -> None:
    at = AppTest.from_function(_search, default_timeout=600)
    at.query_params["query"] = "artst 3"
    at.run()
    assert not at.exception
    assert given(at)["search"] == {"query": "artst 3"}
    assert titles(at, "of-genre") == [f"Song <{n}>" for n in range(1, 6)]


def test_search_in_an_empty_library(page: AppTest) -> None:
    at = AppTest.from_function(_search, default_timeout=600).run()
    assert "./run.sh library update" in at.info[0].value


def test_a_track_is_shown_as_text_whatever_its_tags_say(page: AppTest, library: Database[Document]) -> None:
    library.models.delete_many({})
    library.tracks.update_one({"_id": "t1"}, {"$set": {"artist": "**A** [x](http://e)", "title": "S"}})
    at = AppTest.from_function(_track, default_timeout=600)
    at.query_params["id"] = "t1"
    at.run()
    assert not at.exception
    assert "\\*\\*A\\*\\*" in at.caption[0].value
    assert at.info[0].value.startswith("There is no index")


@pytest.mark.parametrize("wanted", ["unknown", "", "../etc"])
def test_no_such_track(page: AppTest, library: Database[Document], wanted: str) -> None:
    at = AppTest.from_function(_track, default_timeout=600)
    at.query_params["id"] = wanted
    at.run()
    assert not at.exception
    assert at.title[0].value == "No such track"


def test_you_as_a_guest_and_as_somebody(
    page: AppTest, library: Database[Document], who: list[Listener | None]
) -> None:
    library.opinions.insert_one(
        {"_id": "1", "user_id": "ada", "track_id": "t4", "opinion": "dislike", "at": 1}
    )
    at = AppTest.from_function(_you, default_timeout=600).run()
    assert at.title[0].value == "Ada"
    assert titles(at, "disliked") == ["Song <4>"]
    assert titles(at, "history-0") == ["Song <2>", "Song <1>"]
    assert given(at)["entry-log-out"]["kind"] == "log-out"
    who.append(GUEST)
    at = AppTest.from_function(_you, default_timeout=600).run()
    assert "guest" in at.title[0].value
    assert set(given(at)) == {"entry-sign-up", "leave", "saved"}
