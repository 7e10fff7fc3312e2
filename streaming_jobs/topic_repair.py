"""The part of `segue stream repair` for records that are missing from the topic of plays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import typer

from segue.confirmation import confirm
from segue.settings import Settings
from segue.storage.kafka import ensure_topics
from segue.storage.topic_sample import TopicSampler
from segue.streaming_jobs.checkpoint_folder import Files
from segue.streaming_jobs.damage import queries
from segue.streaming_jobs.losses import Loss, find_loss
from segue.streaming_jobs.positions import position
from segue.streaming_jobs.topic_guard import settle
from segue.streaming_jobs.topic_note import read_ends, read_note


def repair_positions(checkpoint: Files, settings: Settings, sampler: TopicSampler, *, yes: bool) -> bool:
    """List the records that queries have lost, ask, and let the queries continue with those that are left.

    A missing topic is created, if the settings allow it.

    Returns
    -------
    Whether records were lost.

    Raises
    ------
    SegueError
        Kafka does not answer, or the topic is missing and `kafka.manage_topics` is off.
    """
    if not (found := list(losses_of(checkpoint, settings, sampler))):
        return False
    for loss in found:
        typer.echo(f"{loss.line}.")
    typer.echo(
        "Each query will continue with the records that the topic has. Tastes, recommendations and "
        "statistics stay; a play that was counted before is not counted again."
    )
    confirm("Continue with the records that are left?", yes=yes)
    ensure_topics(settings.kafka, settings.retention)
    topic = sampler.sample()[settings.kafka.plays_topic]
    for loss in losses_of(checkpoint, settings, sampler):
        place = position(checkpoint, loss.query, topic=topic.name)
        assert place is not None
        settle(checkpoint, place, loss, read_note(checkpoint, loss.query), topic=topic)
        typer.echo(f"{loss.query}: continues at {_places(loss)}")
    return True


def losses_of(checkpoint: Files, settings: Settings, sampler: TopicSampler) -> Iterator[Loss]:
    """The records that the queries of a checkpoint have lost; the stream does not run.

    Raises
    ------
    SegueError
        Kafka does not answer, or the checkpoint is damaged.
    """
    name = settings.kafka.plays_topic
    topic, ends = sampler.sample().get(name), read_ends(checkpoint)
    for query in queries(checkpoint):
        place = position(checkpoint, query, topic=name)
        if place is None:
            continue
        loss = find_loss(
            place,
            topic,
            read_note(checkpoint, query),
            name=name,
            known_ends=ends,
            offsets_at=partial(sampler.offsets_at, name),
        )
        if loss:
            yield loss


def _places(loss: Loss) -> str:
    return ", ".join(
        f"offset {offset} of partition {number}" for number, offset in sorted(loss.restart.items())
    )
