"""A listener's habits from their facts: calendar, clock, favourites, newness. Pure, on pandas frames.

The frame, Rows: one row for each track, source, variant and rank of a window: `start` (datetime with a
zone), `track_id`, `artist`, `genre`, and the counts of :data:`segue.engagement.definitions.COUNTS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from segue.engagement.definitions import COUNTS

COLUMNS = ("start", "track_id", "artist", "genre", "source", "variant", "rank", *COUNTS)
By = Literal["track_id", "artist", "genre"]


def rows_of(facts: Iterable[Mapping[str, Any]], *, zone: str = "UTC") -> pd.DataFrame:
    """Stored facts -> Rows, with times in the given zone."""
    flat = [{"start": fact["start"], **row} for fact in facts for row in fact["rows"]]
    rows = with_counts(pd.DataFrame(flat, columns=list(COLUMNS)))
    rows["start"] = pd.to_datetime(rows["start"], utc=True).dt.tz_convert(zone)
    return rows


def with_counts(table: pd.DataFrame) -> pd.DataFrame:
    """The table with all counts as integers; counts that an older row lacks are 0."""
    return table.assign(**table[list(COUNTS)].astype("float64").fillna(0).astype("int64"))


def calendar(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows -> `day` (date) and `minutes`, for each day with listening time."""
    minutes = rows.groupby(rows["start"].dt.date)["listening_ms"].sum() / 60_000
    return minutes[minutes > 0].rename_axis("day").reset_index(name="minutes")


def clock(rows: pd.DataFrame) -> pd.Series:
    """Rows -> listening time in minutes for each of the 24 hours of the day."""
    minutes = rows.groupby(rows["start"].dt.hour)["listening_ms"].sum() / 60_000
    return minutes.reindex(range(24), fill_value=0.0).rename("minutes")


def top(rows: pd.DataFrame, by: By, *, limit: int = 10) -> pd.DataFrame:
    """Rows -> `key`, `plays`, `minutes`, most played first; rows without a name are left out."""
    named = rows[rows[by] != ""]
    sums = named.groupby(by, as_index=False)[["plays", "listening_ms"]].sum()
    sums["minutes"] = sums.pop("listening_ms") / 60_000
    played = sums[sums["plays"] > 0].rename(columns={by: "key"})
    return played.sort_values(["minutes", "plays", "key"], ascending=[False, False, True]).head(limit)


@dataclass(frozen=True)
class Newness:
    """The number of tracks that were heard, and of those heard for the first time."""

    tracks: int
    new_tracks: int
    artists: int
    new_artists: int

    @property
    def share(self) -> float:
        """The share of heard tracks that are new; 0 without heard tracks."""
        return self.new_tracks / self.tracks if self.tracks else 0.0


def newness(
    rows: pd.DataFrame,
    *,
    since: datetime,
    first_track: Mapping[str, datetime],
    first_artist: Mapping[str, datetime],
) -> Newness:
    """The newness of a time span: new means first heard (`first_…`: id -> time) at or after `since`."""
    played = rows[rows["plays"] > 0]
    tracks = set(played["track_id"])
    artists = set(played["artist"]) - {""}
    return Newness(
        tracks=len(tracks),
        new_tracks=sum(first_track.get(track, since) >= since for track in tracks),
        artists=len(artists),
        new_artists=sum(first_artist.get(artist, since) >= since for artist in artists),
    )


def streak(days: Iterable[Any]) -> int:
    """The length of the longest run of consecutive days."""
    longest = run = 0
    last = None
    for day in sorted(set(days)):
        run = run + 1 if last is not None and (day - last).days == 1 else 1
        longest, last = max(longest, run), day
    return longest
