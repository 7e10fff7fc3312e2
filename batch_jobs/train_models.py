"""`./run.sh models train`: learns from the plays in the topic what goes with what.

Delivery: each model is stored by a version that follows from the plays and the settings it was learned from,
and comes into use when all that it needs is there (segue.models.trained). A run cut short is simply
repeated: what is stored already is not learned again. A training with a checkpoint is finished with the plays
that it began with, though others have come since: the checkpoint says where the topic ended then.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from pymongo.database import Database
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.progress import TimeElapsedColumn

from segue.batch_jobs.bars import counting
from segue.embeddings import session_space
from segue.embeddings.corpus import embed, read_corpus
from segue.embeddings.session_training import (
    Begun,
    heard_digest,
    heard_in_sessions,
    learn_space,
    read_begun,
    read_sound,
    remove_checkpoint,
)
from segue.embeddings.spaces import load_space, remove_homeless, space_in_use
from segue.errors import SegueError, TooLittle, one_line_errors
from segue.figures import can_write, write_figures
from segue.index.track_ids import encode_ids
from segue.local.stack import connected
from segue.models import trained
from segue.people.forgotten import PREFIX, Forgotten
from segue.settings import Models, Settings, load_settings
from segue.spark.als import liked_pairs, track_factors
from segue.spark.recorded import plays_of_those_here, recorded
from segue.spark.session import session
from segue.spark.steps import fingerprint, steps
from segue.spark.transition_rules import following, kept_by
from segue.storage.kafka_topics import end_offsets
from segue.storage.mongo import Document, active_version, connect
from segue.storage.store import Store

CODE_VERSION = 2
"""Raise it when the same plays and settings give another model."""
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Plays:
    """What listeners kept, by the plays up to some moment."""

    steps: DataFrame
    ends: Mapping[int, int]
    """By partition of the topic, the offset after the last play."""
    fingerprint: str


@dataclass(frozen=True)
class Lesson:
    """What a model is learned from."""

    steps: DataFrame
    models: Models
    database: Database[Document]
    settings: Settings
    begun: Begun
    checkpoint: Path
    told: Callable[[str], None]
    """Says in a few words how far it is."""


@dataclass(frozen=True)
class Model:
    """A model that is learned from steps."""

    kind: str
    settings: tuple[str, ...]
    """The names of those settings in `[models]` that make another version."""
    learn: Callable[[Lesson], Arrays]
    made_of: Callable[[Database[Document], Settings, DataFrame], dict[str, str]] = (
        lambda database, settings, steps: {}
    )
    """What else makes another version, and is kept in the model's document."""
    place: Callable[[Database[Document], Settings, str], None] | None = None
    """Puts tracks where a stored version has them, before it comes into use."""


@dataclass(frozen=True)
class Trained:
    """What a run has done with one model."""

    kind: str
    version: str | None
    """None before the first, where nothing was learned."""
    unchanged: bool
    tracks: int
    seconds: float
    left_out: str | None = None
    """Why nothing was learned."""


