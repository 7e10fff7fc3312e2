"""Removes a listener who leaves from all collections, and sends a tombstone to the readers of the topic.

Statistics do not name listeners and stay; Kafka removes plays after `retention.plays`.

Delivery: the removal is a series of deletions by the listener's id, and can be repeated after a crash. The
hash of the id is stored first (segue.people.forgotten), so that nothing restores removed documents.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from segue.collections import WRITTEN_BY_STREAMS, collection
from segue.people.accounts import Accounts
from segue.people.api_keys import ApiKeys
from segue.people.app_passwords import AppPasswords
from segue.people.forgotten import Forgotten
from segue.people.login_sessions import LoginSessions
from segue.plays.delivery import PlayProducer
from segue.privacy.holdings import personal_collections
from segue.settings import Settings
from segue.storage.kafka_topics import end_offsets
from segue.storage.store import Store

log = logging.getLogger(__name__)
CONFIRMATION = "remove everything"
"""The text that a listener must type to confirm the removal."""
_OPENING = (LoginSessions.name, ApiKeys.name, AppPasswords.name)


def leave(store: Store, settings: Settings, user_id: str) -> dict[str, int]:
    """Remove all data of a listener; returns the number of removed documents by collection.

    Plays stay in Kafka until `retention.plays` has passed; the jobs ignore them from now on. Without the
    topic there are no plays, and nothing to mark.

    Raises
    ------
    SegueError
        Kafka does not answer: nothing has been removed yet, and the call can be repeated.
    """
    if end_offsets(settings.kafka):
        with PlayProducer(settings.kafka) as producer:
            producer.tombstone(user_id)
    else:
        log.warning(
            "there is no topic %s: a listener leaves without a mark in it", settings.kafka.plays_topic
        )
    return forget(store, user_id, plays_kept=settings.retention.plays)


def forget(store: Store, user_id: str, *, plays_kept: timedelta) -> dict[str, int]:
    """Remove a listener from all collections; returns the number of removed documents by collection.

    Parameters
    ----------
    plays_kept
        How long Kafka keeps plays: the streams must ignore the listener's plays for this time.
    """
    Forgotten(store).remember(user_id, plays_kept=plays_kept)
    account = Accounts(store).of(user_id)
    account_name = account.name if account else None
    removed: dict[str, int] = {}
    # Sessions and keys first: after that the listener's browsers and programs cannot send plays. The owners
    # refuse documents that requests and batches under way write after the listener's have been removed.
    for owner in sorted(personal_collections(store), key=lambda owner: owner.name not in _OPENING):
        if count := owner.forget(user_id, account_name=account_name):
            removed[owner.name] = count
    return removed


def sweep(store: Store, *, now: datetime | None = None) -> None:
    """Remove documents of listeners who have left that a killed process of the stream wrote."""
    forgotten = Forgotten(store)
    for user_id in forgotten.due(now or datetime.now(UTC)):
        for name in WRITTEN_BY_STREAMS:
            collection(store, name).forget(user_id, account_name=None)
        forgotten.swept(user_id)
