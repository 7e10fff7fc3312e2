"""The time of a page of all artists or all albums, and of the tracks of an album."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
from rich.console import Console

from segue.benchmarks.catalogue import FMA, composed_track
from segue.benchmarks.ingest import own_store
from segue.catalog.albums import AlbumOrder, Albums
from segue.catalog.artists import ArtistOrder, Artists
from segue.catalog.browsed_tracks import BrowsedTracks
from segue.catalog.gathering import gather
from segue.catalog.track import Track, TrackDetails
from segue.catalog.tracks import Tracks
from segue.collections import prepare
from segue.places import LOCAL
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
            Tracks(store).add(map(_track, range(tracks)))
        with console.status("Gathering albums and artists"):
            began = time.perf_counter()
            gather(store)
            gathered_s = time.perf_counter() - began
        artists, albums, songs = Artists(store), Albums(store), BrowsedTracks(store)
        rng = random.Random(SEED)
        counts = artists.count(), albums.count()
        ids = [album["_id"] for album in albums.listed(by="name", limit=counts[1])]
        with console.status("Reading pages"):
            of_artists = _times(
                [
                    partial(artists.page, by=by, limit=PAGE, after=after)
                    for by in get_args(ArtistOrder)
                    for after in _places(counts[0], calls, rng)
                ]
            )
            of_albums = _times(
                [
                    partial(albums.page, by=by, limit=PAGE, after=after)
                    for by in get_args(AlbumOrder)
                    for after in _places(counts[1], calls, rng)
                ]
            )
            of_album = _times([partial(songs.on_album, own, limit=PAGE) for own in rng.choices(ids, k=calls)])
    return {
        "tracks": tracks,
        "artists": counts[0],
        "albums": counts[1],
        "gathered_s": gathered_s,
        **_percentiles("artists", of_artists),
        **_percentiles("albums", of_albums),
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


def _places(count: int, calls: int, rng: random.Random) -> list[int]:
    """The beginnings of pages, spread over a whole list."""
    return [PAGE * rng.randrange(max(1, count // PAGE)) for _ in range(calls)]


def _times(calls: Sequence[Callable[[], object]]) -> list[float]:
    found = []
    for call in calls:
        began = time.perf_counter()
        call()
        found.append(1000 * (time.perf_counter() - began))
    return found


def _percentiles(name: str, times: Sequence[float]) -> dict[str, float]:
    return {f"{name}_p{share}_ms": float(np.percentile(times, share)) for share in (50, 99)}
