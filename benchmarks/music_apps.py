"""Music apps at the OpenSubsonic API, beside supysonic with the same catalogue and as many processes."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from segue.benchmarks.app_load import AppClient, Call, Timed, closed_loop, steady
from segue.benchmarks.catalogue import DIMENSION, FMA, TRACKS_OF_ARTIST, bundle_of, track_id
from segue.benchmarks.peer_server import USER, peer
from segue.benchmarks.processes import ended, wait_for_server
from segue.benchmarks.search import mongo_only, named_tracks
from segue.catalog.gathering import gather
from segue.catalog.track import Track
from segue.catalog.tracks import Tracks
from segue.index.manifest import Manifest
from segue.local.process import free_port
from segue.models.versions import Models
from segue.people.app_passwords import AppPasswords
from segue.people.secret_box import SecretBox
from segue.places import LOCAL, ROOT
from segue.settings import Settings
from segue.storage.mongo import connect
from segue.storage.store import Store
from segue.taste.history import Window
from segue.taste.tastes import TasteRecord, Tastes

CLIENTS, EVERY = 200, 2.0
"""The service's load: clients, and seconds between two calls of each."""
CLOSED = 16
"""Clients of the closed loop."""
PROCESSES = 2
DATABASE = "segue_bench_apps"
LOG = LOCAL / "bench" / "apps.log"
_START_SECONDS = 120
_WARM_SECONDS = 20.0
"""Each process reads the index, and builds the indexes of words."""
_LISTENERS = 20
_HEARD = 40
_WINDOW_MS = 3_600_000
SONGS_OF_ALBUM = 4


def measure(*, quick: bool, console: Console, peer_folder: Path | None = None) -> dict[str, float | bool]:
    """Times at a steady load, and calls a second in a closed loop, in the same run as those of the peer."""
    seconds = 8.0 if quick else 60.0
    tracks = list(_tracks())
    words = sorted({word for track in tracks for word in (track.title or "").split() if len(word) >= 4})
    with _served(tracks, console=console) as (port, keys), tempfile.TemporaryDirectory() as folder:
        clients = [AppClient(port, {"apiKey": keys[n % len(keys)]}) for n in range(CLIENTS)]
        other = free_port(port + 1)
        beside = (
            peer(peer_folder, Path(folder), tracks, port=other, processes=PROCESSES)
            if peer_folder
            else nullcontext()
        )
        with beside:
            return asyncio.run(_measure(clients, other if peer_folder else None, words, seconds=seconds))


async def _measure(
    clients: list[AppClient], peer_port: int | None, words: list[str], *, seconds: float
) -> dict[str, float | bool]:
    def browsing(rng: random.Random) -> Call:
        return _search(words, rng) if rng.random() < 0.5 else _list(rng)

    def listening(rng: random.Random) -> Call:
        similar = ("getSimilarSongs2", {"id": track_id(rng.randrange(FMA)), "count": "20"})
        return rng.choice((_search(words, rng), _list(rng), similar))

    await closed_loop(clients[:CLOSED], listening, seconds=_WARM_SECONDS)
    load = await steady(clients, listening, every=EVERY, seconds=seconds)
    ours = await closed_loop(clients[:CLOSED], browsing, seconds=seconds / 2)
    figures: dict[str, float | bool] = {"tracks": FMA, "clients": CLIENTS, "processes": PROCESSES}
    for name in ("search3", "getAlbumList2", "getSimilarSongs2"):
        figures |= {f"{name}_p50_ms": load.percentile(50, name), f"{name}_p99_ms": load.percentile(99, name)}
    figures |= {"p99_ms": load.percentile(99), "failed": load.failed + ours.failed}
    figures |= _of_loop("closed", ours, seconds / 2)
    if peer_port is not None:
        others = [AppClient(peer_port, USER) for _ in range(CLOSED)]
        theirs = await closed_loop(others, browsing, seconds=seconds / 2)
        figures |= _of_loop("peer", theirs, seconds / 2) | {"peer_failed": theirs.failed}
        figures["ratio"] = float(figures["closed_per_second"]) / float(figures["peer_per_second"])
    return figures


def _of_loop(name: str, timed: Timed, seconds: float) -> dict[str, float | bool]:
    return {
        f"{name}_per_second": timed.answered / seconds,
        f"{name}_p50_ms": timed.percentile(50),
        f"{name}_p99_ms": timed.percentile(99),
    }


def _search(words: list[str], rng: random.Random) -> Call:
    return "search3", {"query": rng.choice(words), "songCount": "20", "albumCount": "20", "artistCount": "20"}


def _list(rng: random.Random) -> Call:
    kind = rng.choice(("newest", "alphabeticalByName", "alphabeticalByArtist", "random"))
    return "getAlbumList2", {"type": kind, "size": "20", "offset": str(rng.randrange(0, 1000, 20))}


@contextmanager
def _served(tracks: list[Track], *, console: Console) -> Iterator[tuple[int, list[str]]]:
    """`api serve` with a temporary database; yields its port and keys of listeners with tastes."""
    bundle = bundle_of(FMA, console=console)
    settings = mongo_only()
    own = settings.model_copy(
        update={
            "mongo": settings.mongo.model_copy(update={"database": DATABASE}),
            "index": settings.index.model_copy(update={"folder": str(bundle.parent)}),
        }
    )
    database = connect(own.mongo)
    database.client.drop_database(DATABASE)
    port = free_port(8750)
    try:
        with console.status(f"Composing a catalogue of {len(tracks):,} tracks"):
            store = Store(database)
            Tracks(store).write(tracks)
            gather(store)
            models, manifest = Models(store), Manifest.read(bundle)
            models.put("index", manifest.version, {"manifest": manifest.document()})
            models.activate("index", manifest.version)
            keys = _listeners(store, own)
        with _process(own, port):
            yield port, keys
    finally:
        database.client.drop_database(DATABASE)
        database.client.close()


def _tracks() -> Iterator[Track]:
    """The catalogue of the search's benchmark, with albums of several songs by the artists of the index."""
    named = list(named_tracks())
    for number, track in enumerate(named):
        artist = number % (FMA // TRACKS_OF_ARTIST)
        album = f"{named[artist].album} {number // (FMA // TRACKS_OF_ARTIST) // SONGS_OF_ALBUM + 1}"
        yield replace(track, artist=f"{named[artist].artist} {artist}", album=album)


def _listeners(store: Store, settings: Settings) -> list[str]:
    """App passwords of new listeners who have heard songs."""
    box, rng = SecretBox(Path(settings.opensubsonic.key_file)), np.random.default_rng(7)
    now, keys, records = round(time.time() * 1000), [], []
    for number in range(_LISTENERS):
        own = f"bench-{number}"
        keys.append(AppPasswords(store).create(own, f"Listener {number}", device="bench", box=box))
        heard = [track_id(int(row)) for row in rng.integers(FMA, size=_HEARD)]
        start = now - now % _WINDOW_MS
        window = Window(heard, [1.0] * _HEARD, [now - n for n in range(_HEARD)], ["complete"] * _HEARD, {})
        vector = np.zeros(DIMENSION, dtype=np.float32)
        records.append(TasteRecord(own, {start: window}, vector, "bench", now))
    Tastes(store).write(records)
    return keys


@contextmanager
def _process(settings: Settings, port: int) -> Iterator[None]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": settings.mongo.database,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "SEGUE_INDEX__FOLDER": settings.index.folder,
    }
    LOG.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "segue", "api", "serve"]
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--processes", str(PROCESSES)],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    with ended(process):
        wait_for_server(process, port, name="the API", log=LOG, seconds=_START_SECONDS)
        yield
