"""Supysonic, another server of the protocol, as the baseline of a benchmark.

It is licensed under the AGPL. So it is not a dependency and nothing of it is imported: the benchmark runs its
programs from a virtual environment of the user's, and fills its SQLite database by SQL.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from segue.benchmarks.processes import ended, wait_for_server
from segue.catalog.track import Track
from segue.errors import SegueError

USER = {"u": "bench", "p": "bench"}
_THREADS = 8
_START_SECONDS = 60


@contextmanager
def peer(
    environment: Path, folder: Path, tracks: Iterable[Track], *, port: int, processes: int
) -> Iterator[None]:
    """Run the server with a catalogue.

    Parameters
    ----------
    environment
        A virtual environment with the packages supysonic and gunicorn.
    folder
        An empty folder for its files.

    Raises
    ------
    SegueError
        Its programs are not there, or it does not start.
    """
    programs = environment / "bin"
    if not (programs / "supysonic-server").is_file():
        raise SegueError(f"{environment} has no supysonic-server: install supysonic and gunicorn there")
    database = folder / "peer.db"
    (folder / "supysonic.conf").write_text(
        f"[base]\ndatabase_uri = sqlite:///{database}\n[webapp]\ncache_dir = {folder}\n"
        f"[daemon]\nsocket = {folder / 'daemon'}\n"
    )
    own = {**os.environ, "HOME": str(folder), "PYTHONPATH": ""}
    command = [str(programs / "supysonic-cli"), "user", "add", USER["u"], "-p", USER["p"]]
    subprocess.run(command, cwd=folder, env=own, check=True, stdout=subprocess.DEVNULL)
    _fill(database, tracks)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                *(programs / "supysonic-server", "-S", "gunicorn", "-h", "127.0.0.1", "-p", str(port)),
                *("--processes", str(processes), "--threads", str(_THREADS)),
            ],
            cwd=folder,
            env=own,
            stdout=log,
            stderr=log,
        )
    with ended(server, seconds=10):
        wait_for_server(server, port, name="supysonic", log=folder / "log", seconds=_START_SECONDS)
        yield


def _fill(database: Path, tracks: Iterable[Track]) -> None:
    """Write a catalogue in the shape of a scanned folder: a folder for each album."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    artists: dict[str, str] = {}
    albums: dict[tuple[str, str], tuple[str, int]] = {}
    folders: list[tuple[object, ...]] = [(1, True, "music", "/music", _digest("/music"), now, None)]
    rows = []
    for number, track in enumerate(tracks):
        name, title = track.artist or "", track.album or ""
        artist = artists.setdefault(name, uuid.uuid4().hex)
        if (name, title) not in albums:
            place, path = len(folders) + 1, f"/music/{len(folders)}"
            albums[name, title] = uuid.uuid4().hex, place
            folders.append((place, False, title, path, _digest(path), now, 1))
        album, folder = albums[name, title]
        path, genre = f"/music/{folder}/{number}.mp3", track.genres[0] if track.genres else None
        seconds = (track.duration_ms or 0) // 1000
        rows.append(
            (
                *(uuid.uuid4().hex, 1, number % 12 + 1, track.title, 2000, genre, seconds, False, album),
                *(artist, 192, path, _digest(path), now, 1, 0, None, 1, folder),
            )
        )
    with sqlite3.connect(database) as connection:
        connection.executemany("INSERT INTO folder VALUES (?,?,?,?,?,?,NULL,0,?)", folders)
        connection.executemany(
            "INSERT INTO artist VALUES (?,?)", ((own, name) for name, own in artists.items())
        )
        connection.executemany(
            "INSERT INTO album VALUES (?,?,?)",
            ((own, title, artists[name]) for (name, title), (own, _) in albums.items()),
        )
        connection.executemany(f"INSERT INTO track VALUES ({','.join('?' * 19)})", rows)
    connection.close()


def _digest(path: str) -> bytes:
    return hashlib.sha1(path.encode(), usedforsecurity=False).digest()
