"""What goes into an index bundle, checked, and the version that follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from segue.index.backends import Backend
from segue.index.following import OF_ARTIST, Following
from segue.index.manifest import FORMAT, BundleError

ARRAYS = ("vectors.npy", "track_ids.npy", "artists.npy", "cold_start.npy")
"""The files of :class:`Contents` that every bundle has, in its order."""
SONGS = "songs.npy"
_UNIT = 1e-3
"""How far a vector's length may be from 1."""


@dataclass(frozen=True)
class Contents:
    """What goes into a bundle; all of it checked when it is made.

    Raises
    ------
    BundleError
        Nothing to index, arrays that do not fit each other, vectors that are not finite or not of length 1,
        ids that are not ascending, or rows that do not exist.
    """

    vectors: np.ndarray
    """(n, d) float32 unit rows."""
    track_ids: np.ndarray
    """(n,) numpy bytes, ascending and all different: see :func:`segue.index.track_ids.encode_ids`."""
    artists: np.ndarray
    """(n,) int32."""
    cold_start: np.ndarray
    """(c,) int32 rows."""
    songs: np.ndarray | None = None
    """(n,) int32: a code for the song that each row is a version of, -1 not known."""
    following: Following | None = None
    """What listeners play after each track, where that is known."""
    by_artist: Following | None = None
    """Which tracks of each artist listeners keep most, where that is known."""

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or 0 in self.vectors.shape:
            raise BundleError(
                f"vectors.npy has the shape {self.vectors.shape}: it must be (n, d), neither of them 0"
            )
        if self.vectors.dtype != np.float32:
            raise BundleError(f"vectors.npy is of {self.vectors.dtype} instead of float32")
        count = len(self.vectors)
        if self.track_ids.shape != (count,) or self.track_ids.dtype.kind != "S":
            raise BundleError(f"track_ids.npy is {_shown(self.track_ids)}: it must be ({count},) of bytes")
        if self.artists.shape != (count,) or self.artists.dtype != np.int32:
            raise BundleError(f"artists.npy is {_shown(self.artists)}: it must be ({count},) of int32")
        if self.cold_start.ndim != 1 or self.cold_start.dtype != np.int32:
            raise BundleError(f"cold_start.npy is {_shown(self.cold_start)}: it must be (c,) of int32")
        if self.songs is not None and (self.songs.shape != (count,) or self.songs.dtype != np.int32):
            raise BundleError(f"{SONGS} is {_shown(self.songs)}: it must be ({count},) of int32")
        if self.following is not None:
            self.following.check(count, keys=count)
        if self.by_artist is not None:
            codes = int(self.artists.max(initial=-1)) + 1
            self.by_artist.check(count, keys=codes, files=OF_ARTIST)
        self._check_values(count)

    def _check_values(self, count: int) -> None:
        lengths = np.sqrt(np.einsum("ij,ij->i", self.vectors, self.vectors))
        wrong = np.flatnonzero(~(np.abs(lengths - 1) < _UNIT))
        if len(wrong):
            raise BundleError(
                f"vectors.npy: row {wrong[0]} has the length {lengths[wrong[0]]:g} instead of 1"
            )
        unsorted = np.flatnonzero(self.track_ids[1:] <= self.track_ids[:-1])
        if len(unsorted) or not self.track_ids[0]:
            row = int(unsorted[0]) + 1 if len(unsorted) else 0
            raise BundleError(f"track_ids.npy: row {row} ({self.track_ids[row]!r}) is not in ascending order")
        if len(self.cold_start) and not 0 <= self.cold_start.min() <= self.cold_start.max() < count:
            raise BundleError(f"cold_start.npy names a row that is none of the {count}")

    def arrays(self) -> dict[str, np.ndarray]:
        """By the name of their file."""
        found = dict(zip(ARRAYS, (self.vectors, self.track_ids, self.artists, self.cold_start), strict=True))
        if self.songs is not None:
            found[SONGS] = self.songs
        if self.following is not None:
            found |= self.following.arrays()
        return found | (self.by_artist.arrays(OF_ARTIST) if self.by_artist is not None else {})


def version_of(contents: Contents, *, space: str, backend: Backend, trees: int, search_k: int) -> str:
    """12 hexadecimal digits of a hash of contents and settings: the same corpus has the same version."""
    trees, search_k = settings_that_matter(backend, trees=trees, search_k=search_k)
    settings = [FORMAT, space, backend, trees, search_k]
    digest = hashlib.sha256(json.dumps(settings).encode())
    for array in contents.arrays().values():
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:12]


def settings_that_matter(backend: Backend, *, trees: int, search_k: int) -> tuple[int, int]:
    """Settings that a backend does not know must not make another version."""
    return (trees if backend == "annoy" else 0), (0 if backend == "exact" else search_k)


def _shown(array: np.ndarray) -> str:
    return f"{array.shape} of {array.dtype}"
