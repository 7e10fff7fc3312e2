"""Checks of the checkpoint: write access, the settings that it was made with, damaged files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from segue.counted import counted
from segue.doctor.check import Check, ok, problem, warning
from segue.doctor.writing import writable
from segue.errors import SegueError
from segue.local.process import RUN, read_record, running
from segue.settings import Settings
from segue.settings.checkpoint_location import scheme
from segue.storage.topic_sample import TopicSampler
from segue.streaming_jobs.checkpoint import FOLDER, damaged_note, differences
from segue.streaming_jobs.checkpoint_folder import Folder
from segue.streaming_jobs.damage import Damage
from segue.streaming_jobs.repair import damages
from segue.streaming_jobs.topic_repair import losses_of

_NEW_FOLDER = "set spark.checkpoint_location to a new folder: plays still in the topic are read again"
_REPAIR = "run ./run.sh stream repair"


def checkpoint_checks(settings: Settings) -> list[Check]:
    """Check a checkpoint on a disk; other file systems are not checked."""
    location = settings.spark.checkpoint_location
    if scheme(location) != "file":
        return [ok("checkpoint", f"{location}: remote, not checked")]
    checkpoint = Folder(location)
    folder = Path(checkpoint.path)
    if not (folder / FOLDER).exists():
        found = f"{folder}, new: the stream reads the topic from its beginning"
        return [writable("checkpoint", folder, found=found, setting="spark.checkpoint_location")]
    checks = [writable("checkpoint", folder, found=f"{folder}, in use", setting="spark.checkpoint_location")]
    if note := damaged_note(checkpoint):
        return [*checks, problem("checkpoint settings", f"{folder}/{note} is damaged", _REPAIR)]
    return [*checks, _settings(checkpoint, settings), *_damage(checkpoint), *_places(checkpoint, settings)]


def _settings(checkpoint: Folder, settings: Settings) -> Check:
    try:
        found = differences(checkpoint, settings)
    except SegueError as error:
        return problem("checkpoint settings", str(error), _REPAIR)
    if found:
        return problem(
            "checkpoint settings", f"made with {'; '.join(found)}", f"put the setting back, or {_NEW_FOLDER}"
        )
    return ok("checkpoint settings", "the same as now")


def _damage(checkpoint: Folder) -> list[Check]:
    if running(read_record(RUN / "stream.json")):
        # Spark writes to these files at this moment.
        return [ok("checkpoint files", "in use by the running stream: not checked")]
    try:
        found = damages(checkpoint)
    except SegueError as error:
        return [problem("checkpoint files", str(error), "give this user the right to read them")]
    return [_judged(damage) for damage in found] or [ok("checkpoint files", "complete")]


def _places(checkpoint: Folder, settings: Settings) -> list[Check]:
    """Compare the places of the queries with the topic of plays, unless the stream runs and does it."""
    if not settings.kafka.bootstrap_servers or running(read_record(RUN / "stream.json")):
        return []
    try:
        with closing(TopicSampler(settings.kafka, [settings.kafka.plays_topic])) as sampler:
            lost = list(losses_of(checkpoint, settings, sampler))
    except (SegueError, OSError):
        return []  # Kafka and the files have checks of their own
    return [problem("checkpoint and topic", loss.line, _REPAIR) for loss in lost]


def _judged(damage: Damage) -> Check:
    name = f"checkpoint files of {damage.query}"
    what = f"damaged: {', '.join(damage.files) or 'the id'}"
    if damage.complete is None:
        return problem(name, f"{what}; no complete batch is left", _NEW_FOLDER)
    if damage.exact:
        return warning(name, what, "run ./run.sh stream run: it repairs an unfinished batch when it starts")
    return problem(
        name, f"{what}; {counted(damage.repeated, 'batch', plural='batches')} must run again", _REPAIR
    )
