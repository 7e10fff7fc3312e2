"""`./run.sh index build`: builds an index bundle from the embeddings in MongoDB, and publishes it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from segue.catalog.fingerprints import Fingerprints
from segue.catalog.tracks import IndexedTrack, Tracks
from segue.collections import prepare
from segue.counted import counted
from segue.embeddings.registry import space_to_index
from segue.embeddings.stored import Embeddings
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.index.backend import Backend
from segue.index.backends import chosen_backend
from segue.index.bundle import (
    Bundle,
    BundleError,
    Contents,
    Manifest,
    base_of,
    version_of,
    write_bundle,
)
from segue.index.cold_start import varied_selection
from segue.index.contents import computed
from segue.index.extended import items_after
from segue.index.published import PublishedBundles
from segue.index.track_ids import encode_ids
from segue.index.transition_rules import RuleTable, artist_tracks_of, transition_rules_of
from segue.local.stack import connected
from segue.models import trained
from segue.people.audit import AuditLog
from segue.settings import IndexSettings, load_settings
from segue.storage.store import Job, Store, open_store

TRANSITION_RULES = "following"
"""The kind of the transition rules among the stored models."""
console = Console(stderr=True)


@dataclass(frozen=True)
class IndexCorpus:
    """The tracks of the index: present in the library, with a vector in the active space."""

    space: str
    contents: Contents
    unusable: int
    """The number of omitted vectors without a direction: zero or not finite."""


@dataclass(frozen=True)
class IndexBuild:
    """The result of the job."""

    manifest: Manifest
    unchanged: bool
    """Whether the version was active before."""
    unusable: int
    followed: int
    """The number of tracks with transition rules."""
    retired: list[str]
    seconds: float

    def summary(self) -> dict[str, Any]:
        """The flat object that `--json` writes."""
        manifest = self.manifest
        return {
            "version": manifest.version,
            "unchanged": self.unchanged,
            "tracks": manifest.count,
            "tracks_unusable": self.unusable,
            "tracks_followed": self.followed,
            "dimension": manifest.dimension,
            "space": manifest.space,
            "backend": manifest.backend,
            **manifest.parameters,
            "recall20": manifest.recall20,
            "latency_ms": manifest.latency_ms,
            **({"extends": manifest.base} if manifest.base else {}),
            "build_s": manifest.build_s,
            "bytes": sum(file.size for file in manifest.files.values()),
            "retired": len(self.retired),
            "seconds": round(self.seconds, 2),
        }


def build_index(
    json_file: JsonFile = None,
) -> None:
    """Build the neighbour index of the catalogue, measure it, and publish it.

    A running stream switches to the new version automatically. The same embeddings and settings have the same
    version, and are not built again. The section [index] of the settings has the backend, its parameters
    and the number of versions to keep.

    Example: ./run.sh index build

    Example: SEGUE_INDEX__SPACE=audio ./run.sh index build

    Example: SEGUE_INDEX__ANNOY__N_TREES=100 ./run.sh index build --json index.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        built = run(store, settings.index)
        for name, value in built.summary().items():
            say(f"{name:16} {value}", json_file)
        write_figures(json_file, built.summary())


