"""`./run.sh embeddings`: fits the audio space on the corpus, once, and puts every track into it.

Where there is a session space (batch_jobs/train_models.py) or a genre space, every track is put into these,
too. The moods of the tracks, percentiles of the same corpus, are brought up to date with it.

Delivery: embeddings are written by space and track id; a newly fitted space is switched to when all its
embeddings are written, so that a run cut short leaves the former one in use and is simply repeated. How moods
are written: segue.moods.stored.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import typer
from pymongo.database import Database
from pyspark.ml.feature import PCA, StandardScaler
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from segue.audio.descriptors import descriptor_names, features_version
from segue.embeddings import genre_space
from segue.embeddings.audio_space import (
    KIND,
    AudioSpace,
    Matrix,
    SpaceError,
    settle_constants,
    signed,
    space_version,
)
from segue.embeddings.corpus import Corpus, added_since, embed, read_corpus
from segue.embeddings.drift import Drift, advise, measure
from segue.embeddings.genre_space import GenreSpace, fit_genre_space
from segue.embeddings.spaces import learned_in_use, load_space, remove_homeless
from segue.errors import SegueError, one_line_errors
from segue.figures import can_write, write_figures
from segue.local.stack import connected
from segue.moods.measures import measure_moods, moods_version
from segue.moods.stored import keep_moods
from segue.settings import Settings, load_settings
from segue.spark.session import session
from segue.storage.mongo import Document, activate, active_version, connect


@dataclass(frozen=True, kw_only=True)
class Summary:
    space: str
    fitted: bool
    dimension: int
    explained: float
    """The share of the corpus's variance that the space keeps."""
    tracks: int
    embedded: int
    removed: int
    added: int
    """Tracks that the space was not fitted on. The next three are of these, and None when there are none."""
    drift: float | None
    """How far out they lie, with the corpus at 1."""
    shift: float | None
    """How far their mean has shifted, in standard deviations."""
    kept: float | None
    """The share of their variance that the space keeps."""
    moods: int
    """Moods that were written: of all tracks, or none where nothing has changed."""
    seconds: float


