"""The service that converts recordings: a fixed number of processes, a limited queue, and a cache.

Clients that want the same conversion share it, and may read the result while it is written. A conversion that
no client waits for any more is ended.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO, Self

from segue.audio.errors import AudioError, Undecodable
from segue.audio.transcoding.cache import FileCache
from segue.audio.transcoding.encoder import Conversion, encode, fingerprint
from segue.errors import SegueError
from segue.settings import TranscodingSettings

log = logging.getLogger(__name__)

FORMAT = 1
"""The version of the encoders' options: part of the names in the cache."""


class Busy(SegueError):  # a state, not a fault
    """The queue is full, or its owner has as many conversions as one may have."""


class NoRoom(Busy):
    """The folder of the cache cannot be written to, as on a full disk; the log has the cause."""


class _Job:
    def __init__(self, conversion: Conversion, name: str, owner: str) -> None:
        self.conversion, self.name, self.owner = conversion, name, owner
        self.handles = 0
        self.reader: IO[bytes] | None = None
        self.ended = False
        self.error: AudioError | Busy | None = None


class Reading:
    """A client's view of a conversion. Close it: a conversion without readers is ended."""

    def __init__(self, service: Transcoder, job: _Job) -> None:
        self._service, self._job, self._open = service, job, True

    @property
    def has_ended(self) -> bool:
        """Whether nothing is added any more; look at it before reading, not after."""
        return self._job.ended

    @property
    def error(self) -> AudioError | Busy | None:
        """Why the conversion has failed; None if it has not."""
        return self._job.error

    def read(self, at: int, size: int) -> bytes:
        """At most `size` bytes from a place; none if they are not written yet."""
        reader = self._job.reader
        return os.pread(reader.fileno(), size, at) if reader is not None else b""

    def close(self) -> None:
        """Tell the service that this client wants no more."""
        if self._open:
            self._open = False
            self._service._leave(self._job)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Transcoder:
    """Converts recordings; safe for use by several threads. Its threads start with the first conversion."""

    def __init__(
        self, settings: TranscodingSettings, *, count: Callable[[str], None] = lambda result: None
    ) -> None:
        """`count` is called with "cached", "shared", "converted", "failed", "abandoned" or "refused"."""
        self.settings, self._count = settings, count
        self._cache = FileCache(Path(settings.folder), max_bytes=settings.max_cache_size)
        self._timeout = settings.timeout.total_seconds()
        self._changed = threading.Condition()
        self._jobs: dict[str, _Job] = {}
        self._queue: deque[_Job] = deque()
        self._threads: list[threading.Thread] = []
        self._closing = False

    def find(self, conversion: Conversion) -> Path | None:
        """The finished file of a conversion, if the cache has it.

        Raises
        ------
        Undecodable
            The recording is missing.
        """
        path = self._cache.find(_name(conversion))
        if path is not None:
            self._count("cached")
        return path

    def join(self, conversion: Conversion, *, owner: str) -> Reading:
        """Wait for a conversion, which begins if it does not run yet.

        Parameters
        ----------
        owner
            The listener who asks: each may have `max_per_listener` conversions at a time.

        Raises
        ------
        Busy
            There is no room for it now.
        Undecodable
            The recording is missing.
        """
        name = _name(conversion)
        with self._changed:
            job = self._jobs.get(name)
            if job is not None:
                self._count("shared")
            else:
                own = sum(other.owner == owner for other in self._jobs.values())
                full = len(self._jobs) >= self._most + self.settings.max_waiting
                if full or own >= self.settings.max_per_listener or self._closing:
                    self._count("refused")
                    raise Busy("too many recordings are being converted: try again in a moment")
                job = self._jobs[name] = _Job(conversion, name, owner)
                self._queue.append(job)
                self._start_threads()
            job.handles += 1
            self._changed.notify_all()
        return Reading(self, job)

    @property
    def _most(self) -> int:
        return self.settings.processes

    @property
    def waiting(self) -> int:
        """The number of conversions in the queue."""
        return len(self._queue)

    @property
    def running(self) -> int:
        """The number of conversions in progress."""
        return len(self._jobs) - len(self._queue)

    def cache_size(self) -> int:
        """The bytes of the cache."""
        return self._cache.size()

    def close(self) -> None:
        """End all conversions and wait for their processes."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _start_threads(self) -> None:
        if not self._threads:
            self._cache.shrink()  # removes the left-over files of a killed process
        while len(self._threads) < min(self._most, len(self._jobs)):
            number = len(self._threads) + 1
            thread = threading.Thread(target=self._work, name=f"transcoding-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    for job in self._queue:
                        self._end(job, Undecodable("not-encoded", "the service has ended"))
                    self._queue.clear()
                    return
                job = self._queue.popleft()
            error: AudioError | Busy | None = None
            try:
                done = self._convert(job)
            except AudioError as failure:
                error, done = failure, False
            except OSError as failure:
                log.error("the cache of converted recordings cannot be used: %s", failure)
                error, done = NoRoom("recordings cannot be converted now: try again in a moment"), False
            except Exception as failure:
                log.exception("converting %s failed", job.conversion.path)
                error, done = Undecodable("not-encoded", str(failure)), False
            with self._changed:
                self._end(job, error)
            self._count("failed" if error else "converted" if done else "abandoned")
            if isinstance(error, AudioError):
                log.warning(
                    "cannot convert %s to %s: %s", job.conversion.path, job.conversion.form.name, error
                )

    def _convert(self, job: _Job) -> bool:
        """Run ffmpeg; False if all clients have left."""
        try:
            with self._cache.writing(job.name) as (part, reader):
                with self._changed:
                    job.reader = reader
                done = encode(
                    job.conversion,
                    part,
                    max_bytes=self.settings.max_cache_size,
                    timeout=self._timeout,
                    wanted=lambda: job.handles > 0 and not self._closing,
                )
                if not done:
                    raise _AbandonedError
        except _AbandonedError:
            return False
        return True

    def _leave(self, job: _Job) -> None:
        with self._changed:
            job.handles -= 1
            if job.handles:
                return
            if job in self._queue:
                self._queue.remove(job)
                self._count("abandoned")
                self._end(job, None)
            elif job.ended:
                _close(job)
            elif self._jobs.get(job.name) is job:
                # The process is ended soon; a client that comes until then starts another one.
                self._jobs[f"{job.name} ending {id(job)}"] = self._jobs.pop(job.name)

    def _end(self, job: _Job, error: AudioError | Busy | None) -> None:
        job.error, job.ended = error, True
        for name in [name for name, other in self._jobs.items() if other is job]:
            del self._jobs[name]
        if not job.handles:
            _close(job)


class _AbandonedError(Exception):
    pass


def _close(job: _Job) -> None:
    if job.reader is not None:
        job.reader.close()
        job.reader = None


def _name(conversion: Conversion) -> str:
    """The name of a conversion's file in the cache."""
    try:
        parts = fingerprint(conversion)
    except OSError as error:
        raise Undecodable("missing", error.strerror or str(error)) from None
    digest = hashlib.sha256("\n".join((str(FORMAT), *parts)).encode()).hexdigest()
    return f"{digest[:40]}{conversion.form.suffix}"
