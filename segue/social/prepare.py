"""The indexes of links, follows and shared playlists; made once a process."""

from __future__ import annotations

from pymongo.database import Database

from segue.storage.mongo import Document


def prepare(database: Database[Document]) -> None:
    """Make the indexes; MongoDB removes links that have expired."""
    database.share_links.create_index("expires_at", expireAfterSeconds=0)
    database.share_links.create_index("owner")
    database.follows.create_index([("followed", 1), ("agreed", 1)])
    database.follows.create_index([("follower", 1), ("agreed", 1)])
    database.playlists.create_index("collaborators")
    database.playlists.create_index("asked")