def train_embeddings(
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the space again, on the catalogue as it is now.")
    ] = False,
    genres: Annotated[
        bool,
        typer.Option("--genres", help="Also fit the genre space, on the tracks' genres as they are now."),
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file.")] = None,
) -> None:
    """Fit the audio space on the catalogue, once, and give every track its place in it.

    Later runs put new and changed tracks into the saved space, and say when these are so unlike the rest that
    it should be fitted again. After a refit, build the index again.

    Example: ./run.sh embeddings

    Example: ./run.sh embeddings --refit

    Example: ./run.sh embeddings --genres && SEGUE_INDEX__SPACE=genres ./run.sh index
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        database = connect(settings.mongo)
        if refit or current_space(database, settings) is None:
            with session(settings, app="segue embeddings") as spark, Console(stderr=True).status("Fitting"):
                summary = run(spark, settings, database, refit=refit, genres=genres)
        else:
            summary = run(None, settings, database, genres=genres)
        write_figures(json_file, asdict(summary))
        typer.echo(_told(summary))
        if advice := advise(drift_of(summary), space=AudioSpace.load(database), tracks=summary.tracks):
            typer.echo(advice)


def _told(summary: Summary) -> str:
    found = drift_of(summary)
    drift = (
        ""
        if found is None
        else f"; the {found.tracks} added since the fit lie {found.distance:.2f} times as far out, have "
        f"shifted by {found.shift:.2f} standard deviations, and keep {found.kept:.0%} of their variance"
    )
    return (
        f"audio space {summary.space} {'fitted' if summary.fitted else 'in use'}: "
        f"{summary.dimension} dimensions, {summary.explained:.0%} of the variance; "
        f"{summary.tracks} tracks, {summary.embedded} embedded, "
        f"{summary.removed} removed{drift} ({summary.seconds:.1f} s)"
    )


def drift_of(summary: Summary) -> Drift | None:
    """The drift that a run has measured."""
    if summary.drift is None or summary.shift is None or summary.kept is None:
        return None
    return Drift(tracks=summary.added, distance=summary.drift, shift=summary.shift, kept=summary.kept)


def run(
    spark: SparkSession | None,
    settings: Settings,
    database: Database[Document],
    *,
    refit: bool = False,
    genres: bool = False,
) -> Summary:
    """Bring `embeddings` in line with `features`; `spark` may be None when :func:`current_space` has one.

    Raises
    ------
    SegueError
        There are fewer than two tracks with features, or too few of three genres.
    """
    began = time.monotonic()
    corpus = read_corpus(database, settings)
    space = None if refit else current_space(database, settings)
    fitted = space is None
    if space is None:
        if spark is None:
            raise SpaceError("there is no audio space yet: run ./run.sh embeddings")
        space = fit(spark, corpus, settings)
        space.save(database)
    embedded, removed = embed(database, corpus, space, added=not fitted)
    if fitted:
        former = active_version(database, KIND)
        space.activate(database)
        _remove_former(database, KIND, keep={space.version, former or ""})
    if genres:
        fit_genres(database, corpus, settings)
    for version in learned_in_use(database):
        embed(database, corpus, load_space(database, version), added=True)
    remove_homeless(database)
    moods = _keep_moods(database, corpus, settings)
    drift = measure(space, corpus.descriptors[added_since(database, corpus, space)])
    return Summary(
        space=space.version,
        fitted=fitted,
        dimension=space.dimension,
        explained=float(space.explained.sum()),
        tracks=len(corpus.track_ids),
        embedded=embedded,
        removed=removed,
        added=drift.tracks if drift else 0,
        drift=drift.distance if drift else None,
        shift=drift.shift if drift else None,
        kept=drift.kept if drift else None,
        moods=moods,
        seconds=round(time.monotonic() - began, 2),
    )


def fit_genres(database: Database[Document], corpus: Corpus, settings: Settings) -> GenreSpace:
    """Fit the genre space on the first genre of each track, keep it, and make it the one in use."""
    found = database.tracks.find({"genres.0": {"$exists": True}}, {"genres": {"$slice": 1}})
    genre_of = {track["_id"]: str(track["genres"][0]) for track in found}
    labels = [genre_of.get(track_id) for track_id in corpus.track_ids]
    space = fit_genre_space(
        corpus.descriptors,
        labels,
        features_version=features_version(settings.audio),
        least=settings.embedding.genre_tracks,
    )
    space.save(database)
    activate(database, genre_space.KIND, space.version)
    _remove_former(database, genre_space.KIND, keep={space.version})
    return space


def _keep_moods(database: Database[Document], corpus: Corpus, settings: Settings) -> int:
    found = measure_moods(corpus.descriptors, names=descriptor_names(settings.audio))
    return keep_moods(database, corpus.track_ids, found, version=moods_version(settings.audio))


def current_space(database: Database[Document], settings: Settings) -> AudioSpace | None:
    """The space in use, if it was fitted on descriptors of the current settings and still fits them."""
    version = active_version(database, KIND)
    if version is None:
        return None
    space = AudioSpace.load(database, version)
    return space if space.features_version == features_version(settings.audio) else None


def fit(spark: SparkSession, corpus: Corpus, settings: Settings) -> AudioSpace:
    """Fit the space on a corpus; the same corpus gives the same space.

    Raises
    ------
    SegueError
        The corpus has fewer than two tracks, or all its tracks are the same.
    """
    rows, width = corpus.descriptors.shape
    k = min(settings.embedding.components, width, rows - 1)
    if k < 1:
        raise SegueError("an audio space needs at least two tracks with features: ingest more music")
    descriptors = settle_constants(corpus.descriptors)
    if not np.ptp(descriptors, axis=0).any():
        raise SegueError("all tracks have the same features: ingest more music")
    flat = pa.array(descriptors.reshape(-1), type=pa.float32())
    lists = pa.FixedSizeListArray.from_arrays(flat, width).cast(pa.list_(pa.float32()))
    frame = spark.createDataFrame(pa.table({"descriptors": lists}))
    mean, deviation, components, explained = transform(frame, k=k)
    names = tuple(descriptor_names(settings.audio))
    features = features_version(settings.audio)
    fields = {
        "features_version": features,
        "names": names,
        "mean": mean,
        "scale": np.where(deviation > 0, deviation, 1.0),
        "components": signed(components),
        "explained": explained,
        "tracks": rows,
        "version": space_version(
            features=features, track_ids=corpus.track_ids, descriptors=corpus.descriptors, components=k
        ),
    }
    unmeasured = AudioSpace(**fields, spread=1.0)
    return AudioSpace(**fields, spread=float(unmeasured.distances(descriptors).mean()))


def transform(features: DataFrame, *, k: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Mean (d,), deviation (d,), components (d, k) and their shares of the variance (k,), by Spark MLlib.

    `features` has a column `descriptors`, an array of d floats without gaps.
    """
    vectors = features.select(array_to_vector(F.col("descriptors")).alias("descriptors")).cache()
    scaler = StandardScaler(
        inputCol="descriptors", outputCol="standardised", withMean=True, withStd=True
    ).fit(vectors)
    model = PCA(k=k, inputCol="standardised", outputCol="projected").fit(scaler.transform(vectors))
    vectors.unpersist()
    return scaler.mean.toArray(), scaler.std.toArray(), model.pc.toArray(), model.explainedVariance.toArray()


def _remove_former(database: Database[Document], kind: str, *, keep: set[str]) -> None:
    """Remove spaces of a kind that are out of use. What the index is of stays until the next build."""
    index = database.models.find_one({"_id": f"index:{active_version(database, 'index')}"}) or {}
    kept = sorted(keep | {str(index.get("manifest", {}).get("space", ""))})
    database.models.delete_many({"kind": kind, "version": {"$nin": kept}})
