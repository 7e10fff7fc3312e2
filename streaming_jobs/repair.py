"""`segue stream repair`: bring a damaged checkpoint back to its newest complete batch."""

from __future__ import annotations

import json
import logging
import uuid
from datetime import datetime, timezone

from segue.errors import SegueError
from segue.streaming_jobs.damage import Damage, Folder, find, queries

log = logging.getLogger(__name__)
ASIDE = "damaged"
"""Folder in the checkpoint for the files that were taken out of it; Spark does not read it."""


def damages(location: str) -> list[Damage]:
    """The damage of each query in a checkpoint."""
    checkpoint = Folder(location)
    return [damage for query in queries(checkpoint) if (damage := find(checkpoint, query))]


def repair_exactly(location: str) -> None:
    """Repair the damage whose repair repeats nothing that was done, with a line in the log for each.

    Raises
    ------
    SegueError
        There is damage whose repair repeats batches; the text names the command for it.
    """
    for damage in damages(location):
        if not damage.exact:
            raise SegueError(
                f"the checkpoint {location} is damaged: {_files(damage)}. Run `./run.sh stream repair`, "
                "which says what it will do first"
            )
        repair(location, damage)
        log.warning("repaired the checkpoint of %s: %s", damage.query, _files(damage) or "its id")


def repair(location: str, damage: Damage) -> str:
    """Take damaged and stale files out of a checkpoint. Nothing is deleted.

    Returns
    -------
    str
        The folder in the checkpoint that they are in now.

    Raises
    ------
    SegueError
        No complete batch is left.
    """
    checkpoint = Folder(location)
    if damage.complete is None:
        raise SegueError(
            f"the checkpoint of {damage.query} cannot be repaired: no complete batch is left. Set "
            "spark.checkpoint_location to a new folder; plays still in the topic are read again, and "
            "`./run.sh engagement recount` counts them once"
        )
    into = f"{ASIDE}/{datetime.now(timezone.utc):%Y%m%dT%H%M%S}"
    # The newest first: cut off in between, what is left has the same newest complete batch.
    for path in sorted((*damage.files, *damage.stale), key=_newest_first):
        checkpoint.move(path, into=into)
        folder, _, name = path.rpartition("/")
        if checkpoint.has(f"{folder}/.{name}.crc"):
            checkpoint.move(f"{folder}/.{name}.crc", into=into)
    if damage.needs_id:
        for name in ("metadata", ".metadata.crc"):
            if checkpoint.has(f"{damage.query}/{name}"):
                checkpoint.move(f"{damage.query}/{name}", into=into)
        checkpoint.write(f"{damage.query}/metadata", json.dumps({"id": str(uuid.uuid4())}).encode())
    return into


def _newest_first(path: str) -> tuple[bool, int]:
    name = path.rpartition("/")[2].partition(".")[0]
    return ("/state/" in path, -int(name) if name.isdigit() else 0)


def _files(damage: Damage) -> str:
    return ", ".join(damage.files)
