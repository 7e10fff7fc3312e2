"""Causes the faults of a schedule in a service."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import psutil
from rich.console import Console

from segue.benchmarks.chaos.processes import Supervised, jvms, until, workers
from segue.benchmarks.chaos.schedule import Fault, Kind
from segue.benchmarks.chaos.service import Service
from segue.errors import SegueError
from segue.plays.delivery import PlayProducer
from segue.storage.mongo import PyMongoError

_MALFORMED = b'{"event_id": "cut off', b"\xff\xfe not text", b'{"type": "play"}', b"[" * 500


class Faults:
    """Causes one fault after another, from a thread, and counts those that took place."""

    def __init__(
        self,
        service: Service,
        faults: Sequence[Fault],
        *,
        seed: int,
        flood: int,
        console: Console,
    ) -> None:
        """`flood` is the number of malformed records of a flood."""
        self._service, self._faults, self._flood = service, faults, flood
        self._console, self._rng = console, random.Random(seed)
        self.done: Counter[Kind] = Counter()
        self.malformed = 0
        """Records that the broker has acknowledged."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the last fault."""
        self._thread.join()

    def _run(self) -> None:
        began = time.monotonic()
        for fault in self._faults:
            time.sleep(max(0.0, began + fault.at - time.monotonic()))
            happened = _DO[fault.kind](self, fault)
            self.done[fault.kind] += happened
            late = time.monotonic() - began - fault.at - fault.seconds
            self._console.print(f"{fault}{'' if happened else ': nobody there'}, {late:+.1f} s")

    def _kill(self, fault: Fault) -> bool:
        victims = self._victims(fault.target)
        for process in victims:
            with suppress(psutil.Error):
                process.kill()
        return bool(victims)

    def _pause(self, fault: Fault) -> bool:
        victims = self._victims(fault.target, whole=True)
        for process in victims:
            with suppress(psutil.Error):
                process.suspend()
        time.sleep(fault.seconds)
        for process in victims:
            with suppress(psutil.Error):
                process.resume()
        return bool(victims)

    def _fill_disk(self, fault: Fault) -> bool:
        victims = self._victims(fault.target, whole=True)
        with full_disk(victims):
            time.sleep(fault.seconds)
        return bool(victims)

    def _send_flood(self, fault: Fault) -> bool:
        try:
            with PlayProducer(self._service.settings.kafka) as producer:
                sent = [
                    producer.send_bytes(self._rng.choice(_MALFORMED), key=b"flood")
                    for _ in range(self._flood)
                ]
                for future in sent:
                    with suppress(Exception):
                        future.get(timeout=60)
                        self.malformed += 1
        except SegueError:
            return False
        return True

    def _elect(self, fault: Fault) -> bool:
        port = self._service.primary()
        if port is None:
            return False
        try:
            self._service.step_down(port)
        except PyMongoError as error:
            self._console.print(f"no election: {str(error).partition(',')[0]}")
            return False
        return True

    def _victims(self, target: str, *, whole: bool = False) -> list[psutil.Process]:
        """The processes of a target, with their descendants if `whole`."""
        service = self._service
        if target.startswith("mongod-"):
            return self._member(primary=target == "mongod-primary").family()
        if target == "worker":
            found = list(workers(service.stream.family()))
            return [self._rng.choice(found)] if found else []
        if target == "stream-jvm":
            return list(jvms(service.stream.family()))
        process = {"broker": service.broker, "stream": service.stream, "dashboard": service.dashboard}[target]
        return process.family() if whole else process.family()[:1]

    def _member(self, *, primary: bool) -> Supervised:
        members = self._service.mongods
        until(lambda: self._service.primary() is not None, 30.0)
        port = self._service.primary()
        chosen = [one for one in sorted(members) if (one == port) == primary]
        return members[self._rng.choice(chosen or sorted(members))]


_DO: dict[Kind, Callable[[Faults, Fault], bool]] = {
    Kind.KILL: Faults._kill,
    Kind.STOP: Faults._pause,
    Kind.DISK: Faults._fill_disk,
    Kind.FLOOD: Faults._send_flood,
    Kind.ELECTION: Faults._elect,
}


@contextmanager
def full_disk(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Let every write of these processes to a file fail (EFBIG where a full disk has ENOSPC)."""
    before: dict[psutil.Process, tuple[int, int]] = {}
    for process in processes:
        with suppress(psutil.Error):
            before[process] = process.rlimit(psutil.RLIMIT_FSIZE)
            process.rlimit(psutil.RLIMIT_FSIZE, (0, before[process][1]))
    try:
        yield
    finally:
        for process, limits in before.items():
            with suppress(psutil.Error):
                process.rlimit(psutil.RLIMIT_FSIZE, limits)
