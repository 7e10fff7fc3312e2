"""`segue stream repair`: bring a damaged checkpoint back to its newest complete batch."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import typer

from segue.confirmation import Yes, confirm
from segue.errors import SegueError, one_line_errors
from segue.local.process import RUN, read_record, running
from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.settings.checkpoint_location import scheme
from segue.spark.causes import explained
from segue.spark.session import session
from segue.storage.topic_sample import TopicSampler
from segue.streaming_jobs.checkpoint import damaged_note, write_note
from segue.streaming_jobs.checkpoint_folder import ASIDE, Files, Folder
from segue.streaming_jobs.damage import Damage, find, queries
from segue.streaming_jobs.hadoop_folder import checkpoint_folder
from segue.streaming_jobs.topic_repair import repair_positions

log = logging.getLogger(__name__)


def damages(checkpoint: Files) -> list[Damage]:
    """The damage of each query in a checkpoint."""
    return [damage for query in queries(checkpoint) if (damage := find(checkpoint, query))]


def repair_exactly(location: str) -> None:
    """Repair the damage whose repair repeats no committed batch, with a line in the log for each query.

    Raises
    ------
    SegueError
        There is damage whose repair repeats batches; the message names the command for it.
    """
    if scheme(location) != "file":
        return  # other file systems force files to their disks
    checkpoint = Folder(location)
    for damage in damages(checkpoint):
        if not damage.exact:
            raise SegueError(
                f"the checkpoint {location} is damaged: {_files(damage)}. Run `./run.sh stream repair`, "
                "which first lists its steps"
            )
        repair(checkpoint, damage)
        log.warning("repaired the checkpoint of %s: %s", damage.query, _files(damage) or "its id")


def repair(checkpoint: Files, damage: Damage) -> str:
    """Move damaged and stale files out of a checkpoint. Nothing is deleted.

    Returns
    -------
    str
        The folder in the checkpoint that they are moved to.

    Raises
    ------
    SegueError
        No complete batch is left.
    """
    if damage.complete is None:
        raise SegueError(
            f"the checkpoint of {damage.query} cannot be repaired: no complete batch is left. Set "
            "spark.checkpoint_location to a new folder; plays still in the topic are read again, and "
            "`./run.sh engagement recount` counts them once"
        )
    into = f"{ASIDE}/{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for path in sorted((*damage.files, *damage.stale), key=_state_first):
        checkpoint.move(path, into=into)
    if damage.needs_id:
        checkpoint.move(f"{damage.query}/metadata", into=into)
        checkpoint.write(f"{damage.query}/metadata", json.dumps({"id": str(uuid.uuid4())}).encode())
    return into


def _state_first(path: str) -> tuple[bool, int]:
    """The state before the logs, newest first: after an interruption, a repair finds the same batch again."""
    name = path.rpartition("/")[2].partition(".")[0]
    return ("/state/" not in path, -int(name) if name.isdigit() else 0)


def _files(damage: Damage) -> str:
    return ", ".join(damage.files)


def repair_command(yes: Yes = False) -> None:
    """Let the stream continue after damage to its checkpoint, or after its topic has lost records.

    A power cut can damage the newest files of a checkpoint. If only an unfinished batch is affected, the
    stream repairs the checkpoint when it starts. Otherwise this command lists the batches that will run
    again, asks for confirmation, and moves the damaged files to the folder `damaged` in the checkpoint.
    Nothing is deleted.

    Plays of those batches are read again. Tastes, recommendations and statistics are replaced by the same
    values.

    If the topic of plays was deleted and created again, was truncated, or has lost unread plays to its
    retention, the command lists how many plays are lost and asks. Each query then continues with the plays
    that the topic has.

    Example: ./run.sh stream repair

    Example: ./run.sh stream repair --yes
    """
    with one_line_errors():
        settings = load_settings()
        if running(read_record(RUN / "stream.json")):
            raise SegueError("the stream is running: stop it first, with ./run.sh down or Ctrl-C")
        with _opened(settings) as folder:
            _repair(folder, settings, yes=yes)


@contextmanager
def _opened(settings: Settings) -> Iterator[Files]:
    """The checkpoint's files; Spark runs only for a file system that nothing else reaches."""
    location = settings.spark.checkpoint_location
    if scheme(location) == "file":
        yield Folder(location)
        return
    with explained():
        spark = session(settings, app="segue stream repair", spark__ui__enabled="false")
        try:
            yield checkpoint_folder(spark, location)
        finally:
            spark.stop()


def _repair(folder: Files, settings: Settings, *, yes: bool) -> None:
    """Repair damaged files, and then the places in topics that have lost records."""
    location = settings.spark.checkpoint_location
    if not folder.names():
        raise SegueError(
            f"there is no checkpoint at {location}: check spark.checkpoint_location. The stream makes one "
            "when it starts"
        )
    mended = _mend(folder, settings, yes=yes)
    try:
        settings = connected(settings)
        sampler = TopicSampler(settings.kafka, [settings.kafka.plays_topic])
        sampler.sample()
    except SegueError as error:
        sound = "" if mended else f"The files of the checkpoint {location} are sound. "
        typer.echo(f"{sound}It is not known whether the topic has lost records: {error}")
        return
    with closing(sampler):
        continued = repair_positions(folder, settings, sampler, yes=yes)
    if not mended and not continued:
        typer.echo(f"The checkpoint {location} is sound, and no record is missing from the topic.")


def _mend(folder: Files, settings: Settings, *, yes: bool) -> bool:
    """Repair damaged files after a question; returns whether there were any."""
    location = settings.spark.checkpoint_location
    damaged, note = damages(folder), damaged_note(folder)
    if not damaged and not note:
        return False
    for damage in damaged:
        typer.echo(_report(damage))
    if note:
        typer.echo(
            f"{note}: damaged. It records the settings that the checkpoint was made with. It will be "
            "written again from the present settings; make sure that stream.window, engagement.window "
            "and kafka.plays_topic have not changed."
        )
    confirm("Repair the checkpoint?", yes=yes)
    for damage in damaged:
        typer.echo(f"{damage.query}: moved to {location}/{repair(folder, damage)}")
    if note:
        write_note(folder, note, settings)
    return True


def _report(damage: Damage) -> str:
    lines = [f"{damage.query}: damaged: {_files(damage) or 'the id'}"]
    if damage.complete is None:
        lines.append("  no complete batch is left")
    elif damage.repeated:
        lines.append(
            f"  batches {damage.complete + 1} to {damage.complete + damage.repeated} run again from their "
            "plays in Kafka; their results replace those of the first run"
        )
    else:
        lines.append(f"  the newest complete batch is {damage.complete}; nothing runs twice")
    return "\n".join(lines)
