"""Finds records that a query will never read: their topic was created again or truncated, or they expired."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from segue.storage.topic_sample import TopicSample
from segue.streaming_jobs.positions import Position
from segue.streaming_jobs.topic_note import TopicNote

_MARGIN_MS = 10 * 60_000
"""How far the clocks of brokers and driver may differ when a truncated partition is read again."""


class Cause(enum.StrEnum):
    """Why records are lost."""

    DELETED = "deleted"
    """The topic does not exist."""
    RECREATED = "recreated"
    """The topic was deleted and created again: offsets have another meaning."""
    TRUNCATED = "truncated"
    """A partition ends before records that were read: an unclean leader election."""
    EXPIRED = "expired"
    """Retention removed records before they were read."""


@dataclass(frozen=True)
class Loss:
    """The lost records of one query."""

    query: str
    topic: str
    cause: Cause
    records: int
    """At least so many."""
    exact: bool
    """Whether `records` is the number and not a lower bound."""
    restart: Mapping[int, int] = field(default_factory=dict)
    """The offsets from which the query can continue, by partition; empty while the topic does not exist."""

    @property
    def line(self) -> str:
        """A description of the loss, without a remedy."""
        count = f"{'' if self.exact else 'at least '}{self.records:,} record{'s' * (self.records != 1)}"
        if not self.exact and not self.records:
            count = "an unknown number of records"
        happened = {
            Cause.DELETED: f"the topic {self.topic} does not exist any more",
            Cause.RECREATED: f"the topic {self.topic} was deleted and created again",
            Cause.TRUNCATED: f"the topic {self.topic} ends before records that were read from it "
            "(an unclean leader election)",
            Cause.EXPIRED: f"the retention of the topic {self.topic} removed records before they were read",
        }[self.cause]
        return f"{happened}: {count} lost for {self.query.replace('_', ' ')}"


def find_loss(
    place: Position,
    topic: TopicSample | None,
    note: TopicNote,
    *,
    name: str,
    known_ends: Mapping[str, Mapping[int, int]],
    offsets_at: Callable[[int], Mapping[int, int]],
) -> Loss | None:
    """The records of a topic that a query has lost; None if it can continue.

    Parameters
    ----------
    topic
        None if it does not exist.
    known_ends
        The ends of the last sample by partition, by the topic's id.
    offsets_at
        Gives the first offset of each partition at or after a time in epoch ms.
    """
    if topic is None:
        return Loss(
            place.query, name, Cause.DELETED, _unread(place, known_ends.get(note.id or "", {})), False
        )
    reached = {**place.offsets, **place.planned}
    # A topic never loses partitions. The brokers may give no ids, and an older checkpoint has none.
    if (note.id and topic.id and note.id != topic.id) or not reached.keys() <= topic.ends.keys():
        records = _unread(place, known_ends.get(note.id or "", {}))
        return Loss(place.query, name, Cause.RECREATED, records, False, dict(topic.begins))
    beyond = {n: topic.ends[n] for n, offset in reached.items() if offset > topic.ends[n]}
    if beyond:
        # Records that were appended after the election are newer than the newest committed batch.
        again = offsets_at(place.at - _MARGIN_MS) if place.at else topic.begins
        restart = {n: min(place.offsets.get(n, begin), topic.ends[n]) for n, begin in topic.begins.items()}
        restart |= {n: max(topic.begins[n], min(again[n], topic.ends[n])) for n in beyond}
        missing = sum(reached[n] - end for n, end in beyond.items())
        return Loss(place.query, name, Cause.TRUNCATED, missing, False, restart)
    expired = {
        n: begin for n, begin in topic.begins.items() if n in place.offsets and place.offsets[n] < begin
    }
    if expired:
        restart = {n: max(place.offsets.get(n, begin), begin) for n, begin in topic.begins.items()}
        missing = sum(begin - place.offsets[n] for n, begin in expired.items())
        return Loss(place.query, name, Cause.EXPIRED, missing, True, restart)
    return None


def _unread(place: Position, ends: Mapping[int, int]) -> int:
    return sum(max(0, end - place.offsets.get(n, 0)) for n, end in ends.items())
