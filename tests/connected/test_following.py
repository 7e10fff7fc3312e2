"""Following a server: its current songs, its playlists, and a server that is away, slow or wiped."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pymongo.database import Database

from segue.connected import linking
from segue.connected.connections import Connections
from segue.connected.faults import LogInRefused, NameNeeded, NoSuchThing
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.written_lists import MARK
from segue.dashboard.beside import follower as followers
from segue.dashboard.beside import listening
from segue.dashboard.beside.follower import Follower
from segue.dashboard.queries import made_lists
from segue.dashboard.queries.made_lists import MadeFor
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.imports.days import ImportedDays, plays_in
from segue.imports.importing import match_again
from segue.imports.libraries import SeenLibraries
from segue.imports.songs import ImportedSongs
from segue.people.app_log_in import FROM_PROGRAMS
from segue.plays.playbacks import Playbacks
from segue.settings import Settings
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.taste.marks import Marks
from segue.taste.opinions import Opinions
from tests.connected.home import LOG_IN, Home
from tests.connected.small_server import PASSWORD, USER, SmallServer, failed, song, status
from tests.dashboard.test_player_routes import in_kafka
from tests.waiting import until

pytestmark = pytest.mark.integration


@pytest.fixture
def app_settings(broker: Settings) -> Settings:
    quickly = {
        "playing_interval": timedelta(milliseconds=50),
        "playlist_interval": timedelta(microseconds=1),
    }
    return broker.model_copy(update={"servers": broker.servers.model_copy(update=quickly)})


@pytest.fixture
def home(database: Database[Document], app_settings: Settings, small: SmallServer) -> Home:
    small.fill(*(song(number) for number in range(20)))
    found = Home(Store(database), app_settings, small)
    found.sync()
    return found


class Listener:
    """Ada, who has linked her account."""

    def __init__(self, home: Home, services: Services) -> None:
        self.home, self.services, self.store = home, services, home.store
        account = services.authenticator.create("Ada", "correct horse battery")
        self.user_id = account.user_id
        self.link()

    def link(self, *, learns: bool = True) -> None:
        linking.link_account(
            self.store,
            self.services.settings,
            "home",
            user_id=self.user_id,
            name="Ada",
            given=LOG_IN,
            learns=learns,
        )

    def account(self) -> LinkedAccount:
        [found] = LinkedAccounts(self.store).of_listener(self.user_id)
        return found

    def plays(self, number: int, **changes: Any) -> None:
        """Play a song on the server."""
        self.home.small.playing = [{"id": f"song-{number}", "username": "ADA", "minutesAgo": 0, **changes}]

    def is_seen(self, number: int) -> bool:
        found = Playbacks(self.store).of(self.user_id, "home")
        return found is not None and found.track_id == self.home.ids()[f"song-{number}"]

    def events(self) -> list[tuple[str, str]]:
        """The songs and the types of the events."""
        songs = {track: own for own, track in self.home.ids().items()}
        events = in_kafka(self.services.settings)
        # Plays that the other server may have scrobbled itself are sent on only at a listener's request.
        assert all(event["session_id"].startswith(FROM_PROGRAMS) for event in events)
        return [(songs[event["track_id"]], event["type"]) for event in events]


@pytest.fixture
def services(home: Home, app_settings: Settings) -> Iterator[Services]:
    found = Services(home.store, app_settings)
    yield found
    found.close()


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The tracks of the lists that Segue makes, by key."""
    wanted: dict[str, list[str]] = {made.key: [] for made in made_lists.MADE}

    def tracks(key: str) -> Any:
        def of(made_for: MadeFor) -> list[str]:
            return wanted[key]

        return of

    made = tuple(
        made_lists.MadeList(one.key, one.name, one.comment, tracks(one.key)) for one in made_lists.MADE
    )
    monkeypatch.setattr("segue.dashboard.beside.lists.MADE", made)
    return wanted


