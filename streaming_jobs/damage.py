"""Finds the damage of a checkpoint, and its newest complete batch.

A power cut can leave the newest files of a checkpoint empty, truncated or full of zeros, since Spark does not
force them to the disk. A query's folder has, by batch number,

========================  ======================================================================
`offsets/N`               the plan of batch N: the first and the last record that it reads
`commits/N`               batch N is done
`state/O/P/V.delta`       the changes that batch V-1 made to partition P of operator O
`state/O/P/V.snapshot`    the whole state after batch V-1
`metadata`                the id of the query
========================  ======================================================================

Batch N is complete if its plan, its commit and the state after it, version N+1, can be read.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from segue.streaming_jobs.checkpoint_folder import Files, sums
from segue.streaming_jobs.plans import Plan

_LZ4 = b"LZ4Block"
_LZ4_HEADER = struct.Struct("<8sBiii")
"""Magic, method, compressed length, length, checksum; a block of length 0 ends the file."""
_LOG = re.compile(r"^\d+$")
_STATE = re.compile(r"^(\d+)\.(delta|snapshot|changelog|zip)$")
_CHANGES = ("delta", "changelog")


@dataclass(frozen=True)
class Damage:
    """The damage to the checkpoint of one query, and its repair."""

    query: str
    files: tuple[str, ...]
    """The damaged files, by their paths in the checkpoint."""
    stale: tuple[str, ...]
    """Undamaged files of batches that run again, which must not be read."""
    complete: int | None
    """The newest complete batch, -1 if the query starts from the beginning; None: no repair is possible."""
    repeated: int
    """The number of committed batches that run again."""
    needs_id: bool = False
    """Whether the query's id must be written again; nothing depends on it."""

    @property
    def exact(self) -> bool:
        """Whether the repair repeats no committed batch: only an unfinished batch is planned again."""
        return self.complete is not None and self.repeated == 0


@dataclass
class _Partition:
    """The versions of one partition of a state."""

    changes: dict[int, str] = field(default_factory=dict)
    wholes: dict[int, str] = field(default_factory=dict)


def queries(checkpoint: Files) -> list[str]:
    """The names of the queries' folders in a checkpoint."""
    return [name for name in checkpoint.names() if checkpoint.has(f"{name}/offsets")]


def after(checkpoint: Files, query: str, batch: int) -> list[str]:
    """The plans and commits of the batches after `batch`, and the state that they have written."""
    reader = _Reader(checkpoint, query)
    paths = [path for name in ("offsets", "commits") for n, path in reader.log(name).items() if n > batch]
    for partition in reader.partitions():
        for versions in (partition.changes, partition.wholes):
            paths += [path for version, path in versions.items() if version > batch + 1]
    return sorted(paths)


def find(checkpoint: Files, query: str) -> Damage | None:
    """The damage of a query's checkpoint; None if there is none.

    It reads the files that a start needs: the newest plan and commit, and their state. It reads older ones
    only if those are damaged.
    """
    reader = _Reader(checkpoint, query)
    plans, commits = reader.log("offsets"), reader.log("commits")
    newest = max(commits, default=-1)
    partitions = reader.partitions() if plans else []
    newest_first = sorted(commits, reverse=True)
    base = next((n for n in newest_first if reader.complete(n, plans, commits, partitions)), None)
    if base is None and (not plans or 0 in plans):
        base = -1  # nothing was committed, or all batches from the first one on can run again
    for n in sorted(plans):
        if n > newest:
            reader.plan(plans[n])
    needs_id = bool(plans) and not reader.has_id()
    if not reader.damaged and not needs_id and base == newest:
        return None
    keep = newest if base is None else base
    damaged = set(reader.damaged)
    stale = [path for n, path in commits.items() if n > keep]
    stale += [path for n, path in plans.items() if n > keep + 1]
    for partition in partitions:
        stale += [
            path
            for versions in (partition.changes, partition.wholes)
            for version, path in versions.items()
            if version > keep + 1
        ]
    bad_commit = newest in commits and commits[newest] in damaged
    return Damage(
        query=query,
        files=tuple(sorted(damaged)),
        stale=tuple(sorted(set(stale) - damaged)),
        complete=base,
        # A batch with a damaged commit counts as unfinished, like a batch without a commit.
        repeated=0 if base is None else max(0, newest - base - int(bad_commit)),
        needs_id=needs_id,
    )


