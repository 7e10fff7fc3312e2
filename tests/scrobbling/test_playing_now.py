"""Services are told the current song: once, while it is new, and never later."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segue.people.app_log_in import FROM_PROGRAMS, session_of_app
from segue.scrobbling.connections import Service
from segue.scrobbling.playing_now import FRESH, PlayingNow
from segue.scrobbling.reading import Reading
from segue.scrobbling.working import box_of
from tests.plays.examples import encoded
from tests.scrobbling.conftest import LENGTH, World
from tests.scrobbling.service import Answer

pytestmark = pytest.mark.integration
services = pytest.mark.parametrize("kind", ["listenbrainz", "lastfm"])
SECONDS = FRESH.total_seconds()


class Now:
    """A listener begins songs, and the services are told."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.playing = PlayingNow(
            world.settings, box=box_of(world.settings), http=world.http, clock=lambda: world.at
        )
        self.reading = Reading(world.store, world.settings, playing=self.playing)

    def begin(self, *songs: int, ago: float = 0.0, session: str = "s", user: str = "ada") -> None:
        at = round((self.world.at - ago) * 1000)
        self.reading.take(
            encoded(
                user_id=user,
                track_id=f"t{number}",
                session_id=session,
                type="play",
                ms_played=0,
                position_ms=0,
                duration_ms=LENGTH,
                occurred_at=at + place,
            )
            for place, number in enumerate(songs)
        )

    def told(self) -> list[str]:
        self.playing.send_all()
        return self.world.service.now


@pytest.fixture
def now(world: World) -> Now:
    return Now(world)


@services
def test_a_song_that_begins_is_told_once(now: Now, world: World, kind: Service) -> None:
    """B1: without a time. It is no listen."""
    world.connect(kind)
    now.begin(0)
    assert now.told() == ["Song 0"]
    assert now.told() == ["Song 0"]
    assert world.service.taken() == []
    assert world.sending.send_all() == 0


def test_what_is_told_has_the_facts_of_the_song(now: Now, world: World) -> None:
    world.connect("listenbrainz")
    world.connect("lastfm")
    now.begin(0)
    now.told()
    listen, call = (content for _, content in world.service.requests)
    if "listen_type" in call:
        listen, call = call, listen
    assert listen["listen_type"] == "playing_now"
    data = listen["payload"][0]["track_metadata"]
    assert (data["artist_name"], data["release_name"]) == ("Lumen", "First")
    assert data["additional_info"]["duration_ms"] == LENGTH
    assert (call["artist"], call["album"], call["duration"]) == ("Lumen", "First", str(LENGTH // 1000))


@services
@pytest.mark.parametrize(
    "fault", [Answer(0), Answer(500), Answer(429, {}, Retry_After="120"), Answer(503, "x" * 2_000_000)]
)
def test_what_was_not_told_is_never_told_later(now: Now, world: World, kind: Service, fault: Answer) -> None:
    own = world.connect(kind)
    now.begin(0)
    world.service.faults = [fault]
    assert now.told() == []
    now.begin(1)
    assert now.told() == [], "the service is left alone"
    requests = len(world.service.requests)
    world.later(121)
    assert now.told() == []
    assert len(world.service.requests) == requests
    now.begin(2)
    assert now.told() == ["Song 2"]
    assert world.connection(own).failures == 0, "it says nothing about the plays"


@services
def test_old_songs_and_future_ones_are_not_told(now: Now, world: World, kind: Service) -> None:
    world.connect(kind)
    now.begin(0, ago=SECONDS + 1)
    now.begin(1, ago=-SECONDS - 1)
    assert now.told() == []
    now.begin(2)
    world.later(SECONDS + 1)
    assert now.told() == [], "it has waited too long"


def test_of_several_songs_only_the_newest_is_told(now: Now, world: World) -> None:
    world.connect("listenbrainz")
    now.begin(0, 1, 2)
    now.begin(3, ago=10)
    assert now.told() == ["Song 2"]


def test_only_what_may_be_sent_is_told(now: Now, world: World) -> None:
    scrobbled = session_of_app("ada", "navidrome", "p1", kind=FROM_PROGRAMS)
    now.begin(0)
    assert now.told() == [], "nobody is connected"
    own = world.connect("listenbrainz")
    now.begin(1, session=scrobbled)
    now.begin(2, user="ben")
    assert now.told() == []
    world.connections.include_programs("ada", "listenbrainz", True)
    now.begin(3, session=scrobbled)
    assert now.told() == ["Song 3"]
    later = world.connections._clock() + timedelta(hours=1)
    world.store.database.scrobble_connections.update_one({"_id": own}, {"$set": {"retry_at": later}})
    now.begin(4)
    assert now.told() == ["Song 3"], "the service has asked to wait"
    ended = {"$set": {"retry_at": None, "ended": True}}
    world.store.database.scrobble_connections.update_one({"_id": own}, ended)
    now.begin(5)
    assert now.told() == ["Song 3"]
    world.store.database.scrobble_connections.update_one({"_id": own}, {"$set": {"ended": False}})
    world.move("listenbrainz", f"{world.service.address}/elsewhere")
    now.begin(6)
    assert now.told() == ["Song 3"], "the address is not offered any more"


def test_a_token_that_is_refused_or_unreadable_ends_nothing_here(now: Now, world: World) -> None:
    own = world.connect("listenbrainz", secret="wrong")
    now.begin(0)
    assert now.told() == []
    assert not world.connection(own).ended, "the sending of plays finds it out"
    world.store.database.scrobble_connections.update_one({"_id": own}, {"$set": {"encrypted": b"x"}})
    now.begin(1)
    assert now.told() == []
