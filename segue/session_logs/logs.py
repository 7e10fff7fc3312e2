"""Session logs: plays by listener, track, time and session.

The format is plain text, one play a line, tab-separated, with a header. The order of the columns is free, and
other columns are ignored:

===========  ===========================================================================================
UserId       the listener, any text without tabs
SessionId    the session, any text; a session is of one listener
ItemId       the track, any text
Time         seconds since 1970-01-01 UTC, whole or not
ArtistId     the track's artist, any text; the column or a value may be missing: unknown
===========  ===========================================================================================

session-rec distributes 30Music in this format (Ludewig and Jannach, 2018).
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from segue.errors import SegueError

LATEST = 4_102_444_800.0
"""The year 2100: a later time is in another unit."""
REQUIRED = ("UserId", "SessionId", "ItemId", "Time")


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionLog:
    """n plays, ordered by session, then time; users, sessions, items and artists are codes from 0."""

    users: np.ndarray
    """(n,) int64."""
    sessions: np.ndarray
    """(n,) int64, ascending."""
    items: np.ndarray
    """(n,) int64."""
    times: np.ndarray
    """(n,) float64, seconds since 1970."""
    artists: np.ndarray
    """(items,) int64: the artist of each item, -1 unknown."""
    item_ids: np.ndarray
    """(items,) the name of each item."""
    user_ids: np.ndarray
    """(users,) the name of each listener."""

    def __len__(self) -> int:
        return len(self.items)

    @property
    def bounds(self) -> np.ndarray:
        """(sessions + 1,) int64: the index where each session begins, and the end."""
        starts = np.flatnonzero(np.diff(self.sessions, prepend=-1))
        return np.append(starts, len(self)).astype(np.int64)

    def take(self, keep: np.ndarray) -> SessionLog:
        """The plays that a mask or an array of indices selects; the codes are unchanged."""
        return SessionLog(
            users=self.users[keep],
            sessions=self.sessions[keep],
            items=self.items[keep],
            times=self.times[keep],
            artists=self.artists,
            item_ids=self.item_ids,
            user_ids=self.user_ids,
        )


def only_of(log: SessionLog, item_ids: Sequence[str]) -> SessionLog:
    """The plays of some items, with new codes; an item without plays has none."""
    kept = log.take(np.isin(log.item_ids[log.items], np.asarray(item_ids)))
    artists = kept.artists[kept.items].astype(str).astype(object)
    artists[kept.artists[kept.items] < 0] = ""
    return make_log(
        users=kept.user_ids[kept.users],
        sessions=kept.sessions,
        items=kept.item_ids[kept.items],
        times=kept.times,
        artists=artists,
    )


def make_log(
    *,
    users: Sequence[str] | np.ndarray,
    sessions: Sequence[str] | np.ndarray,
    items: Sequence[str] | np.ndarray,
    times: Sequence[float] | np.ndarray,
    artists: Sequence[str] | np.ndarray | None = None,
) -> SessionLog:
    """Code columns of names. An item with several artists gets the first of them."""
    user_codes, user_ids = pd.factorize(np.asarray(users))
    pairs = pd.MultiIndex.from_arrays([np.asarray(users), np.asarray(sessions)])
    # pandas cannot code an empty list of pairs.
    session_codes = pd.factorize(pairs)[0] if len(pairs) else np.empty(0, dtype=np.int64)
    item_codes, item_ids = pd.factorize(np.asarray(items))
    seconds = np.asarray(times, dtype=np.float64)
    artist_of = np.full(len(item_ids), -1, dtype=np.int64)
    if artists is not None:
        names = np.asarray(artists, dtype=object)
        codes, _ = pd.factorize(pd.Series(names).where(names != "", None))
        first = np.unique(item_codes, return_index=True)
        artist_of[first[0]] = codes[first[1]]
    order = np.lexsort((np.arange(len(seconds)), seconds, session_codes))
    return SessionLog(
        users=user_codes[order].astype(np.int64),
        sessions=session_codes[order].astype(np.int64),
        items=item_codes[order].astype(np.int64),
        times=seconds[order],
        artists=artist_of,
        item_ids=np.asarray(item_ids),
        user_ids=np.asarray(user_ids),
    )


def read_columns(
    path: Path,
    required: Sequence[str],
    *,
    see: str,
    limit: int | None = None,
    encodings: Sequence[str] = ("utf-8-sig",),
) -> pd.DataFrame:
    """The rows of a tab-separated file with a header, as texts; a missing field is empty.

    The file may begin with a byte order mark, also that of UTF-16.

    Parameters
    ----------
    see
        The command that explains the format, for the message.
    encodings
        Those that are tried, in order.

    Raises
    ------
    SegueError
        The file cannot be read, or lacks a column.
    """
    try:
        for encoding in _marked(path) or encodings:
            with contextlib.suppress(UnicodeDecodeError), warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of lines with too many fields
                # Quotes are plain text: otherwise one would join the lines up to the next quote.
                frame = pd.read_csv(
                    path,
                    sep="\t",
                    dtype=str,
                    keep_default_na=False,
                    quoting=csv.QUOTE_NONE,
                    encoding=encoding,
                    nrows=limit,
                    index_col=False,  # a line with too many fields would move all of them
                )
                break
        else:
            raise SegueError(f"{path} cannot be read as a session log: it is not UTF-8")
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SegueError(f"{path} cannot be read as a session log: {error}") from None
    if missing := [name for name in required if name not in frame]:
        raise SegueError(f"{path} has no column {', '.join(missing)}: see {see}")
    return frame.fillna("")


def _marked(path: Path) -> Sequence[str]:
    """The encoding that the mark at the beginning of a file states, if it is UTF-16."""
    with path.open("rb") as file:
        return ["utf-16"] if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else []


def read_log(path: Path) -> SessionLog:
    """Read a log in the format above.

    Raises
    ------
    SegueError
        The file cannot be read, has no plays, lacks a column, or has a time that is not a number.
    """
    frame = read_columns(path, REQUIRED, see="./run.sh models evaluate --help")
    times = pd.to_numeric(frame["Time"], errors="coerce").to_numpy(dtype=np.float64)
    if frame.empty or not np.isfinite(times).all():
        wrong = "no plays" if frame.empty else f"line {int(np.flatnonzero(~np.isfinite(times))[0]) + 2}: Time"
        raise SegueError(f"{path}: {wrong}: a session log has plays, each with its time in seconds")
    if (strange := np.flatnonzero((times < 0) | (times > LATEST))).size:
        line, time = int(strange[0]) + 2, times[strange[0]]
        raise SegueError(
            f"{path}: line {line}: the Time {time:.0f} is not a time in seconds between 1970 and 2100. "
            "Divide milliseconds by 1000."
        )
    return make_log(
        users=frame["UserId"].to_numpy(),
        sessions=frame["SessionId"].to_numpy(),
        items=frame["ItemId"].to_numpy(),
        times=times,
        artists=frame["ArtistId"].to_numpy() if "ArtistId" in frame else None,
    )
