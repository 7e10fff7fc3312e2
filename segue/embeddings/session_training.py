"""Steps of sessions and the catalogue's sound to the arrays of a session space."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymongo.database import Database
from pyspark.sql import DataFrame

from segue.audio.descriptors import features_version
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus, read_corpus
from segue.embeddings.session_space import tower_input
from segue.errors import SegueError, TooLittle
from segue.index.track_ids import encode_ids
from segue.session_logs.logs import SessionLog, make_log
from segue.settings import SessionTraining, Settings
from segue.storage.mongo import Document, pack


@dataclass(frozen=True)
class Begun:
    """What a training that was begun makes, and from which plays: its checkpoint keeps it."""

    version: str
    ends: Mapping[int, int]
    """By partition of the topic, the offset after the last play that it learns from."""


class Sound(NamedTuple):
    """The descriptors of the catalogue, and the space that says how they are standardised."""

    corpus: Corpus
    space: AudioSpace


def read_sound(database: Database[Document], settings: Settings) -> Sound:
    """
    Raises
    ------
    TooLittle
        There are no features of the current settings, or no audio space of them.
    """
    try:
        found = Sound(read_corpus(database, settings), AudioSpace.load(database))
    except SegueError as error:
        raise TooLittle(str(error)) from None
    if found.space.features_version != features_version(settings.audio):
        raise TooLittle("the audio space is of other [audio] settings: run ./run.sh embeddings")
    return found


def heard_digest(steps: DataFrame, corpus: Corpus) -> str:
    """What is another one when other tracks of these steps have features, or other features."""
    heard = set(steps.select("track_id").distinct().toArrow()["track_id"].to_pylist())
    digest = hashlib.blake2b(digest_size=8)
    for track_id, descriptors in zip(corpus.track_ids, corpus.descriptors, strict=True):
        if track_id in heard:
            digest.update(track_id.encode() + b"\0" + pack(descriptors))
    return digest.hexdigest()


def heard_in_sessions(steps: DataFrame, tracks: list[str]) -> SessionLog:
    """Step -> the steps among these tracks, as a log on the driver; its `item_ids` are those heard."""
    table: pa.Table = steps.select("user_id", "session", "track_id", "at").toArrow()
    table = table.filter(pc.is_in(table["track_id"], pa.array(tracks, table["track_id"].type)))
    table = table.sort_by([(name, "ascending") for name in ("user_id", "session", "at", "track_id")])
    users, sessions, items, times = (column.to_numpy() for column in table.columns)
    return make_log(users=users, sessions=sessions, items=items, times=times / 1000)


def learn_space(
    log: SessionLog,
    sound: Sound,
    training: SessionTraining,
    *,
    begun: Begun,
    checkpoint: Path,
    told: Callable[[int, float], None] = lambda epoch, loss: None,
) -> dict[str, np.ndarray]:
    """The arrays of :class:`segue.embeddings.session_space.SessionSpace`.

    Parameters
    ----------
    begun
        What is learned, and from which plays.
    checkpoint
        Written at the beginning and after every epoch, and gone on from when it is of the same version and
        tracks. It stays until the caller has kept the arrays: :func:`remove_checkpoint`.
    told
        Called after every epoch with its number and its validation loss.

    Raises
    ------
    TooLittle
        There are fewer than `training.min_plays` plays, or no two different ones in a session.
    SegueError
        The checkpoint cannot be written.
    """
    from segue.embeddings.sessions import State, begin, load_state, save_state, train

    if len(log) < training.min_plays:
        raise TooLittle(
            f"{len(log)} plays of tracks with features, fewer than models.sessions.min_plays = "
            f"{training.min_plays}"
        )
    row_of = {track_id: row for row, track_id in enumerate(sound.corpus.track_ids)}
    rows = [row_of[track_id] for track_id in log.item_ids]
    mean, scale = sound.space.mean, sound.space.scale
    audio = tower_input(sound.corpus.descriptors[rows], mean=mean, scale=scale)

    ids = encode_ids(log.item_ids.tolist())
    same = {"version": np.array(begun.version), "track_ids": ids}
    ends = np.array(sorted(begun.ends.items()), dtype=np.int64)

    def keep(state: State) -> None:
        with _writing(checkpoint):
            save_state(state, checkpoint, about={**same, "ends": ends})

    def after_epoch(state: State) -> None:
        keep(state)
        told(state.epoch, state.losses[-1])

    start = begin(len(audio), audio.shape[1], training)
    state = load_state(checkpoint, like=start, about=same)
    if state is None:
        state = start
        keep(state)  # a folder that cannot be written is known before the work
    best = train(log, audio, training, state=state, checkpoint=after_epoch).best
    order = np.argsort(ids)
    return {
        "mean": mean,
        "scale": scale,
        "track_ids": ids[order],
        "free": np.asarray(best["free"])[order],
        **{name: np.asarray(best[name]) for name in ("first", "first_bias", "second")},
    }


def read_begun(checkpoint: Path) -> Begun | None:
    """What a training that was cut short has begun; None where no checkpoint can be read."""
    try:
        with np.load(checkpoint, allow_pickle=False) as found:
            return Begun(str(found["version"]), dict(found["ends"].tolist()))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove a checkpoint, if there is one.

    Raises
    ------
    SegueError
        It cannot be removed.
    """
    with _writing(checkpoint):
        checkpoint.unlink(missing_ok=True)


@contextmanager
def _writing(checkpoint: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SegueError(
            f"the training's checkpoint {checkpoint}: {error.strerror or error}: "
            "set SEGUE_MODELS__FOLDER to a folder that can be written"
        ) from None
