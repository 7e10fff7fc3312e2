"""The measurement of loudness, a part of `./run.sh library features` and `library update`.

Delivery: results are written by track id whenever a part of the work ends. A killed run loses the parts in
progress, and the next run continues from there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

from segue.audio.describe_here import Describers
from segue.audio.errors import MAY_PASS
from segue.audio.levels import Level
from segue.batches import batches
from segue.catalog.gathering import gather
from segue.catalog.levels import level_document
from segue.catalog.measured_tracks import MeasuredTracks
from segue.catalog.stamp import Stamp
from segue.catalog.stored_paths import path_to_open
from segue.catalog.track_records import StoredFile
from segue.storage.store import Store

_WRITE_EVERY = 16


def measure_on_this_machine(
    store: Store, describers: Describers, *, wanted: Callable[[], bool] = lambda: True
) -> Generator[tuple[int, int]]:
    """Measure all tracks whose loudness is not stored, until `wanted` is false; albums follow at the end.

    Yields
    ------
    The number of tracks that are finished, and of all, after each group that was written.
    """
    files = {file.track_id: file for file in MeasuredTracks(store).to_measure()}
    pairs = [(file.track_id, str(path_to_open(file.path or "")), file.span) for file in files.values()]
    done = 0
    with closing(describers.measure(pairs)) as results:
        for group in batches(results, _WRITE_EVERY):
            write(store, files, group)
            done += len(group)
            yield done, len(files)
            if not wanted():
                break
    if done:
        gather(store)


def write(
    store: Store, files: Mapping[str, StoredFile], rows: Sequence[tuple[str, Mapping[str, Any]]]
) -> int:
    """Store the loudness of files, by rows of :data:`segue.audio.describing.LevelRow`; returns their number.

    The reason of a file that cannot be measured is stored, so that it is tried again when it has changed.
    Nothing is stored if the reason may pass.
    """
    documents = (
        (
            track_id,
            level_document(
                Level(integrated=row["integrated"], peak=row["peak"], blocks=bytes(row["blocks"] or b"")),
                _stamp(files[track_id]),
                reason=row["reason"],
            ),
        )
        for track_id, row in rows
        if row["reason"] not in MAY_PASS
    )
    return MeasuredTracks(store).write_levels(documents)


def _stamp(file: StoredFile) -> Stamp:
    return Stamp(None, file.size, file.modified_ns)
