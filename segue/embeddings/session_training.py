"""Steps of sessions and the catalogue's sound to the arrays of a session space."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pymongo.database import Database
from pyspark.sql import DataFrame

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus, read_corpus
from segue.embeddings.session_space import tower_input
from segue.errors import SegueError
from segue.evaluation.logs import SessionLog, make_log
from segue.index.track_ids import encode_ids
from segue.settings import SessionTraining, Settings
from segue.storage.mongo import Document


class TooLittle(SegueError):
    """There is too little to learn a model from; what was learned before stays in use."""


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
    if found.corpus.descriptors.shape[1] != len(found.space.mean):
        raise TooLittle("the audio space is of other [audio] settings: run ./run.sh embeddings")
    return found


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
    checkpoint: Path,
    told: Callable[[int, float], None] = lambda epoch, loss: None,
) -> dict[str, np.ndarray]:
    """The arrays of :class:`segue.embeddings.session_space.SessionSpace`.

    Parameters
    ----------
    checkpoint
        Written after every epoch, gone on from when it is there, and removed at the end.
    told
        Called after every epoch with its number and its validation loss.

    Raises
    ------
    TooLittle
        There are fewer than `training.min_plays` plays, or no two different ones in a session.
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

    def keep(state: State) -> None:
        save_state(state, checkpoint)
        told(state.epoch, state.losses[-1])

    former = load_state(checkpoint, like=begin(len(audio), audio.shape[1], training))
    try:
        best = train(log, audio, training, state=former, checkpoint=keep).best
    except SegueError as error:
        raise TooLittle(str(error)) from None
    checkpoint.unlink(missing_ok=True)
    ids = encode_ids(log.item_ids.tolist())
    order = np.argsort(ids)
    return {
        "mean": mean,
        "scale": scale,
        "track_ids": ids[order],
        "free": np.asarray(best["free"])[order],
        **{name: np.asarray(best[name]) for name in ("first", "first_bias", "second")},
    }
