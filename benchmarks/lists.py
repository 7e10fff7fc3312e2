"""The time of a page of all artists, albums or songs, and of the tracks of an album."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
from rich.console import Console

from segue.benchmarks.catalogue import FMA, composed_track
from segue.benchmarks.ingest import own_store
from segue.catalog.albums import AlbumOrder, Albums
from segue.catalog.artists import ArtistOrder, Artists
from segue.catalog.browsed_tracks import BrowsedTracks, SongOrder
from segue.catalog.gathering import gather
from segue.catalog.track import Track, TrackDetails
from segue.catalog.track_files import TrackFiles
from segue.collections import prepare
from segue.places import LOCAL
from segue.processor_time import processor_time
from segue.storage.keyset import Page, Place
from segue.storage.store import Job

QUICK = 20_000
TRACKS_OF_ALBUM, ALBUMS_OF_ARTIST = 10.66, 3
"""10,000 albums at FMA's size."""
PAGE = 100
SEED = 5


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Times of single pages, one after another, from the first to the last of each order."""
    tracks, calls = (QUICK, 100) if quick else (FMA, 400)
    (LOCAL / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL / "bench") as folder, own_store(Path(folder)) as store:
        prepare(store, Job.DASHBOARD)  # which makes the indexes
        with console.status(f"Writing {tracks:,} composed tracks"):
            TrackFiles(store).add(map(_track, range(tracks)))
        with console.status("Gathering albums and artists"):
            began = time.perf_counter()
            gather(store)
            gathered_s = time.perf_counter() - began
        artists, albums, songs = Artists(store), Albums(store), BrowsedTracks(store)
        rng = random.Random(SEED)
        counts = artists.count(), albums.count()
        ids = [album["_id"] for album in albums.listed(by="name", limit=counts[1])]
        with console.status("Reading pages"):
            began_cpu = processor_time(os.getpid())
            of_artists = [_walked(partial(artists.page, by=by, limit=PAGE)) for by in get_args(ArtistOrder)]
            of_albums = [_walked(partial(albums.page, by=by, limit=PAGE)) for by in get_args(AlbumOrder)]
            of_songs = [_walked(partial(songs.page, by=by, limit=PAGE)) for by in get_args(SongOrder)]
            cpu_s = processor_time(os.getpid()) - began_cpu
            pages = sum(map(len, chain(of_artists, of_albums, of_songs)))
            of_album = _times([partial(songs.on_album, own, limit=PAGE) for own in rng.choices(ids, k=calls)])
    return {
        "tracks": tracks,
        "artists": counts[0],
        "albums": counts[1],
        "gathered_s": gathered_s,
        **_percentiles("artists", list(chain(*of_artists))),
        **_percentiles("albums", list(chain(*of_albums))),
        **_percentiles("songs", list(chain(*of_songs))),
        "songs_end_ratio": _end_ratio(of_songs),
        "cpu_ms": 1000 * cpu_s / pages,
        **_percentiles("album", of_album),
    }


def _track(number: int) -> Track:
    album = int(number / TRACKS_OF_ALBUM)
    artist = f"Artist {album // ALBUMS_OF_ARTIST}"
    return composed_track(
        number,
        artist=artist,
        album=f"Album {album}",
        track=number % 12 + 1,
        year=1970 + album % 50,
        genres=(f"Genre {album % 40}",),
        path=f"/nowhere/{artist}/Album {album}/{number}.flac",
        details=TrackDetails(artists=(artist,), album_artists=(artist,)),
    )


def _walked(page: Callable[..., Page[Any]]) -> list[float]:
    """The times of all pages of a list in milliseconds, from the first to the last."""
    times: list[float] = []
    after: Place | None = None
    while True:
        began = time.perf_counter()
        found = page(after=after)
        times.append(1000 * (time.perf_counter() - began))
        if not found.more:
            return times
        last = found[-1]
        own = last["_id"] if isinstance(last, Mapping) else last.track_id
        after = Place(own, PAGE * len(times))


def _end_ratio(orders: Sequence[Sequence[float]]) -> float:
    """The median time of a page in the last tenth of a list, in relation to one in the first tenth."""
    tenths = [max(1, len(times) // 10) for times in orders]
    first = [time for times, n in zip(orders, tenths, strict=True) for time in times[1 : 1 + n]]
    last = [time for times, n in zip(orders, tenths, strict=True) for time in times[-n:]]
    return float(np.median(last) / np.median(first))


def _times(calls: Sequence[Callable[[], object]]) -> list[float]:
    found = []
    for call in calls:
        began = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - began))
    return found


def _percentiles(name: str, times: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p{share}_ms": float(np.percentile(times, share)) for share in (50, 99)}
