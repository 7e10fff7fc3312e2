"""The speed of the pages while the same process streams lossless sound to many listeners."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
from rich.console import Console
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect as connect_socket

from segue.benchmarks.catalogue import composed_track, track_id
from segue.benchmarks.processes import ended, wait_for_server
from segue.catalog.tracks import Tracks
from segue.dashboard.serve import serve_app
from segue.errors import SegueError
from segue.local import stack
from segue.local.process import free_port
from segue.models.versions import Models
from segue.places import LOCAL, ROOT
from segue.settings import load_settings
from segue.storage.mongo import connect
from segue.storage.store import Store

STREAMS = 50
TRACKS = 106_574
"""Tracks of the Free Music Archive's full set."""
RATE = 44_100 * 2 * 2
"""Bytes per second of CD audio: more than any usual format on the web."""
AHEAD = 5.0
"""Seconds of sound that a player buffers before it plays."""
FOLDER = LOCAL / "bench"
LOG = FOLDER / "player.log"


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The figures without streams and with all streams, from the same server; each page has a new session."""
    seconds = 10.0 if quick else 60.0
    with _served(seconds=seconds, console=console) as (address, process):
        return asyncio.run(_measure(address, process, seconds=seconds, console=console))


async def _measure(
    address: str, process: psutil.Process, *, seconds: float, console: Console
) -> dict[str, float | bool]:
    await _watch_pages(address, seconds=5.0)
    idle = await _watch_pages(address, seconds=seconds)
    memory = process.memory_info().rss
    streams = [_Stream(number) for number in range(STREAMS)]
    async with asyncio.TaskGroup() as group:
        for stream in streams:
            group.create_task(stream.listen(address, seconds=seconds + AHEAD))
        busy = await _watch_pages(address, seconds=seconds)
    grown = (process.memory_info().rss - memory) / 1e6
    again = await _watch_pages(address, seconds=seconds)
    console.print(f"{len(idle)}, {len(busy)} and {len(again)} pages drawn without, with and without streams")
    baseline = np.concatenate([idle, again])
    return {
        "streams": STREAMS,
        "mb_per_second": sum(stream.heard for stream in streams) / 1e6 / (seconds + AHEAD),
        "streams_that_stalled": sum(stream.stalled for stream in streams),
        "page_p50_ms": float(np.percentile(busy, 50)),
        "page_p95_ms": float(np.percentile(busy, 95)),
        "idle_page_p50_ms": float(np.percentile(baseline, 50)),
        "idle_page_p95_ms": float(np.percentile(baseline, 95)),
        "idle_spread_ms": float(abs(np.median(idle) - np.median(again))),
        "memory_grown_mb": grown,
    }


@dataclass
class _Stream:
    """A listener who reads a file at its playing speed."""

    number: int
    heard: int = 0
    """Bytes."""
    stalled: bool = False
    """Whether playback would have stalled."""
    pieces: list[int] = field(default_factory=list)

    async def listen(self, address: str, *, seconds: float) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=30) as client:
            await client.get("/", headers={"accept": "text/html"})
            ticket = (await client.get(f"/api/tickets/{track_id(self.number)}")).json()
            await asyncio.sleep(AHEAD * self.number / STREAMS)  # staggered starts
            began = time.monotonic()
            async with client.stream("GET", ticket["url"], headers={"range": "bytes=0-"}) as answer:
                if answer.status_code != 206:
                    raise SegueError(f"the request for sound returned {answer.status_code}: see {LOG}")
                async for piece in answer.aiter_raw():
                    self.heard += len(piece)
                    lead = self.heard / RATE - (time.monotonic() - began)
                    self.stalled |= lead < -AHEAD
                    if time.monotonic() - began > seconds:
                        return
                    await asyncio.sleep(max(0.0, lead - AHEAD))


async def _watch_pages(address: str, *, seconds: float) -> np.ndarray:
    """Milliseconds of each rendering of the first page, one after another, for `seconds`."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        times.append(await _draw(address))
        await asyncio.sleep(0.1)
    return np.array(times)


async def _draw(address: str) -> float:
    """Milliseconds from the request of a new visitor to the end of the first page's script."""
    began = time.perf_counter()
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        page = await client.get("/", headers={"accept": "text/html"})
        cookie = page.headers["set-cookie"].partition(";")[0]
    socket = address.replace("http", "ws", 1) + "/_stcore/stream"
    message = BackMsg()
    message.rerun_script.query_string = ""
    async with connect_socket(socket, additional_headers={"Cookie": cookie}, max_size=None) as connection:
        await connection.send(message.SerializeToString())
        async for answer in connection:
            forwarded = ForwardMsg.FromString(answer if isinstance(answer, bytes) else answer.encode())
            if forwarded.WhichOneof("type") == "script_finished":
                return 1000 * (time.perf_counter() - began)
    raise SegueError(f"the page was not rendered to its end: see {LOG}")


@contextmanager
def _served(*, seconds: float, console: Console) -> Iterator[tuple[str, psutil.Process]]:
    """Run the dashboard with a separate database; yields its address and process."""
    base = load_settings()
    # The benchmark sends no plays and needs no broker.
    away = base.kafka.model_copy(update={"bootstrap_servers": base.kafka.bootstrap_servers or "127.0.0.1:9"})
    base = stack.up(base.model_copy(update={"kafka": away}))
    name = f"bench_{uuid.uuid4().hex[:8]}"
    settings = base.model_copy(update={"mongo": base.mongo.model_copy(update={"database": name})})
    database = connect(settings.mongo)
    with console.status("Writing sounds and a catalogue"):
        fill(Store(database), sound(seconds + 3 * AHEAD))
    port = free_port(8700)
    own = {
        "PYTHONPATH": str(ROOT),
        "SEGUE_MONGO__URI": settings.mongo.uri,
        "SEGUE_MONGO__DATABASE": name,
        "SEGUE_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
    }
    try:
        with dashboard(port, own) as served:
            yield served
    finally:
        database.client.drop_database(name)


@contextmanager
def dashboard(port: int, environment: Mapping[str, str]) -> Iterator[tuple[str, psutil.Process]]:
    """A dashboard in a process of its own with these variables; yields its address and the process."""
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "segue.benchmarks.player_streams", str(port)],
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    with ended(process):
        wait_for_server(process, port, name="the dashboard", log=LOG, seconds=120)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)


def sound(seconds: float) -> Path:
    """A file of noise in CD quality; all listeners hear the same file."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / "noise.wav"
    noise = np.random.default_rng(1).integers(-3000, 3000, (44_100, 2), dtype=np.int16).tobytes()
    with wave.open(str(file), "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(44_100)
        for _ in range(int(seconds) + 1):
            writer.writeframes(noise)
    return file


def fill(store: Store, file: Path) -> None:
    """Write a catalogue whose tracks all have the same recording, and a selection for new listeners."""
    Tracks(store).write(
        composed_track(
            number,
            title=f"Song {number}",
            artist=f"Artist {number // 8}",
            album=f"Album {number // 8}",
            genres=(f"Genre {number % 32}",),
            path=str(file),
            modified_ns=number,
        )
        for number in range(TRACKS)
    )
    start = [track_id(number) for number in range(0, TRACKS, TRACKS // 40)]
    models = Models(store)
    models.put("index", "v1", {"manifest": {"count": TRACKS}, "cold_start": start})
    models.activate("index", "v1")


if __name__ == "__main__":
    settings = load_settings()
    serve_app(settings, listener=socket.create_server((settings.dashboard.host, int(sys.argv[1]))))
