"""The fingerprints of tracks that an earlier release described, a part of `./run.sh library update`.

Delivery: results are written by track id whenever a part of the work ends. A killed run loses the parts in
progress, and the next run continues from there.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

from segue.audio.describe_here import Describers
from segue.audio.errors import MAY_PASS
from segue.batches import batches
from segue.catalog.fingerprints import Fingerprints
from segue.catalog.stored_paths import path_to_open
from segue.catalog.track_files import TrackFiles
from segue.storage.store import Store

_WRITE_EVERY = 16


def fingerprint_on_this_machine(
    store: Store, describers: Describers, *, wanted: Callable[[], bool] = lambda: True
) -> Generator[tuple[int, int]]:
    """Compute the fingerprints of all described tracks without one, until `wanted` is false.

    A file that has none is not tried again; one whose fault may pass is.

    Yields
    ------
    The number of tracks that are finished, and of all, after each group that was written.
    """
    fingerprints = Fingerprints(store)
    missing = fingerprints.without()
    if not missing:
        return
    files = [file for file in TrackFiles(store).present_files() if file.track_id in missing]
    pairs = [(file.track_id, str(path_to_open(file.path or "")), file.span) for file in files]
    done = 0
    with closing(describers.fingerprint(pairs)) as results:
        for group in batches(results, _WRITE_EVERY):
            found = {own: heard for own, heard, reason in group if reason not in MAY_PASS}
            fingerprints.complete(found)
            fingerprints.find_sounds(own for own, heard in found.items() if heard)
            done += len(group)
            yield done, len(files)
            if not wanted():
                break
