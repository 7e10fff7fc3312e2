"""`./run.sh models evaluate`: evaluates models and baselines on session logs, or spaces by sound.

It writes tables, JSON and, for the models, plots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import SparkSession
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from segue.audio.descriptors import descriptor_names, features_version
from segue.batch_jobs import train_models
from segue.embeddings.corpus import read_artists, read_corpus, read_genres
from segue.embeddings.registry import version_in_use
from segue.embeddings.space import Space, TrainingData
from segue.errors import SegueError, one_line_errors
from segue.evaluation.next_track import Comparison, affordable, compared, evaluate
from segue.evaluation.plots import write_plots
from segue.evaluation.spaces import SpaceResult, compare_spaces, labelled, of_gtzan
from segue.figures import JsonFile, can_write, console, say, write_figures
from segue.local.stack import connected
from segue.session_logs.datasets import read_gtzan, read_sessions
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import split_by_time
from segue.settings import Settings, load_settings
from segue.spark.recorded import recorded
from segue.spark.session import session
from segue.spark.session_space import heard_in_sessions
from segue.storage.kafka_topics import end_offsets
from segue.storage.store import Store, open_store

SHOWN_OF_SPACES = ("accuracy", "p10", "artist_hr10", "dimension", "gallery", "queries")
INTERVAL = "hr20, 95 %"
SHOWN = (
    ("hr20", "mrr20", "ndcg20", INTERVAL),
    ("coverage20", "gini20", "popularity20"),
    ("novelty20", "artist_diversity20"),
)
"""The figures by table; a table fits a terminal of 80 columns."""


def evaluate_models(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with session logs, *.tsv or 30music/*.tsv. With --spaces: folder of GTZAN features."
        ),
    ] = None,
    json_file: JsonFile = None,
    plots: Annotated[
        Path | None, typer.Option("--output", help="Write plots (SVG) into this folder.")
    ] = None,
    models: Annotated[str | None, typer.Option(help="Only these models, separated by commas.")] = None,
    spaces: Annotated[
        bool, typer.Option("--spaces", help="Compare spaces by the sound of tracks, instead of models.")
    ] = False,
) -> None:
    """Evaluate models on session logs: train on all days but the last, and predict that day's next tracks.

    A log is tab-separated text with a header and the columns SessionId, ItemId, Time (seconds since 1970)
    and, if known, UserId and ArtistId. Each file is split and evaluated separately.

    The parameters of context-tree, v-sknn, stan and vstan, the weights of blend and the ranking of ranked are
    chosen for each log on the last day before its test day. The choices are printed below the figures. With
    more than 20,000 predictions, models that take long are left out unless you name them.

    Models whose name begins with "served" apply the service's rules, too: no track that was just played, and
    the limit of tracks by one artist.

    With --spaces, each space is fitted on four fifths of the artists and queried with the tracks of the
    others. The figures are the accuracy of the genre by 5 nearest neighbours, the share of the 10 nearest
    tracks with the same genre (p10), and the share of queries with another track by the artist among these
    10 (artist_hr10). The tracks are those of the catalogue or, with --data, those of GTZAN. The space
    "descriptors" is the baseline. docs/evaluation/protocol.md describes the method.

    Example: ./run.sh models evaluate --data ~/logs --json figures.json --output plots

    Example: ./run.sh models evaluate --spaces --json spaces.json
    """
    with one_line_errors():
        can_write(json_file)
        if spaces:
            if models is not None or plots is not None:
                raise SegueError("--models and --output are for session logs: leave them out with --spaces")
            results = evaluate_spaces(data)
            _show_spaces(results, json_file)
            write_figures(json_file, {name: result.summary() for name, result in results.items()})
            return
        if data is None:
            raise SegueError("session logs are missing: add --data DIR, or --spaces to compare spaces")
        if plots is not None:
            make_folder(plots)
        known = compared(load_settings())
        wanted = list(known) if models is None else models.split(",")
        if unknown := [name for name in wanted if name not in known]:
            raise SegueError(f"there is no model {unknown[0]}: one of {', '.join(known)}")
        logs = {name: split_by_time(log) for name, log in read_sessions(data).items()}
        splits = list(logs.values())
        if models is None:
            queries = sum(len(split.queries) for split in splits)
            wanted = affordable(wanted, queries=queries)
            if len(wanted) < len(known):
                left_out = ", ".join(name for name in known if name not in wanted)
                typer.echo(
                    f"left out of {queries:,} predictions: {left_out}. Name them in --models.", err=True
                )
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task("Evaluating", total=len(wanted) * len(splits))
            found = evaluate(
                splits, {name: known[name] for name in wanted}, progress=lambda: progress.advance(task)
            )
        _show(found, list(logs), json_file)
        write_figures(json_file, _with_choices(found, list(logs)))
        if plots is not None:
            write_plots(found.figures, plots)


def evaluate_spaces(data: Path | None) -> dict[str, SpaceResult]:
    """Every registered space on GTZAN's features below `data`, or on the catalogue.

    Raises
    ------
    SegueError
        There are no labelled tracks.
    """
    settings = load_settings()
    if data is not None:
        inside = data / "gtzan-features"
        split = read_gtzan(inside if inside.is_dir() else data)
        return compare_spaces(of_gtzan(split.descriptors, split.genres, split.part), settings)
    settings = connected(settings, kafka=False)
    store = open_store(settings)
    with Console(stderr=True).status("Comparing spaces"):
        corpus = read_corpus(store, settings)
        artists = read_artists(store)
        version = features_version(settings.audio)
        known = TrainingData(
            corpus=corpus,
            features_version=version,
            names=tuple(descriptor_names(settings.audio)),
            genres=read_genres(store),
            sessions=sessions_in_topic(store, settings, corpus.track_ids),
        )
        tracks = labelled(known, [artists.get(track_id) for track_id in corpus.track_ids])

        def in_use(space: type[Space]) -> Space | None:
            stored = version_in_use(store, space)
            fitted = None if stored is None else space.load(store, stored)
            return fitted if fitted is not None and fitted.features_version == version else None

        return compare_spaces(tracks, settings, in_use=in_use)


def sessions_in_topic(
    store: Store, settings: Settings, track_ids: Sequence[str], *, spark: SparkSession | None = None
) -> SessionLog | None:
    """The listening sessions of these tracks, from the plays in the topic; None without Kafka.

    These are the training data of `./run.sh models train`.
    """
    if not settings.kafka.bootstrap_servers:
        return None
    ends = end_offsets(settings.kafka)
    if not any(ends.values()):
        return None
    with nullcontext(spark) if spark else session(settings, app="segue evaluate", tuned=False) as running:
        step_rows = train_models.transform(recorded(running, settings), settings=settings, ends=ends)
        return heard_in_sessions(train_models.without_forgotten(step_rows, store), track_ids)


def make_folder(folder: Path) -> None:
    """Create the folder of the plots before the long computation.

    Raises
    ------
    SegueError
        The folder cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SegueError(f"--output {folder}: {error.strerror}") from None


