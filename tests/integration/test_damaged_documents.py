"""Every field of every collection with values of wrong types: the stream's steps, pages and jobs go on."""

from __future__ import annotations

import contextlib
import json
import math
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from bson.datetime_ms import DatetimeMS
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import WriteError
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from segue.batch_jobs.damaged_documents import checked
from segue.catalog.albums import AlbumOrder, Albums
from segue.catalog.artists import ArtistOrder, Artists
from segue.catalog.cover_art import Cover
from segue.catalog.covers import Covers
from segue.catalog.features import Features
from segue.catalog.full_tracks import FullTracks
from segue.catalog.gathering import gather
from segue.catalog.labels import TrackLabels
from segue.catalog.lyrics import lyrics_in
from segue.catalog.rejected import RejectedFile, RejectedTracks
from segue.catalog.stamp import Stamp
from segue.catalog.track import READER, Track
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_lyrics import TrackLyrics
from segue.catalog.tracks import Tracks
from segue.catalog.unknown import UnknownTracks
from segue.collections import OWNERS
from segue.collections import collection as owner_of
from segue.connected.connections import Connections
from segue.connected.known_songs import ConnectedSongs, Known
from segue.connected.linked_accounts import LinkedAccounts
from segue.connected.remote_songs import RemoteSong
from segue.dashboard.api import queue
from segue.dashboard.opensubsonic.listened import Listened
from segue.dashboard.pictures.month import draw
from segue.dashboard.queries import audience, friends, history, items, listening, live, month, sounding
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.playlist_files import exported
from segue.dashboard.queries.shared import month_key, shared
from segue.dashboard.queries.steered import planned
from segue.dashboard.services import Services
from segue.embeddings.stored import Embeddings
from segue.engagement.daily_statistics import DailyStatistics
from segue.engagement.facts import facts_of
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.outcomes import outcomes
from segue.engagement.running_totals import TotalsByTrack
from segue.engagement.statistics import ListeningStatistics
from segue.engagement.stored import StoredEngagement
from segue.engagement.summed_listening import SummedListening
from segue.errors import SegueError
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays
from segue.imports.exports import Exports
from segue.imports.importing import Importer, match_again, unmatched
from segue.imports.libraries import SeenLibraries
from segue.imports.runs import Imports
from segue.imports.songs import ImportedSongs
from segue.models.versions import Models
from segue.moods.dial import Dial, MoodDials
from segue.moods.stored import Moods
from segue.operations.damaged_documents import DamagedDocuments
from segue.operations.library_status import LibraryStatus
from segue.operations.stream_minutes import Minutes, StreamMinutes
from segue.operations.stream_progress import MicroBatch, StreamProgress
from segue.people.accounts import Accounts
from segue.people.api_keys import SCOPES, ApiKeys
from segue.people.app_passwords import AppPasswords
from segue.people.audit import REFUSALS, AuditLog
from segue.people.authentication import AccountError
from segue.people.forgotten import Forgotten
from segue.people.library_access import AdmittedListeners
from segue.people.login_sessions import Listener
from segue.people.mail_links import MailLinks
from segue.people.operator_links import OperatorLinks
from segue.people.preferences import Preferences
from segue.people.recovery import _fits
from segue.people.secret_box import SecretBox
from segue.playlists.bookmarks import Bookmarks
from segue.playlists.queues import QueuedTrack, Queues
from segue.playlists.written import FORMATS
from segue.plays.delivery import SentPlays
from segue.plays.event import checked as valid
from segue.plays.playback import Playback
from segue.plays.playbacks import Playbacks
from segue.privacy.holdings import personal_collections
from segue.privacy.leaving import sweep
from segue.ranking import feedback
from segue.ranking.feedback import ActiveFeedback
from segue.ranking.recommendations import Recommendations
from segue.replanning.imported import ImportedPlaysInTastes, imported_history
from segue.replanning.memory import MemoryKeeper
from segue.replanning.service import Replanning
from segue.scrobbling.connections import ScrobbleConnections, connection_id
from segue.scrobbling.heard import ScrobbledSong
from segue.scrobbling.outbox import Scrobbles
from segue.settings import Settings
from segue.social.activity import PrivacyChoices, feed
from segue.social.follows import Follows
from segue.storage import damaged
from segue.storage.mongo import Document
from segue.storage.store import Store
from segue.streaming_jobs.engagement import played_tracks
from segue.taste.corrections import Corrections, Rule, Span
from segue.taste.imported import ImportedTastes
from segue.taste.marks import Marks
from segue.taste.memory import Memories
from segue.taste.opinions import Opinions
from segue.taste.starts import StartingChoice, Starts
from segue.taste.tastes import Tastes
from tests.plays.examples import a_play
from tests.plays.windows import event_windows, signal_windows
from tests.streaming.conftest import publish_made_up, track_id

