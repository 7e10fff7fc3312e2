"""Players that post events over the dashboard's routes, and keep and repeat them as the browser does.

The rules are those of dashboard/player/engine/outbox.js: an event stays until the server lists its id as
taken or refused; after an error the pause doubles, up to thirty seconds.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from segue.benchmarks.catalogue import track_id
from segue.people.login_sessions import COOKIE

AT_ONCE = 50
"""Events of a request."""
LONGEST_PAUSE = 30.0
_DURATION_MS = 200_000


@dataclass(frozen=True)
class Sent:
    """An event that a player has created."""

    token: str
    """Of the player's log-in session."""
    track_id: str
    kind: str
    occurred_at: int
    """Epoch ms."""


@dataclass
class Ledger:
    """The events that the server has acknowledged or refused, by event id."""

    file: Path
    """Each acknowledged event, a line of JSON, so that the ledger survives the benchmark."""
    acknowledged: dict[str, Sent] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unanswered: int = 0
    """Requests that ended with an error or another status than 200."""

    def acknowledge(self, event_id: str, sent: Sent) -> None:
        self.acknowledged[event_id] = sent
        with self.file.open("a") as file:
            file.write(json.dumps({"event_id": event_id, **vars(sent)}) + "\n")


class Players:
    """Several players in a thread, until :meth:`stop`."""

    def __init__(self, address: str, *, number: int, tracks: int, seed: int, ledger: Ledger) -> None:
        self._address, self._tracks, self._ledger = address, tracks, ledger
        self._seeds = [seed * 1000 + n for n in range(number)]
        self._quiet = threading.Event()
        self._outboxes: list[_Outbox] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()), name="players", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, *, patience: float) -> int:
        """Create no more events, and send the waiting ones for up to `patience` seconds.

        Returns
        -------
        int
            The number of events for which the server has not answered.
        """
        self._quiet.set()
        self._thread.join(patience)
        return sum(len(outbox.waiting) for outbox in self._outboxes)

    async def _all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for seed in self._seeds:
                group.create_task(self._listen(random.Random(seed)))

    async def _listen(self, rng: random.Random) -> None:
        """A listener's visits: each has a new guest, who plays every track at most once."""
        while not self._quiet.is_set():
            async with httpx.AsyncClient(base_url=self._address, timeout=60) as client:
                token = await self._visit(client)
                outbox = _Outbox(client, self._ledger, token)
                self._outboxes.append(outbox)
                for kind, track in _plays(rng, self._tracks):
                    if self._quiet.is_set():
                        break
                    outbox.add(kind, track)
                    await asyncio.sleep(rng.uniform(0.5, 1.5))
                    await outbox.flush()
                while outbox.waiting:
                    await asyncio.sleep(0.1)
                    await outbox.flush()

    async def _visit(self, client: httpx.AsyncClient) -> str:
        """Open the first page until it answers; returns the token of the guest's session."""
        while True:
            try:
                page = await client.get("/", headers={"accept": "text/html"})
                if page.status_code == 200 and (token := client.cookies.get(COOKIE)):
                    return token
            except httpx.HTTPError:
                pass
            await asyncio.sleep(1.0)


def _plays(rng: random.Random, tracks: int) -> Iterator[tuple[str, str]]:
    """(event type, track), each pair once: a start, an end, and sometimes a like."""
    for number in rng.sample(range(tracks), tracks):
        yield "play", track_id(number)
        yield rng.choices(["complete", "skip"], weights=[3, 1])[0], track_id(number)
        if rng.random() < 0.1:
            yield "like", track_id(number)


class _Outbox:
    def __init__(self, client: httpx.AsyncClient, ledger: Ledger, token: str) -> None:
        self._client, self._ledger, self._token = client, ledger, token
        self.waiting: dict[str, dict[str, Any]] = {}
        self._failures = 0
        self._not_before = 0.0

    def add(self, kind: str, track: str) -> None:
        played = {"complete": _DURATION_MS, "skip": 5_000}.get(kind, 0)
        event_id = str(uuid.uuid4())
        self.waiting[event_id] = {
            "event_id": event_id,
            "track_id": track,
            "type": kind,
            "ms_played": played,
            "position_ms": played,
            "duration_ms": _DURATION_MS,
            "occurred_at": time.time_ns() // 1_000_000,
            "source": "home",
        }

    async def flush(self) -> None:
        """Send the oldest events, unless it is too early after an error."""
        if time.monotonic() < self._not_before or not self.waiting:
            return
        plays = list(self.waiting.values())[:AT_ONCE]
        try:
            answer = await self._client.post(
                "/api/events", json={"sent_at": time.time() * 1000, "plays": plays}
            )
            if answer.status_code != 200:
                raise httpx.HTTPError(str(answer.status_code))
            result = answer.json()
        except (httpx.HTTPError, ValueError):
            self._failures += 1
            self._ledger.unanswered += 1
            self._not_before = time.monotonic() + min(LONGEST_PAUSE, 0.5 * 2**self._failures)
            return
        self._failures = 0
        for event_id in result["taken"]:
            play = self.waiting.pop(event_id)
            sent = Sent(self._token, play["track_id"], play["type"], play["occurred_at"])
            self._ledger.acknowledge(event_id, sent)
        for event_id, reason in result["refused"].items():
            del self.waiting[event_id]
            self._ledger.refused[event_id] = reason
        if not result["taken"]:  # another request is sending them
            self._not_before = time.monotonic() + 2.0
