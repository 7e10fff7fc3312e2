"""Programs that submit listens: some become plays, some are kept beside, and some are refused."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from segue.dashboard.listenbrainz import scrobbles
from segue.dashboard.listenbrainz.submission import LARGEST, MOST
from segue.dashboard.services import Services
from segue.imports.beside import NUMBER
from segue.imports.days import ImportedDays, plays_in
from segue.imports.importing import match_again
from segue.imports.libraries import SeenLibraries
from segue.imports.songs import ImportedSongs
from segue.people.app_passwords import AppPasswords
from segue.people.login_failures import LIMITS
from segue.plays.playbacks import Playbacks
from tests.dashboard.test_player_routes import in_kafka
from tests.listenbrainz.conftest import Program
from tests.opensubsonic.conftest import SECONDS, track_id

pytestmark = pytest.mark.integration
SONG = track_id(0, 2)
OTHER = track_id(3, 2)
DAY = 86_400


def listen(
    title: str = "First Light 2",
    artist: str = "The Example",
    *,
    ago: float | None = 60,
    album: str = "",
    **more: Any,
) -> dict[str, Any]:
    """A listen as programs send it; `ago` seconds before now, None for one that plays now."""
    data: dict[str, Any] = {"artist_name": artist, "track_name": title, "additional_info": more}
    if album:
        data["release_name"] = album
    at = {} if ago is None else {"listened_at": int(time.time() - ago)}
    return {**at, "track_metadata": data}


def beside(services: Services, user_id: str) -> list[tuple[int, str | None]]:
    """Start and track of the plays that are kept beside the stream."""
    store = services.store
    matches = ImportedSongs(store).matches(user_id)
    found = [one for day in ImportedDays(store).days(user_id) for one in plays_in(day)]
    assert all(numbers == [NUMBER] for _, numbers in found)
    return [(play.at, matches[play.song].track_id) for play, _ in found]


def test_a_listen_becomes_a_play_that_ends_at_the_songs_end(ada: Program, services: Services) -> None:
    heard = listen(submission_client="navidrome")
    ada.submit("single", heard)
    assert ada.plays() == [("play", SONG), ("complete", SONG)]
    began, ended = sorted(in_kafka(services.settings), key=lambda one: one["occurred_at"])
    assert began["occurred_at"] == heard["listened_at"] * 1000
    assert ended["occurred_at"] == heard["listened_at"] * 1000 + SECONDS * 1000
    ada.submit("single", heard)
    ada.submit("import", heard)
    assert len({one["event_id"] for one in in_kafka(services.settings)}) == 2
    assert beside(services, ada.user_id) == []
    [used] = AppPasswords(services.store).of(ada.user_id)
    assert used.last_client == "navidrome"


def test_a_song_submitted_at_its_half_has_not_ended_in_the_future(ada: Program, services: Services) -> None:
    services.store.database.tracks.update_one({"_id": SONG}, {"$set": {"duration_ms": 3_600_000}})
    ada.submit("single", listen(ago=240))
    assert max(one["occurred_at"] for one in in_kafka(services.settings)) <= time.time() * 1000


def test_a_song_that_was_not_submitted_was_skipped(ada: Program) -> None:
    ada.submit("playing_now", listen(ago=None))
    ada.submit("playing_now", listen("1999 2", "311", ago=None))
    assert ada.plays() == [("play", SONG), ("skip", SONG), ("play", OTHER)]
    ada.submit("single", listen("1999 2", "311", ago=0))
    ada.submit("playing_now", listen(ago=None))
    assert ada.plays() == [
        ("play", SONG),
        ("skip", SONG),
        ("play", OTHER),
        ("complete", OTHER),
        ("play", SONG),
    ]


def test_an_unknown_song_ends_the_one_before_and_is_not_stored(ada: Program, services: Services) -> None:
    ada.submit("playing_now", listen(ago=None))
    ada.submit("playing_now", listen("Elsewhere", "Nobody", ago=None))
    ada.submit("playing_now", listen("Elsewhere", "Nobody", ago=None))
    assert ada.plays() == [("play", SONG), ("skip", SONG)]
    assert beside(services, ada.user_id) == []


def test_songs_that_the_library_gets_later_are_matched_then(ada: Program, services: Services) -> None:
    unknown = listen("Elsewhere", "Nobody", duration_played=100)
    ada.submit("single", unknown)
    ada.submit("single", unknown)
    assert beside(services, ada.user_id) == [(unknown["listened_at"], None)]
    assert in_kafka(services.settings) == []
    changed = {"title": "Elsewhere", "artist": "Nobody", "details.artists": ["Nobody"], "details.ids": {}}
    services.store.database.tracks.update_one({"_id": OTHER}, {"$set": changed})
    match_again(services.store, SeenLibraries(services.store, services.settings).of)
    assert beside(services, ada.user_id) == [(unknown["listened_at"], OTHER)]


def test_old_listens_count_as_imported_plays(ada: Program, services: Services) -> None:
    old = [listen(ago=400 * DAY + 300 * place) for place in range(3)]
    ada.submit("import", *old, listen(ago=2 * DAY))
    assert ada.plays() == [("play", SONG), ("complete", SONG)]
    assert beside(services, ada.user_id) == [(one["listened_at"], SONG) for one in reversed(old)]


def test_a_listen_from_a_clock_that_is_ahead_counts_once(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs send a listen again if they got no answer, some of them after a long time."""
    known, unknown = listen(ago=-3600), listen("Elsewhere", "Nobody", ago=-3600)
    began = time.time()
    for minutes in (0, 10, 20):
        monkeypatch.setattr(scrobbles, "time", SimpleNamespace(time=lambda at=began + 60 * minutes: at))
        ada.submit("single", known)
        ada.submit("single", unknown)
    events = in_kafka(services.settings)
    assert sorted(one["type"] for one in events) == ["complete", "play"]
    assert all(one["occurred_at"] <= began * 1000 + 1 for one in events)
    assert beside(services, ada.user_id) == [(unknown["listened_at"], None)]


