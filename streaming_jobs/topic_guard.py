"""Compares the place of each query with its topic: before its start, and with each sample while it runs.

Spark knows offsets only. In a topic that was deleted and created again, it would continue at the old offsets
and skip the first records, without a message if the topic has reached them. The guard compares the id of the
topic (KIP-516), which is noted beside the query's checkpoint, and the ends of the topic.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import partial

from segue.errors import SegueError
from segue.settings import Settings
from segue.storage.kafka import ensure_topics
from segue.storage.topic_sample import TopicSample, TopicSampler
from segue.streaming_jobs.checkpoint_folder import Files
from segue.streaming_jobs.losses import Cause, Loss, find_loss
from segue.streaming_jobs.metrics import Metrics
from segue.streaming_jobs.positions import Position, move, position
from segue.streaming_jobs.topic_note import TopicNote, read_ends, read_note, write_ends, write_topic_note
from segue.streaming_jobs.topic_watch import ReadOffsets

log = logging.getLogger(__name__)
REMEDY = (
    "Run `./run.sh stream repair`: it keeps tastes and statistics; the query reads the records in the topic. "
    'Or set stream.lost_records = "continue"'
)
_AGAIN_SECONDS = 1.0
"""The pause before a finding is checked again that a change of a partition's leader can explain."""
_NOTE_SECONDS = 30.0
"""The shortest time between two notes of the topic's ends."""


class RecordsLost(SegueError):
    """A query has lost records, and `stream.lost_records` is `end`."""


def settle(
    checkpoint: Files, place: Position, loss: Loss, note: TopicNote, *, topic: TopicSample
) -> TopicNote:
    """Let the query of a loss continue with the records that the topic has; returns its new note."""
    into = move(checkpoint, place, loss.restart, topic=topic.name)
    note = replace(note.losing(loss.cause, loss.records), id=topic.id or note.id)
    write_topic_note(checkpoint, place.query, note)
    log.warning("%s; it continues with the records that are left (former offsets: %s)", loss.line, into)
    return note