def roll_back_index(
    json_file: JsonFile = None,
) -> None:
    """Activate the previous version of the index again. Nothing is built and nothing is deleted.

    A running stream switches to it automatically. The next ./run.sh index build activates the newest again.

    Example: ./run.sh index rollback

    Example: ./run.sh index rollback --json index.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        manifest = PublishedBundles(store).roll_back(folder=settings.index.folder)
        AuditLog(store).note_of_library("index-rolled-back")
        say(f"index {manifest.version} of {manifest.created_at:%Y-%m-%d %H:%M} is active again", json_file)
        write_figures(json_file, {"version": manifest.version, "tracks": manifest.count})


def run(store: Store, settings: IndexSettings, *, extend: bool = False) -> IndexBuild:
    """Build, publish, activate, retire.

    Parameters
    ----------
    extend
        Extend the active index if it lacks few tracks (`index.rebuild_share`), instead of building another.

    Raises
    ------
    SegueError
        There are no embeddings, their dimensions differ, or the bundle cannot be written.
    """
    began = time.perf_counter()
    bundles = PublishedBundles(store)
    with console.status("Reading embeddings, choosing a varied selection") as status:
        corpus = read_corpus(store, settings)
        contents, former = corpus.contents, None
        backend = chosen_backend(settings)
        version = version_of(contents, space=corpus.space, backend=backend)
        if extend and bundles.active_version() != version:
            contents, former = _extended(bundles, settings, corpus, backend)
            version = version_of(contents, space=corpus.space, backend=backend, base=base_of(former))
        manifest = bundles.whole_manifest(version)
        unchanged = manifest is not None and bundles.active_version() == version
        if manifest is None:
            work = "extending" if former else "building"
            status.update(f"{counted(len(contents.vectors), 'track')}: {work} and measuring ({backend.name})")
            write_bundle(
                settings.folder,
                contents,
                space=corpus.space,
                backend=backend,
                recall_queries=settings.recall_queries,
                extends=former,
            )
        if not unchanged:
            status.update(f"Publishing {version}")
            manifest = bundles.publish(Path(settings.folder) / version)
        assert manifest is not None
        retired = bundles.retire(folder=settings.folder, keep=settings.keep_versions)
    console.print(f"index {version} {'is unchanged' if unchanged else 'is published'}")
    followed = (
        0 if contents.transition_rules is None else int((np.diff(contents.transition_rules.bounds) > 0).sum())
    )
    return IndexBuild(manifest, unchanged, corpus.unusable, followed, retired, time.perf_counter() - began)


def _extended(
    bundles: PublishedBundles, settings: IndexSettings, corpus: IndexCorpus, backend: Backend[Any]
) -> tuple[Contents, Bundle | None]:
    """The contents for extending the active index, and that index; None if it cannot be extended."""
    contents, active = corpus.contents, bundles.active_version()
    if active is None or backend.file is None:
        return contents, None
    try:
        former = bundles.load(active, folder=settings.folder)
    except BundleError:
        return contents, None
    same = (former.space, former.manifest.backend, former.manifest.parameters)
    if same != (corpus.space, backend.name, backend.parameters):
        return contents, None
    items = items_after(
        former, vectors=contents.vectors, track_ids=contents.track_ids, most=settings.rebuild_share
    )
    if items is None:
        return contents, None
    return replace(contents, indexed_rows=items), former


def read_corpus(store: Store, settings: IndexSettings) -> IndexCorpus:
    """Read the vectors of the configured space and their tracks, and compute the columns, by track id.

    Raises
    ------
    SegueError
        There is no active space, no vector of a present track, or vectors of several dimensions.
    """
    space = space_to_index(store, settings.space)
    track_of = indexed_tracks(store, shortest=settings.min_duration)
    stored = Embeddings(store).vectors(space)
    vector_of = {track_id: vector for track_id, vector in stored.items() if track_id in track_of}
    if not vector_of:
        raise SegueError(
            f"no track of the library has an embedding in space {space}: run ./run.sh embeddings train"
        )
    names = sorted(vector_of, key=str.encode)
    vectors = _matrix([vector_of[name] for name in names], names)
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    usable = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    if not len(usable):
        raise SegueError(
            f"every vector in space {space} is zero or not finite: run ./run.sh embeddings train"
        )
    units = (vectors[usable] / lengths[usable, None]).astype(np.float32)
    track_ids = encode_ids([names[row] for row in usable])
    of_catalogue = computed([track_of[names[row]] for row in usable])
    artists = of_catalogue["artists"]
    transition_rules, artist_tracks = read_transition_rules(
        store, track_ids, artists, others=of_catalogue["other_artists"]
    )
    contents = Contents(
        vectors=units,
        track_ids=track_ids,
        cold_start=varied_selection(units, artists, size=settings.cold_start_size),
        transition_rules=transition_rules,
        artist_tracks=artist_tracks,
        **of_catalogue,
    )
    return IndexCorpus(space, contents, unusable=len(names) - len(usable))


def indexed_tracks(store: Store, *, shortest: timedelta = timedelta(0)) -> dict[str, IndexedTrack]:
    """All tracks of music that are long enough and whose file exists, with the sounds they share, by id."""
    tracks = Tracks(store).to_index(shortest=shortest)
    for own, sound in Fingerprints(store).sounds().items():
        if own in tracks:
            tracks[own] = tracks[own]._replace(sound=sound)
    return tracks


def _matrix(vectors: list[bytes], names: list[str]) -> np.ndarray:
    size = len(vectors[0])
    for name, vector in zip(names, vectors, strict=True):
        if len(vector) != size or size == 0 or size % 4:
            raise SegueError(
                f"the embedding of track {name} has {len(vector) / 4:g} numbers, "
                f"that of {names[0]} has {size / 4:g}: run ./run.sh embeddings train"
            )
    return np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), -1)


def read_transition_rules(
    store: Store, track_ids: np.ndarray, artists: np.ndarray, *, others: np.ndarray | None = None
) -> tuple[RuleTable | None, RuleTable | None]:
    """The active transition rules of tracks and artists; None before a model is trained."""
    model = trained.load(store, TRANSITION_RULES)
    transition_rules = None if model is None else transition_rules_of(model, track_ids=track_ids)
    if model is None or transition_rules is None:
        return None, None
    if "listeners" not in model:  # learned by an older release
        return transition_rules, None
    return transition_rules, artist_tracks_of(model, track_ids=track_ids, artists=artists, others=others)
