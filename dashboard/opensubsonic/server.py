"""The state of the API: one object per process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio.to_thread

from segue.catalog.albums import Albums
from segue.catalog.artists import Artists
from segue.catalog.covers import Covers
from segue.catalog.full_tracks import FullTracks
from segue.dashboard.opensubsonic.credentials import Credentials
from segue.dashboard.opensubsonic.listened import Listened
from segue.dashboard.opensubsonic.thumbnails import Thumbnails
from segue.dashboard.services import Services
from segue.people.accounts import Accounts
from segue.people.secret_box import SecretBox
from segue.people.signatures import signatures
from segue.playlists.bookmarks import Bookmarks
from segue.plays.playbacks import Playbacks
from segue.taste.marks import Marks
from segue.taste.opinions import Opinions

Result = TypeVar("Result")


class Server:
    """Readers and writers for the endpoints; safe for use by several threads."""

    def __init__(self, services: Services) -> None:
        store = services.store
        self.services, self.settings, self.store = services, services.settings, store
        self.catalogue = services.catalogue
        self.tracks, self.albums, self.artists = FullTracks(store), Albums(store), Artists(store)
        self.accounts = Accounts(store)
        key_file = services.settings.opensubsonic.key_file
        self.credentials = Credentials(
            store,
            services.authenticator,
            SecretBox(Path(key_file)),
            names=signatures(key_file, purpose="names"),
        )
        self.opinions, self.marks = Opinions(store), Marks(store)
        self.playbacks, self.bookmarks = Playbacks(store), Bookmarks(store)
        self.listened = Listened(store, self.tracks, window=services.settings.engagement.window)
        self.thumbnails = Thumbnails(Covers(store), self.tracks)

    async def work(self, work: Callable[..., Result], *given: object) -> Result:
        """The result of work for a call, in the threads of the apps: none of them keeps a page waiting."""
        return await anyio.to_thread.run_sync(work, *given, limiter=self.services.calling)
