"""Analyses the songs of connected servers from their recordings, a part of `./run.sh library update`.

A recording is transferred once: its descriptors, its fingerprint, its loudness and its length are computed
together.

Delivery: results are written by track id after each group. A killed run loses the group in progress.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from segue.audio.describe_here import Described, Describers
from segue.audio.descriptors import features_version
from segue.audio.errors import MAY_PASS, AudioError
from segue.audio.length import length_of
from segue.batch_jobs import extract_features, measure_loudness
from segue.batches import batches
from segue.catalog.features import Features
from segue.catalog.rejected import RejectedTracks
from segue.catalog.stamp import Stamp
from segue.catalog.track_document import ServerSong
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_records import StoredFile
from segue.connected.connections import Connections, is_paused
from segue.connected.faults import NoSuchThing, ServerAway, ServerFault
from segue.connected.originals import Originals
from segue.settings import Settings
from segue.storage.store import Store

log = logging.getLogger(__name__)
_GROUP = 8
"""Songs that are transferred, and then analysed on all cores."""
Work = Sequence[tuple[StoredFile, ServerSong]]


def find_work(store: Store, settings: Settings) -> Work:
    """The songs on servers without current features."""
    version = features_version(settings.audio)
    done = Features(store).stamps()
    rejected = RejectedTracks(store).without_features(retried=MAY_PASS)
    return [
        (file, song)
        for file, song in TrackFiles(store).on_servers()
        if Stamp(version, file.size, file.modified_ns)
        not in (done.get(file.track_id), rejected.get(file.track_id))
    ]


def describe_songs(
    store: Store,
    settings: Settings,
    describers: Describers,
    work: Work,
    *,
    wanted: Callable[[], bool] = lambda: True,
) -> Generator[tuple[int, int]]:
    """Analyse songs until `wanted` is false; those of a server that is away are left to a later pass.

    Yields
    ------
    The numbers of songs of a group that were described, and that could not be.
    """
    originals = Originals(store, settings, per_second=settings.servers.requests_per_second)
    connections = Connections(store)
    away = {one["_id"] for one in connections.all() if is_paused(one)}
    try:
        for group in batches(work, _GROUP):
            here = {
                file.track_id: (file, path)
                for file, song in group
                if song["connection"] not in away
                and (path := _transferred(originals, connections, file, song, away=away))
            }
            yield _described(store, settings, describers, here)
            if not wanted():
                return
    finally:
        originals.close()


def _transferred(
    originals: Originals, connections: Connections, file: StoredFile, song: ServerSong, *, away: set[str]
) -> Path | None:
    """The file of a song; None if the server does not send it now."""
    try:
        return originals.file(song, size=file.size)
    except (ServerAway, NoSuchThing) as error:
        # A song that the server does not have is removed by the next pass over its catalogue.
        if isinstance(error, ServerAway):
            away.add(song["connection"])
            connections.note_pause(song["connection"], error)
        log.warning("%s is not analysed now: %s", song["path"], error)
    except ServerFault as error:
        log.warning("%s is not analysed now: %s", song["path"], error)
    return None


def _described(
    store: Store, settings: Settings, describers: Describers, here: dict[str, tuple[StoredFile, Path]]
) -> tuple[int, int]:
    files = {own: file for own, (file, _) in here.items()}
    sources = [(own, str(path), file.span) for own, (file, path) in here.items()]
    rows: list[Described] = list(describers.describe(sources))
    described = extract_features.write(store, files.values(), rows, settings)
    measure_loudness.write(store, files, list(describers.measure(sources)))
    tracks = TrackFiles(store)
    for own, (_, path) in here.items():
        if seconds := _length(path):
            tracks.set_length(own, round(seconds * 1000))
    return described, len(rows) - described


def _length(path: Path) -> float | None:
    try:
        return length_of(path)
    except (AudioError, OSError):
        return None