def train(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file.")] = None,
) -> None:
    """Learn from all plays that the topic still has.

    following: what listeners play along with a track, by Spark. als: implicit ALS, by Spark.
    session-space: embeddings from sessions and sound, by JAX, where there are enough plays.

    All are stored in MongoDB by version. When plays and settings are those of the stored version, nothing is
    learned. A training of session-space that was cut short goes on from its last epoch with the plays that it
    began with, and the next run learns from those that came since. Then build the index again, which takes
    what was learned along: ./run.sh index

    Example: ./run.sh models train

    Example: SEGUE_MODELS__REACH=5 ./run.sh models train --json models.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings())
        found = run(settings)
        for one in found:
            if one.left_out:
                typer.echo(f"{one.kind:13} left out: {one.left_out}")
                continue
            told = "unchanged" if one.unchanged else f"learned in {one.seconds:.1f} s"
            typer.echo(f"{one.kind:13} {one.version}  {one.tracks} tracks, {told}")
        flat = {f"{one.kind}_{name}": getattr(one, name) for one in found for name in _SHOWN}
        write_figures(json_file, flat)


_SHOWN = ("version", "unchanged", "tracks", "seconds", "left_out")


def run(settings: Settings, *, spark: SparkSession | None = None, quiet: bool = False) -> list[Trained]:
    """Bring the models in line with the topic's plays.

    Raises
    ------
    SegueError
        The topic has no play that says what a listener kept.
    """
    database = connect(settings.mongo)
    own = spark is None
    spark = spark or session(settings, app="segue models", tuned=False)
    try:
        with (
            counting(TimeElapsedColumn(), disable=quiet, console=Console(stderr=True)) as progress,
            ExitStack() as at_the_end,
        ):
            records = recorded(spark, settings)

            def read(ends: Mapping[int, int]) -> Plays:
                found = transform(records, settings=settings, ends=ends)
                found = _without(found, Forgotten(Store(database)).hashes()).cache()
                at_the_end.callback(found.unpersist)
                return Plays(found, ends, fingerprint(found))

            task = progress.add_task("Reading plays", total=1 + len(MODELS))
            now = read(end_offsets(settings.kafka))
            if now.fingerprint.startswith("0:"):
                raise SegueError("there is no play to learn from: ./run.sh replay sends some")
            done = []
            for model in MODELS:
                progress.update(task, advance=1, description=f"Learning {model.kind}")

                def told(what: str, kind: str = model.kind) -> None:
                    progress.update(task, description=f"Learning {kind}: {what}")

                done.append(_train(database, model, now, read=read, settings=settings, told=told))
            progress.advance(task)
            if space_in_use(database, session_space.KIND):
                remove_homeless(database)
            return done
    finally:
        if own:
            spark.stop()


def transform(records: DataFrame, *, settings: Settings, ends: Mapping[int, int] | None = None) -> DataFrame:
    """KafkaRecord -> Step; with `ends`, by partition an offset, of the plays before it."""
    plays = plays_of_those_here(records, stream=settings.stream, ends=ends)
    gap, most = settings.engagement.session_gap, settings.models.listener_steps
    return steps(plays, signals=settings.signals, gap=gap, most=most)


def _without(found: DataFrame, hashes: list[str]) -> DataFrame:
    """Step -> Step, without those of forgotten listeners, who are known by a hash."""
    own = F.sha2(F.concat(F.lit(PREFIX), "user_id"), 256)
    return found.where(~own.isin(hashes)) if hashes else found


def _train(
    database: Database[Document],
    model: Model,
    now: Plays,
    *,
    read: Callable[[Mapping[int, int]], Plays],
    settings: Settings,
    told: Callable[[str], None],
) -> Trained:
    began = time.monotonic()
    checkpoint = Path(settings.models.folder) / f"{database.name}-{model.kind}.npz"
    cut_short = read_begun(checkpoint)
    try:
        plays, made_of = now, _made_of(database, model, now, settings)
        stored = trained.stored(database, model.kind, _version(made_of))
        if cut_short and cut_short.version != _version(made_of) and not stored:
            former = read(cut_short.ends)
            of_former = _made_of(database, model, former, settings)
            # What has expired or left since, or a change of settings or sound, makes another version.
            if _version(of_former) == cut_short.version:
                plays, made_of = former, of_former
                stored = trained.stored(database, model.kind, cut_short.version)
        version = _version(made_of)
        unchanged = stored and active_version(database, model.kind) == version
        if not stored:
            begun = Begun(version, plays.ends)
            lesson = Lesson(plays.steps, settings.models, database, settings, begun, checkpoint, told)
            arrays = model.learn(lesson)
            tracks = len(arrays["track_ids"])
            trained.save(database, model.kind, version, arrays=arrays, made_of={**made_of, "tracks": tracks})
    except TooLittle as error:
        return Trained(model.kind, active_version(database, model.kind), True, 0, 0.0, left_out=str(error))
    if model.place:
        told("placing tracks")
        model.place(database, settings, version)
    trained.put_in_use(database, model.kind, version, keep=settings.models.keep)
    if read_begun(checkpoint):
        remove_checkpoint(checkpoint)
    document = database.models.find_one({"_id": f"{model.kind}:{version}"}) or {}
    return Trained(model.kind, version, unchanged, document["tracks"], round(time.monotonic() - began, 2))


def _made_of(database: Database[Document], model: Model, plays: Plays, settings: Settings) -> dict[str, Any]:
    """From what the version follows; kept in the model's document."""
    values = settings.models.model_dump(mode="json")
    chosen = {name: values[name] for name in model.settings}
    more = model.made_of(database, settings, plays.steps)
    return {"plays": plays.fingerprint, "settings": chosen, **more}


