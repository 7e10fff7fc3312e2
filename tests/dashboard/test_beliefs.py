"""Segue's beliefs, and corrections that hold in every list, as pages and apps get them."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pymongo.database import Database
from streamlit.testing.v1 import AppTest

from segue.catalog.letters import artist_key
from segue.dashboard.api import radio
from segue.dashboard.opensubsonic import near
from segue.dashboard.opensubsonic import plan as made_for_apps
from segue.dashboard.queries import beliefs
from segue.dashboard.queries.beliefs import Beliefs, Correcting
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.steered import planned
from segue.dashboard.services import Services
from segue.engagement.listening_sessions import ListeningSessions
from segue.imports.changed import ChangedImports
from segue.moods.dial import Dial, MoodDials
from segue.plays.playbacks import Playbacks
from segue.privacy.backup import backup, restore
from segue.privacy.holdings import held
from segue.privacy.leaving import forget
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.corrections import Corrections, Span
from segue.taste.memory import Loved, Memories, Month, month_of
from segue.taste.opinions import Opinions
from tests.dashboard.test_made_and_mood_pages import IDS, shelf, who

__all__ = ["shelf", "who"]
NOW = datetime.now(UTC)


@pytest.fixture
def known(shelf: Database[Document], settings: Settings) -> Services:
    """Ada's taste is of the artists 0 and 1; long ago, she loved a song of artist 9."""
    for number, one in enumerate(IDS):
        name = f"Artist {number // 2}"
        own = {
            "artist_keys": [artist_key(name)],
            "counted": [artist_key(name)],
            "details": {"artists": [name]},
        }
        album = {"album": f"Album {number // 4}", "album_id": f"album{number // 4}"}
        genre = {"genres": ["Folk" if number % 2 else "Jazz"]}
        shelf.tracks.update_one({"_id": one}, {"$set": {**own, **album, **genre}})
    old = NOW - timedelta(days=700)
    loved = Month(live=Loved(["t18"], [9.0], [round(old.timestamp() * 1000)]))
    Memories(Store(shelf)).write({"ada": {month_of(old): loved}}, half_life=timedelta(days=365), most=50)
    services = Services(Store(shelf), settings)
    return services


def read(services: Services) -> Beliefs:
    return beliefs.read(services.catalogue, services.settings, "ada", zone="Europe/Berlin")


def everything(services: Services) -> dict[str, set[str]]:
    """All lists that Segue makes for Ada, by name."""
    catalogue, settings = services.catalogue, services.settings
    call: Any = SimpleNamespace(
        server=SimpleNamespace(
            store=services.store,
            catalogue=catalogue,
            settings=settings,
            services=services,
            opinions=Opinions(services.store),
            playbacks=Playbacks(services.store),
            tracks=_Tracks(),
        ),
        user_id="ada",
    )
    generator = PlaylistGenerator(catalogue, settings, "ada", kept=services.day_lists)
    dials = MoodDials(services.store)
    lists = {"plan": {item.track_id for item in planned(catalogue, settings, "ada").items}}
    dials.keep("ada", Dial({"energy": -2}))
    lists["mood"] = {item.track_id for item in planned(catalogue, settings, "ada").items}
    dials.keep("ada", Dial())
    lists["radio"] = {item["id"] for item in radio._tuned(services, "ada", "t00", [])}
    lists["mix"] = {item.track_id for item in generator.daily_mix(date(2026, 3, 1))}
    lists["new"] = {item.track_id for item in generator.discovery(date(2026, 3, 1))}
    lists["more"] = {item.track_id for item in generator.continuation(["t00", "t01"])}
    lists["apps"] = set(made_for_apps.planned_ids(call))
    lists["app mix"] = set(
        next(made for made in made_for_apps.MADE if made.made.key == "daily-mix").tracks(call)
    )
    lists["similar"] = {cast(str, track) for track in near.songs(call, ["t00"], limit=30)}
    lists["random"] = set(IDS) - made_for_apps._barred(call)
    return lists


class _Tracks:
    """Gives ids back, in place of the tracks that the API describes."""

    def in_order(self, ids: list[str]) -> list[str]:
        return ids


def test_beliefs_are_shares_now_and_in_the_long_term(known: Services) -> None:
    own = read(known)
    artists = {belief.name: belief for belief in own.of_kind["artist"]}
    assert artists["Artist 0"].now + artists["Artist 1"].now == pytest.approx(1)
    assert (artists["Artist 9"].now, artists["Artist 9"].long_term) == (0, 1)
    assert {belief.name for belief in own.of_kind["genre"]} == {"Folk", "Jazz"}
    assert "Album 4" in {belief.name for belief in own.of_kind["album"]}


