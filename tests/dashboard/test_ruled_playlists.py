"""Playlists by rules: they have the songs that fit now, and nobody fills them by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from segue.dashboard.queries import ruled
from segue.dashboard.services import Services
from segue.engagement.summed_listening import SummedListening, TrackPlays
from segue.playlists.playlist import PlaylistError
from segue.playlists.rules import KINDS, MOST_RULES, MOST_SONGS, operators, read_rules
from segue.storage.mongo import Document
from tests.dashboard.conftest import Enter, whose

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)
Fitting = Callable[..., list[str]]


def rule(field: str, operator: str, value: str | int) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def rules(
    *those: dict[str, Any], every: bool = True, order: str = "title", most: int = 100
) -> dict[str, Any]:
    return {"every": every, "rules": list(those), "order": order, "most": most}


@pytest.fixture
def songs(database: Database[Document], monkeypatch: pytest.MonkeyPatch) -> Database[Document]:
    """Six songs; Ada likes two, and has played three."""
    monkeypatch.setattr(ruled, "_KEPT_SECONDS", 0.0)
    database.tracks.insert_many(
        {
            "_id": f"s{n}",
            "title": f"Song {n}",
            "genres": ["Folk"] if n % 2 else ["Rock", "Pop"],
            "tags": ["rainy"] if n == 3 else [],
            "year": 1990 + n if n != 5 else None,
            "library": "loud" if n == 4 else "home",
        }
        for n in range(6)
    )
    for own in ("s1", "s4"):
        opinion = {"user_id": "ada", "track_id": own, "opinion": "like", "at": NOW}
        database.opinions.insert_one({"_id": f"ada:{own}", **opinion})
    heard = {
        "s0": TrackPlays(3, NOW),
        "s1": TrackPlays(7, NOW - timedelta(days=40)),
        "s2": TrackPlays(1, NOW),
    }
    monkeypatch.setattr(SummedListening, "totals", lambda _, user: heard if user == "ada" else {})
    return database


@pytest.fixture
def fitting(songs: Database[Document], services: Services) -> Fitting:
    def found(*those: dict[str, Any], **others: Any) -> list[str]:
        made = services.playlists.create("ada", "x", rules=read_rules(rules(*those, **others)))
        read = services.playlists.read("ada", made.playlist_id)
        assert read is not None
        return list(read.tracks)

    return found


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (rule("genre", "is", "Folk"), ["s1", "s3", "s5"]),
        (rule("genre", "is not", "Pop"), ["s1", "s3", "s5"]),
        (rule("tag", "is", "rainy"), ["s3"]),
        (rule("year", "at least", 1993), ["s3", "s4"]),
        (rule("year", "at most", 1991), ["s0", "s1"]),
        (rule("year", "is", 1992), ["s2"]),
        (rule("liked", "is", "yes"), ["s1", "s4"]),
        (rule("liked", "is", "no"), ["s0", "s2", "s3", "s5"]),
        (rule("plays", "at least", 3), ["s0", "s1"]),
        (rule("plays", "at most", 0), ["s3", "s4", "s5"]),
        (rule("plays", "at most", 3), ["s0", "s2", "s3", "s4", "s5"]),
        (rule("plays", "is", 1), ["s2"]),
        (rule("plays", "is", 0), ["s3", "s4", "s5"]),
        (rule("plays", "at least", 0), ["s0", "s1", "s2", "s3", "s4", "s5"]),
        (rule("heard", "within", 30), ["s0", "s2"]),
        (rule("heard", "not within", 30), ["s1", "s3", "s4", "s5"]),
        (rule("tempo", "is", "high"), []),
    ],
)
def test_songs_that_fit_a_rule(fitting: Fitting, one: dict[str, Any], expected: list[str]) -> None:
    assert fitting(one) == expected


def test_every_rule_or_one_of_them_and_the_order(fitting: Fitting) -> None:
    folk, liked = rule("genre", "is", "Folk"), rule("liked", "is", "yes")
    assert fitting(folk, liked) == ["s1"]
    assert fitting(folk, liked, every=False) == ["s1", "s3", "s4", "s5"]
    assert fitting(folk, liked, every=False, most=2) == ["s1", "s3"]
    any_song = rule("year", "at most", 9999)
    assert fitting(any_song, order="plays") == ["s1", "s0", "s2"]
    assert fitting(any_song, order="heard")[-1] == "s1"
    assert fitting(any_song, order="year") == ["s4", "s3", "s2", "s1", "s0"]


def test_moods_are_thirds_of_the_library(
    fitting: Fitting, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = {("energy", "low"): ["s0", "s1"], ("energy", "high"): ["s5"]}
    monkeypatch.setattr(
        ruled.RuledSongs, "_with_level", lambda _, field, level: levels.get((field, level), [])
    )
    assert fitting(rule("energy", "is", "low")) == ["s0", "s1"]
    assert fitting(rule("energy", "is not", "high")) == ["s0", "s1", "s2", "s3", "s4"]


def test_it_updates_itself(songs: Database[Document], services: Services) -> None:
    wanted = read_rules(rules(rule("genre", "is", "Folk")))
    made = services.playlists.create("ada", "Folk", rules=wanted)
    songs.tracks.insert_one({"_id": "s9", "title": "Song 9", "genres": ["Folk"]})
    (now,) = services.playlists.of("ada")
    assert now.tracks == ("s1", "s3", "s5", "s9")
    services.playlists.set_rules("ada", made.playlist_id, read_rules(rules(rule("tag", "is", "rainy"))))
    (now,) = services.playlists.of("ada")
    assert now.tracks == ("s3",)


def test_nobody_fills_it_by_hand(songs: Database[Document], services: Services) -> None:
    playlists = services.playlists
    own = playlists.create("ada", "Folk", rules=read_rules(rules(rule("genre", "is", "Folk")))).playlist_id
    with pytest.raises(PlaylistError, match="rules of this playlist"):
        playlists.add("ada", own, ["s0"])
    with pytest.raises(PlaylistError, match="rules of this playlist"):
        playlists.replace("ada", own, ["s0"])
    with pytest.raises(PlaylistError, match="rules of this playlist"):
        playlists.edit("ada", own, without=[0], added=[])
    assert not playlists.arrange("ada", own, [(0, "s1")], to=None)
    plain = playlists.create("ada", "Plain", tracks=["s0"]).playlist_id
    with pytest.raises(PlaylistError, match="no such playlist"):
        playlists.set_rules("ada", plain, read_rules(rules(rule("genre", "is", "Folk"))))


def test_a_hidden_library_stays_hidden(
    songs: Database[Document], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    playlists = services.playlists
    playlists.create("ada", "Liked", rules=read_rules(rules(rule("liked", "is", "yes"))))
    assert playlists.of("ada")[0].tracks == ("s1", "s4")
    monkeypatch.setattr(
        playlists._ruled._tracks, "_hidden_libraries", lambda: frozenset({"loud"}), raising=True
    )
    assert playlists.of("ada")[0].tracks == ("s1",)


def test_by_the_routes(enter: Enter, songs: Database[Document], services: Services) -> None:
    client = enter()
    body = {"name": "Folk", "rules": rules(rule("genre", "is", "Folk"))}
    made = client.post("/api/playlists", json=body).json()
    assert (made["by_rules"], services.playlists.of(whose(services, client).user_id)[0].tracks) == (
        True,
        ("s1", "s3", "s5"),
    )
    assert client.get("/api/playlists").json()[0]["tracks"] == 3
    songs_of = client.get(f"/api/library/songs?show=playlists&id={made['id']}").json()["items"]
    assert [one["id"] for one in songs_of] == ["s1", "s3", "s5"]
    changed = {"rules": rules(rule("tag", "is", "rainy"))}
    assert client.put(f"/api/playlists/{made['id']}", json=changed).status_code == 200
    assert client.get("/api/playlists").json()[0]["tracks"] == 1
    assert client.post(f"/api/playlists/{made['id']}/tracks", json={"tracks": ["s0"]}).status_code == 422
    for bad in BAD:
        assert client.post("/api/playlists", json={"name": "x", "rules": bad}).status_code == 422, bad
    assert len(client.get("/api/playlists").json()) == 1


BAD: list[Any] = [
    {},
    [],
    "x",
    rules(),
    rules(*[rule("genre", "is", "Folk")] * (MOST_RULES + 1)),
    rules(rule("genre", "is", "")),
    rules(rule("genre", "at least", "Folk")),
    rules(rule("year", "is", "1990")),
    rules(rule("year", "is", -1)),
    rules(rule("year", "is", True)),
    rules(rule("nothing", "is", "x")),
    rules(rule("liked", "is", "perhaps")),
    rules(rule("tempo", "is", "fast")),
    rules(rule("genre", "is", "Folk"), most=0),
    rules(rule("genre", "is", "Folk"), most=MOST_SONGS + 1),
    rules(rule("genre", "is", "Folk"), order="x"),
    {**rules(rule("genre", "is", "Folk")), "every": 1},
    rules({"field": "genre"}),
    {**rules(), "rules": [None, 7]},
]


@pytest.mark.parametrize("wanted", BAD, ids=range(len(BAD)))
def test_what_is_no_rule_is_refused(wanted: Any) -> None:
    with pytest.raises(PlaylistError):
        read_rules(wanted)


def test_every_field_has_comparisons_that_are_read() -> None:
    values: dict[str, str | int] = {"text": "x", "number": 3, "days": 3, "level": "low", "yes": "no"}
    for field, kind in KINDS.items():
        for operator in operators(field):
            wanted = rules(rule(field, operator, values[kind]))
            assert read_rules(wanted).stored() == wanted
