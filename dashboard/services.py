"""The dashboard's shared state: one object per process, for all pages and routes."""

from __future__ import annotations

import gc
import logging
import threading

import anyio

from segue.audio.transcoding.service import Transcoder
from segue.collections import prepare
from segue.connected.originals import Originals
from segue.dashboard.importing import Importing
from segue.dashboard.metrics import DashboardMetrics
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.library import LibraryReader
from segue.dashboard.queries.map import LibraryMap
from segue.dashboard.queries.popular import PopularTracks
from segue.dashboard.queries.ruled import RuledPlaylists
from segue.dashboard.queries.starting_options import StartingOptions
from segue.dashboard.seeing import Visitors
from segue.dashboard.slow_work import Places, SlowWork
from segue.errors import SegueError, line_of
from segue.local.stack import connected
from segue.people.audit import AuditLog
from segue.people.authentication import Authenticator
from segue.people.handovers import Handovers
from segue.people.library_access import AdmittedListeners, LibraryAccess
from segue.people.login_failures import LoginFailures
from segue.people.login_sessions import LoginSessions
from segue.people.named import NamedAccounts
from segue.people.newcomers import Newcomers
from segue.people.recovery import Recovery
from segue.people.signatures import signatures
from segue.playlists.day_lists import DayLists
from segue.plays.delivery import PlayDelivery, PlayProducer
from segue.settings import Settings
from segue.social.links import ShareLinks
from segue.storage.availability import Availability
from segue.storage.mongo import PyMongoError
from segue.storage.store import Job, Store
from segue.taste.opinions import Opinions

log = logging.getLogger(__name__)


class Services:
    """Clients and readers, created once per process; safe for use by several threads.

    The constructor creates the MongoDB indexes of the dashboard's collections. The catalogue keeps the word
    index and the neighbour index in memory.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        prepare(store, Job.DASHBOARD)
        visitors = Visitors(
            LibraryAccess(settings.library.accounts), LoginSessions(store), AdmittedListeners(store)
        )
        store = Store(store.database, hidden_libraries=visitors.hidden_libraries)
        self.store = store
        self.availability = Availability(store)
        self.metrics = DashboardMetrics()
        self.metrics.mongo_away.set_function(lambda: float(self.availability.is_away))
        self.settings = settings
        offers = signatures(settings.opensubsonic.key_file, purpose="guests")
        self.newcomers = Newcomers(LoginFailures(store), settings.dashboard.guests_per_address, key=offers)
        self.login_sessions = LoginSessions(
            store, offers=offers, newcomers=self.newcomers, guests_kept=settings.retention.guests
        )
        self.authenticator = Authenticator(store, reserved=_reserved(settings))
        self.recovery = Recovery(
            store, settings.mail, self.authenticator, base_url=settings.dashboard.base_url
        )
        self.handovers = Handovers(store)
        self.audit = AuditLog(store)
        opinions = Opinions(store)
        # Deferred: the embedded broker may start, or get another port, while the dashboard runs.
        self.delivery = PlayDelivery(
            store,
            lambda: PlayProducer(connected(settings).kafka),
            accepted=settings.stream,
            keep=lambda plays: opinions.keep(
                (play["user_id"], play["track_id"], play["type"]) for play in plays
            ),
            count=self.metrics.count_events,
        )
        self.metrics.clock_ahead.set_function(lambda: self.delivery.broker_clock.ahead_ms / 1000)
        self.exports, self.sending = SlowWork(4, each=2, threads=2), SlowWork(16, each=4)
        """The exports of listeners' data, by network, and the requests that wait for Kafka, by listener."""
        self.receiving = SlowWork(24, each=3)
        """The submissions of listens and events that are received and read, by listener."""
        self.asking, self.calling = SlowWork(64, each=8, threads=8), anyio.CapacityLimiter(16)
        """The questions of developers' programs, by listener: plans, radios and searches; and the threads of
        music apps' calls, of which some wait for Kafka."""
        self.pictures, self.drawing = SlowWork(8, each=4, threads=1), SlowWork(24, each=4, threads=1)
        """The pictures of playlists, of which one is received, then decoded, which takes 250 MB; and those of
        share links, for which everybody with a link can ask. Both by network."""
        self.matching = SlowWork(4, each=2)
        """The submissions of listens, by listener: their songs are looked for in the catalogue."""
        self.reading = Places(2)
        """The playlist files that pages read, by network; their songs are looked for in the catalogue."""
        self.comparing = SlowWork(4, each=2, threads=1)
        """The files that visitors compare with the library, by address: a file is received, then analysed."""
        self.transcoder = Transcoder(
            settings.transcoding, count=lambda result: self.metrics.transcodings.labels(result).inc()
        )
        self.metrics.transcodings_running.set_function(lambda: self.transcoder.running)
        self.metrics.transcodings_waiting.set_function(lambda: self.transcoder.waiting)
        self.metrics.transcoding_cache.set_function(self.transcoder.cache_size)
        self.originals, self.passing = Originals(store, settings), anyio.CapacityLimiter(32)
        """The recordings of connected servers, and the threads that wait for these servers."""
        self.importing = Importing(settings)
        self.day_lists = DayLists(store)
        self.links = ShareLinks(store)
        self.catalogue = CatalogueReader(store, index_folder=settings.index.folder)
        self.playlists = RuledPlaylists(store, self.catalogue)
        self.library = LibraryReader(self.catalogue, self.playlists)
        self.library_map = LibraryMap(self.catalogue)
        self.popular = PopularTracks(
            store,
            popular_window=settings.engagement.popular_window,
            rising_window=settings.engagement.rising_window,
        )
        self.starting_options = StartingOptions(store)

    def prepare(self) -> None:
        """Prepare the catalogue for the first visitors, in a thread."""

        def work() -> None:
            try:
                self.catalogue.prepare()
            except (PyMongoError, SegueError) as error:
                log.warning("the first search will take longer: %s", line_of(error))
            # Later collections, which stop all threads, need not look at the indexes and the modules.
            gc.collect()
            gc.freeze()

        threading.Thread(target=work, name="catalogue", daemon=True).start()

    def close(self) -> None:
        """End the conversions, the imports and the sending of mail, and close the connections to other
        servers.
        """
        self.recovery.close()
        self.importing.close()
        self.transcoder.close()
        self.originals.close()
        self.delivery.close()


def _reserved(settings: Settings) -> frozenset[str]:
    """The names that settings give rights: nobody takes a free one by signing up."""
    named = [settings.dashboard.operators, *(names for _, names in settings.library.accounts)]
    return frozenset().union(*(NamedAccounts(entries).names for entries in named))