pytestmark = pytest.mark.integration
WRONG: Mapping[str, Any] = {
    "text": "oops",
    "number": 7,
    "not a number": math.nan,
    "whole and huge": 2**62,
    "nothing": None,
    "list": [1, "a", None],
    "nested": {"a": {"b": [{}]}},
    "date after 9999": DatetimeMS(2**60),
}
NOW = datetime.now(UTC)
_FEW = 10


class Touched(CommandListener):
    """Notes the collections that commands name."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def started(self, event: CommandStartedEvent) -> None:
        self.names.add(str(next(iter(event.command.values()))))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@dataclass
class Service:
    """A service with a document in every collection, and the work that reads them."""

    settings: Settings
    store: Store
    database: Database[Document]
    touched: Touched
    services: Services
    replanning: Replanning
    engagement: StoredEngagement
    token: str = ""
    code: str = ""
    operator_code: str = ""
    mail_token: str = ""
    link: str = ""
    playlist: str = ""
    readers: dict[str, Callable[[], object]] = field(default_factory=dict)
    before: dict[str, list[Document]] = field(default_factory=dict)
    """The documents by collection, to which each test returns: readers change some."""
    collections: dict[str, set[str]] = field(default_factory=dict)
    """The collections that each reader reads or writes."""


def plays_of(user: str) -> list[Any]:
    """Recent plays, of two windows."""
    now = time.time_ns() // 1_000_000
    events = [
        a_play(
            user_id=user, track_id=track_id(n % 6), occurred_at=now - n * 600_000, model="audio", rank=n + 1
        )
        for n in range(6)
    ]
    return [valid(event) for event in events]


def plan(service: Service) -> None:
    """The work of the recommendations' query on the plays of a micro-batch."""
    service.replanning.replan_once(
        signal_windows(plays_of("ada"), service.settings),
        bundle=service.services.catalogue.bundle(),
        feedback=ActiveFeedback(service.store).current(),
    )


def count(service: Service, plays: list[Any]) -> None:
    """The work of the query of engagement on the plays of a micro-batch."""
    settings, store = service.settings, service.store
    stored = service.engagement
    facts = facts_of(event_windows(plays, settings), described=TrackLabels(Tracks(store)))
    stored.write(facts)
    stored.count(fact.start for fact in facts)
    totals = stored.statistics.of_tracks(since=NOW - timedelta(days=1))
    feedback.publish(store, played_tracks(TotalsByTrack.of(totals)), ranking=settings.ranking)
    sweep(store)


def progress(service: Service) -> None:
    """The progress that the stream writes."""
    batch: MicroBatch = {
        "_id": "recommend:1",
        "query": "recommend",
        "batch": 1,
        "at": NOW,
        "input_rows": 4,
        "input_rate": 20.0,
        "processed_rate": 40.0,
        "duration_ms": {"triggerExecution": 90, "addBatch": 70},
        "state_rows": 3,
        "state_bytes": 100,
        "late_rows": 0,
        "watermark": None,
        "backlog": 0,
    }
    StreamProgress(service.store).write([batch])
    StreamProgress(service.store).count_start()
    StreamMinutes(service.store).add(Minutes().updates([batch], [5.0], {"malformed": 1}, now=NOW))


