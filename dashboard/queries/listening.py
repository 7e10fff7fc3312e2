"""One listener's listening, read from MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

import numpy as np
import pandas as pd

from segue.catalog.tracks import Tracks
from segue.engagement.imported_facts import ImportedFacts
from segue.engagement.listening_sessions import ListeningSession, ListeningSessions
from segue.engagement.patterns import Newness, newness, rows_of
from segue.engagement.summed_listening import SummedListening
from segue.settings import EngagementSettings
from segue.storage.store import Store


@dataclass(frozen=True)
class ListeningSpan:
    """One listener's listening in a period."""

    since: datetime
    until: datetime
    rows: pd.DataFrame
    """Rows as :mod:`segue.engagement.patterns` describes them."""
    sessions: list[ListeningSession]
    new: Newness

    @property
    def minutes(self) -> float:
        return float(self.rows["listening_ms"].sum()) / 60_000

    @property
    def plays(self) -> int:
        return int(self.rows["plays"].sum())


def read(
    store: Store,
    user_id: str,
    *,
    since: datetime,
    until: datetime,
    zone: str,
    engagement: EngagementSettings,
) -> ListeningSpan:
    """A listener's facts of the windows that begin in [since, until), those of imported plays included."""
    listening, imported = SummedListening(store), ImportedFacts(store, user_id, engagement)
    live = list(listening.of(user_id, since=since, until=until))
    brought = imported.of(live, since=since, until=until)
    rows = _visible(store, rows_of([*live, *(fact.timed() for fact in brought)], zone=zone))
    new = newness(
        rows,
        since=since,
        first_track=_first(listening.first_heard(user_id, "track_id"), imported.first_heard("track_id")),
        first_artist=_first(listening.first_heard(user_id, "artist"), imported.first_heard("artist")),
    )
    sessions = ListeningSessions(store).of(user_id, since=since, until=until)
    return ListeningSpan(since, until, rows, sessions, new)


def _first(*times: Mapping[str, datetime]) -> dict[str, datetime]:
    """The earliest time of each name."""
    return {name: min(own[name] for own in times if name in own) for name in {*chain(*times)}}


def began(store: Store, user_id: str, engagement: EngagementSettings) -> datetime | None:
    """When a listener's first play was, live or imported; None without plays."""
    starts = SummedListening(store).began(user_id), ImportedFacts(store, user_id, engagement).began()
    return min((start for start in starts if start is not None), default=None)


def _visible(store: Store, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows without tracks of libraries that the present visitor does not see any more."""
    if not (hidden := store.hidden_libraries()):
        return rows
    return rows[~rows["track_id"].isin(Tracks(store).ids_in(hidden))]


def months(first: datetime, last: datetime, *, zone: str) -> list[tuple[datetime, datetime]]:
    """The months from `first` to `last` in a time zone, newest first, as [since, until) in UTC."""
    begins, ends = (
        pd.Timestamp(moment).tz_convert(zone).tz_localize(None).to_period("M") for moment in (first, last)
    )
    spans = []
    for period in pd.period_range(begins, ends, freq="M")[::-1]:
        since = period.start_time.tz_localize(zone)
        until = (period + 1).start_time.tz_localize(zone)
        spans.append((since.tz_convert(UTC).to_pydatetime(), until.tz_convert(UTC).to_pydatetime()))
    return spans


def vectors_of(track_ids: list[str], *, rows: np.ndarray, vectors: np.ndarray) -> dict[str, np.ndarray]:
    """The vectors (d,) of the indexed tracks by id; `rows` (n,) as :meth:`Bundle.rows` returns them."""
    return {
        track_id: np.asarray(vectors[row])
        for track_id, row in zip(track_ids, rows.tolist(), strict=True)
        if row >= 0
    }
