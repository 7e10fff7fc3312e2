"""Session logs: plays by listener, track, time and session.

The format is plain text, one play a line, tab-separated, with a header. The order of the columns is free, and
other columns are ignored:

===========  ===========================================================================================
SessionId    the session, any text; a session is of one listener
ItemId       the track, any text
Time         seconds since 1970-01-01 UTC, whole or not; 1990 or later
UserId       the listener, any text without tabs; without the column, each session has its own listener
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
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from segue.errors import SegueError

EARLIEST, LATEST = 631_152_000.0, 4_102_444_800.0
"""The years 1990 and 2100: a time outside them is in another unit, or a number of another column."""
REQUIRED = ("SessionId", "ItemId", "Time")


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


def without_listeners(log: SessionLog) -> SessionLog:
    """The same plays with a listener of its own for each session."""
    sessions = int(log.sessions.max(initial=-1)) + 1
    return replace(log, users=log.sessions.copy(), user_ids=np.arange(sessions))


def without_artists(log: SessionLog) -> SessionLog:
    """The same plays of tracks whose artists are unknown."""
    return replace(log, artists=np.full(len(log.artists), -1, dtype=np.int64))


def sessions_alone(log: SessionLog) -> SessionLog:
    """The same plays without listeners and artists."""
    return without_artists(without_listeners(log))


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
    name_codes, names_of_sessions = pd.factorize(np.asarray(sessions))
    session_codes, _ = pd.factorize(user_codes * max(len(names_of_sessions), 1) + name_codes)
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
    longer_rows: bool = True,
) -> pd.DataFrame:
    """The rows of a tab-separated file with a header, as texts; a missing field is empty.

    The file may begin with a byte order mark, also that of UTF-16.

    Parameters
    ----------
    see
        The command that explains the format, for the message.
    encodings
        Those that are tried, in order.
    longer_rows
        Whether rows may have more fields than the header; the first fields count.

    Raises
    ------
    SegueError
        The file cannot be read, lacks a column, or has rows that are longer than allowed.
    """
    try:
        for encoding in _marked(path) or encodings:
            with contextlib.suppress(UnicodeDecodeError), warnings.catch_warnings():
                warnings.simplefilter("ignore", pd.errors.ParserWarning)  # of lines with too many fields
                if not longer_rows:
                    _refuse_longer_rows(path, encoding)
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
        raise SegueError(f"{path} cannot be read as a session log: {str(error).strip()}") from None
    if missing := [name for name in required if name not in frame]:
        raise SegueError(f"{path} has no column {', '.join(missing)}: see {see}")
    return frame.fillna("")


def _refuse_longer_rows(path: Path, encoding: str) -> None:
    """Refuse a file in which a line has more fields than the header; empty ones at its end do not count."""
    with path.open(encoding=encoding) as lines:
        fields = next(lines, "").count("\t") + 1
        for number, line in enumerate(lines, 2):
            if line.rstrip("\t\r\n").count("\t") >= fields:
                raise SegueError(
                    f"{path}: line {number} has more fields than the header. Are its columns shifted?"
                )


def _marked(path: Path) -> Sequence[str]:
    """The encoding that the mark at the beginning of a file states, if it is UTF-16."""
    with path.open("rb") as file:
        return ["utf-16"] if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else []


def read_log(path: Path) -> SessionLog:
    """Read a log in the format above.

    Raises
    ------
    SegueError
        The file cannot be read, has no plays, lacks a column or a field, or has a time that is no time in
        seconds.
    """
    frame = read_columns(path, REQUIRED, see="./run.sh models evaluate --help", longer_rows=False)
    if frame.empty:
        raise SegueError(f"{path}: no plays: a session log has plays, each with its time in seconds")
    for name in (name for name in (*REQUIRED, "UserId") if name in frame):
        if (empty := np.flatnonzero(frame[name] == "")).size:
            raise SegueError(
                f"{path}: line {int(empty[0]) + 2}: {name} is empty. Are the columns of this line shifted?"
            )
    times = pd.to_numeric(frame["Time"], errors="coerce").to_numpy(dtype=np.float64)
    if (strange := np.flatnonzero(~np.isfinite(times))).size:
        raise SegueError(
            f"{path}: line {int(strange[0]) + 2}: Time is not a number: "
            "a session log has plays, each with its time in seconds"
        )
    if (strange := np.flatnonzero((times < EARLIEST) | (times > LATEST))).size:
        line, time = int(strange[0]) + 2, times[strange[0]]
        raise SegueError(
            f"{path}: line {line}: the Time {time:.0f} is not a time in seconds between 1990 and 2100. "
            "Is it in another unit, such as milliseconds, or of another column?"
        )
    return make_log(
        users=frame["UserId" if "UserId" in frame else "SessionId"].to_numpy(),
        sessions=frame["SessionId"].to_numpy(),
        items=frame["ItemId"].to_numpy(),
        times=times,
        artists=frame["ArtistId"].to_numpy() if "ArtistId" in frame else None,
    )
