"""Music apps as a load: many clients of the OpenSubsonic API, each with a connection that it keeps."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np

from segue.errors import SegueError

Call = tuple[str, dict[str, str]]
"""An endpoint and its parameters, without credentials."""
Choose = Callable[[random.Random], Call]
_ATTEMPTS = 2


@dataclass
class Timed:
    """The times of answered calls."""

    times: dict[str, list[float]] = field(default_factory=dict)
    """Seconds by endpoint."""
    failed: int = 0

    @property
    def answered(self) -> int:
        return sum(map(len, self.times.values()))

    def percentile(self, percent: float, name: str | None = None) -> float:
        """Milliseconds, of an endpoint or of all."""
        chosen = self.times.get(name, []) if name else [*itertools.chain(*self.times.values())]
        return float(np.percentile(chosen, percent)) * 1000 if chosen else float("nan")


class AppClient:
    """A client of a server on this machine. It reads answers, and does not parse them as an app would."""

    def __init__(self, port: int, credentials: dict[str, str]) -> None:
        self._port, self._credentials = port, {**credentials, "v": "1.16.1", "c": "bench", "f": "json"}
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, name: str, parameters: dict[str, str]) -> bytes:
        """The body of an answer."""
        query = urlencode({**self._credentials, **parameters})
        asked = f"GET /rest/{name}.view?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        for attempt in range(_ATTEMPTS):
            try:
                return await self._exchange(asked)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.close()
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    async def _exchange(self, asked: bytes) -> bytes:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(asked)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            raise SegueError("the server of the benchmark sends no Content-Length")
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def closed_loop(
    clients: Sequence[AppClient], choose: Choose, *, seconds: float, seed: int = 1
) -> Timed:
    """Each client sends its next call when the last is answered."""
    timed, end = Timed(), time.monotonic() + seconds

    async def run(client: AppClient, rng: random.Random) -> None:
        while time.monotonic() < end:
            await _one(client, choose(rng), timed)

    await asyncio.gather(*(run(client, random.Random(seed * 10_000 + n)) for n, client in enumerate(clients)))
    return timed


async def steady(
    clients: Sequence[AppClient], choose: Choose, *, every: float, seconds: float, seed: int = 2
) -> Timed:
    """Each client sends a call every so many seconds, from staggered starts.

    A time counts from the moment at which the call was due, so that a server that falls behind shows it.
    """
    timed, begin = Timed(), time.monotonic()

    async def run(client: AppClient, number: int) -> None:
        rng = random.Random(seed * 10_000 + number)
        due = begin + every * number / len(clients)
        while due < begin + seconds:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await _one(client, choose(rng), timed, since=due)
            due += every

    await asyncio.gather(*(run(client, n) for n, client in enumerate(clients)))
    return timed


async def _one(client: AppClient, call: Call, timed: Timed, *, since: float | None = None) -> None:
    name, parameters = call
    began = time.monotonic() if since is None else since
    body = await client.call(name, parameters)
    timed.times.setdefault(name, []).append(time.monotonic() - began)
    timed.failed += b'"status":"ok"' not in body.replace(b'": "', b'":"')