class _Reader:
    """Reads the files of one query, each once, and notes the damaged ones."""

    def __init__(self, checkpoint: Files, query: str) -> None:
        self._checkpoint, self._query = checkpoint, query
        self._sound: dict[str, bool] = {}

    @property
    def damaged(self) -> list[str]:
        return [path for path, sound in self._sound.items() if not sound]

    def log(self, name: str) -> dict[int, str]:
        """The paths of a log's entries by batch number."""
        folder = f"{self._query}/{name}"
        return {int(file): f"{folder}/{file}" for file in self._checkpoint.names(folder) if _LOG.match(file)}

    def partitions(self) -> list[_Partition]:
        by_folder: defaultdict[str, _Partition] = defaultdict(_Partition)
        for folder in self._checkpoint.folders(f"{self._query}/state"):
            for name in self._checkpoint.names(folder):
                if match := _STATE.match(name):
                    partition = by_folder[folder]
                    versions = partition.changes if match[2] in _CHANGES else partition.wholes
                    versions[int(match[1])] = f"{folder}/{name}"
        return list(by_folder.values())

    def complete(
        self, batch: int, plans: Mapping[int, str], commits: Mapping[int, str], partitions: list[_Partition]
    ) -> bool:
        """Whether a batch is complete; reads all of its files, so that every damage is found."""
        logs = [batch in plans and self.plan(plans[batch]), self.commit(commits[batch])]
        return all([*logs, *(self._loads(partition, batch + 1) for partition in partitions)])

    def plan(self, path: str) -> bool:
        return self._check(path, lambda content: Plan.of(content) is not None)

    def commit(self, path: str) -> bool:
        return self._check(path, _is_commit)

    def has_id(self) -> bool:
        metadata = _object(self._checkpoint.read(f"{self._query}/metadata"))
        identity = (metadata or {}).get("id")
        return isinstance(identity, str) and bool(identity)

    def _loads(self, partition: _Partition, version: int) -> bool:
        """Whether a version can be built: from a snapshot and the changes after it, or from all changes."""
        sound = True
        for n in range(version, 0, -1):
            if n in partition.wholes and self._check(partition.wholes[n], _is_state):
                return sound
            if n not in partition.changes:
                return False
            sound &= self._check(partition.changes[n], _is_state)
        return sound

    def _check(self, path: str, sound: Callable[[bytes], bool]) -> bool:
        if path not in self._sound:
            content = self._checkpoint.read(path)
            self._sound[path] = sound(content) and self._matches_sum(path, content)
        return self._sound[path]

    def _matches_sum(self, path: str, content: bytes) -> bool:
        """Whether the content matches the file beside it with Hadoop's checksums, if there is one."""
        there = self._checkpoint.read(sums(path))
        if not there.startswith(b"crc\0") or len(there) < 8:
            return not there
        (size,) = struct.unpack(">i", there[4:8])
        chunks = [content[i : i + size] for i in range(0, len(content), size)]
        return there[8:] == b"".join(struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)


def _is_commit(content: bytes) -> bool:
    """Whether a commit is complete: its version, then an object with the watermark, and others perhaps."""
    version, *lines = content.decode(errors="replace").strip("\n").split("\n")
    objects = [_object(line) for line in lines]
    if not re.match(r"^v\d+$", version) or not objects or None in objects:
        return False
    watermark = (objects[0] or {}).get("nextBatchWatermarkMs", 0)
    return isinstance(watermark, int) and not isinstance(watermark, bool)


def _object(content: bytes | str) -> dict[str, Any] | None:
    """The object of a JSON text; None if the text is anything else."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _is_state(content: bytes) -> bool:
    """Whether a file of a state is complete: an LZ4 stream has an end mark, a zip archive a directory."""
    if content.startswith(b"PK"):
        return zipfile.is_zipfile(io.BytesIO(content))
    if content.startswith(_LZ4):
        return any(end for end in _blocks(content))
    return bool(content.strip(b"\0"))  # another codec: at least it is not empty


def _blocks(content: bytes) -> Iterator[bool]:
    """For each block of an LZ4 stream, whether it is the end mark. It stops at the first incomplete one."""
    position = 0
    while position + _LZ4_HEADER.size <= len(content):
        magic, _, packed, length, _ = _LZ4_HEADER.unpack_from(content, position)
        position += _LZ4_HEADER.size + packed
        if magic != _LZ4 or packed < 0 or position > len(content):
            return
        yield length == 0