def _show_spaces(results: Mapping[str, SpaceResult], json_file: Path | None) -> None:
    table = Table("space", *SHOWN_OF_SPACES)
    for name, result in results.items():
        cells = (result.figures.get(key) for key in SHOWN_OF_SPACES)
        table.add_row(name, *("" if cell is None else f"{cell:.3g}" for cell in cells))
    console(json_file).print(table)
    for name, result in results.items():
        if result.note:
            say(f"{name}: {result.note}", json_file)


def _show(found: Comparison, logs: Sequence[str], json_file: Path | None) -> None:
    for shown in SHOWN:
        table = Table("model", *shown)
        for name, figures in found.figures.items():
            interval = f"{figures['hr20_low']:.3f} to {figures['hr20_high']:.3f}"
            table.add_row(name, *(interval if key == INTERVAL else f"{figures[key]:.3f}" for key in shown))
        console(json_file).print(table)
    for name, choices in found.choices.items():
        for log, choice in zip(logs, choices, strict=True):
            say(f"{name} on {log}: {choice}", json_file)


def _with_choices(found: Comparison, logs: Sequence[str]) -> dict[str, dict[str, float | dict[str, str]]]:
    """The figures by model, with `choice` by log for the models that choose."""
    results: dict[str, dict[str, float | dict[str, str]]] = {}
    for name, figures in found.figures.items():
        results[name] = {**figures}
        if name in found.choices:
            results[name]["choice"] = dict(zip(logs, found.choices[name], strict=True))
    return results
