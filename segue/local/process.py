"""Background processes that outlive their command, and the records that identify them later.

A record is a small JSON file: ``{"name", "pid", "created", "address", "log", "health"}``. The creation time
distinguishes the process from a later process with the same pid, so a stale record does no harm.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from segue.errors import SegueError
from segue.places import LOCAL

LAST_PORT = 65_535
RUN = LOCAL / "run"
"""The folder of the records of jobs and dashboard; servers have theirs in their own folders."""
LOG_LIMIT = 20_000_000
"""Bytes; a larger log is rotated at the next start."""
PATIENCE = 30.0
"""Seconds that a process may take to end before it is killed."""


class Record(BaseModel):
    """The record of a started process."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    created: float
    address: str
    log: str
    health: str = ""
    """The address of its health page; empty for a process without one."""


def read_record(file: Path) -> Record | None:
    """The record in `file`, or None if the file is missing or unreadable."""
    try:
        return Record.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def running(record: Record | None) -> psutil.Process | None:
    """The process of a record, or None if it has ended, even if another process has its pid now."""
    if record is None:
        return None
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


def spawn(
    command: Sequence[str],
    *,
    name: str,
    address: str,
    log: Path,
    record: Path,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Record:
    """Start a process in a new session, so that the caller's Ctrl-C does not reach it.

    Parameters
    ----------
    log
        The file to which its output is appended.
    record
        The file of its record.
    folder
        Its working directory.
    environment
        Environment variables in addition to the caller's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    # It outlives this process, and Python warns about child processes that were not waited for.
    started.returncode = 0
    return _write_record(record, name=name, pid=started.pid, address=address, log=log)


@contextmanager
def registered(
    name: str, *, address: str = "", health: str = "", log: Path | None = None, folder: Path = RUN
) -> Iterator[None]:
    """Keep a record of the calling process while the block runs, for `status` and `down`.

    If :func:`spawn` has started and recorded this process under the same name, the record keeps its log.

    Raises
    ------
    SegueError
        A process of this name is already running.
    """
    file = folder / f"{name}.json"
    before = read_record(file)
    if before and running(before):
        if before.pid != os.getpid():
            raise SegueError(f"{name} is already running (pid {before.pid}): stop it, or run ./run.sh down")
        address, log = address or before.address, log or (Path(before.log) if before.log else None)
        health = health or before.health
    _write_record(file, name=name, pid=os.getpid(), address=address, log=log, health=health)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _write_record(
    file: Path, *, name: str, pid: int, address: str, log: Path | None, health: str = ""
) -> Record:
    try:
        created = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        created = 0.0
    record = Record(name=name, pid=pid, created=created, address=address, log=str(log or ""), health=health)
    write_text(file, record.model_dump_json())
    return record


def write_text(file: Path, text: str) -> None:
    """Replace a small file atomically: readers see the old or the new contents."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.write_text(text)
    part.replace(file)


def stop(file: Path, *, patience: float = PATIENCE) -> bool:
    """Stop the process of one record, as :func:`stop_together`; returns whether it was running."""
    return bool(stop_together([file], patience=patience))


def stop_together(
    files: Sequence[Path],
    *,
    patience: float = PATIENCE,
    waiting: Callable[[Sequence[str]], None] = lambda names: None,
) -> list[str]:
    """Stop the processes of several records with their children at the same time, and remove the records.

    Each gets SIGTERM, and SIGCONT in case it is paused. Those that still run after `patience` seconds are
    killed. `waiting` is called with the names of those that still run, whenever there are fewer.

    Returns
    -------
    list
        The names of the processes that were running, in the order of `files`.
    """
    records = [read_record(file) for file in files]
    families = {
        record.name: _terminated(found) for record in records if record and (found := running(record))
    }
    alive = [process for family in families.values() for process in family]
    end, shown = time.monotonic() + patience, list[str]()
    while alive and time.monotonic() < end:
        names = [name for name, family in families.items() if any(process in alive for process in family)]
        if names != shown:
            waiting(names)
            shown = names
        _, alive = psutil.wait_procs(alive, timeout=0.2)
    for survivor in alive:
        # psutil itself compares the creation time before it sends a signal.
        with suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(alive, timeout=10)
    for file in files:
        file.unlink(missing_ok=True)
    return list(families)


def _terminated(process: psutil.Process) -> list[psutil.Process]:
    """Ask a process to end; returns it with its children."""
    try:
        family = [process, *process.children(recursive=True)]
        process.terminate()
        for member in family:
            with suppress(psutil.NoSuchProcess):
                member.resume()  # a paused process receives SIGTERM only then
    except psutil.NoSuchProcess:
        return []
    return family


def port_is_free(port: int) -> bool:
    """Whether a server can listen on this port of the loopback address."""
    with socket.socket() as probe:
        # With SO_REUSEADDR, as in servers: a connection in TIME_WAIT does not occupy the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port(usual: int, *, kept: int | None = None, avoid: Sequence[int] = ()) -> int:
    """A free port of the loopback address: `kept` if it is free, otherwise `usual` or a port near it.

    A port that the system chooses is in the ephemeral range, where a client may take it before the next
    start.
    """
    if kept and kept not in avoid and _becomes_free(kept):
        return kept
    for port in range(usual, min(usual + 1000, LAST_PORT + 1), 10):
        if port not in avoid and port_is_free(port):
            return port
    raise SegueError(f"no free port from {usual} on: stop some of the servers there")


def listening(host: str, usual: int) -> socket.socket:
    """A socket that listens on an address: on the usual port if it is free, else on one near it.

    A server that starts with it cannot lose the port to another program while it loads.

    Raises
    ------
    SegueError
        All ports are taken, or this machine does not have the address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(usual, min(usual + 1000, LAST_PORT + 1), 10):
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except UnicodeError:
            raise SegueError(f"cannot listen on {host}: it is not a host name") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SegueError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    raise SegueError(f"no free port from {usual} on: stop some of the servers there")


def _becomes_free(port: int) -> bool:
    """Whether a port becomes free within a second: a killed server's sockets stay open briefly."""
    until = time.monotonic() + 1.0
    while not (free := port_is_free(port)) and time.monotonic() < until:
        time.sleep(0.05)
    return free


def accepts(port: int, *, host: str = "127.0.0.1") -> bool:
    """Whether a server accepts connections on this port of an address of this machine."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on `file` while the block runs; other processes wait."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def starting(kind: str) -> Iterator[None]:
    """Let only one server of a kind start at a time on this machine.

    A server binds its chosen port only seconds later; another start must not choose the same port meanwhile.
    """
    with locked(Path(tempfile.gettempdir()) / f"segue-{os.getuid()}-{kind}.lock"):
        yield


def last_line(log: Path) -> str:
    """The last line of a log that is not empty, cut to fit into a message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")
