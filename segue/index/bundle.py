"""The index bundle: a folder named by its version, written once, never changed, and mapped by its readers.

=================  ==========================================================================================
file               contents
=================  ==========================================================================================
index.ann          Annoy's forest (index.voyager for Voyager; exact search needs no file)
vectors.npy        (n, d) float32 unit vectors; the row is what the neighbour index calls a track
track_ids.npy      (n,) "S<k>": the track ids as UTF-8, ascending
artists.npy        (n,) int32: a code for each row's artist, -1 unknown
cold_start.npy     (c,) int32: rows of the varied selection, in its order
songs.npy          (n,) int32: a code for the song that each row is a version of, -1 unknown; older bundles
                   lack it
following_*.npy    what listeners play after each track (segue.index.following), where that is known
by_artist_*.npy    which tracks of each artist they keep most, likewise
manifest.json      :class:`segue.index.manifest.Manifest`
lock               held by readers: :mod:`segue.index.folders`
=================  ==========================================================================================

Overwriting a mapped file ends its reader with SIGBUS, so a bundle appears by a rename, whole, and is not
touched again; another corpus or other settings make another version.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np

from segue.index.backends import INDEX_FILE, Backend, build_index, open_index
from segue.index.checksums import first_mismatch
from segue.index.contents import ARRAYS, SONGS, Contents, settings_that_matter, version_of
from segue.index.folders import appearing, hold, set_aside
from segue.index.following import AFTER_TRACK, OF_ARTIST, Following
from segue.index.manifest import BundleError, Manifest
from segue.index.neighbours import NeighbourIndex
from segue.index.recall import measure_recall
from segue.index.track_ids import decode_ids, find_ids
from segue.storage.checksums import file_sum

__all__ = ["Bundle", "BundleError", "Contents", "Manifest", "load_bundle", "version_of", "write_bundle"]


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. Its arrays are mapped; as long as it lives, its folder is not removed."""

    manifest: Manifest
    vectors: np.ndarray
    """(n, d) float32, read-only."""
    track_ids: np.ndarray
    """(n,) numpy bytes, ascending."""
    artists: np.ndarray
    """(n,) int32; -1: unknown."""
    cold_start: np.ndarray
    """(c,) int32 rows."""
    songs: np.ndarray
    """(n,) int32; -1: unknown."""
    following: Following | None
    """None for a bundle that was built without."""
    by_artist: Following | None
    """Likewise."""
    neighbours: NeighbourIndex
    _held: BinaryIO = field(repr=False)

    @property
    def version(self) -> str:
        return self.manifest.version

    def rows(self, ids: Sequence[str] | np.ndarray) -> np.ndarray:
        """(m,) int64: the row of each track id (text or numpy bytes), -1 for one that the bundle lacks."""
        return find_ids(ids, among=self.track_ids)

    def ids(self, rows: Sequence[int] | np.ndarray) -> list[str]:
        """The track id of each row.

        Raises
        ------
        IndexError
            There is no such row; -1 is none.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if wanted.size and not 0 <= wanted.min() <= wanted.max() < len(self.track_ids):
            raise IndexError(
                f"rows {wanted.min()} to {wanted.max()}: the bundle has 0 to {len(self.track_ids) - 1}"
            )
        return decode_ids(self.track_ids[wanted])


def write_bundle(
    folder: Path | str,
    *,
    vectors: np.ndarray,
    track_ids: np.ndarray,
    artists: np.ndarray,
    cold_start: np.ndarray,
    space: str,
    songs: np.ndarray | None = None,
    following: Following | None = None,
    by_artist: Following | None = None,
    backend: Backend = "annoy",
    trees: int = 50,
    search_k: int = -1,
    recall_queries: int = 500,
    created_at: datetime | None = None,
) -> Manifest:
    """Build, measure and write a bundle into `folder`, under its version; a sound one that is there stays.

    Parameters
    ----------
    vectors, track_ids, artists, cold_start, songs, following, by_artist
        As in :class:`Contents`.
    space
        The version of the embedding space.
    created_at
        Time stamp for the manifest; now, when left out.

    Raises
    ------
    BundleError
        The contents do not fit together, or the folder cannot be written.
    """
    contents = Contents(vectors, track_ids, artists, cold_start, songs, following, by_artist)
    version = version_of(contents, space=space, backend=backend, trees=trees, search_k=search_k)
    path = Path(folder) / version
    trees, search_k = settings_that_matter(backend, trees=trees, search_k=search_k)
    if path.exists():
        try:
            return load_bundle(path).manifest
        except BundleError:
            set_aside(path)  # damaged: another takes its place
    try:
        with appearing(path) as temporary:
            arrays = contents.arrays()
            for name, array in arrays.items():
                np.save(temporary / name, array, allow_pickle=False)
            began = time.perf_counter()
            build_index(vectors, backend=backend, folder=temporary, trees=trees)
            build_s = time.perf_counter() - began
            index = open_index(vectors, backend=backend, folder=temporary, search_k=search_k)
            measured = measure_recall(index, vectors, queries=recall_queries)
            Manifest(
                version=version,
                backend=backend,
                dimension=vectors.shape[1],
                trees=trees,
                search_k=search_k,
                count=len(vectors),
                space=space,
                created_at=created_at or datetime.now(UTC),
                files={name: file_sum(temporary / name) for name in (*arrays, *_index_file(backend))},
                recall20=round(measured.recall, 4),
                recall_queries=measured.queries,
                latency_ms=round(measured.latency_ms, 4),
                build_s=round(build_s, 3),
            ).write(temporary)
    except OSError as error:
        raise BundleError(f"{path} cannot be written: {error.strerror or error}") from error
    return Manifest.read(path)


def load_bundle(path: Path | str, *, version: str | None = None, verify: bool = True) -> Bundle:
    """Map a bundle, and hold its folder for as long as the result lives.

    Parameters
    ----------
    version
        The version it must be; the folder's name, when left out.
    verify
        Compare checksums and values; without it only what the manifest says of shape and kind.

    Raises
    ------
    BundleError
        A file is missing or differs from the manifest in checksum, dimension, count, kind or order.
    """
    path = Path(path)
    try:
        held = hold(path)
    except OSError as error:
        raise BundleError(f"{path} is no index bundle: {error.strerror or error}") from None
    try:
        manifest = Manifest.read(path)
        if manifest.version != (version or path.name):
            raise BundleError(f"{path}: its manifest is of version {manifest.version}")
        names = _arrays_of(manifest)
        if set(manifest.files) != {*names, *_index_file(manifest.backend)}:
            raise BundleError(f"{path}: its manifest lists {', '.join(sorted(manifest.files))}")
        if verify and (mismatch := first_mismatch(path, manifest.files)):
            raise BundleError(mismatch)
        arrays = {name: _mapped(path / name) for name in names}
        _check_shapes(path, arrays, manifest)
        following, by_artist = (_table(arrays, files) for files in (AFTER_TRACK, OF_ARTIST))
        if verify:
            _check_contents(path, arrays, following, by_artist)
        neighbours = _open(path, arrays["vectors.npy"], manifest)
    except BaseException:  # Ctrl-C too: a folder that is held is never removed
        held.close()
        raise
    songs = arrays.get(SONGS, np.full(manifest.count, -1, dtype=np.int32))
    vectors, track_ids, artists, cold_start = (arrays[name] for name in ARRAYS)
    return Bundle(
        manifest, vectors, track_ids, artists, cold_start, songs, following, by_artist, neighbours, held
    )


def _table(arrays: dict[str, np.ndarray], files: Sequence[str]) -> Following | None:
    return Following(*(arrays[name] for name in files)) if files[0] in arrays else None


def _index_file(backend: Backend) -> tuple[str, ...]:
    index = INDEX_FILE[backend]
    return (index,) if index else ()


def _arrays_of(manifest: Manifest) -> tuple[str, ...]:
    """The arrays that a bundle must have by what its manifest lists."""
    songs = (SONGS,) if SONGS in manifest.files else ()
    tables = (files for files in (AFTER_TRACK, OF_ARTIST) if not manifest.files.keys().isdisjoint(files))
    return (*ARRAYS, *songs, *(name for files in tables for name in files))


def _mapped(path: Path) -> np.ndarray:
    try:
        # A plain array over the mapping: numpy's memmap class makes each slice slower.
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} is no array: {error}") from None


def _check_shapes(path: Path, arrays: dict[str, np.ndarray], manifest: Manifest) -> None:
    shape = arrays["vectors.npy"].shape
    if shape != (manifest.count, manifest.dimension):
        raise BundleError(
            f"{path / 'vectors.npy'} has the shape {shape} instead of {(manifest.count, manifest.dimension)}"
        )
    for name in ("track_ids.npy", "artists.npy", SONGS):
        if name in arrays and arrays[name].shape != (manifest.count,):
            raise BundleError(
                f"{path / name} has the shape {arrays[name].shape} instead of {(manifest.count,)}"
            )


def _check_contents(
    path: Path, arrays: dict[str, np.ndarray], following: Following | None, by_artist: Following | None
) -> None:
    try:
        vectors, track_ids, artists, cold_start = (arrays[name] for name in ARRAYS)
        Contents(vectors, track_ids, artists, cold_start, arrays.get(SONGS), following, by_artist)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from None


def _open(path: Path, vectors: np.ndarray, manifest: Manifest) -> NeighbourIndex:
    try:
        return open_index(vectors, backend=manifest.backend, folder=path, search_k=manifest.search_k)
    except (OSError, RuntimeError, ValueError) as error:
        raise BundleError(f"{path / str(INDEX_FILE[manifest.backend])} does not fit: {error}") from None
