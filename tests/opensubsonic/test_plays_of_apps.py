"""A listener's plays as apps show them: counts, times, and the albums heard last and most."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from segue.catalog.labels import TrackLabels
from segue.catalog.tracks import Tracks
from segue.dashboard.opensubsonic import playing
from segue.dashboard.services import Services
from segue.engagement.facts import facts_of
from segue.engagement.stored import StoredEngagement
from segue.plays.event import EVENT_WINDOW
from segue.settings import Settings, milliseconds
from segue.storage.store import Store
from segue.taste.history import Window
from segue.taste.tastes import TasteRecord, Tastes
from tests.dashboard.test_player_routes import in_kafka
from tests.opensubsonic.conftest import App, track_id
from tests.opensubsonic.test_answers import album_of
from tests.waiting import until

pytestmark = pytest.mark.integration
A, B, C, D = (track_id(place, 2) for place in range(4))
_NUMBERS = ("ms_played", "duration_ms", "occurred_at", "rank")
_EVENT = pa.struct([(name, pa.int64() if name in _NUMBERS else pa.string()) for name in EVENT_WINDOW.state])


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    return broker


def count(services: Services) -> None:
    """Count all events in Kafka, as the streaming job does."""
    window = milliseconds(services.settings.engagement.window)
    windows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for event in in_kafka(services.settings):
        start = event["occurred_at"] - event["occurred_at"] % window
        state = {name: event.get(name) for name in EVENT_WINDOW.state}
        windows.setdefault((event["user_id"], start), []).append(state)
    table = pa.table(
        {
            "user_id": [user_id for user_id, _ in windows],
            "window_start": pa.array([start for _, start in windows], pa.int64()),
            "events": pa.array(list(windows.values()), pa.list_(_EVENT)),
        }
    )
    stored = StoredEngagement(services.store, services.settings)
    facts = facts_of(table, described=TrackLabels(Tracks(services.store)))
    stored.write(facts)
    stored.count(fact.start for fact in facts)


def plays(app: App, own: str) -> int:
    found: int = app.get("getSong", id=own)["song"]["playCount"]
    return found


def albums(app: App, kind: str) -> list[str]:
    return [album["name"] for album in app.get("getAlbumList2", type=kind)["albumList2"]["album"]]


def test_only_a_submission_counts_as_a_play(ada: App, services: Services) -> None:
    ada.get("scrobble", id=A, submission="false")
    playing = ada.get("getNowPlaying")["nowPlaying"]["entry"]
    assert [one["id"] for one in playing] == [A]
    count(services)
    assert plays(ada, A) == 0
    ada.get("scrobble", id=A, time=round(time.time() * 1000), submission="true")
    count(services)
    until(lambda: plays(ada, A) == 1, "one play")


def test_a_song_that_was_named_and_not_submitted_was_not_played(ada: App, services: Services) -> None:
    """A skip in the first seconds counted as a play, and brought the album to the front of its lists."""
    ada.get("scrobble", id=D, submission="false")
    ada.get("scrobble", id=A, submission="false")
    ada.get("scrobble", id=A, time=round(time.time() * 1000))
    ended = [(event["track_id"], event["type"]) for event in in_kafka(services.settings)]
    assert (D, "skip") in ended
    count(services)
    until(lambda: plays(ada, A) == 1, "the submitted song")
    song = ada.get("getSong", id=D)["song"]
    assert (song["playCount"], "played" in song) == (0, False)
    assert albums(ada, "frequent") == albums(ada, "recent") == ["First Light"]


def test_a_submission_from_a_clock_that_is_ahead_counts_once(
    ada: App, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app sends it again, minutes later, if it got no answer."""
    began = time.time()
    for minutes in (0, 10, 20):
        monkeypatch.setattr(playing, "time", SimpleNamespace(time=lambda at=began + 60 * minutes: at))
        ada.get("scrobble", id=A, time=round((began + 3600) * 1000))
    events = in_kafka(services.settings)
    assert sorted(one["type"] for one in events) == ["complete", "play"]
    assert all(one["occurred_at"] <= began * 1000 + 1 for one in events)


def test_albums_heard_most_and_last(ada: App, ben: App, services: Services) -> None:
    now = round(time.time() * 1000)
    times = {C: now - 50 * 60_000, A: now - 40 * 60_000, B: now - 30 * 60_000}
    for own in (A, B, C):
        ada.get("scrobble", id=own, time=times[own])
    ada.get("scrobble", id=C, time=now - 3 * 3_600_000)
    count(services)
    until(lambda: plays(ada, C) == 2, "the plays")
    assert albums(ada, "frequent")[0] == "Hits of the Year"
    assert albums(ada, "recent")[0] in ("Second Wind", "First Light")
    assert len(albums(ada, "recent")) == 3
    assert albums(ben, "recent") == albums(ben, "frequent") == []


def test_the_order_of_recent_albums_is_that_of_the_plays_within_a_window(
    ada: App, services: Services, library: Store
) -> None:
    """Facts have the quarter of an hour only; all albums heard within it were in the order of their ids."""
    window = milliseconds(services.settings.engagement.window)
    start = (round(time.time() * 1000) - 3_600_000) // window * window
    order = [B, D, A, C]
    ended = {own: start + 60_000 * (1 + place) for place, own in enumerate(order)}
    for own in order:
        ada.get("scrobble", id=own, time=ended[own] - 6_000)
    known = sorted(order)
    history = {
        start: Window(
            tracks=known,
            weights=[1.0] * len(known),
            at=[ended[own] for own in known],
            types=["complete"] * len(known),
        )
    }
    record = TasteRecord(
        user_id=ada.account.user_id,
        history=history,
        vector=np.zeros(6, np.float32),
        space="s",
        reflects_at=max(ended.values()),
    )
    Tastes(library).write([record])
    count(services)
    until(lambda: plays(ada, C) == 1, "the plays")
    assert albums(ada, "recent") == ["Hits of the Year", "First Light", "1999", "Second Wind"]
    played = datetime.fromisoformat(album_of(ada, "First Light")["played"])
    assert played == datetime.fromtimestamp(ended[A] / 1000, UTC)
