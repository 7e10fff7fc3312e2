"""Writes the lists that Segue makes for listeners as playlists of their accounts on connected servers.

Delivery: that of :mod:`segue.connected.written_lists`. A list is written when its songs have changed, and not
more often than `servers.playlist_interval`.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime

from segue.connected.client import OpenSubsonic
from segue.connected.connections import Connection
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts, WrittenList
from segue.connected.written_lists import MOST, write_list
from segue.dashboard.queries.made_lists import MADE, MadeFor, MadeList
from segue.dashboard.seeing import seen_by
from segue.dashboard.services import Services
from segue.errors import SegueError
from segue.ranking.recommendations import Recommendations

log = logging.getLogger(__name__)
_State = tuple[datetime | None, date, datetime | None, datetime, str]
"""The sources of the lists: the plan, the day, the server's catalogue, the link, and the index."""


class Lists:
    """Writes the lists of linked accounts. Used by one thread at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._accounts, self._songs = LinkedAccounts(services.store), ConnectedSongs(services.store)
        self._recommendations = Recommendations(services.store)
        self._written: dict[str, _State] = {}

    def write(self, connection: Connection, account: LinkedAccount, client: OpenSubsonic) -> None:
        """Write the lists of an account that have changed.

        Raises
        ------
        ServerFault
            The server is away, or refuses; the lists there stay as they are, and the next call tries again.
        """
        now = datetime.now(UTC)
        stored = self._recommendations.of(account["user_id"])
        state = (
            stored.updated_at if stored else None,
            now.date(),
            connection.get("listed_at"),
            account["linked_at"],
            self._index(),
        )
        if self._written.get(account["_id"]) == state:
            return
        lists = account.get("lists") or {}
        last = max((one["written_at"] for one in lists.values() if "written_at" in one), default=None)
        if last is not None and now - last < self._services.settings.servers.playlist_interval:
            return
        with seen_by(account["user_id"], account["name"]):
            for made in MADE:
                self._write(connection["_id"], account, client, made, lists.get(made.key) or {})
        self._written[account["_id"]] = state

    def _index(self) -> str:
        """The version of the index; empty before there is one. Without it, there are no songs for a list."""
        try:
            return self._services.catalogue.bundle().version
        except SegueError:
            return ""

    def _write(
        self,
        connection: str,
        account: LinkedAccount,
        client: OpenSubsonic,
        made: MadeList,
        before: WrittenList,
    ) -> None:
        services = self._services
        tracks = made.tracks(
            MadeFor(
                catalogue=services.catalogue,
                settings=services.settings,
                day_lists=services.day_lists,
                user_id=account["user_id"],
            )
        )
        songs = self._songs.songs(connection, tracks)
        write_list(
            client,
            user=account["user"],
            name=made.name,
            song_ids=[songs[own] for own in tracks if own in songs][:MOST],
            before=before,
            note=lambda state: self._accounts.note_list(account, made.key, {**before, **state}),
        )