def test_a_program_that_sends_the_listens_of_others_keeps_them_apart(ada: Program) -> None:
    """A song that one player names is not skipped if it comes in a batch that begins with another's."""
    one, two = {"submission_client": "one"}, {"submission_client": "two"}
    ada.submit("playing_now", listen(ago=None, **one))
    ada.submit("playing_now", listen("1999 2", "311", ago=None, **two))
    ada.submit("import", listen(ago=0, **one), listen("1999 2", "311", ago=0, **two))
    ada.submit("playing_now", listen("1999 2", "311", ago=None, **one))
    ada.submit("playing_now", listen(ago=None, **two))
    assert sorted(ada.plays()) == sorted(
        [(kind, track) for track in (SONG, OTHER) for kind in ("play", "complete", "play")]
    )
    again = len(ada.plays())
    ada.submit("import", listen(ago=0, **one), listen("1999 2", "311", ago=0, **two))
    assert len(ada.plays()) == again


def test_a_submission_may_name_any_number_of_programs(
    ada: Program, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrobbles, "_MOST_PROGRAMS", 3)
    ada.submit("import", *(listen(ago=3600 * n, submission_client=f"program {n}") for n in range(1, 9)))
    assert ada.plays() == [("play", SONG), ("complete", SONG)] * 8
    assert services.store.database.playbacks.count_documents({}) == 3


@pytest.mark.parametrize(
    ("title", "artist", "more", "expected"),
    [
        ("FIRST LIGHT 2", "the example", {}, SONG),
        ("Second Wind 3", "The Example & Ada Guest", {}, track_id(1, 3)),
        ("Second Wind 3", "The Example, Ada Guest", {"duration_ms": 6000}, track_id(1, 3)),
        ("Second Wind 3", "The Example", {"duration": "6"}, track_id(1, 3)),
        ("First Light 2 (Live)", "The Example", {}, None),
        ("Ankunft", "Jemand", {"recording_mbid": f"00000000-0000-4000-8000-{SONG[-12:]}"}, SONG),
        ("First Light 2", "The Example", {"recording_mbid": "not-an-id", "artist_mbids": "a/b"}, SONG),
        ("First Light 2", "The Example", {"duration_ms": "many"}, SONG),
    ],
)
def test_songs_are_matched(
    ada: Program, services: Services, title: str, artist: str, more: dict[str, Any], expected: str | None
) -> None:
    ada.submit("single", listen(title, artist, **more))
    if expected is None:
        assert [track for _, track in beside(services, ada.user_id)] == [None]
    else:
        assert ada.plays() == [("play", expected), ("complete", expected)]


def test_a_title_on_two_albums_counts_for_one_of_them(ada: Program, services: Services) -> None:
    short, long = track_id(0, 1), track_id(1, 1)
    for own, seconds in ((short, 210), (long, 385)):
        services.store.database.tracks.update_one({"_id": own}, {"$set": {"duration_ms": seconds * 1000}})
    ada.submit("single", listen("Intro", "The Example", ago=4000, album="First Light"))
    ada.submit("single", listen("Intro", "The Example", ago=2000, duration=384))
    ada.submit("single", undecided := listen("Intro", "The Example", ago=1000))
    assert ada.plays() == [("play", short), ("complete", short), ("play", long), ("complete", long)]
    assert beside(services, ada.user_id) == [(undecided["listened_at"], None)]