class TopicGuard:
    """The guard of all queries of a job."""

    def __init__(
        self,
        settings: Settings,
        checkpoint: Files,
        sampler: TopicSampler,
        *,
        metrics: Metrics,
        read: ReadOffsets,
    ) -> None:
        self._settings, self._checkpoint, self._sampler = settings, checkpoint, sampler
        self._metrics, self._read = metrics, read
        self._plays = settings.kafka.plays_topic
        self._notes: dict[str, TopicNote] = {}
        self._outputs: dict[str, str] = {}
        self._reported: dict[str, int] = {}
        self._doubted: set[str] = set()
        self._suspects: set[str] = set()
        self._ends = self._noted = read_ends(checkpoint)
        self._note_due = 0.0
        self._lock = threading.Lock()

    def admit(self, query: str, folder: str, *, output: str | None = None) -> bool:
        """Check a query that does not run, and note its topics.

        Parameters
        ----------
        query, folder
            Its name, and its folder in the checkpoint.
        output
            The topic to which it writes its records.

        Returns
        -------
        Whether its place in the topic has changed.

        Raises
        ------
        RecordsLost
            It has lost records, and the settings do not allow it to continue.
        SegueError
            Kafka does not answer, or the checkpoint is damaged.
        """
        note = read_note(self._checkpoint, folder)
        place = position(self._checkpoint, folder, topic=self._plays)
        topics, loss = self._checked(place, note)
        if loss and self._settings.stream.lost_records == "end":
            raise RecordsLost(f"{loss.line}. {REMEDY}")
        if loss and loss.cause is Cause.DELETED:
            ensure_topics(self._settings.kafka, self._settings.retention)
            topics, loss = self._checked(place, note)
        topic = topics.get(self._plays)
        if topic is None:
            raise SegueError(f"the topic {self._plays} does not exist: create it, or set kafka.manage_topics")
        if loss and place:
            note = settle(self._checkpoint, place, loss, note, topic=topic)
        moved = loss is not None
        output_id = topics[output].id if output and output in topics else None
        if place and not moved and note.output_id and output_id and note.output_id != output_id:
            log.warning("the topic %s was created again: %s reads all plays again for it", output, query)
            move(self._checkpoint, place, topic.begins, topic=self._plays)
            moved = True
        note = replace(note, id=topic.id or note.id, output_id=output_id or note.output_id)
        self._take(query, folder, note, output)
        place = position(self._checkpoint, folder, topic=self._plays)
        self._read.put(query, place.offsets if place else {})
        return moved

    def _checked(
        self, place: Position | None, note: TopicNote
    ) -> tuple[Mapping[str, TopicSample], Loss | None]:
        """The topics, and the loss of a query; a loss that may be passing is looked for twice."""
        find = partial(self._find, place, note)
        topics, loss = find()
        if loss and loss.cause in (Cause.DELETED, Cause.TRUNCATED):
            time.sleep(_AGAIN_SECONDS)
            topics, loss = find()
        return topics, loss

    def _find(self, place: Position | None, note: TopicNote) -> tuple[Mapping[str, TopicSample], Loss | None]:
        topics = self._sampler.sample()
        if place is None:
            return topics, None
        loss = find_loss(
            place,
            topics.get(self._plays),
            note,
            name=self._plays,
            known_ends=self._ends,
            offsets_at=partial(self._sampler.offsets_at, self._plays),
        )
        return topics, loss

    def _take(self, query: str, folder: str, note: TopicNote, output: str | None) -> None:
        if note != read_note(self._checkpoint, folder):
            write_topic_note(self._checkpoint, folder, note)
        for loss in note.lost[self._reported.get(query, 0) :]:
            self._metrics.records_lost.labels(query, loss.cause).inc(loss.records)
            self._metrics.records_lost_at.labels(query).set(loss.at)
        self._metrics.records_lost_at.labels(query)
        self._reported[query] = len(note.lost)
        with self._lock:
            self._notes[query] = note
            if output:
                self._outputs[query] = output
            self._suspects.discard(query)
            self._doubted.discard(query)

    def judge(self, topics: Mapping[str, TopicSample], read: Mapping[str, Mapping[int, int]]) -> None:
        """Compare a sample with the running queries; :meth:`suspects` has those that must be stopped.

        `read` has the next offsets of the queries by partition, from before the sample.
        """
        plays = topics.get(self._plays)
        doubted: set[str] = set()
        with self._lock:
            for query, note in self._notes.items():
                output = topics.get(self._outputs.get(query, ""))
                if (plays and _differ(plays.id, note.id)) or (output and _differ(output.id, note.output_id)):
                    self._suspects.add(query)
                elif plays is None or _beyond(plays, read.get(query, {})):
                    # One sample may be from a broker that does not know the present leader yet.
                    (self._suspects if query in self._doubted else doubted).add(query)
            self._doubted = doubted
            kept = {note.id for note in self._notes.values()}
        self._note_ends(plays, kept)

    def suspects(self) -> set[str]:
        """The queries whose topic is not the one that they were admitted to, since their last start."""
        with self._lock:
            return set(self._suspects)

    def _note_ends(self, topic: TopicSample | None, kept: Collection[str | None]) -> None:
        """Keep the ends of the topic beside those of the topics `kept`, and note them from time to time."""
        if topic is None or not topic.id:
            return
        ends = {identity: found for identity, found in self._ends.items() if identity in kept}
        self._ends = {**ends, topic.id: dict(topic.ends)}
        now = time.monotonic()
        if self._ends != self._noted and now >= self._note_due:
            write_ends(self._checkpoint, self._ends)
            self._noted, self._note_due = self._ends, now + _NOTE_SECONDS


class GuardedTopic:
    """The topic of one query, as its supervisor sees it."""

    def __init__(self, guard: TopicGuard, query: str, folder: str, *, output: str | None = None) -> None:
        """See :meth:`TopicGuard.admit`."""
        self._guard, self._query, self._folder, self._output = guard, query, folder, output

    def admit(self) -> bool:
        """Check the query, which does not run; see :meth:`TopicGuard.admit`."""
        return self._guard.admit(self._query, self._folder, output=self._output)

    def changed(self) -> bool:
        """Whether it is another topic than at the query's start."""
        return self._query in self._guard.suspects()


def _differ(now: str | None, before: str | None) -> bool:
    return bool(now and before and now != before)


def _beyond(topic: TopicSample, read: Mapping[int, int]) -> bool:
    """Whether offsets were read that the topic does not have."""
    return any(offset > topic.ends.get(partition, -1) for partition, offset in read.items())