@pytest.mark.parametrize("kind", ["artist", "album", "genre"])
def test_never_again_holds_everywhere_and_is_taken_back(known: Services, kind: str) -> None:
    before = everything(known)
    ChangedImports(known.store).documents.delete_many({})
    [belief] = [
        one for one in read(known).of_kind[cast(Any, kind)] if one.name in ("Artist 0", "Album 0", "Folk")
    ]
    field = {"artist": "counted", "album": "album_id", "genre": "genres"}[kind]
    unwanted = {track["_id"] for track in known.store.database.tracks.find({field: belief.key})}
    assert (
        all(tracks & unwanted for name, tracks in before.items() if name not in ("similar", "more")) or kind
    )

    correcting = Correcting(known.store, "ada")
    correcting.rule(belief, "never")
    assert ChangedImports(known.store).waiting(limit=9).keys() == {"ada"}
    after = everything(known)
    assert {name for name, tracks in after.items() if tracks & unwanted} == set()
    [corrected] = [one for one in read(known).of_kind[cast(Any, kind)] if one.key == belief.key]
    assert corrected.strength == "never"

    correcting.rule(corrected, None)
    again = everything(known)
    assert again["plan"] == before["plan"]
    assert again["random"] == before["random"]


def test_less_leaves_some_songs(known: Services) -> None:
    [belief] = [one for one in read(known).of_kind["genre"] if one.name == "Jazz"]
    jazz = {track["_id"] for track in known.store.database.tracks.find({"genres": "Jazz"})}
    Correcting(known.store, "ada").rule(belief, "less")
    left = everything(known)["random"] & jazz
    assert 0 < len(left) < len(jazz) / 2


def test_a_forgotten_evening_says_nothing_and_can_count_again(known: Services) -> None:
    now = round(time.time() * 1000)
    window = now - now % known.settings.stream.window.seconds // 1
    database = known.store.database
    start = window - window % 1_800_000
    heard = {"tracks": ["t30"], "weights": [5.0], "types": ["complete"], "at": [start + 60_000]}
    database.tastes.update_one({"_id": "ada"}, {"$set": {f"windows.{start}": heard}})
    ListeningSessions(known.store).documents.insert_one(
        {
            "_id": f"{start}:ada",
            "user_id": "ada",
            "first_at": start,
            "last_at": start + 600_000,
            "ended_at": NOW,
            "plays": 3,
            "skips": 0,
            "listening_ms": 600_000,
        }
    )
    own = read(known)
    assert {belief.name for belief in own.of_kind["artist"] if belief.now > 0.5} == {"Artist 15"}
    assert own.hours.sum() == pytest.approx(10)
    [evening] = own.evenings
    correcting = Correcting(known.store, "ada")
    correcting.forget(evening.span)
    after = read(known)
    assert "Artist 15" not in {belief.name for belief in after.of_kind["artist"] if belief.now}
    assert (after.evenings, [one.span for one in after.forgotten]) == ([], [evening.span])
    correcting.remember(evening.span)
    assert {one.name: one.now for one in read(known).of_kind["artist"]} == {
        one.name: one.now for one in own.of_kind["artist"]
    }


def test_corrections_are_exported_saved_and_removed_with_the_listener(known: Services, tmp_path: Any) -> None:
    store = known.store
    Corrections(store).forget_span("ada", Span(5, 9))
    names = dict(held(store, "ada")).keys()
    assert {"corrections", "memories"} <= names
    counts = backup(store, tmp_path / "backup.gz")
    assert (counts["corrections"], counts["memories"]) == (1, 1)
    removed = forget(store, "ada", plays_kept=timedelta(days=1))
    assert (removed["corrections"], removed["memories"]) == (1, 1)
    assert Corrections(store).of(["ada"]) == {}
    for name in store.collection_names():
        store.database[name].drop()
    restore(store, tmp_path / "backup.gz")
    assert Corrections(store).spans(["ada"]) == {"ada": (Span(5, 9),)}


def test_the_page_shows_beliefs_and_keeps_a_correction(known: Services, who: list[Any]) -> None:
    you = AppTest.from_function(_page, default_timeout=600).run()
    assert not you.exception
    controls: dict[str, Any] = {cast(Any, own).label: own for own in you.get("button_group")}
    label = next(label for label in controls if "Artist 0" in label)
    assert "long-term" in label
    controls[label].set_value("never").run()
    [rule] = Corrections(known.store).of(["ada"])["ada"].rules
    assert (rule.kind, rule.name, rule.strength) == ("artist", "Artist 0", "never")


def _page() -> None:
    from segue.dashboard import visit
    from segue.dashboard.views import beliefs as view

    listener = visit.listener()
    assert listener is not None
    view.show(listener)
