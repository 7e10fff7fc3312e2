"""Recordings of connected servers: as they come, and as files for steps that need the whole file.

`download` sends the file as it is and counts as no play there; a server or an account without it has
`stream`.

Delivery: a file enters the cache when it is complete. An interrupted transfer leaves nothing behind.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import httpx

from segue.audio.transcoding.cache import FileCache
from segue.catalog.lyrics import Lyrics
from segue.catalog.track_document import ServerSong
from segue.connected.client import OpenSubsonic, Pace
from segue.connected.connections import Connections
from segue.connected.faults import NoSuchThing, RefusedCall, ServerAway, UnexpectedAnswer
from segue.connected.log_ins import client_of, pace_of
from segue.connected.lyrics_there import lyrics_there
from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.store import Store

LARGEST = 2 << 30
"""Bytes of a recording."""
_LONGEST_SECONDS = 3600.0
"""A transfer that takes longer is ended."""
SLOWEST, _BEGINS_SECONDS = 16 << 10, 60.0
"""Bytes a second. A transfer that has been slower on average for so many seconds is ended: others wait."""
_AT_ONCE = 1000.0
_KNOWN_SECONDS = 30.0
"""How long a client is used before the connection is read again: its log-in may have been replaced."""
_LYRICS_SECONDS, _WITHOUT_LYRICS_SECONDS, _MOST_LYRICS = 3600.0, 300.0, 500


class Originals:
    """The recordings and the lyrics of all connected servers. Safe for use by several threads."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        *,
        per_second: float = _AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`per_second` bounds the calls of a server; somebody who listens does not wait for a turn."""
        self._per_second = per_second
        self._connections, self._settings, self._clock = Connections(store), settings, clock
        self._cache = FileCache(Path(settings.servers.folder), max_bytes=settings.servers.cache_size)
        self._clients: dict[str, tuple[float, bytes, OpenSubsonic]] = {}
        """By server: until when its log-in is believed, the log-in as it is stored, and the client."""
        self._without_download: set[str] = set()
        self._lyrics: dict[tuple[str, str], tuple[float, tuple[Lyrics, ...]]] = {}
        self._without_lyrics: dict[str, float] = {}
        """By server, until when it is not asked for lyrics: it did not answer, or knows none."""
        self._lock = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for _, _, client in self._clients.values():
                client.close()
            self._clients.clear()

    def lyrics(self, song: ServerSong) -> tuple[Lyrics, ...]:
        """The lyrics that a server has for a song; none if it does not answer, or knows none by ids.

        An answer is used again for :data:`_LYRICS_SECONDS`. A server that did not answer is left alone.
        """
        key, now = (song["connection"], song["song"]), self._clock()
        with self._lock:
            until, found = self._lyrics.get(key, (0.0, ()))
            if now < until or now < self._without_lyrics.get(key[0], 0.0):
                return found
        try:
            found = lyrics_there(self._client(key[0]), key[1])
        except NoSuchThing:
            found = ()
        except SegueError:
            with self._lock:
                self._without_lyrics[key[0]] = now + _WITHOUT_LYRICS_SECONDS
            return ()
        with self._lock:
            while len(self._lyrics) >= _MOST_LYRICS:
                del self._lyrics[next(iter(self._lyrics))]
            self._lyrics[key] = now + _LYRICS_SECONDS, found
        return found

    @contextmanager
    def opened(
        self, song: ServerSong, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[httpx.Response]:
        """The server's answer with a recording, before its bytes are read.

        Parameters
        ----------
        headers
            Of the request, such as `Range`.

        Raises
        ------
        ServerFault
            The server does not send it. If it has no such song, the catalogue is read again soon.
        SegueError
            The server is not connected any more, or its password cannot be decrypted.
        """
        client = self._client(song["connection"])
        try:
            with self._answer(client, song, headers) as answer:
                yield answer
        except NoSuchThing:
            self._connections.suspect(song["connection"])
            raise

    def file(self, song: ServerSong, *, size: int | None) -> Path:
        """A recording as a file, which the cache may remove after some time.

        Raises
        ------
        ServerFault, SegueError
            As for :meth:`opened`; the recording is too large.
        OSError
            The folder cannot be written to.
        """
        text = f"{song['connection']}\n{song['song']}\n{size}"
        name = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:40]
        name += PurePosixPath(song["path"]).suffix.lower()
        with self._lock:
            fetching = self._fetching.setdefault(name, threading.Lock())
        try:
            with fetching:
                return self._cache.find(name) or self._fetched(song, name)
        finally:
            with self._lock:
                self._fetching.pop(name, None)

    def _fetched(self, song: ServerSong, name: str) -> Path:
        began, largest = self._clock(), min(LARGEST, self._settings.servers.cache_size)
        with self.opened(song) as answer, self._cache.writing(name) as (part, reader):
            reader.close()
            announced, received = _announced_length(answer), 0
            if announced is not None and announced > largest:  # nobody could use it after the transfer
                raise UnexpectedAnswer(f"{song['connection']} sends a recording of {announced >> 20} MiB")
            with part.open("wb") as out:
                for piece in answer.iter_raw():
                    received += len(piece)
                    if received > LARGEST:
                        raise UnexpectedAnswer(
                            f"{song['connection']} sends a recording of more than {LARGEST >> 30} GiB"
                        )
                    seconds = self._clock() - began
                    if seconds > _LONGEST_SECONDS or (
                        seconds > _BEGINS_SECONDS and received < SLOWEST * seconds
                    ):
                        raise ServerAway(
                            f"{song['connection']} is too slow: {received} bytes of a recording "
                            f"in {seconds:.0f} s"
                        )
                    out.write(piece)
            if not received or announced not in (None, received):
                raise ServerAway(f"{song['connection']} sent {received} bytes of {announced or 'unknown'}")
        path = self._cache.find(name)
        if path is None:
            raise UnexpectedAnswer(f"a recording of {song['connection']} is larger than servers.cache_size")
        return path

    @contextmanager
    def _answer(
        self, client: OpenSubsonic, song: ServerSong, headers: Mapping[str, str] | None
    ) -> Iterator[httpx.Response]:
        if client.address not in self._without_download:
            opened = client.sound("download", {"id": song["song"]}, headers=headers)
            try:
                answer = opened.__enter__()
            except RefusedCall:  # the account may not download
                self._without_download.add(client.address)
            else:
                try:
                    yield answer
                finally:
                    opened.__exit__(None, None, None)
                return
        with client.sound("stream", {"id": song["song"], "format": "raw"}, headers=headers) as answer:
            yield answer

    def _client(self, name: str) -> OpenSubsonic:
        now = time.monotonic()
        with self._lock:
            until, stored, client = self._clients.get(name, (0.0, b"", None))
            if client is not None and now < until:
                return client
        connection = self._connections.of(name)
        if connection is None:
            raise NoSuchThing(f"{name} is not connected any more")
        log_in = bytes(connection["encrypted"])
        if client is None or stored != log_in or client.address != connection["address"]:
            # A player that waits is not served by four attempts.
            usual = pace_of(self._settings)
            pace = Pace(timeout=usual.timeout, per_second=self._per_second, attempts=1)
            # A former client is left to the requests that use it.
            client = client_of(connection, self._settings, pace=pace)
        with self._lock:
            self._clients[name] = now + _KNOWN_SECONDS, log_in, client
        return client


def _announced_length(answer: httpx.Response) -> int | None:
    """The bytes of a body by its header; None without a valid one."""
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
