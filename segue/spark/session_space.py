"""Learning of the session space (:mod:`segue.embeddings.session_space`) from Step."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from segue.embeddings.corpus import Corpus, read_corpus
from segue.embeddings.placement import embed
from segue.embeddings.session_space import SessionSpace
from segue.embeddings.session_space_training import learn_space, read_sound
from segue.session_logs.logs import SessionLog, make_log
from segue.settings import Settings
from segue.spark.learned_model import Arrays, LearnedModel, Lesson
from segue.storage.mongo import pack
from segue.storage.store import Store


def heard_digest(steps: DataFrame, corpus: Corpus) -> str:
    """A digest of the features of the tracks in these steps."""
    learned_ids = set(steps.select("track_id").distinct().toArrow()["track_id"].to_pylist())
    digest = hashlib.blake2b(digest_size=8)
    for track_id, descriptors in zip(corpus.track_ids, corpus.descriptors, strict=True):
        if track_id in learned_ids:
            digest.update(track_id.encode() + b"\0" + pack(descriptors))
    return digest.hexdigest()


def heard_in_sessions(steps: DataFrame, tracks: Sequence[str]) -> SessionLog:
    """Step -> the steps on these tracks, as a log on the driver; its `item_ids` are the played tracks."""
    table: pa.Table = steps.select("user_id", "session", "track_id", "at").toArrow()
    table = table.filter(pc.is_in(table["track_id"], pa.array(tracks, table["track_id"].type)))
    table = table.sort_by([(name, "ascending") for name in ("user_id", "session", "at", "track_id")])
    users, sessions, items, times = (column.to_numpy() for column in table.columns)
    return make_log(users=users, sessions=sessions, items=items, times=times / 1000)


class SessionSpaceModel(LearnedModel):
    """Track embeddings from sessions and sound. Tracks are placed before a version comes into use."""

    kind = SessionSpace.kind

    def settings_of(self, settings: Settings) -> dict[str, Any]:
        return {"sessions": settings.models.sessions.stored()}

    def made_of(self, store: Store, settings: Settings, steps: DataFrame) -> dict[str, str]:
        """The audio space whose standardised descriptors the session space takes, and a digest of these."""
        sound = read_sound(store, settings)
        return {
            "audio_space": sound.space.version,
            "features_version": sound.space.features_version,
            "corpus": heard_digest(steps, sound.corpus),
        }

    def learn(self, lesson: Lesson) -> Arrays:
        sound = read_sound(lesson.store, lesson.settings)
        return learn_space(
            heard_in_sessions(lesson.steps, sound.corpus.track_ids),
            sound,
            lesson.settings.models.sessions,
            begun=lesson.begun,
            checkpoint=lesson.checkpoint,
            progress=lambda epoch, loss: lesson.progress(f"epoch {epoch}, validation loss {loss:.3f}"),
        )

    def place(self, store: Store, settings: Settings, version: str) -> None:
        embed(store, read_corpus(store, settings), SessionSpace.load(store, version), out_of_sample=False)
