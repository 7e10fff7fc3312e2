"""Makes the part of tastes that comes from imported and delayed plays, and plans their listeners again.

The newest plays count as live plays would: weighed by the same rules, decaying in the same way. A play that
is also live counts once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from segue.engagement.imported_facts import ImportedFacts, windows_of_endings
from segue.engagement.summed_listening import SummedListening
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays
from segue.index.track_index import TrackIndex
from segue.people.forgotten import Forgotten
from segue.plays.event import SIGNAL_WINDOW
from segue.ranking.feedback import Feedback
from segue.replanning.memory import MemoryKeeper
from segue.replanning.service import Replanning
from segue.replanning.weighing import windows_of
from segue.settings import Settings, milliseconds
from segue.storage.store import Store
from segue.taste.history import History, prune
from segue.taste.imported import ImportedTastes

_AT_ONCE = 100


class ImportedPlaysInTastes:
    """Brings changes of imported and delayed plays into tastes and recommendations, in rounds."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        bundle: Callable[[], TrackIndex],
        feedback: Callable[[], Feedback],
    ) -> None:
        """`bundle` and `feedback` give those in use."""
        self._store, self._settings, self._bundle, self._feedback = store, settings, bundle, feedback
        self._changed, self._tastes = ChangedImports(store), ImportedTastes(store)
        self._memory = MemoryKeeper(store, settings)
        self._forgotten, self._replanning = Forgotten(store), Replanning(store, settings)

    def run(self) -> int:
        """Take the changes so far; returns the number of listeners."""
        changes = self._changed.waiting(limit=_AT_ONCE)
        if not changes:
            return 0
        here = sorted(changes.keys() - self._forgotten.among(changes))
        if here:
            self._tastes.write(
                {user_id: imported_history(self._store, user_id, self._settings) for user_id in here}
            )
            self._replanning.replan_again(here, bundle=self._bundle(), feedback=self._feedback())
            # A long history takes a while; until then, lists do not know of earlier years.
            self._memory.renew(here)
            self._replanning.replan_again(here, bundle=self._bundle(), feedback=self._feedback())
        self._changed.done(changes)
        return len(here)


def imported_history(store: Store, user_id: str, settings: Settings) -> History:
    """A listener's imported and delayed plays as a history, pruned as that of live plays is."""
    last = ImportedDays(store).ended(user_id)
    if last is None:
        return {}
    now = datetime.now(UTC)
    until = min(last + timedelta(days=1), now)
    since = until - 8 * settings.taste.half_life - timedelta(days=1)
    # A play that began on the last of these days may have ended on the next.
    live = SummedListening(store).of(user_id, since=since, until=until + timedelta(days=1))
    endings = ImportedFacts(store, user_id, settings.engagement).endings(live, since=since, until=until)
    dated_before = now.timestamp() * 1000
    known = [ending for ending in endings if ending.track_id and ending.at <= dated_before]
    table = windows_of_endings(
        user_id, known, kind=SIGNAL_WINDOW, length=milliseconds(settings.stream.window)
    )
    history = {start: window for _, start, window in windows_of(table, signals=settings.signals)}
    return prune(history, taste=settings.taste, signals=settings.signals)
