"""A connected small server, and its songs in the catalogue."""

from __future__ import annotations

from segue.batch_jobs.connected_library import read_server
from segue.batch_jobs.ingest_catalog import IngestSummary
from segue.catalog.tracks import Tracks
from segue.connected.connections import Connection, Connections
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linking import GivenLogIn, connect_server
from segue.settings import Settings
from segue.storage.store import Store
from tests.connected.small_server import PASSWORD, USER, SmallServer

LOG_IN = GivenLogIn(user=USER, secret=PASSWORD)


class Home:
    """A connected server, and its songs in the catalogue."""

    def __init__(self, store: Store, settings: Settings, small: SmallServer) -> None:
        self.store, self.settings, self.small = store, settings, small
        connect_server(store, settings, small.address, name="home", given=LOG_IN)

    def sync(self, *, accepted: bool = False) -> IngestSummary:
        return read_server(self.store, self.settings, self.connection(), accepted=accepted)

    def connection(self) -> Connection:
        found = Connections(self.store).of("home")
        assert found is not None
        return found

    def offered(self) -> dict[str, str]:
        """The titles of the tracks that listeners are offered, by id."""
        tracks = Tracks(self.store)
        return {own: one.title for own, one in tracks.summaries(tracks.ids_in(["home"])).items()}

    def ids(self) -> dict[str, str]:
        """The tracks of the songs, by the songs' ids."""
        return {own: known.track_id for own, known in ConnectedSongs(self.store).of("home").items()}
