"""A listener leaves: removed from MongoDB, and told to whoever reads the topic of plays."""

from __future__ import annotations

from pymongo.database import Database

from segue.plays.producer import PlayProducer
from segue.privacy.holdings import forget
from segue.settings import Settings
from segue.storage.mongo import Document


def leave(database: Database[Document], settings: Settings, user_id: str) -> dict[str, int]:
    """Remove everything of a listener; returns how many documents of each collection went.

    Plays in Kafka stay until `retention.plays`; from now on nothing is made of them.

    Raises
    ------
    SegueError
        Kafka does not answer: nothing has been removed yet, and it can be tried again.
    """
    with PlayProducer(settings.kafka) as producer:
        producer.tombstone(user_id)
        return forget(database, user_id, plays_kept=settings.retention.plays)
