"""One listener's listening, read from MongoDB."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from pymongo.database import Database

from segue.engagement.patterns import Newness, newness, rows_of
from segue.storage.mongo import Document


@dataclass(frozen=True)
class Listening:
    """What one listener heard in a span of time."""

    since: datetime
    until: datetime
    rows: pd.DataFrame
    """As :mod:`segue.engagement.patterns` has it."""
    sessions: list[Document]
    new: Newness

    @property
    def minutes(self) -> float:
        return float(self.rows["listening_ms"].sum()) / 60_000

    @property
    def plays(self) -> int:
        return int(self.rows["plays"].sum())


def read(
    database: Database[Document], user_id: str, *, since: datetime, until: datetime, zone: str
) -> Listening:
    """A listener's facts of the windows that begin in [since, until)."""
    span = {"$gte": since, "$lt": until}
    rows = rows_of(database.listening.find({"user_id": user_id, "start": span}), zone=zone)
    between = {"$gte": since.timestamp() * 1000, "$lt": until.timestamp() * 1000}
    sessions = database.listening_sessions.find({"user_id": user_id, "first_at": between})
    new = newness(
        rows,
        since=since,
        first_track=_first(database, user_id, "track_id"),
        first_artist=_first(database, user_id, "artist"),
    )
    return Listening(since, until, rows, list(sessions), new)


def _first(database: Database[Document], user_id: str, field: str) -> dict[str, datetime]:
    """When a listener first heard each track or artist, as far back as facts are kept."""
    found = database.listening.aggregate(
        [
            {"$match": {"user_id": user_id}},
            {"$unwind": "$rows"},
            {"$match": {"rows.plays": {"$gt": 0}}},
            {"$group": {"_id": f"$rows.{field}", "first": {"$min": "$start"}}},
        ]
    )
    return {one["_id"]: one["first"] for one in found}


def began(database: Database[Document], user_id: str) -> datetime | None:
    """The first window that is kept of a listener; None for one who has done nothing yet."""
    found = database.listening.find_one({"user_id": user_id}, {"start": 1}, sort=[("start", 1)])
    return found["start"] if found else None


def months(first: datetime, last: datetime, *, zone: str) -> list[tuple[datetime, datetime]]:
    """The months from one moment to another in a listener's zone, the newest first, as [since, until)."""
    begins, ends = (
        pd.Timestamp(one).tz_convert(zone).tz_localize(None).to_period("M") for one in (first, last)
    )
    found = []
    for period in pd.period_range(begins, ends, freq="M")[::-1]:
        since = period.start_time.tz_localize(zone)
        until = (period + 1).start_time.tz_localize(zone)
        found.append((since.tz_convert(UTC).to_pydatetime(), until.tz_convert(UTC).to_pydatetime()))
    return found


def vectors_of(track_ids: list[str], *, rows: np.ndarray, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """The vectors of those tracks that the index has; `rows` as :meth:`Bundle.rows` gives them."""
    return {
        one: np.asarray(vectors[row]) for one, row in zip(track_ids, rows.tolist(), strict=True) if row >= 0
    }
