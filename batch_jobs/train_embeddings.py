"""`./run.sh embeddings train`: fits the audio space on the corpus once, and embeds every track.

It embeds every track in the other active spaces, too, and updates the moods of the tracks, which are
percentiles of the same corpus.

Delivery: embeddings are written by space and track id. A newly fitted space becomes active after all its
embeddings are written: an interrupted run leaves the former space active and can be repeated. For moods see
segue.moods.stored.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console

from segue.audio.descriptors import descriptor_names, features_version
from segue.collections import prepare
from segue.counted import counted
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus, read_corpus, read_genres
from segue.embeddings.drift import Drift, advise, measure
from segue.embeddings.placement import Placement, embed, out_of_sample_rows
from segue.embeddings.registry import (
    load_space,
    other_spaces_in_use,
    remove_former,
    remove_orphans,
    space_named,
)
from segue.embeddings.space import Space, TrainingData
from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.models.versions import Models
from segue.moods.measures import measure_moods, moods_version
from segue.moods.stored import Moods
from segue.settings import Settings, load_settings
from segue.storage.store import Job, Store, open_store


@dataclass(frozen=True, kw_only=True)
class EmbeddingSummary:
    space: str
    fitted: bool
    dimension: int
    explained: float
    """The share of the corpus's variance that the space keeps."""
    tracks: int
    embedded: int
    removed: int
    added: int
    """Tracks added after the fit. The next three values describe them, and are None without such tracks."""
    drift: float | None
    """The mean magnitude of their standardised descriptors, relative to that of the corpus."""
    shift: float | None
    """The shift of their mean in standard deviations."""
    kept: float | None
    """The share of their variance that the space keeps."""
    moods: int
    """The number of written moods: all tracks, or 0 if nothing has changed."""
    also: dict[str, str]
    """Version of each other space that this run has fitted, by the space's name."""
    seconds: float


