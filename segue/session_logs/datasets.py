"""Readers of public data sets that users download; docs/how-to/train-and-tune.md has the sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from segue.errors import SegueError
from segue.session_logs.logs import SessionLog, read_log


def read_sessions(folder: Path) -> dict[str, SessionLog]:
    """Read every session log below a folder: the .tsv files in it and in its folder `30music`.

    A log has the name of its file relative to the folder, without the ending: `monday`, `30music/monday`.

    Raises
    ------
    SegueError
        There is none, or a file cannot be read.
    """
    files = sorted(folder.glob("*.tsv")) + sorted((folder / "30music").glob("*.tsv"))
    if not files:
        raise SegueError(
            f"{folder} has no session logs (*.tsv): see ./run.sh models evaluate --help for their format"
        )
    return {file.relative_to(folder).with_suffix("").as_posix(): read_log(file) for file in files}


def read_hetrec(folder: Path) -> sparse.csr_matrix:
    """(listeners, artists) play counts of HetRec 2011 Last.fm, from `user_artists.dat`."""
    frame = _table(folder / "user_artists.dat", sep="\t")
    users, _ = pd.factorize(frame["userID"])
    artists, _ = pd.factorize(frame["artistID"])
    return sparse.csr_matrix((frame["weight"].to_numpy(dtype=np.float64), (users, artists)))


@dataclass(frozen=True, kw_only=True, eq=False)
class GenreSplit:
    """Descriptors with genres, in the three parts of an artist-filtered split."""

    descriptors: np.ndarray
    """(n, d) float64."""
    genres: np.ndarray
    """(n,) int64."""
    part: np.ndarray
    """(n,) int64: 0 train, 1 validation, 2 test."""


def read_gtzan(folder: Path) -> GenreSplit:
    """GTZAN's 57 descriptors and their fault- and artist-filtered split.

    Reads `features_30_sec.csv` and `{train,valid,test}_filtered.txt`; the length of a file is not a
    descriptor.
    """
    frame = _table(folder / "features_30_sec.csv", sep=",").set_index("filename")
    names, parts = [], []
    for part, which in enumerate(("train", "valid", "test")):
        file = folder / f"{which}_filtered.txt"
        if not file.is_file():
            raise SegueError(f"{file} is missing: see docs/how-to/train-and-tune.md")
        lines = [line.strip().rpartition("/")[2] for line in file.read_text().splitlines() if line.strip()]
        known = [name for name in lines if name in frame.index]
        names += known
        parts += [part] * len(known)
    chosen = frame.loc[names]
    genres, _ = pd.factorize(chosen["label"], sort=True)
    return GenreSplit(
        descriptors=chosen.drop(columns=["label", "length"]).to_numpy(dtype=np.float64),
        genres=genres.astype(np.int64),
        part=np.asarray(parts, dtype=np.int64),
    )


def _table(path: Path, *, sep: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep=sep)
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SegueError(f"{path} cannot be read: {error}") from None
