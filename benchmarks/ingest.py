"""The ingest of a library of FMA's size, beside mutagen alone, and a second run that finds no change.

Both read the same mp3 files, with the tags that MusicBrainz Picard writes, from the page cache. mutagen is
one process that opens each file and takes the values of its tags. The ingest also checks lengths, divides
artists, looks for covers, and writes the tracks to a MongoDB on the same machine.

"""

from __future__ import annotations

import io
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import imageio_ffmpeg
import mutagen
from mutagen.id3 import ID3, TXXX, UFID, Frames
from rich.console import Console

from segue.batch_jobs import ingest_catalog
from segue.benchmarks.bars import track
from segue.benchmarks.catalogue import FMA
from segue.benchmarks.usage import Usage, used
from segue.catalog.tracks import Tracks
from segue.collections import prepare
from segue.errors import SegueError
from segue.local.mongod import Mongod
from segue.places import LOCAL
from segue.settings import load_settings
from segue.storage.store import Job, Store, open_store

QUICK = 4_000
TRACKS_OF_ALBUM, ALBUMS_OF_ARTIST = 12, 3
SECONDS = 3
"""Length of each file; the tags are at its beginning, so that a longer one is read as quickly."""


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Files per second of the ingest and of mutagen, and the time of a second ingest."""
    return compare(QUICK if quick else FMA, console=console)


def compare(files: int, *, console: Console) -> dict[str, float | bool]:
    """Ingest `files` files between two runs of mutagen, whose mean is the baseline.

    Raises
    ------
    SegueError
        The catalogue does not have the tags that were written, or the second run changed something.
    """
    (LOCAL / "bench").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LOCAL / "bench") as temporary:
        music = Path(temporary) / "music"
        paths = _compose(music, files)
        with own_store(Path(temporary)) as store, _plain_reader(paths[:100]) as read_plainly:
            with console.status("Reading with mutagen"):
                read_plainly(paths)  # warm-up: the files get into the page cache
                before = read_plainly(paths)
            with console.status(f"Ingest of {files:,} files"):
                first = _ingest(store, music, unchanged=0)
            _check(store, files)
            with console.status("Second ingest"):
                second = _ingest(store, music, unchanged=files)
            with console.status("Reading with mutagen"):
                after = read_plainly(paths)
    plain_s, plain_cpu_s = (before.seconds + after.seconds) / 2, (before.cpu_s + after.cpu_s) / 2
    return {
        "files": files,
        "files_per_s": files / first.seconds,
        "mutagen_files_per_s": files / plain_s,
        "ratio_to_mutagen": plain_s / first.seconds,
        "ratio_to_mutagen_cpu": 2 * plain_cpu_s / first.cpu_s,
        "cpu_ms_per_file": first.cpu_s / files * 1e3,
        "mutagen_cpu_ms_per_file": plain_cpu_s / files * 1e3,
        "ingest_s": first.seconds,
        "unchanged_s": second.seconds,
        "unchanged_cpu_s": second.cpu_s,
    }


def _compose(folder: Path, files: int) -> list[str]:
    """Write tagged files that share their sound; returns their paths."""
    folder.mkdir(parents=True)
    sound = folder.with_suffix(".mp3")  # a file, since ffmpeg cannot complete the header of a pipe
    source = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}:sample_rate=44100"]
    target = ["-b:a", "64k", "-write_id3v2", "0", str(sound)]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", *source, *target], check=True)
    frames = sound.read_bytes()
    paths = []
    for number in track(range(files), description=f"Writing {files:,} files"):
        place = folder / _artist(number) / _album(number)
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{number % TRACKS_OF_ALBUM + 1:02d} {_title(number)}.mp3"
        path.write_bytes(_tags(number) + frames)
        paths.append(str(path))
    return paths


def _artist(number: int) -> str:
    return f"Artist {number // (TRACKS_OF_ALBUM * ALBUMS_OF_ARTIST)}"


def _album(number: int) -> str:
    return f"Album {number // TRACKS_OF_ALBUM}"


def _title(number: int) -> str:
    return f"Song {number}"


def _tags(number: int) -> bytes:
    """The tags as Picard writes them by default, without a picture."""
    artist, album, year = _artist(number), _album(number), str(1970 + number % 50)
    frames = {
        "TIT2": _title(number), "TPE1": artist, "TPE2": artist, "TALB": album, "TSOP": artist, "TSO2": artist,
        "TRCK": f"{number % TRACKS_OF_ALBUM + 1}/{TRACKS_OF_ALBUM}", "TPOS": "1/1", "TCON": "Rock",
        "TDRC": year, "TDOR": year, "TMED": "CD", "TPUB": "Label", "TSRC": f"XX{number:010d}",
    }  # fmt: skip
    own, of_album, of_artist = _uuid("track", _title(number)), _uuid("album", album), _uuid("artist", artist)
    free = {
        "MusicBrainz Album Id": of_album, "MusicBrainz Artist Id": of_artist,
        "MusicBrainz Album Artist Id": of_artist, "MusicBrainz Release Group Id": of_album,
        "MusicBrainz Release Track Id": own, "MusicBrainz Album Type": "album",
        "MusicBrainz Album Status": "official", "MusicBrainz Album Release Country": "XW",
        "Artists": artist, "SCRIPT": "Latn", "ASIN": "B000000000", "BARCODE": "000000000000",
        "CATALOGNUMBER": "1", "originalyear": year, "REPLAYGAIN_TRACK_GAIN": "-6.50 dB",
        "REPLAYGAIN_TRACK_PEAK": "0.988", "REPLAYGAIN_ALBUM_GAIN": "-6.20 dB",
        "REPLAYGAIN_ALBUM_PEAK": "0.999",
    }  # fmt: skip
    tags = ID3()
    for name, text in frames.items():
        tags.add(Frames[name](encoding=3, text=[text]))
    for name, text in free.items():
        tags.add(TXXX(encoding=3, desc=name, text=[text]))
    tags.add(UFID(owner="http://musicbrainz.org", data=own.encode()))
    written = io.BytesIO()
    tags.save(written)
    return written.getvalue()


def _uuid(kind: str, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{name}"))


@contextmanager
def own_store(folder: Path) -> Iterator[Store]:
    """An empty catalogue in a separate MongoDB."""
    server = Mongod(folder / "mongod")
    try:
        settings = load_settings()
        mongo = settings.mongo.model_copy(update={"uri": server.start(), "database": "bench"})
        store = open_store(settings.model_copy(update={"mongo": mongo}))
        prepare(store, Job.CATALOGUE)
        yield store
    finally:
        server.stop()


@contextmanager
def _plain_reader(first: Sequence[str]) -> Iterator[Callable[[Sequence[str]], Usage]]:
    """mutagen in a new process, warmed up with the first files."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pool.submit(_read_plainly, first).result()
        yield lambda paths: pool.submit(_read_plainly, paths).result()


def _read_plainly(paths: Sequence[str]) -> Usage:
    began, cpu = time.perf_counter(), time.process_time()
    for path in paths:
        audio = mutagen.File(path)
        if audio is None or not audio.info.length or not [str(value) for value in audio.tags.values()]:
            raise SegueError(f"mutagen does not read {path}")
    return Usage(seconds=time.perf_counter() - began, cpu_s=time.process_time() - cpu)


def _ingest(store: Store, music: Path, *, unchanged: int) -> Usage:
    with used() as usage:
        summary = ingest_catalog.run(store, music, quiet=True)
    if summary.unchanged != unchanged or summary.rejected or summary.vanished:
        raise SegueError(f"the ingest is wrong: {summary}")
    return usage


def _check(store: Store, files: int) -> None:
    """Compare the catalogue with the written tags."""
    found = sorted((entry.title, entry.artist, entry.album) for entry in Tracks(store).searchable())
    written = ((_title(n), _artist(n), _album(n)) for n in range(files))
    if found != sorted(written):
        raise SegueError("the catalogue does not have the tags that were written")