_BAD = {
    "playing now with a time": ("playing_now", [listen()], "listened_at"),
    "single without a time": ("single", [listen(ago=None)], "listened_at"),
    "two at once": ("single", [listen(), listen()], "exactly one"),
    "no listens": ("import", [], "payload"),
    "too many": ("import", [listen()] * (MOST + 1), "payload"),
    "no list": ("import", {"a": 1}, "payload"),
    "another type": ("heard", [listen()], "listen_type"),
    "no title": ("import", [listen(), listen("", "A"), listen()], "payload[1].track_metadata.track_name"),
    "a number for the artist": ("single", [listen("T", 5)], "artist_name"),  # type: ignore[arg-type]
    "a text for the time": ("single", [{**listen(), "listened_at": "1700000000"}], "listened_at"),
    "a truth for the time": ("single", [{**listen(), "listened_at": True}], "listened_at"),
    "before the first scrobble": ("single", [{**listen(), "listened_at": -1}], "listened_at"),
    "the future": ("single", [{**listen(), "listened_at": 10**11}], "listened_at"),
    "no object": ("single", ["a song"], "payload[0]"),
    "no song": ("single", [{"listened_at": 1_700_000_000}], "track_metadata"),
}


@pytest.mark.parametrize("case", _BAD)
def test_a_bad_submission_is_refused_as_a_whole(ada: Program, services: Services, case: str) -> None:
    kind, payload, named = _BAD[case]
    response = ada.send({"listen_type": kind, "payload": payload})
    assert response.status_code == 400
    assert response.json()["code"] == 400 and named in response.json()["error"]
    assert in_kafka(services.settings) == [] and beside(services, ada.user_id) == []


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'"a"', b"\xff", b'{"payload": ' + b"[" * 5000, b'{"listen_type": 1e999}']
)
def test_a_body_that_is_no_submission_is_refused(ada: Program, web: TestClient, text: bytes) -> None:
    response = web.post("/1/submit-listens", content=text, headers=ada.headers())
    assert response.status_code == 400 and response.json()["error"]


def test_halves_of_characters_are_stored_as_a_replacement(ada: Program, services: Services) -> None:
    body = json.dumps({"listen_type": "single", "payload": [listen("Song\ud800", "A\0B")]})
    ada_headers = ada.headers() | {"Content-Type": "application/json"}
    assert ada._web.post("/1/submit-listens", content=body, headers=ada_headers).status_code == 200
    assert [track for _, track in beside(services, ada.user_id)] == [None]


def test_a_long_body_is_refused(ada: Program, web: TestClient) -> None:
    response = web.post("/1/submit-listens", content=b"x" * (LARGEST + 1), headers=ada.headers())
    assert response.status_code == 413


def test_tokens(ada: Program, web: TestClient) -> None:
    valid = web.get("/1/validate-token", headers=ada.headers())
    assert valid.json() == {"code": 200, "message": "Token valid.", "valid": True, "user_name": "Ada"}
    wrong = web.get("/1/validate-token", headers=ada.headers("wrong"))
    assert (wrong.status_code, wrong.json()["valid"]) == (200, False)
    for headers in ({}, {"Authorization": "Token "}, {"Authorization": "Basic QWRhOng="}):
        assert web.get("/1/validate-token", headers=headers).status_code == 401
        assert web.post("/1/submit-listens", json={}, headers=headers).status_code == 401
    assert ada.send({}, token="wrong").status_code == 401
    assert web.get("/1/submit-listens", headers=ada.headers()).status_code == 405
    assert web.get("/1/user/Ada/listens").status_code == 404
    lines = web.get("/1/user%0Alistens")
    assert lines.status_code == 404 and lines.json()["code"] == 404


def test_guessed_tokens_are_refused_after_some(ada: Program, web: TestClient) -> None:
    for number in range(LIMITS["app"]):
        assert web.get("/1/validate-token", headers=ada.headers(f"guess-{number}")).status_code == 200
    refused = web.get("/1/validate-token", headers=ada.headers("guess"))
    assert refused.status_code == 429 and refused.headers["retry-after"]
    # An app whose password was revoked locks out no other.
    assert web.get("/1/validate-token", headers=ada.headers()).json()["valid"]


def test_pages_of_other_sites_may_submit_with_a_token(web: TestClient) -> None:
    asked = web.options(
        "/1/submit-listens",
        headers={"Origin": "https://music.example", "Access-Control-Request-Headers": "authorization"},
    )
    assert asked.headers["access-control-allow-origin"] == "*"
    assert "authorization" in asked.headers["access-control-allow-headers"]


def test_listeners_do_not_change_each_others_songs(ada: Program, services: Services, web: TestClient) -> None:
    ben = Program(services, web, "Ben")
    ada.submit("playing_now", listen(ago=None))
    ben.submit("playing_now", listen("1999 2", "311", ago=None))
    assert ada.plays() == [("play", SONG)] and ben.plays() == [("play", OTHER)]
    assert Playbacks(services.store).of(ben.user_id, "ListenBrainz (server)") is not None
