"""A listener leaves: removed from all collections, and announced in the topic of plays to all that read it.

Statistics have no listener in them and stay; plays in Kafka go by `retention.plays`.

Delivery: removing is a series of deletions by the listener's id; cut short, it is made good by doing it
again. The id is forgotten first (segue.people.forgotten), so that no stream writes anew what is removed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from segue.collections import WRITTEN_BY_STREAMS, collection
from segue.people.accounts import Accounts
from segue.people.forgotten import Forgotten
from segue.people.login_sessions import LoginSessions
from segue.plays.delivery import PlayProducer
from segue.privacy.holdings import personal_collections
from segue.settings import Settings
from segue.storage.store import Store

CONFIRMATION = "remove everything"
"""The words that a listener's request to be removed must have, so that no slip sends it."""


def leave(store: Store, settings: Settings, user_id: str) -> dict[str, int]:
    """Remove everything of a listener; returns how many documents of each collection went.

    Plays in Kafka stay until `retention.plays`; from now on nothing is made of them.

    Raises
    ------
    SegueError
        Kafka does not answer: nothing has been removed yet, and it can be tried again.
    """
    with PlayProducer(settings.kafka) as producer:
        producer.tombstone(user_id)
        return forget(store, user_id, plays_kept=settings.retention.plays)


def forget(store: Store, user_id: str, *, plays_kept: timedelta) -> dict[str, int]:
    """Remove a listener from all collections; returns how many documents of each collection went.

    Parameters
    ----------
    plays_kept
        How long Kafka keeps plays: so long the streams must leave out those of this listener.
    """
    Forgotten(store).remember(user_id, plays_kept=plays_kept)
    account = Accounts(store).of(user_id)
    account_name = account.name if account else None
    removed: dict[str, int] = {}
    # Log-in sessions first: from then on the listener's browsers can send nothing more.
    for owner in sorted(personal_collections(store), key=lambda owner: owner.name != LoginSessions.name):
        if count := owner.forget(user_id, account_name=account_name):
            removed[owner.name] = count
    return removed


def sweep(store: Store, *, now: datetime | None = None) -> None:
    """Remove the writes of micro-batches that were under way when a listener was forgotten."""
    forgotten = Forgotten(store)
    for user_id in forgotten.due(now or datetime.now(UTC)):
        for name in WRITTEN_BY_STREAMS:
            collection(store, name).forget(user_id, account_name=None)
        forgotten.swept(user_id)
