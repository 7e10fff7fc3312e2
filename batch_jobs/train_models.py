"""`./run.sh models train`: trains transition rules, session embeddings and ALS on plays, imported ones too.

Delivery: :mod:`segue.spark.training`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack

import typer
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.progress import TimeElapsedColumn

from segue.batch_jobs.bars import counting
from segue.counted import counted
from segue.embeddings.registry import remove_orphans, version_in_use
from segue.embeddings.session_space import SessionSpace
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.index.published import PublishedBundles
from segue.local.stack import connected
from segue.models import trained
from segue.people.forgotten import Forgotten
from segue.ranking import order_versions
from segue.recommenders.order_from_responses import learn_order
from segue.recommenders.order_learning import FEWEST
from segue.settings import Settings, load_settings
from segue.spark.imported_plays import with_imported
from segue.spark.learned_models import LEARNED_MODELS
from segue.spark.recorded import plays_of_those_here, recorded
from segue.spark.session import session
from segue.spark.steps import fingerprint, steps
from segue.spark.training import Plays, Trained, Training
from segue.storage.gone import PREFIX
from segue.storage.kafka_topics import end_offsets
from segue.storage.store import Store, open_store


def train(
    json_file: JsonFile = None,
) -> None:
    """Train the models on the plays in the topic and on imported plays, and store each by version.

    following: transition rules, which score the tracks that listeners play after a track.

    session-space: embeddings from listening sessions and sound. It needs enough plays.

    als: implicit ALS, only with models.als.enabled. It is not served. Without the setting, stored versions
    are removed.

    order: the order of candidates, learned from the tracks that listeners choose from their lists. It needs
    an index, and is served with ranking.model = "learned". With too few responses, the shipped order is
    served.

    A model is trained again only if plays or settings have changed. An interrupted training of session-space
    continues from its last epoch with the same plays; the next run adds newer plays. Afterwards run
    ./run.sh index build, which adds the models to the index.

    Example: ./run.sh models train

    Example: SEGUE_MODELS__RULES__MAX_GAP=5 ./run.sh models train --json models.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings())
        models = [*run(settings), learned_order(settings)]
        for model in models:
            if model.left_out:
                say(f"{model.kind:13} left out: {model.left_out}", json_file)
                continue
            outcome = "unchanged" if model.unchanged else f"trained in {model.seconds:.1f} s"
            say(f"{model.kind:13} {model.version}  {counted(model.tracks, 'track')}, {outcome}", json_file)
        flat = {f"{model.kind}_{name}": getattr(model, name) for model in models for name in _SHOWN}
        write_figures(json_file, flat)


def learned_order(settings: Settings) -> Trained:
    """Learn the order of candidates from the stored responses, and bring it into use."""
    began, store = time.monotonic(), open_store(settings)
    bundles = PublishedBundles(store)
    index = bundles.active_version()
    if index is None:
        reason = "no index has been published: run ./run.sh index build"
        return Trained(order_versions.KIND, None, True, 0, 0.0, left_out=reason)
    outcome = learn_order(store, settings, bundles.load(index, folder=settings.index.folder))
    return Trained(
        order_versions.KIND,
        outcome.version,
        outcome.unchanged,
        outcome.tracks,
        round(time.monotonic() - began, 2),
        left_out=outcome.learned.choice if outcome.learned.choices < FEWEST else None,
    )


def roll_back_order() -> None:
    """Go back to the learned order that was stored before the active one.

    Before the first one it is the shipped order. The running stream uses it within two seconds. The next
    ./run.sh models train chooses again.

    Example: ./run.sh models rollback

    Example: SEGUE_MONGO__DATABASE=trial ./run.sh models rollback
    """
    with one_line_errors():
        store = open_store(connected(load_settings(), kafka=False))
        typer.echo(f"active: {order_versions.roll_back(store)}")


_SHOWN = ("version", "unchanged", "tracks", "seconds", "left_out")


def run(settings: Settings, *, spark: SparkSession | None = None, quiet: bool = False) -> list[Trained]:
    """Update the models from the plays of the topic and from imported plays.

    Raises
    ------
    SegueError
        There is no play to learn from.
    """
    store = open_store(settings)
    chosen = [model for model in LEARNED_MODELS if model.enabled(settings)]
    for model in LEARNED_MODELS:
        if model not in chosen:
            trained.retire(store, model.kind)
    own = spark is None
    spark = spark or session(settings, app="segue models", tuned=False)
    try:
        with (
            counting(TimeElapsedColumn(), disable=quiet) as bar,
            ExitStack() as at_the_end,
        ):
            records = recorded(spark, settings)

            def read(ends: Mapping[int, int]) -> Plays:
                step_rows = transform(records, settings=settings, ends=ends, imported=store)
                step_rows = without_forgotten(step_rows, store).cache()
                at_the_end.callback(step_rows.unpersist)
                return Plays(step_rows, ends, fingerprint(step_rows))

            task = bar.add_task("Reading plays", total=1 + len(chosen))
            now = read(end_offsets(settings.kafka))
            if now.fingerprint.startswith("0:"):
                raise SegueError("there is no play to learn from: ./run.sh plays replay sends plays")
            training = Training(store, settings, now, read)
            done = []
            for model in chosen:
                bar.update(task, advance=1, description=f"Learning {model.kind}")

                def progress(text: str, kind: str = model.kind) -> None:
                    bar.update(task, description=f"Training {kind}: {text}")

                done.append(training.train(model, progress=progress))
            bar.advance(task)
            if version_in_use(store, SessionSpace):
                remove_orphans(store)
            return done
    finally:
        if own:
            spark.stop()


def transform(
    records: DataFrame,
    *,
    settings: Settings,
    ends: Mapping[int, int] | None = None,
    imported: Store | None = None,
) -> DataFrame:
    """KafkaRecord -> Step.

    Parameters
    ----------
    ends
        By partition, the offset before which plays of the topic are taken; None takes all of them.
    imported
        Where imported and delayed plays are kept, which are taken too; None takes none.
    """
    plays = plays_of_those_here(records, stream=settings.stream, ends=ends)
    if imported is not None:
        # A session may lack signals that were skips: twice as many plays as steps are enough for most.
        most = 2 * settings.models.max_steps_per_listener
        plays = with_imported(plays, records.sparkSession, imported, most=most)
    gap, most = settings.engagement.session_gap, settings.models.max_steps_per_listener
    return steps(plays, signals=settings.signals, gap=gap, most=most)


def without_forgotten(step_rows: DataFrame, store: Store) -> DataFrame:
    """Step -> Step, without listeners who have left, whose hashes are stored."""
    hashes = Forgotten(store).hashes()
    own = F.sha2(F.concat(F.lit(PREFIX), "user_id"), 256)
    return step_rows.where(~own.isin(hashes)) if hashes else step_rows
