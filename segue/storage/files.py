"""Stores files in MongoDB (GridFS), by group and name, for machines without a shared disk.

Delivery: a file is stored before anything refers to it, and becomes visible when it is complete. A repeated
or concurrent upload leaves a second copy with the same contents; the removal of the group removes both.
:meth:`FileStore.sweep` removes the chunks of a killed upload.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from gridfs.errors import CorruptGridFile

from segue.storage.store import Store

_PIECE = 4 << 20
"""Bytes per chunk; larger than GridFS's default of 255 KB, for fewer round trips."""
_UNFINISHED = timedelta(days=1)
"""An unreferenced file that is older than this does not belong to an upload in progress."""


class FileStore:
    """A GridFS bucket whose files belong to groups (the files of one bundle)."""

    def __init__(self, store: Store, *, bucket: str) -> None:
        database = store.database
        self._bucket = GridFSBucket(database, bucket_name=bucket, chunk_size_bytes=_PIECE)
        self._files = database[f"{bucket}.files"]
        self._chunks = database[f"{bucket}.chunks"]

    def holds(self, group: str, name: str, *, size: int, sha256: str) -> bool:
        """Whether the group has this file, with these contents and all its chunks.

        The newest copy counts, since :meth:`get` reads that copy. The server adds up the sizes of the chunks;
        readers verify the checksum after they have fetched the file.
        """
        newest = self._files.find_one({"filename": f"{group}/{name}"}, sort=[("uploadDate", -1), ("_id", -1)])
        if newest is None or not _matches(newest, size=size, sha256=sha256):
            return False
        pieces = {"_id": None, "count": {"$sum": 1}, "bytes": {"$sum": {"$binarySize": "$data"}}}
        own = {"files_id": newest["_id"], "data": {"$type": "binData"}}
        totals = list(self._chunks.aggregate([{"$match": own}, {"$group": pieces}])) or [
            {"count": 0, "bytes": 0}
        ]
        return (totals[0]["count"], totals[0]["bytes"]) == (-(-size // newest["chunkSize"]), size)

    def put(self, path: Path, *, group: str, name: str, sha256: str) -> None:
        """Store a file.

        Raises
        ------
        ValueError
            The file does not match the checksum; nothing is stored.
        OSError
            The file cannot be read.
        """
        metadata = {"group": group, "sha256": sha256}
        digest = hashlib.sha256()
        with (
            path.open("rb") as file,
            self._bucket.open_upload_stream(f"{group}/{name}", metadata=metadata) as stored,
        ):
            while piece := file.read(_PIECE):
                digest.update(piece)
                stored.write(piece)
            if digest.hexdigest() != sha256:
                stored.abort()
                raise ValueError(f"{path} does not match its checksum")

    def get(self, path: Path, *, group: str, name: str) -> None:
        """Write the newest copy of a file to `path`.

        Raises
        ------
        FileNotFoundError
            The group does not have the file, or chunks are missing.
        OSError
            `path` cannot be written.
        """
        try:
            with path.open("wb") as file:
                self._bucket.download_to_stream_by_name(f"{group}/{name}", file)
        except (NoFile, CorruptGridFile) as error:
            raise FileNotFoundError(f"{group}/{name} is not in MongoDB: {error}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # gridfs takes the fields of its documents as they are.
            raise FileNotFoundError(f"{group}/{name} is damaged in MongoDB: {error!r}") from None

    def remove(self, group: str) -> None:
        """Remove all files of a group."""
        for document in self._files.find({"metadata.group": group}, {"_id": 1}):
            try:
                self._bucket.delete(document["_id"])
            except NoFile:
                continue  # another process removed it

    def sweep(self, *, groups: Collection[str], now: datetime | None = None) -> None:
        """Remove files outside `groups` that are a day old, and the chunks of unfinished uploads."""
        before = (now or datetime.now(UTC)) - _UNFINISHED
        stray = {"uploadDate": {"$lt": before}, "metadata.group": {"$nin": list(groups)}}
        for group in self._files.distinct("metadata.group", stray):
            self.remove(group)
        oldest = ObjectId.from_datetime(before)
        whole = self._files.distinct("_id", {"_id": {"$lt": oldest}})
        self._chunks.delete_many({"files_id": {"$lt": oldest, "$nin": whole}})


def _matches(file: Mapping[str, Any], *, size: int, sha256: str) -> bool:
    """Whether a file's document, which may be damaged, describes these contents."""
    metadata, piece = file.get("metadata"), file.get("chunkSize")
    return (
        file.get("length") == size
        and isinstance(metadata, Mapping)
        and metadata.get("sha256") == sha256
        and isinstance(piece, int)
        and piece > 0
    )