@pytest.fixture
def ada(home: Home, services: Services) -> Listener:
    return Listener(home, services)


@pytest.fixture
def following(ada: Listener, services: Services, plan: dict[str, list[str]]) -> Iterator[Follower]:
    follower = Follower(services)
    follower.start()
    yield follower
    follower.close()


def test_songs_that_follow_each_other_at_once_are_skips(
    ada: Listener, services: Services, plan: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, began = Follower(services), round(time.time() * 1000) - 600_000
    for number, seconds in ((1, 0), (1, 5), (2, 12), (3, 20), (4, 180), (5, 220)):
        monkeypatch.setattr(listening, "_now", lambda now=began + 1000 * seconds: now)
        ada.plays(number)
        look(follower)
    assert ada.events() == [
        ("song-1", "play"),
        ("song-1", "skip"),
        ("song-2", "play"),
        ("song-2", "skip"),
        ("song-3", "play"),
        ("song-3", "complete"),
        ("song-4", "play"),
        ("song-5", "play"),
    ]


def test_only_the_listener_who_plays_learns(ada: Listener, following: Follower, home: Home) -> None:
    home.small.playing = [
        {"id": "song-1", "username": "somebody else"},
        {"id": "song-2"},
        {"username": USER},
        {"id": "unknown", "username": USER},
        {"id": "song-3", "username": USER, "minutesAgo": "x", "playerName": "phone"},
    ]
    until(lambda: Playbacks(ada.store).of(ada.user_id, "home (phone)"), "the song")
    assert ada.events() == [("song-3", "play")]


def test_plays_are_known_by_their_times_where_nothing_plays_now(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    linked = ada.account()["linked_at"]
    for number, minutes in ((1, -10), (2, 1), (3, 2), (4, 1_000_000)):
        home.small.songs[f"song-{number}"]["played"] = (linked + timedelta(minutes=minutes)).isoformat()
    home.small.songs["song-5"]["played"] = "yesterday"
    home.small.recent = [{"id": "album-0", "played": (linked + timedelta(minutes=2)).isoformat()}]
    look(Follower(services))
    plays = [("song-2", "play"), ("song-2", "complete"), ("song-3", "play"), ("song-3", "complete")]
    assert ada.events() == plays
    free(home)
    look(Follower(services))
    assert ada.events() == plays
    # From the first song on that the server shows, that is surer.
    home.small.songs["song-6"]["played"] = (linked + timedelta(minutes=3)).isoformat()
    home.small.recent = [{"id": "album-0", "played": (linked + timedelta(minutes=3)).isoformat()}]
    ada.plays(7)
    free(home)
    look(Follower(services))
    free(home)
    look(Follower(services))
    assert ada.events() == [*plays, ("song-7", "play")]


def test_a_play_of_a_song_that_is_newer_than_the_list_is_kept_until_the_list_has_it(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    at = (ada.account()["linked_at"] + timedelta(minutes=2)).replace(microsecond=0)
    home.small.songs["new"] = song(7, id="new", title="Brand new", duration=207_000, played=at.isoformat())
    home.small.recent = [{"id": "album-0", "played": at.isoformat()}]
    for _ in range(2):
        look(Follower(services))
        free(home)
    assert ada.events() == []
    [key] = ImportedSongs(ada.store).matches(ada.user_id)
    kept = [play.at for day in ImportedDays(ada.store).days(ada.user_id) for play, _ in plays_in(day)]
    assert kept == [round(at.timestamp())]
    home.sync()
    match_again(ada.store, SeenLibraries(ada.store, services.settings).of)
    assert ImportedSongs(ada.store).matches(ada.user_id)[key].track_id == home.ids()["new"]
    look(Follower(services))
    assert ada.events() == [], "it counts once"


def test_a_song_that_is_shown_under_the_id_of_another_is_not_taken_for_it(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    """A server that was wiped gives its ids again; until its list is read, nothing is learnt from them."""
    at = (ada.account()["linked_at"] + timedelta(minutes=2)).replace(microsecond=0)
    other = song(77, id="song-1", albumId="album-0", played=at.isoformat())
    home.small.songs["song-1"] = other
    home.small.recent = [{"id": "album-0", "played": at.isoformat()}]
    look(Follower(services))
    free(home)
    home.small.playing = [{**other, "username": USER}]
    look(Follower(services))
    free(home)
    assert ada.events() == []
    assert "asked_at" not in home.connection(), "the list is read soon"
    titles = [one["title"] for one in home.store.database.imported_songs.find()]
    assert titles == [other["title"]]
    home.sync()
    look(Follower(services))
    assert ada.events() == [("song-1", "play")]
    assert home.offered()[home.ids()["song-1"]] == other["title"]


def test_nobody_gets_a_password_that_was_meant_for_a_server_of_the_same_name(
    home: Home, services: Services
) -> None:
    """The server is disconnected while the log-in is tried."""

    def disconnected(request: Any) -> None:
        Connections(home.store).remove("home")
        request.usual()

    home.small.instead["ping"] = disconnected
    with pytest.raises(NoSuchThing):
        linking.link_account(home.store, services.settings, "home", user_id="ben", name="Ben", given=LOG_IN)
    assert LinkedAccounts(home.store).of_listener("ben") == []


def test_players_that_a_server_makes_up_are_not_all_followed(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    home.small.playing = [
        {
            "id": f"song-{number % 20}",
            "username": USER,
            "minutesAgo": number,
            "playerName": f"player {number}",
        }
        for number in range(500)
    ]
    look(Follower(services))
    followed = {one["client"] for one in home.store.database.playbacks.find()}
    assert followed == {f"home (player {number})" for number in range(listening._MOST_PLAYERS)}


def test_an_account_that_is_linked_by_a_key_is_known_by_its_name(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    home.small.keys = {"secret-key": USER, "of-ben": "ben"}
    by_key = linking.GivenLogIn(user="", secret="secret-key", key=True)
    linking.link_account(ada.store, services.settings, "home", user_id=ada.user_id, name="Ada", given=by_key)
    assert ada.account()["user"] == USER
    theirs = {"id": "theirs", "name": "For you", "owner": "ben", "comment": MARK, "songs": ["song-9"]}
    home.small.playlists["theirs"] = dict(theirs)
    plan["for-you"] = [home.ids()["song-5"]]
    ada.plays(1)
    look(Follower(services))
    assert ada.events() == [("song-1", "play")]
    assert home.small.playlists["theirs"] == theirs
    assert [one["songs"] for one in home.small.playlists.values()] == [["song-9"], ["song-5"]]


def test_a_key_without_a_name_is_refused_where_the_server_does_not_tell_it(
    ada: Listener, home: Home, services: Services
) -> None:
    home.small.keys = {"secret-key": USER}
    home.small.instead["tokenInfo"] = status(404)
    for user, linked in (("", False), (USER, True)):
        given = linking.GivenLogIn(user=user, secret="secret-key", key=True)
        try:
            linking.link_account(ada.store, services.settings, "home", user_id="ben", name="Ben", given=given)
        except NameNeeded:
            assert not linked
        found = LinkedAccounts(home.store).of_listener("ben")
        assert [one["user"] for one in found] == [USER] * linked


def test_a_long_look_keeps_its_server(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    """Two processes that follow a server would make each playlist twice."""
    release, begun = threading.Event(), threading.Event()

    def waits(request: Any) -> None:
        begun.set()
        release.wait(60)
        request.usual()

    home.small.instead["getNowPlaying"] = waits
    first, second = Follower(services), Follower(services)
    first.look()
    assert begun.wait(60)
    past = datetime.now(UTC) - timedelta(hours=1)
    home.store.database.connections.update_one({"_id": "home"}, {"$set": {"followed_until": past}})
    first.look()
    second.look()
    assert "home" in first._running
    assert "home" not in second._running
    release.set()
    first._running["home"].join()


def test_stars_become_likes_once(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    opinions, ids, now = Opinions(home.store), home.ids(), datetime.now(UTC)
    opinions.keep([(ada.user_id, ids["song-2"], "dislike"), (ada.user_id, ids["song-3"], "dislike")])
    opinions.keep([(ada.user_id, ids["song-4"], "like")])
    hour, later = timedelta(hours=1), now + timedelta(minutes=1)
    given = {1: now - hour, 2: now - hour, 3: later, 4: later}
    home.small.starred = [{"id": f"song-{number}", "starred": at.isoformat()} for number, at in given.items()]
    home.small.starred += [{"id": "unknown", "starred": now.isoformat()}, {"id": "song-6"}, {}, "x"]  # type: ignore[list-item]
    time_of_dislike = opinions.given(ada.user_id, [ids["song-3"]])[ids["song-3"]]["at"]
    home.store.database.opinions.update_one(
        {"track_id": ids["song-3"]}, {"$set": {"at": time_of_dislike - hour}}
    )
    look(Follower(services))
    kinds = {song: opinion(ada, song) for song in ("song-1", "song-2", "song-3", "song-4", "song-6")}
    assert kinds == {
        "song-1": "like",
        "song-2": "dislike",
        "song-3": "like",
        "song-4": "like",
        "song-6": "like",
    }
    assert sorted(ada.events()) == [("song-1", "like"), ("song-3", "like"), ("song-6", "like")]
    # Whoever takes a like back has the last word, also after another start.
    opinions.keep([(ada.user_id, ids["song-1"], "unlike"), (ada.user_id, ids["song-6"], "dislike")])
    home.small.starred.append({"id": "song-7", "starred": (later + hour).isoformat()})
    free(home)
    look(Follower(services))
    assert (opinion(ada, "song-1"), opinion(ada, "song-6")) == (None, "dislike")
    assert opinion(ada, "song-7") == "like"
    # The same where the clock there is ahead; a time that is far ahead is none, and hides no later star.
    opinions.keep([(ada.user_id, ids["song-7"], "unlike")])
    home.small.starred.append({"id": "song-8", "starred": (later + 2 * hour).isoformat()})
    home.small.starred.append({"id": "song-9", "starred": "2999-01-01T00:00:00Z"})
    free(home)
    look(Follower(services))
    assert [opinion(ada, f"song-{number}") for number in (7, 8, 9)] == [None, "like", None]


def test_an_account_that_is_linked_before_the_first_list_loses_no_opinion(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    """The first list of a large server takes long."""
    home.small.songs["song-2"]["userRating"] = 4
    home.small.starred = [{"id": "song-1", "starred": "2020-01-01T00:00:00Z"}, {"id": "song-3"}]
    ids = home.ids()
    home.store.database.connected_songs.delete_many({})
    home.store.database.connections.update_one({"_id": "home"}, {"$unset": {"listed_at": ""}})
    look(Follower(services))
    assert Opinions(home.store).count(ada.user_id, "like") == 0
    home.sync()
    assert home.ids() == ids
    free(home)
    look(Follower(services))
    assert (opinion(ada, "song-1"), opinion(ada, "song-3")) == ("like", "like")
    assert [one["rating"] for one in Marks(home.store).rated(ada.user_id, "track")] == [4]


def test_a_star_on_a_song_that_is_newer_than_the_list_waits_for_it(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    now = datetime.now(UTC)
    home.small.songs["new"] = song(7, id="new", title="Brand new")
    home.small.songs["video"] = song(8, id="video", title="In another format", suffix="xyz")
    home.small.starred = [
        {"id": own, "starred": (now - timedelta(minutes=minutes)).isoformat()}
        for own, minutes in (("new", 9), ("video", 8), ("song-1", 7))
    ]
    for _ in range(2):
        look(Follower(services))
        free(home)
        assert Opinions(home.store).count(ada.user_id, "like") == 1
    home.sync()
    look(Follower(services))
    free(home)
    assert (opinion(ada, "new"), Opinions(home.store).count(ada.user_id, "like")) == ("like", 2)
    Opinions(home.store).keep([(ada.user_id, home.ids()["new"], "unlike")])
    look(Follower(services))
    assert opinion(ada, "new") is None


def test_very_many_stars_are_likes_and_leave_the_plays_their_weight(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segue.dashboard.beside.opinions._MOST_EVENTS", 3)
    now = datetime.now(UTC)
    home.small.starred = [
        {"id": f"song-{number}", "starred": (now - timedelta(days=number + 1)).isoformat()}
        for number in range(10)
    ]
    look(Follower(services))
    assert sorted(ada.events()) == [("song-0", "like"), ("song-1", "like"), ("song-2", "like")]
    assert Opinions(home.store).count(ada.user_id, "like") == 10


def test_ratings_are_taken_over_once(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    marks, ids = Marks(home.store), home.ids()
    marks.rate(ada.user_id, "track", ids["song-1"], 2)
    for number, rating in ((1, 5), (2, 4), (3, 1), (4, 9), (5, "5")):
        home.small.songs[f"song-{number}"]["userRating"] = rating
    look(Follower(services))
    rated = {one["key"]: one["rating"] for one in marks.rated(ada.user_id, "track")}
    assert rated == {ids["song-1"]: 2, ids["song-2"]: 4, ids["song-3"]: 1}
    assert (opinion(ada, "song-3"), opinion(ada, "song-2")) == ("dislike", None)
    home.small.songs["song-2"]["userRating"] = 1
    free(home)
    look(Follower(services))
    assert {one["key"]: one["rating"] for one in marks.rated(ada.user_id, "track")} == rated


def test_stars_of_one_listener_are_nobody_elses(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    home.small.starred = [{"id": "song-1", "starred": datetime.now(UTC).isoformat()}]
    look(Follower(services))
    assert [one["user_id"] for one in home.store.database.opinions.find()] == [ada.user_id]


def test_a_server_without_stars_gets_its_playlists(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    home.small.instead["getStarred2"] = status(404)
    plan["for-you"] = [home.ids()["song-1"]]
    look(Follower(services))
    assert len(home.small.playlists) == 1
    assert ada.account().get("fault") is None


def opinion(ada: Listener, song: str) -> str | None:
    track = ada.home.ids()[song]
    found = Opinions(ada.store).given(ada.user_id, [track]).get(track)
    return found["opinion"] if found else None


def free(home: Home) -> None:
    """Let another process follow the server."""
    home.store.database.connections.update_one({"_id": "home"}, {"$unset": {"followed_until": ""}})


def test_a_listener_may_switch_the_learning_off(
    ada: Listener, services: Services, home: Home, plan: dict[str, list[str]]
) -> None:
    ada.link(learns=False)
    ada.plays(1)
    plan["for-you"] = [home.ids()["song-5"]]
    look(Follower(services))
    assert home.small.playlists
    assert ada.events() == []


def test_the_first_index_brings_the_lists(
    ada: Listener,
    services: Services,
    home: Home,
    plan: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever links an account before the songs are analysed need not play one first."""
    follower = Follower(services)
    look(follower)
    assert home.small.playlists == {}
    monkeypatch.setattr(services.catalogue, "bundle", lambda: SimpleNamespace(version="first"))
    plan["for-you"] = [home.ids()["song-5"]]
    look(follower)
    assert [one["songs"] for one in home.small.playlists.values()] == [["song-5"]]


def test_the_lists_follow_the_plan(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    ids = home.ids()
    plan["for-you"] = [ids["song-1"], "not-there", ids["song-2"]]
    plan["new-to-you"] = [ids["song-7"]]
    follower = Follower(services)
    look(follower)
    lists = {one["name"]: one["songs"] for one in home.small.playlists.values()}
    assert lists == {"For you": ["song-1", "song-2"], "New to you": ["song-7"]}
    home.small.calls.clear()
    look(follower)
    assert "createPlaylist" not in home.small.calls
    # Another process knows the lists.
    plan["for-you"] = [ids["song-9"]]
    free(home)
    look(Follower(services))
    lists = {one["name"]: one["songs"] for one in home.small.playlists.values()}
    assert lists == {"For you": ["song-9"], "New to you": ["song-7"]}


def look(follower: Follower) -> None:
    """Look at all servers once."""
    follower.look()
    for thread in follower._running.values():
        thread.join()


@pytest.mark.parametrize("answer", [status(500), status(429, headers={"Retry-After": "0"}), failed(0)])
@pytest.mark.parametrize("endpoint", ["getNowPlaying", "createPlaylist", "getPlaylists"])
def test_a_server_that_fails_loses_nothing(
    ada: Listener,
    home: Home,
    following: Follower,
    plan: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str,
    answer: Any,
) -> None:
    monkeypatch.setattr(followers, "_LONGEST_PAUSE", 0.1)
    home.small.instead[endpoint] = answer
    plan["for-you"] = [home.ids()["song-1"]]
    ada.plays(1)
    until(lambda: home.connection().get("fault") or ada.account().get("fault"), "the fault to be noted")
    home.small.instead.clear()
    until(lambda: ada.is_seen(1) and home.small.playlists, "the song and the playlist")
    until(lambda: not home.connection().get("fault") and not ada.account().get("fault"), "no fault")
    assert ("song-1", "play") in ada.events()


def test_a_wiped_server_gets_its_lists_again(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    plan["for-you"] = [home.ids()["song-1"]]
    look(follower := Follower(services))
    songs = dict(home.small.songs)
    home.small.songs.clear()
    home.small.playlists.clear()
    assert home.sync().in_question == 20
    home.small.fill(*(one | {"id": f"new-{own}"} for own, one in songs.items()))
    assert home.sync().tracks == 20
    look(follower)
    [made] = home.small.playlists.values()
    assert made["songs"] == ["new-song-1"]


def test_a_changed_password_is_told_and_linked_again(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    plan["for-you"] = [home.ids()["song-1"]]
    home.small.instead["getPlaylists"] = failed(40)
    look(Follower(services))
    assert "refuses" in (ada.account().get("fault") or "")
    home.small.instead.clear()
    ada.link()
    assert ada.account().get("fault") is None


def test_passwords_of_listeners_are_encrypted_and_tried(ada: Listener, home: Home) -> None:
    assert PASSWORD.encode() not in ada.account()["encrypted"]
    wrong = linking.GivenLogIn(user=USER, secret="wrong")
    for server, error in (("home", LogInRefused), ("elsewhere", NoSuchThing)):
        with pytest.raises(error):
            linking.link_account(
                ada.store, ada.services.settings, server, user_id="ben", name="Ben", given=wrong
            )
    assert LinkedAccounts(home.store).of_listener("ben") == []
    assert issubclass(LogInRefused, SegueError)


def test_an_account_that_is_shut_out_is_unlinked(ada: Listener, home: Home) -> None:
    assert LinkedAccounts(home.store).unlink_listener(ada.user_id) == 1
    assert LinkedAccounts(home.store).numbers() == {}


def test_a_password_that_cannot_be_read_stops_no_other_listener(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    """The key was replaced, and Ben has not linked his account again."""
    linking.link_account(ada.store, services.settings, "home", user_id="ben", name="Ben", given=LOG_IN)
    linked = home.store.database.linked_accounts
    linked.update_one({"user_id": "ben"}, {"$set": {"encrypted": b"of another key"}})
    plan["for-you"] = [home.ids()["song-1"]]
    ada.plays(1)
    look(Follower(services))
    assert ada.is_seen(1)
    assert [one["songs"] for one in home.small.playlists.values()] == [["song-1"]]
    [ben] = LinkedAccounts(home.store).of_listener("ben")
    assert "link the account again" in (ben.get("fault") or "")
    assert ada.account().get("fault") is None


def test_an_operator_learns_that_a_password_cannot_be_read(
    ada: Listener, home: Home, services: Services
) -> None:
    home.store.database.connections.update_one({}, {"$set": {"encrypted": b"of another key"}})
    look(Follower(services))
    assert "another key" in (home.connection().get("fault") or "")
    home.store.database.connections.update_one({}, {"$set": {"fault": None}})
    with pytest.raises(SegueError, match="another key"):
        home.sync()
    assert "another key" in (home.connection().get("fault") or "")


@pytest.mark.parametrize("endpoint", ["getNowPlaying", "getPlaylists"])
def test_a_pause_that_the_server_asks_for_is_kept(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]], endpoint: str
) -> None:
    """It may be longer than the pauses that Segue makes by itself."""
    home.small.instead[endpoint] = status(429, headers={"Retry-After": "3600"})
    plan["for-you"] = [home.ids()["song-1"]]
    before = datetime.now(UTC)
    look(follower := Follower(services))
    assert ada.account().get("fault") or home.connection().get("fault")
    until_then = home.connection().get("paused_until")
    assert until_then is not None
    assert until_then - before > timedelta(seconds=3590)
    home.small.instead.clear()
    home.small.calls.clear()
    follower._servers.clear()  # it has started again
    look(follower)
    assert home.small.calls == []
    home.store.database.connections.update_one({}, {"$set": {"paused_until": before}})
    look(follower)
    assert "createPlaylist" in home.small.calls


def test_a_name_that_is_not_that_of_the_key_is_refused(ada: Listener, home: Home, services: Services) -> None:
    """Otherwise Ben would see the songs that Ada plays there."""
    home.small.keys = {"of-ben": "ben"}
    home.small.instead["tokenInfo"] = status(404)
    theirs = linking.GivenLogIn(user=USER, secret="of-ben", key=True)
    with pytest.raises(LogInRefused):
        linking.link_account(ada.store, services.settings, "home", user_id="ben", name="Ben", given=theirs)
    assert LinkedAccounts(home.store).of_listener("ben") == []


def test_all_accounts_of_a_server_share_its_pace(
    ada: Listener, home: Home, services: Services, plan: dict[str, list[str]]
) -> None:
    """`servers.requests_per_second` is for a server and a process, however many listeners it has."""
    at, pauses = [1000.0], list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        at[0] += seconds

    for number in range(3):
        linking.link_account(
            ada.store, services.settings, "home", user_id=f"user-{number}", name="Ben", given=LOG_IN
        )
    home.small.calls.clear()
    look(Follower(services, clock=lambda: at[0], sleep=sleep))
    calls = len(home.small.calls)
    assert calls > 8
    assert at[0] - 1000 >= (calls - 1) / services.settings.servers.requests_per_second - 0.01


def test_the_lists_of_many_listeners_do_not_hide_a_skip(
    ada: Listener,
    home: Home,
    services: Services,
    plan: dict[str, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While they are written, songs that begin and end are seen all the same."""
    linking.link_account(ada.store, services.settings, "home", user_id="ben", name="Ben", given=LOG_IN)
    began, written = round(time.time() * 1000) - 600_000, list[str]()
    monkeypatch.setattr(listening, "_now", lambda: began + 5000 * len(written))

    def slowly(self: Any, connection: Any, account: LinkedAccount, client: Any) -> None:
        written.append(account["user_id"])
        ada.plays(1 + len(written))
        time.sleep(2 * services.settings.servers.playing_interval / timedelta(seconds=1))

    monkeypatch.setattr(followers._Server, "_write", slowly)
    ada.plays(1)
    look(Follower(services))
    assert len(written) == 2
    songs = [song for song, kind in ada.events() if kind == "play"]
    assert set(songs) == {"song-1", "song-2", "song-3"}
