"""Sends plays of simulated listeners, or from a listening log, to Kafka."""

from __future__ import annotations

import time
import uuid
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from segue.counted import counted
from segue.demo.listeners import Song, known_styles, make_listeners
from segue.demo.replay import replay, songs_of
from segue.errors import SegueError, one_line_errors
from segue.local.stack import connected
from segue.plays.delivery import PlayProducer
from segue.session_logs.logs import read_columns
from segue.settings import load_settings
from segue.storage.kafka import ensure_topics
from segue.storage.store import open_store

LOG_COLUMNS = ("UserId", "SessionId", "ItemId")
ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
LONGEST_NAME = 100
"""Characters of a value: the ids of plays are made from them."""


def replay_plays(
    data: Annotated[
        Path | None,
        typer.Option(help="A listening log: tab-separated, with UserId, SessionId, ItemId, in time order."),
    ] = None,
    tracks: Annotated[
        int, typer.Option("--tracks-per-listener", min=1, help="Tracks that each simulated listener plays.")
    ] = 15,
    rate: Annotated[float, typer.Option(min=0.1, help="Events per second.")] = 20.0,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after this number of plays of the log.")
    ] = None,
) -> None:
    """Send plays of simulated listeners, or from a listening log, to Kafka as if they happened now.

    Without --data, there is one simulated listener for each style of the catalogue, and one whose taste
    changes half-way. Each item of a log is mapped to a track of your catalogue, always to the same one.

    Example: ./run.sh plays replay --rate 50

    Example: ./run.sh plays replay --data sessions.tsv --limit 1000
    """
    with one_line_errors():
        settings = connected(load_settings())
        songs = songs_of(open_store(settings))
        if not songs:
            raise SegueError("the catalogue is empty: run ./run.sh library ingest DIR first")
        ensure_topics(settings.kafka, settings.retention)
        with PlayProducer(settings.kafka) as producer:
            if data is not None:
                sent = _replay_log(producer, _read_log(data, limit=limit), songs, rate=rate)
            else:
                listeners = make_listeners(known_styles(songs), run=time.strftime("%m%d-%H%M%S"))
                sent = replay(producer, listeners, songs, tracks=tracks, per_second=rate).plays
        typer.echo(f"{counted(sent, 'play')} sent to {settings.kafka.plays_topic}")


def _read_log(path: Path, *, limit: int | None) -> list[dict[str, str]]:
    """The usable rows of a log; the number of others is reported."""
    frame = read_columns(
        path, LOG_COLUMNS, see="./run.sh plays replay --help", limit=limit, encodings=ENCODINGS
    )
    rows: list[dict[str, str]] = frame[list(LOG_COLUMNS)].to_dict("records")
    good = [row for row in rows if _is_usable(row)]
    if len(good) < len(rows):
        wrong = next(n for n, row in enumerate(rows, 2) if not _is_usable(row))
        left_out = "1 row" if len(rows) - len(good) == 1 else f"{len(rows) - len(good):,} rows"
        typer.echo(
            f"{left_out} left out, first line {wrong}: each of {', '.join(LOG_COLUMNS)} must have 1 to "
            f"{LONGEST_NAME} characters",
            err=True,
        )
    return good


def _is_usable(row: Mapping[str, str]) -> bool:
    return all(0 < len(value) <= LONGEST_NAME for value in row.values())


def _replay_log(
    producer: PlayProducer, rows: Sequence[dict[str, str]], songs: Sequence[Song], *, rate: float
) -> int:
    began = time.monotonic()
    for number, row in enumerate(track(rows, description="Replaying", console=Console(stderr=True))):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        producer.send(_completed(row, songs[zlib.crc32(row["ItemId"].encode()) % len(songs)]))
    return len(rows)


def _completed(row: dict[str, str], song: Song) -> dict[str, Any]:
    """A row of a listening log as a completion: such logs do not record how a play ended."""
    return {
        "event_id": str(uuid.uuid4()),
        "user_id": f"log-{row['UserId']}",
        "track_id": song.track_id,
        "type": "complete",
        "ms_played": song.duration_ms,
        "position_ms": song.duration_ms,
        "duration_ms": song.duration_ms,
        "occurred_at": time.time_ns() // 1_000_000,
        "session_id": row["SessionId"],
        "source": "playlist",
    }
