"""The collections: which of them can be had again without a backup, and which hold something of a listener.

A collection that is not named here is saved and searched for listeners, so that forgetting to name one loses
nothing and leaves nothing of anybody behind; tests/storage/test_collections.py sees that all are named. The
shapes of their documents are in segue.storage.mongo.
"""

from __future__ import annotations

from typing import NamedTuple


class Collection(NamedTuple):
    computed: bool
    """Ingest, features, embeddings, index, models and stream make it again, or it is good for a few days at
    most."""
    personal: bool
    """Documents belong to a listener, or name one in a list."""


COLLECTIONS = {
    "tracks": Collection(computed=True, personal=False),
    "covers": Collection(computed=True, personal=False),
    "features": Collection(computed=True, personal=False),
    "embeddings": Collection(computed=True, personal=False),
    "moods": Collection(computed=True, personal=False),
    "rejected_tracks": Collection(computed=True, personal=False),
    "unknown_tracks": Collection(computed=True, personal=False),
    "models": Collection(computed=True, personal=False),
    "bundles.files": Collection(computed=True, personal=False),
    "bundles.chunks": Collection(computed=True, personal=False),
    "trained.files": Collection(computed=True, personal=False),
    "trained.chunks": Collection(computed=True, personal=False),
    "stream_progress": Collection(computed=True, personal=False),
    "stream_minutes": Collection(computed=True, personal=False),
    "accounts": Collection(computed=False, personal=True),
    "sessions": Collection(computed=False, personal=True),
    "handovers": Collection(computed=True, personal=True),
    "login_failures": Collection(computed=True, personal=True),
    "sent_plays": Collection(computed=True, personal=True),
    "starts": Collection(computed=False, personal=True),
    "opinions": Collection(computed=False, personal=True),
    "playlists": Collection(computed=False, personal=True),
    "day_lists": Collection(computed=True, personal=True),
    "mood_dials": Collection(computed=False, personal=True),
    "share_links": Collection(computed=False, personal=True),
    "follows": Collection(computed=False, personal=True),
    "privacy": Collection(computed=False, personal=True),
    # The stream makes these of the topic's plays, which are kept for retention.plays only.
    "tastes": Collection(computed=False, personal=True),
    "recommendations": Collection(computed=False, personal=True),
    "listening": Collection(computed=False, personal=True),
    "listening_sessions": Collection(computed=False, personal=True),
    "listening_stats": Collection(computed=False, personal=False),
    # Hashes of who has left: what removes everything of a listener must leave them.
    "forgotten": Collection(computed=False, personal=False),
}
COMPUTED = frozenset(name for name, one in COLLECTIONS.items() if one.computed)
NOT_PERSONAL = frozenset(name for name, one in COLLECTIONS.items() if not one.personal)