def _version(made_of: Mapping[str, Any]) -> str:
    more = {name: value for name, value in made_of.items() if name not in ("plays", "settings")}
    text = json.dumps([CODE_VERSION, made_of["plays"], list(made_of["settings"].items()), more])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _following(lesson: Lesson) -> Arrays:
    table = following(lesson.steps, models=lesson.models).toArrow()
    kept = kept_by(lesson.steps).toArrow().to_pydict()
    listeners = dict(zip(kept["track_id"], kept["listeners"], strict=True))
    names = sorted(listeners, key=str.encode)
    code = {name: number for number, name in enumerate(names)}
    return {
        "track_ids": encode_ids(names),
        "listeners": np.array([listeners[name] for name in names], dtype=np.int32),
        "tracks": np.array([code[name] for name in table["track_id"].to_pylist()], dtype=np.int32),
        "next": np.array([code[name] for name in table["next_id"].to_pylist()], dtype=np.int32),
        "scores": table["score"].to_numpy().astype(np.float32),
    }


def _factors(lesson: Lesson) -> Arrays:
    table = track_factors(liked_pairs(lesson.steps), models=lesson.models).toArrow().sort_by("track_id")
    factors = table["factor"].combine_chunks().flatten().to_numpy().astype(np.float32)
    return {
        "track_ids": encode_ids(table["track_id"].to_pylist()),
        "factors": factors.reshape(table.num_rows, -1),
    }


def _session_space(lesson: Lesson) -> Arrays:
    sound = read_sound(lesson.database, lesson.settings)
    log = heard_in_sessions(lesson.steps, sound.corpus.track_ids)
    return learn_space(
        log,
        sound,
        lesson.models.sessions,
        begun=lesson.begun,
        checkpoint=lesson.checkpoint,
        told=lambda epoch, loss: lesson.told(f"epoch {epoch}, validation loss {loss:.3f}"),
    )


def _sound(database: Database[Document], settings: Settings, steps: DataFrame) -> dict[str, str]:
    """The audio space whose standardised descriptors the session space takes, and these."""
    sound = read_sound(database, settings)
    return {
        "audio_space": sound.space.version,
        "features_version": sound.space.features_version,
        "corpus": heard_digest(steps, sound.corpus),
    }


def _place(database: Database[Document], settings: Settings, version: str) -> None:
    """Every track's place in the session space: an index of it is built as soon as it is in use."""
    embed(database, read_corpus(database, settings), load_space(database, version), added=False)


MODELS = (
    Model(
        "following", ("reach", "back", "listener_cap", "min_listeners", "shrink", "neighbours"), _following
    ),
    Model("als", ("factors", "iterations", "regularisation", "alpha", "seed"), _factors),
    Model(session_space.KIND, ("sessions",), _session_space, made_of=_sound, place=_place),
)
"""`following`: what listeners play along with each track. `als`: collaborative filtering. `session-space`:
embeddings from sessions and sound."""
