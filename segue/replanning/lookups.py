"""A note of the played tracks that are in no catalogue."""

from __future__ import annotations

from collections.abc import Sequence

from segue.storage.mongo import UpdateOne
from segue.storage.store import Store


def note_unknown(store: Store, played: Sequence[tuple[str, int]]) -> None:
    """Note played tracks, each with the time (epoch ms), that have no vector anywhere."""
    store.database.unknown_tracks.bulk_write(
        [
            UpdateOne({"_id": track_id}, {"$min": {"first_at": at}, "$max": {"last_at": at}}, upsert=True)
            for track_id, at in played
        ],
        ordered=False,
    )
