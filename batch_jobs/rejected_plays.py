"""`./run.sh rejected list` and `rejected replay`, `./run.sh library rejected`: rejected input."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from segue.catalog.rejected import RejectedTracks
from segue.counted import counted
from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, console, say, write_figures
from segue.local.stack import connected
from segue.plays.delivery import PlayProducer
from segue.settings import Settings, load_settings
from segue.storage.kafka import RejectedRecord, read_rejected
from segue.storage.store import open_store

Reason = Annotated[str | None, typer.Option(help="Only with this reason.")]


def list_plays(
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many to show, the newest ones.")] = 20,
    json_file: JsonFile = None,
) -> None:
    """List rejected plays: the reason, the time, the partition and offset, and the first bytes.

    Example: ./run.sh rejected list

    Example: ./run.sh rejected list --reason malformed --limit 5

    Example: ./run.sh rejected list --json -
    """
    with one_line_errors():
        can_write(json_file)
        found = summary(_rejected(connected(load_settings()), reason), limit=limit)
        rows = [_row(record) for record in found.newest]
        write_figures(json_file, rows)
        if not rows:
            say("no rejected plays", json_file)
            return
        table = Table("reason", "arrived", "place", "bytes", "begins", title=_counted(found.counts))
        for row in rows:
            table.add_row(
                row["reason"],
                row["arrived_at"][:19].replace("T", " "),
                f"{row['topic']}/{row['partition']}@{row['offset']}",
                str(row["bytes"]),
                ascii(row["begins"]),
            )
        console(json_file).print(table)


def _row(record: RejectedRecord) -> dict[str, Any]:
    value = record.value or b""
    return {
        "reason": record.reason,
        "arrived_at": datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "bytes": record.size or len(value),
        "begins": value[:48].decode("utf-8", "replace"),
    }


def replay(reason: Reason = None) -> None:
    """Send rejected plays to the topic again, unchanged.

    Use it for plays that a newer version accepts, or that a producer's wrong clock dated into the future.
    Plays that are still invalid are rejected again. A play that was accepted before is not counted twice. A
    record of which only the beginning was kept is not sent.

    Example: ./run.sh rejected replay --reason future

    Example: ./run.sh rejected replay
    """
    with one_line_errors():
        settings = connected(load_settings())
        sent = cut = 0
        with PlayProducer(settings.kafka) as producer:
            for record in _rejected(settings, reason):
                if record.size is not None:
                    cut += 1
                elif record.value is not None:
                    producer.send_bytes(record.value)
                    sent += 1
            producer.flush()
        beginnings = f"; {cut} not sent, since only their beginning was kept" if cut else ""
        typer.echo(f"{counted(sent, 'record')} sent to {settings.kafka.plays_topic}{beginnings}")


def tracks(
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="How many to show, the newest ones.")] = 50,
    json_file: JsonFile = None,
) -> None:
    """List the files of the library that could not be used, with the stage and the reason.

    Example: ./run.sh library rejected

    Example: ./run.sh library rejected --reason truncated

    Example: ./run.sh library rejected --limit 1000 --json rejected.json
    """
    with one_line_errors():
        can_write(json_file)
        rejected = RejectedTracks(open_store(connected(load_settings(), kafka=False)))
        counts = rejected.reasons(reason=reason)
        listing = ", ".join(f"{count} {name}" for name, count in counts.most_common())
        title = f"{counts.total()} rejected tracks{f': {listing}' if listing else ''}"
        table = Table("stage", "reason", "path", "detail", title=title)
        rows: list[dict[str, Any]] = [
            {name: track.get(name) for name in ("stage", "reason", "path", "detail")}
            for track in rejected.newest(reason=reason, limit=limit)
        ]
        write_figures(json_file, rows)
        for row in rows:
            table.add_row(row["stage"], row["reason"], ascii(row["path"])[1:-1], str(row["detail"]))
        console(json_file).print(table)


def _rejected(settings: Settings, reason: str | None) -> Iterator[RejectedRecord]:
    return (record for record in read_rejected(settings.kafka) if reason in (None, record.reason))


@dataclass(frozen=True)
class Summary:
    """Rejected records in short."""

    counts: Counter[str]
    """The number of each reason; a sampled record counts as all that it stands for."""
    newest: list[RejectedRecord]
    """In the order of their arrival."""


def summary(records: Iterable[RejectedRecord], *, limit: int) -> Summary:
    """Count records, and keep the newest `limit` of them: there may be more than fit into memory."""
    counts: Counter[str] = Counter()

    def counting() -> Iterator[RejectedRecord]:
        for record in records:
            counts[record.reason] += record.one_of
            yield record

    newest = heapq.nlargest(
        limit, counting(), key=lambda record: (record.timestamp, record.partition, record.offset)
    )
    return Summary(counts, newest[::-1])


def _counted(counts: Counter[str]) -> str:
    parts = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
    return counted(counts.total(), "rejected play") + (f": {parts}" if parts else "")