def train_embeddings(
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the audio space again, on the current catalogue.")
    ] = False,
    fit: Annotated[
        list[str] | None, typer.Option("--fit", help="Also fit this space, such as genres. Can be repeated.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Fit the audio space on the catalogue once, and embed every track in it.

    Later runs embed new and changed tracks in the saved space. They report if the new tracks differ so much
    from the rest that the space should be fitted again. After --refit, run ./run.sh index build. The setting
    index.space names the space that the index uses.

    Example: ./run.sh embeddings train

    Example: ./run.sh embeddings train --refit

    Example: ./run.sh embeddings train --fit genres && SEGUE_INDEX__SPACE=genres ./run.sh index build
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        also = [space_named(name) for name in dict.fromkeys(fit or [])]
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        with Console(stderr=True).status("Placing tracks"):
            summary = run(settings, store, refit=refit or AudioSpace in also, also=also)
        write_figures(json_file, asdict(summary))
        say(_sentence(summary), json_file)
        for name, version in summary.also.items():
            say(f"{name} space {version} fitted: {counted(summary.tracks, 'track')}", json_file)
        if advice := advise(drift_of(summary), space=AudioSpace.load(store), tracks=summary.tracks):
            say(advice, json_file)


def _sentence(summary: EmbeddingSummary) -> str:
    drift = drift_of(summary)
    drift_text = (
        ""
        if drift is None
        else f"; tracks added since the fit ({drift.tracks:,}) are {drift.distance:.2f} times as far out, "
        f"have shifted by {drift.shift:.2f} standard deviations, and keep {drift.kept:.0%} of their variance"
    )
    return (
        f"audio space {summary.space} {'fitted' if summary.fitted else 'in use'}: "
        f"{counted(summary.dimension, 'dimension')}, {summary.explained:.0%} of the variance; "
        f"{counted(summary.tracks, 'track')}, {summary.embedded} embedded, "
        f"{summary.removed} removed{drift_text} ({summary.seconds:.1f} s)"
    )


def drift_of(summary: EmbeddingSummary) -> Drift | None:
    """The drift that a run measured."""
    if summary.drift is None or summary.shift is None or summary.kept is None:
        return None
    return Drift(tracks=summary.added, distance=summary.drift, shift=summary.shift, kept=summary.kept)


def run(
    settings: Settings,
    store: Store,
    *,
    refit: bool = False,
    also: Sequence[type[Space]] = (),
    only_new: bool = False,
) -> EmbeddingSummary:
    """Bring `embeddings` in line with `features`.

    Parameters
    ----------
    refit
        Fit the audio space again. Without a space for these settings, it is always fitted.
    also
        Other spaces to fit.
    only_new
        Keep the moods of known tracks, which are percentiles of an earlier corpus, unless a space is fitted.

    Raises
    ------
    SegueError
        There are too few tracks to fit a space.
    """
    began = time.monotonic()
    corpus = read_corpus(store, settings)
    space = None if refit else current_space(store, settings)
    fitted = space is None
    if space is None:
        space = AudioSpace.fit(training_data(store, corpus, settings), settings)
        placed = _bring_into_use(store, corpus, space)
    else:
        placed = embed(store, corpus, space, out_of_sample=True)
    others: dict[str, str] = {}
    for other in also:
        if other is not AudioSpace:
            another = other.fit(training_data(store, corpus, settings), settings)
            _bring_into_use(store, corpus, another)
            others[other.name] = another.version
    for version in other_spaces_in_use(store):
        embed(store, corpus, load_space(store, version), out_of_sample=True)
    remove_orphans(store)
    new = placed.written if only_new and not fitted else None
    moods = _keep_moods(store, corpus, settings, only=new)
    drift = measure(space, corpus.descriptors[out_of_sample_rows(store, corpus, space)])
    return EmbeddingSummary(
        space=space.version,
        fitted=fitted,
        dimension=space.dimension,
        explained=float(space.explained.sum()),
        tracks=len(corpus.track_ids),
        embedded=len(placed.written),
        removed=placed.removed,
        added=drift.tracks if drift else 0,
        drift=drift.distance if drift else None,
        shift=drift.shift if drift else None,
        kept=drift.kept if drift else None,
        moods=moods,
        also=others,
        seconds=round(time.monotonic() - began, 2),
    )


def training_data(store: Store, corpus: Corpus, settings: Settings) -> TrainingData:
    """The corpus with the catalogue's data on its tracks."""
    return TrainingData(
        corpus=corpus,
        features_version=features_version(settings.audio),
        names=tuple(descriptor_names(settings.audio)),
        genres=read_genres(store),
    )


def _bring_into_use(store: Store, corpus: Corpus, space: Space) -> Placement:
    """Store a fitted space, embed every track in it, and activate it. The former space is kept."""
    space.save(store)
    written = embed(store, corpus, space, out_of_sample=False)
    former = Models(store).active_version(space.kind)
    space.activate(store)
    remove_former(store, type(space), keep=(space.version, former))
    return written


def _keep_moods(
    store: Store, corpus: Corpus, settings: Settings, *, only: Sequence[str] | None = None
) -> int:
    """Replace the moods of all tracks, or write those of some; returns the number of written moods."""
    if only is not None and not only:
        return 0
    measured = measure_moods(corpus.descriptors, names=descriptor_names(settings.audio))
    moods, version = Moods(store), moods_version(settings.audio)
    if only is not None and moods.edition() is not None:
        return moods.add(corpus.track_ids, measured, version=version, only=frozenset(only))
    return moods.replace(corpus.track_ids, measured, version=version)


def current_space(store: Store, settings: Settings) -> AudioSpace | None:
    """The active space, if it was fitted with the current settings and matches the current descriptors."""
    version = Models(store).active_version(AudioSpace.kind)
    if version is None:
        return None
    space = AudioSpace.load(store, version)
    return space if space.features_version == features_version(settings.audio) else None
