"""`./run.sh models train`: learns from the plays in the topic what goes with what.

Delivery: each model is stored by a version that follows from the plays and the settings it was learned from
(segue.storage.trained). A run cut short is simply repeated: what is stored already is not learned again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
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

from batch_jobs.bars import counting
from segue.errors import SegueError, one_line_errors
from segue.index.track_ids import encode_ids
from segue.local.stack import connected
from segue.plays.recorded import plays_of_those_here, recorded
from segue.recommenders.factors import liked_pairs, track_factors
from segue.recommenders.following import following
from segue.recommenders.steps import fingerprint, steps
from segue.settings import Models, Settings, load_settings
from segue.spark import session
from segue.storage import forgotten, trained
from segue.storage.mongo import Document, activate, active_version, connect

CODE_VERSION = 1
"""Raise it when the same plays and settings give another model."""
Arrays = dict[str, np.ndarray]

app = typer.Typer(help="Models learned from plays.", no_args_is_help=True, add_completion=False)


@app.callback()
def _models() -> None:
    """Makes `train` a command of its own rather than the only one."""


@dataclass(frozen=True)
class Model:
    """A model that is learned from steps. `settings` are the names of those that make another version."""

    kind: str
    settings: tuple[str, ...]
    learn: Callable[[DataFrame, Models], Arrays]


@dataclass(frozen=True)
class Trained:
    """What a run has done with one model."""

    kind: str
    version: str
    unchanged: bool
    tracks: int
    seconds: float


@app.command()
def train(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the summary to this file.")] = None,
) -> None:
    """Learn from all plays that the topic still has: what follows what, and implicit ALS.

    Both by Spark, stored in MongoDB by version. When plays and settings are those of the stored version,
    nothing is learned. Then build the index again, which takes what follows what along: ./run.sh index

    Example: ./run.sh models train

    Example: SEGUE_MODELS__REACH=5 ./run.sh models train --json models.json
    """
    with one_line_errors():
        settings = connected(load_settings())
        found = run(settings)
        for one in found:
            told = "unchanged" if one.unchanged else f"learned in {one.seconds:.1f} s"
            typer.echo(f"{one.kind:10} {one.version}  {one.tracks} tracks, {told}")
        if json_file is not None:
            flat = {f"{one.kind}_{name}": getattr(one, name) for one in found for name in _SHOWN}
            json_file.write_text(json.dumps(flat, indent=1) + "\n")


_SHOWN = ("version", "unchanged", "tracks", "seconds")


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
        with counting(TimeElapsedColumn(), disable=quiet, console=Console(stderr=True)) as progress:
            task = progress.add_task("Reading plays", total=1 + len(MODELS))
            found = transform(recorded(spark, settings), settings=settings)
            found = _without(found, forgotten.hashes(database)).cache()
            source = fingerprint(found)
            if source.startswith("0:"):
                raise SegueError("there is no play to learn from: ./run.sh replay sends some")
            done = []
            for model in MODELS:
                progress.update(task, advance=1, description=f"Learning {model.kind}")
                done.append(_train(database, model, found, source=source, models=settings.models))
            progress.advance(task)
            found.unpersist()
            return done
    finally:
        if own:
            spark.stop()


def transform(records: DataFrame, *, settings: Settings) -> DataFrame:
    """KafkaRecord -> Step."""
    plays = plays_of_those_here(records, stream=settings.stream)
    gap, most = settings.engagement.session_gap, settings.models.listener_steps
    return steps(plays, signals=settings.signals, gap=gap, most=most)


def _without(found: DataFrame, hashes: list[str]) -> DataFrame:
    """Step -> Step, without those of forgotten listeners, who are known by a hash."""
    own = F.sha2(F.concat(F.lit(forgotten.PREFIX), "user_id"), 256)
    return found.where(~own.isin(hashes)) if hashes else found


def _train(
    database: Database[Document], model: Model, found: DataFrame, *, source: str, models: Models
) -> Trained:
    began = time.monotonic()
    version = _version(model, source, models)
    if trained.stored(database, model.kind, version):
        unchanged = active_version(database, model.kind) == version
        activate(database, model.kind, version)
        document = database.models.find_one({"_id": f"{model.kind}:{version}"}) or {}
        return Trained(model.kind, version, unchanged, document["tracks"], time.monotonic() - began)
    arrays = model.learn(found, models)
    made_of: dict[str, Any] = {"plays": source, "tracks": len(arrays["track_ids"])}
    made_of["settings"] = {name: getattr(models, name) for name in model.settings}
    trained.save(database, model.kind, version, arrays=arrays, made_of=made_of, keep=models.keep)
    return Trained(model.kind, version, False, made_of["tracks"], round(time.monotonic() - began, 2))


def _version(model: Model, source: str, models: Models) -> str:
    text = json.dumps([CODE_VERSION, source, [[name, getattr(models, name)] for name in model.settings]])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _following(found: DataFrame, models: Models) -> Arrays:
    table = following(found, models=models).toArrow()
    names = sorted({*table["track_id"].to_pylist(), *table["next_id"].to_pylist()}, key=str.encode)
    code = {name: number for number, name in enumerate(names)}
    return {
        "track_ids": encode_ids(names),
        "tracks": np.array([code[name] for name in table["track_id"].to_pylist()], dtype=np.int32),
        "next": np.array([code[name] for name in table["next_id"].to_pylist()], dtype=np.int32),
        "scores": table["score"].to_numpy().astype(np.float32),
    }


def _factors(found: DataFrame, models: Models) -> Arrays:
    table = track_factors(liked_pairs(found), models=models).toArrow().sort_by("track_id")
    factors = table["factor"].combine_chunks().flatten().to_numpy().astype(np.float32)
    return {
        "track_ids": encode_ids(table["track_id"].to_pylist()),
        "factors": factors.reshape(table.num_rows, -1),
    }


MODELS = (
    Model("following", ("reach", "listener_cap", "min_listeners", "shrink", "neighbours"), _following),
    Model("als", ("factors", "iterations", "regularisation", "alpha", "seed"), _factors),
)
"""`following`: what listeners play after each track. `als`: collaborative filtering."""

if __name__ == "__main__":
    app()