@pytest.fixture(scope="module")
def service(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    from tests.conftest import own_settings

    settings = own_settings(mongo_uri, tmp_path_factory.mktemp("service"))
    settings = settings.model_copy(
        update={"ranking": settings.ranking.model_copy(update={"feedback_min_plays": 1})}
    )
    touched = Touched()
    client: MongoClient[Document] = MongoClient(
        mongo_uri,
        tz_aware=True,
        datetime_conversion="DATETIME_AUTO",
        unicode_decode_error_handler="replace",
        event_listeners=[touched],
    )
    database = client[settings.mongo.database]
    publish_made_up(database, settings.index.folder)
    store = Store(database)
    services = Services(store, settings)
    made = Service(
        settings,
        store,
        database,
        touched,
        services,
        Replanning(store, settings),
        StoredEngagement(store, settings),
    )
    fill(made)
    made.readers = readers(made)
    made.before = {owner.name: list(database[owner.name].find()) for owner in OWNERS}
    made.collections = {name: _touched(made, read) for name, read in made.readers.items()}
    for name, documents in made.before.items():
        _restore(database[name], documents)
    yield made
    client.drop_database(database.name)
    client.close()


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def queued() -> list[QueuedTrack]:
    own = QueuedTrack(key="1", track_id=track_id(1), source="home", queued=True)
    recommended = QueuedTrack(
        key="2",
        track_id=track_id(2),
        source="home",
        queued=False,
        recommendation_id="r1",
        rank=1,
        model="v1",
    )
    return [own, recommended]


def _fill_catalogue(store: Store, tracks: Sequence[Track]) -> None:
    Covers(store).write([Cover(cover_id="ab" * 32, data=b"\xff\xd8 a picture")])
    vector = np.ones(4, dtype="<f4").tobytes()
    words = "[00:01.50]one\n[00:03.00]\n[00:04.00]two"
    versions = [one for one in (lyrics_in(words, language="eng"), lyrics_in("one\ntwo")) if one]
    TrackLyrics(store).replace({track.track_id: versions for track in tracks})
    Features(store).write(
        [(track.track_id, vector, Stamp("f1", 10, track.modified_ns)) for track in tracks], names_version="n1"
    )
    Embeddings(store).write(
        {
            "_id": f"s1:{track.track_id}",
            "track_id": track.track_id,
            "space": "s1",
            "vector": np.ones(8, dtype="<f4").tobytes(),
            "features": "d",
            "added": False,
        }
        for track in tracks
    )
    RejectedTracks(store).replace_library(
        [RejectedFile(path="/music/x.mp3", reason="empty", detail="0 bytes", stamp=(0, 1, 1, READER))],
        library="music",
    )


def _fill_apps(made: Service) -> None:
    """Write the documents of a listener's other apps."""
    store = made.store
    box = SecretBox(Path(made.settings.opensubsonic.key_file))
    AppPasswords(store).create("ada", "Ada", device="phone", box=box)
    _fill_server(store)
    ApiKeys(store).create("ada", "Ada", label="lamp", scopes=SCOPES)
    token = box.close("token")
    ScrobbleConnections(store).connect(
        "ada", "listenbrainz", address="http://127.0.0.1:9", account="ada", encrypted=token
    )
    connection = connection_id("ada", "listenbrainz")
    heard = ScrobbledSong(title="Song 1", artist="Artist 0")
    Scrobbles(store).add(connection, str(uuid.uuid4()), user_id="ada", at=_ms(NOW), song=heard)
    Scrobbles(store).begin("ada", "s", track_id=track_id(1), at=_ms(NOW))
    playing = Playback(
        track_id=track_id(1), duration_ms=60_000, began_at=_ms(NOW), state="playing", reported_at=_ms(NOW)
    )
    event = {
        "track_id": track_id(1),
        "type": "play",
        "occurred_at": _ms(NOW),
        "ms_played": 0,
        "duration_ms": 60_000,
    }
    Playbacks(store).keep("ada", "Ada", "app", playing.after(playing), sent=[event])
    Marks(store).star("ada", [("album", "a"), ("artist", "b")])
    export = Path(made.settings.index.folder).parent / "listens.jsonl"
    names = {"artist_name": "Artist 0", "track_name": "Song 1"}
    listens = [{"listened_at": int(NOW.timestamp()) - n * 86_400, "track_metadata": names} for n in (1, 40)]
    export.write_text("\n".join(map(json.dumps, listens)))
    library = SeenLibraries(store, made.settings).of("ada")
    Importer(store, "ada").run(Exports([export], most_bytes=10**6), library, files=["listens.jsonl"])
    ImportedTastes(store).write({"ada": imported_history(store, "ada", made.settings)})
    MemoryKeeper(store, made.settings).renew(["ada"])
    Corrections(store).keep_rule("ada", Rule("genre", "Jazz", "less", "Jazz"))
    Corrections(store).forget_span("ada", Span(_ms(NOW) - 9 * 86_400_000, _ms(NOW) - 8 * 86_400_000))
    Marks(store).rate("ada", "track", track_id(1), 4)
    Bookmarks(store).put("ada", track_id(1), position_ms=5, comment="here")


def _fill_server(store: Store) -> None:
    """Write the documents of a connected server, and a listener's account there."""
    Connections(store).add(
        {
            "_id": "home",
            "address": "http://127.0.0.1:1",
            "user": "segue",
            "method": "token",
            "encrypted": b"x",
            "connected_at": NOW,
        }
    )
    Connections(store).note_list("home", songs=1, mark="m")
    song = RemoteSong(
        song_id="s1", title="Song 1", artist="Artist 0", album="Album", seconds=60.0, path="a/b.mp3"
    )
    ConnectedSongs(store).write("home", [Known(song=song, track_id=track_id(1), own=True, digest="d")])
    linked = LinkedAccounts(store)
    linked.link("home", "ada", name="Ada", user="ada", method="token", encrypted=b"x", learns=True)
    [account] = linked.of_listener("ada")
    linked.note_list(account, "for-you", {"playlist": "p", "digest": "d", "written_at": NOW})
    linked.note_stars(account, NOW, waiting=["s9"])


def _fill_mail(made: Service) -> None:
    accounts = Accounts(made.store)
    stored = accounts.stored("Ada")
    assert stored is not None
    accounts.set_mail("ada", "ada@music.example", checked=stored["password"])
    stored = accounts.stored("Ada")
    assert stored is not None
    links = MailLinks(made.store)
    made.mail_token = links.create("address", "ada", fits=_fits(stored), address="ada@new.example")


def fill(made: Service) -> None:
    """Write a document into every collection."""
    store, services = made.store, made.services
    tracks = [
        Track(
            track_id=track_id(n),
            library="music",
            path=f"/music/{n}.mp3",
            title=f"Song {n}",
            artist=f"Artist {n // 2}",
            album="Album",
            genres=("Folk",),
            duration_ms=200_000,
            track=n + 1,
            year=2001,
            cover_id="ab" * 32,
            size=10,
            modified_ns=n + 1,
        )
        for n in range(6)
    ]
    Tracks(store).write(tracks)
    gather(store, [track.track_id for track in tracks])
    upkeep = LibraryStatus(store)
    upkeep.begin()
    upkeep.end("6 tracks")
    upkeep.watch(
        [{"library": "music", "folder": "/music", "mode": "polling", "reason": "it is a network disk"}]
    )
    upkeep.trained(5)
    _fill_catalogue(store, tracks)
    UnknownTracks(store).note([("x1", 5)])
    for n in range(6):
        measures = {"energy": 0.1, "tempo": 0.5, "brightness": None, "tone": 0.9, "bpm": 120.0}
        made.database.moods.insert_one({"_id": track_id(n), "version": "m1", "edition": "e1", **measures})
    Models(store).activate("moods", "e1")
    account = services.authenticator.create("Ada", "correct horse")
    made.database.accounts.update_one({"_id": "ada"}, {"$set": {"user_id": "ada"}})
    services.authenticator.create("Ben", "correct horse")
    made.database.accounts.update_one({"_id": "ben"}, {"$set": {"user_id": "ben"}})
    with pytest.raises(AccountError):
        services.authenticator.log_in("Ada", "wrong horse", address="::1")
    made.token = services.login_sessions.open(user_id="ada", name="Ada")
    made.code = services.handovers.offer(account, token=made.token)
    made.operator_code = OperatorLinks(store).create()
    _fill_mail(made)
    made.link = services.links.create("ada", "track", track_id(1), title="Song 1", playable=True)
    made.playlist = services.playlists.create("ada", "Mine", tracks=[track_id(1), track_id(2)]).playlist_id
    made.database.playlists.update_one(
        {"_id": made.playlist}, {"$set": {"collaborators": ["cleo"], "asked": ["dan"]}}
    )
    services.day_lists.keep("ada", "mix", date.today(), [track_id(1)])
    _fill_apps(made)
    Queues(store).keep("ada", queued(), at=1, position_ms=5, player="tab", version=0)
    Follows(store).ask("ada", "Ben")
    Follows(store).agree("ben", "ada")
    Follows(store).ask("ben", "Ada")
    Preferences(store).choose_language("ada", "de")
    PrivacyChoices(store).show_activity("ben", shown=True)
    AdmittedListeners(store).note("ada", "Ada")
    Opinions(store).keep([("ada", track_id(1), "like"), ("ben", track_id(2), "like")])
    Starts(store).keep("new", StartingChoice(("Folk",), ("Artist 1",)))
    MoodDials(store).keep("ada", Dial({"energy": 1}))
    Forgotten(store).remember("gone", plays_kept=timedelta(days=1))
    SentPlays(store).claim(plays_of("ada")[0])
    StreamProgress(store).start(ui="http://localhost:4040")
    progress(made)
    bundle = services.catalogue.bundle()
    plays = [play for user in ("ada", "ben", "cleo") for play in plays_of(user)]
    Replanning(store, made.settings).replan_once(signal_windows(plays, made.settings), bundle=bundle)
    count(made, plays)
    made.database[damaged.NAME].insert_one(
        {
            "_id": "tastes:x",
            "collection": "tastes",
            "document_id": "x",
            "reason": "windows is missing",
            "used": False,
            "listeners": ["x"],
            "document": {"_id": "x"},
            "at": NOW,
        }
    )


def readers(made: Service) -> dict[str, Callable[[], object]]:
    """By name, the steps of the stream, the queries of pages and routes, and the reads of jobs."""
    store, services, settings = made.store, made.services, made.settings
    catalogue, since, until = services.catalogue, NOW - timedelta(days=30), NOW + timedelta(hours=1)
    ada = Listener(user_id="ada", name="Ada", session_id="s")
    box = SecretBox(Path(settings.opensubsonic.key_file))
    share = partial(shared, store, services.playlists, owner="ada")

    def log_in() -> object:
        return services.authenticator.log_in("Ada", "correct horse", address="::1")

    def popular() -> object:
        services.popular._good_until = float("-inf")
        return services.popular.now(), services.popular.rising()

    def starting_options() -> object:
        services.starting_options._counted.clear()
        return services.starting_options.genres_and_artists()

    def search() -> object:
        catalogue._search._words._built = None
        return catalogue.search("song")

    def generated(what: Callable[[PlaylistGenerator], object]) -> object:
        generator = PlaylistGenerator(catalogue, settings, "ada", kept=services.day_lists)
        return what(generator)

    drawn: set[str] = set()

    def month_card() -> None:
        found = month.contents(
            store, ada, since=since, until=until, zone="UTC", engagement=settings.engagement
        )
        # Drawing takes longer than all else here, and the same contents make the same picture.
        if found and repr(found) not in drawn:
            draw(found)
            drawn.add(repr(found))

    def playlist_changes() -> None:
        playlists = services.playlists
        playlists.add("ada", made.playlist, [track_id(3)])
        playlists.arrange("ada", made.playlist, [(0, track_id(1))], to=None)
        playlists.ask_to_join("ada", made.playlist, "eve")
        playlists.join("dan", made.playlist)
        playlists.leave(made.playlist, "dan", by="ada")

    def with_playlist() -> object:
        found = services.playlists.read("ada", made.playlist)
        return found and exported(store, found, FORMATS["m3u8"])

    return {
        "stream's plans": partial(plan, made),
        "stream's counts": lambda: count(made, plays_of("ada")),
        "progress": partial(progress, made),
        "upcoming": partial(items.upcoming, store, "ada"),
        "first selection": partial(items.upcoming, store, "new"),
        "steered": partial(planned, catalogue, settings, "ada"),
        "recently played": partial(history.recently_played, store, "ada"),
        "history": partial(history.played_by_day, store, "ada"),
        "liked": partial(history.judged, store, "ada", "like"),
        "live": partial(live.listening, store, "ada"),
        "live listeners": partial(live.listeners, store),
        "freshness": partial(live.freshness, store),
        "index": lambda: (live.catalogue_size(store), live.index_version(store)),
        "listening": partial(
            listening.read,
            store,
            "ada",
            since=since,
            until=until,
            zone="UTC",
            engagement=settings.engagement,
        ),
        "began": lambda: SummedListening(store).began("ada"),
        "month": month_card,
        "match": partial(friends.similarity, store, "ada", "ben"),
        "blend": lambda: friends.blended(
            store, "ada", "ben", bundle=catalogue.bundle(), ranking=settings.ranking
        ),
        "feed": partial(feed, store, "ada"),
        "popular": popular,
        "starting options": starting_options,
        "search": search,
        "track": partial(catalogue.track, track_id(1)),
        "neighbours": partial(catalogue.neighbours, track_id(1)),
        "artist": partial(catalogue.of_album, "Artist 0", None),
        "albums": lambda: [catalogue.albums.page(by=by, limit=5) for by in get_args(AlbumOrder)],
        "album": lambda: (
            catalogue.album("", artist="Artist 0", name="Album"),
            [
                catalogue.on_album(album["_id"], limit=5)
                for album in catalogue.albums.page(by="name", limit=5)
            ],
        ),
        "artists by name": lambda: [catalogue.artists.page(by=by, limit=5) for by in get_args(ArtistOrder)],
        "artist's albums": lambda: (
            catalogue.artist("Artist 0"),
            catalogue.albums.by_artist("artist 0", limit=5),
            catalogue.albums.with_artist("artist 0", limit=5),
            catalogue.with_artist("artist 0", limit=5),
        ),
        "grouping": partial(gather, store),
        "upkeep": lambda: (LibraryStatus(store).last_pass(), LibraryStatus(store).watched()),
        "newest": catalogue.newest,
        "genres": lambda: (catalogue.genres(), catalogue.of_genre("Folk")),
        "moods": lambda: (catalogue.has_moods(), Moods(store).read(track_id(1)), Moods(store).percentiles()),
        "map": lambda: (services.library_map._draw(catalogue.bundle()), services.library_map.taste("ada")),
        "reasons": partial(sounding.reasons, store, track_id(1), [track_id(2)]),
        "radio": lambda: sounding.radio(
            catalogue, settings, seed=track_id(1), after=[], avoid=Opinions(store).disliked("ada"), items=5
        ),
        "opinions": lambda: Opinions(store).by_track("ada"),
        "daily mix": partial(generated, lambda generator: generator.daily_mix(date.today())),
        "discovery": partial(generated, lambda generator: generator.discovery(date.today())),
        "playlists": lambda: (services.playlists.of("ada"), services.playlists.joined("cleo")),
        "asked": lambda: services.playlists.asking("dan"),
        "app passwords": lambda: (
            AppPasswords(store).of("ada"),
            AppPasswords(store).by_token(AppPasswords(store).named("Ada", owner=None), "x", "y", box=box),
        ),
        "connections": lambda: (
            Connections(store).all(),
            Connections(store).of("home"),
            Connections(store).follow("home", "x", lasting=timedelta(0)),
        ),
        "connected songs": lambda: (
            ConnectedSongs(store).of("home"),
            ConnectedSongs(store).songs("home", [track_id(1)]),
            ConnectedSongs(store).tracks("home", ["s1"]),
        ),
        "linked accounts": lambda: (
            LinkedAccounts(store).of_listener("ada"),
            LinkedAccounts(store).of_server("home"),
            LinkedAccounts(store).numbers(),
        ),
        "scrobbles": lambda: (
            ScrobbleConnections(store).of("ada"),
            ScrobbleConnections(store).first_at(),
            Scrobbles(store).connections_with_waiting(),
            Scrobbles(store).waiting("ada:listenbrainz", most=9),
            Scrobbles(store).oldest_waiting(["ada:listenbrainz"]),
            Scrobbles(store).begun_at("ada", "s", track_id=track_id(1)),
            ScrobbleConnections(store).take("ada:listenbrainz"),
        ),
        "API keys": lambda: (ApiKeys(store).of("ada"), ApiKeys(store).use("segue_other")),
        "playbacks": lambda: (
            Playbacks(store).of("ada", "app"),
            Playbacks(store).now(["ada"], at=NOW),
            Playbacks(store).sent("ada", since=0),
        ),
        "marks": lambda: (
            Marks(store).of("ada", "album", ["a"]),
            Marks(store).starred("ada", "artist"),
            Marks(store).rated("ada", "track"),
        ),
        "imports": lambda: Imports(store).of("ada"),
        "imported songs": lambda: (
            ImportedSongs(store).matches("ada"),
            unmatched(store, "ada", most=9),
            match_again(store, SeenLibraries(store, settings).of),
        ),
        "imported plays": lambda: (
            list(ImportedDays(store).days("ada")),
            ImportedDays(store).began("ada"),
            ImportedDays(store).plays_of_songs("ada"),
        ),
        "changed imports": lambda: ChangedImports(store).waiting(limit=9),
        "memories": lambda: (
            Memories(store).loved(["ada"]),
            Memories(store).months(["ada"]),
            MemoryKeeper(store, settings).run(settled=timedelta(0)),
            MemoryKeeper(store, settings).renew(["ada"]),
        ),
        "corrections": lambda: Corrections(store).of(["ada"]),
        "imported plays in tastes": ImportedPlaysInTastes(
            store,
            settings,
            bundle=services.catalogue.bundle,
            feedback=ActiveFeedback(store).current,
        ).run,
        "star": lambda: Marks(store).star("ada", [("album", "a")]),
        "bookmarks": lambda: Bookmarks(store).of("ada"),
        "full tracks": lambda: (
            FullTracks(store).page(limit=9, after=0),
            FullTracks(store).random(limit=3),
            FullTracks(store).genre_counts(),
            FullTracks(store).library_names(),
        ),
        "played": lambda: Listened(store, FullTracks(store), window=timedelta(minutes=15)).by("ada"),
        "lists of albums": lambda: (
            Albums(store).of_years(0, 9999, limit=9),
            Albums(store).genre_counts(),
            Artists(store).with_albums(library="music"),
        ),
        "queue": lambda: queue._read(store, Queues(store), "ada"),
        "playlist file": with_playlist,
        "playlist changes": playlist_changes,
        "links": lambda: (services.links.of("ada"), services.links.open(made.link, count=True)),
        "shared track": partial(share, kind="track", key=track_id(1)),
        "shared playlist": partial(share, kind="playlist", key=made.playlist),
        "shared month": partial(share, kind="month", key=month_key(since, "UTC")),
        "follows": lambda: (
            Follows(store).followed_by("ada"),
            Follows(store).asking("ada"),
            Follows(store).followers_of("ben"),
        ),
        "session": lambda: services.login_sessions.find(made.token),
        "log-in": log_in,
        "failures": lambda: services.authenticator._failures.count("name:ada"),
        "audit log": lambda: (
            AuditLog(store).newest(limit=9),
            AuditLog(store).newest(limit=9, user_id="ada", actions=REFUSALS),
        ),
        "hand-over": lambda: services.handovers.accept(made.code, token=made.token),
        "mail link": lambda: (
            services.recovery._account_of("address", made.mail_token),
            Accounts(store).mail_of("ada"),
        ),
        "operator link": lambda: OperatorLinks(store).use(made.operator_code),
        "accounts": lambda: (Accounts(store).of("ada"), Accounts(store).everyone()),
        "claim": lambda: SentPlays(store).claim(plays_of("ada")[0]),
        "audience": lambda: [
            audience.stats(store, dimension, since=since, until=until)
            for dimension in ("all", "track", "genre")
        ],
        "audience names": lambda: audience.with_names(
            store, audience.stats(store, "track", since=since, until=until)
        ),
        "keys": lambda: ListeningStatistics(store).keys("genre"),
        "active days": partial(audience.active_days, store, since=since, until=until),
        "never heard": partial(audience.never_heard, store, set(), limit=10),
        "averages": lambda: ListeningSessions(store).averages(since=since, until=until),
        "unknown tracks": lambda: UnknownTracks(store).note([("unknown", 1), ("unknown", 2)]),
        "operations": lambda: (
            StreamProgress(store).recent(seconds=300),
            StreamProgress(store).started(),
            StreamMinutes(store).recent(seconds=300),
        ),
        "preferences": lambda: Preferences(store).language("ada"),
        "admitted": partial(AdmittedListeners(store).among, ["ada", "ben"]),
        "covers": lambda: (Covers(store).read("ab" * 32), Covers(store).pictures(["ab" * 32])),
        "lyrics": lambda: [TrackLyrics(store).of(track_id(n)) for n in range(6)],
        "files": lambda: (
            TrackFiles(store).checked_files("music"),
            TrackFiles(store).files_of("music"),
            list(TrackFiles(store).present_files()),
        ),
        "to index": lambda: (Tracks(store).to_index(), Tracks(store).durations_and_genres()),
        "artists": lambda: (Tracks(store).artists(), Tracks(store).recording(track_id(1))),
        "features": lambda: Features(store).all_present("f1"),
        "embeddings": lambda: (Embeddings(store).vectors("s1"), Embeddings(store).track_ids()),
        "digests": lambda: (Embeddings(store).digests("s1"), Embeddings(store).out_of_sample("s1")),
        "versions": lambda: Models(store).listed(),
        "rejected": lambda: (RejectedTracks(store).reasons(), list(RejectedTracks(store).newest(limit=5))),
        "rejected ids": lambda: RejectedTracks(store).track_ids("ingest"),
        "rejected files": lambda: RejectedTracks(store).unchanged("music"),
        "outcomes": partial(outcomes, store, since=since, experiments=settings.experiments),
        # The whole export reads these one after the other.
        **{f"export of {one.name}": partial(one.held_by, "ada") for one in personal_collections(store)},
        "written": lambda: Recommendations(store).written_since(None),
        "tastes": lambda: (Tastes(store).vectors(["ada", "ben"]), Tastes(store).exists("ada")),
        "forgotten": lambda: (Forgotten(store).hashes(), Forgotten(store).due(NOW)),
        "damaged": lambda: (DamagedDocuments(store).newest(limit=9), DamagedDocuments(store).counts()),
    }


def test_there_is_a_document_in_every_collection(service: Service) -> None:
    empty = {owner.name for owner in OWNERS} - set(service.database.list_collection_names())
    assert empty == set()
    for read in service.readers.values():
        read()
    assert checked(service.store).keys() == {owner.name for owner in OWNERS} - {DamagedDocuments.name}


# No day has ended in the service of this test, so there are no statistics by day.
@pytest.mark.parametrize("collection", [owner.name for owner in OWNERS if owner is not DailyStatistics])
def test_no_value_in_any_field_stops_a_reader(service: Service, collection: str) -> None:
    """The documents as they were are restored after each value, whatever a reader has written."""
    documents = service.database[collection]
    before = service.before[collection]
    _restore(documents, before)
    concerned = [name for name, touched in service.collections.items() if collection in touched]
    check: Callable[[], object] = partial(_check, service.store, collection)
    read_all = {**service.readers, "check": check}
    stopped: dict[str, list[str]] = defaultdict(list)
    fields = sorted({name for document in before for name in _fields(document)})
    assert concerned and fields
    for name in fields:
        for turn, (kind, value) in enumerate(WRONG.items()):
            with contextlib.suppress(
                WriteError
            ):  # an index refuses equal values, and two lists in a document
                documents.update_many({name: {"$exists": True}}, {"$set": {name: value}})
            # Dozens of readers read the tracks: they take turns over the values.
            taking_turns = concerned if len(concerned) <= _FEW else concerned[turn % 3 :: 3]
            for reader in (*taking_turns, "check"):
                try:
                    read_all[reader]()
                except (SegueError, AccountError):
                    pass  # a line for the person who asked
                except Exception as error:
                    stopped[reader].append(f"{name} = {kind}: {type(error).__name__}: {error}"[:200])
            _restore(documents, before)
    assert not stopped, "\n".join(f"{reader}: {faults}" for reader, faults in stopped.items())


def _touched(service: Service, read: Callable[[], object]) -> set[str]:
    """The collections that a reader names in its commands."""
    service.touched.names.clear()
    with contextlib.suppress(SegueError, AccountError):
        read()
    return set(service.touched.names)


def _check(store: Store, name: str) -> None:
    """Check the documents of a collection, as `documents check` does with all."""
    if name == DamagedDocuments.name:
        checked(store)
    else:
        owner_of(store, name).check_all()


def _fields(document: Document) -> Iterator[str]:
    """Each field, and those within objects and the first elements of lists; not the id, which is fixed."""
    for name, value in document.items():
        if name != "_id":
            yield name
            inner = value[0] if isinstance(value, list) and value else value
            if isinstance(inner, dict) and all("." not in key and not key.startswith("$") for key in inner):
                place = f"{name}.0" if isinstance(value, list) else name
                yield from (f"{place}.{key}" for key in _some(_fields(inner)))


def _some(names: Iterator[str], most: int = 24) -> list[str]:
    return [name for name, _ in zip(names, range(most), strict=False)]


def _restore(documents: Any, before: list[Document]) -> None:
    documents.delete_many({})
    if before:
        documents.insert_many(before)
