"""The library that a listener sees, for matching: hidden libraries have no tracks for them."""

from __future__ import annotations

from segue.catalog.tracks import Tracks
from segue.imports.matched import Library
from segue.people.accounts import Accounts
from segue.people.library_access import LibraryAccess
from segue.settings import Settings
from segue.storage.store import Store


class SeenLibraries:
    """Reads the catalogue once for all listeners who see the same libraries."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._access = store, LibraryAccess(settings.library.accounts)
        self._read: dict[frozenset[str], Library] = {}
        self._hidden: dict[str, frozenset[str]] = {}

    def of(self, user_id: str) -> Library:
        """The library that a listener sees."""
        if user_id not in self._hidden:
            account = Accounts(self._store).of(user_id)
            self._hidden[user_id] = self._access.hidden_from(user_id, account.name if account else None)
        hidden = self._hidden[user_id]
        if hidden not in self._read:
            store = Store(self._store.database, hidden_libraries=lambda: hidden)
            self._read[hidden] = Library(Tracks(store).all_matchable())
        return self._read[hidden]
