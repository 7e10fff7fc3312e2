"""Training of a session space on listening sessions and the catalogue's sound, with checkpoints."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segue.audio.descriptors import features_version
from segue.counted import counted
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus, Matrix, read_corpus
from segue.errors import SegueError, TooLittle
from segue.index.track_ids import encode_ids
from segue.session_logs.logs import SessionLog
from segue.settings import SessionSpaceSettings, Settings
from segue.storage.store import Store

if TYPE_CHECKING:
    from segue.embeddings.skip_gram import State

FARTHEST = 4.0
"""Standardised descriptors are clipped at this value: more is noise, or another kind of sound."""


@dataclass(frozen=True)
class Begun:
    """The version that a training makes, and the plays that it learns from; kept in its checkpoint."""

    version: str
    ends: Mapping[int, int]
    """By partition of the topic, the offset after the last play that it learns from."""


class Sound(NamedTuple):
    """The descriptors of the catalogue, and the space that standardises them."""

    corpus: Corpus
    space: AudioSpace


def read_sound(store: Store, settings: Settings) -> Sound:
    """The catalogue's descriptors, and the audio space that standardises them.

    Raises
    ------
    TooLittle
        There are no features of the current settings, or no audio space fitted on them.
    """
    try:
        sound = Sound(read_corpus(store, settings), AudioSpace.load(store))
    except SegueError as error:
        raise TooLittle(str(error)) from None
    if sound.space.features_version != features_version(settings.audio):
        raise TooLittle("the audio space has other [audio] settings: run ./run.sh embeddings train")
    return sound


def tower_input(descriptors: Matrix, *, mean: Matrix, scale: Matrix) -> NDArray[np.float32]:
    """(n, d) float32: standardised and clipped."""
    return ((descriptors - mean) / scale).clip(-FARTHEST, FARTHEST).astype(np.float32)


def learn_space(
    log: SessionLog,
    sound: Sound,
    training: SessionSpaceSettings,
    *,
    begun: Begun | None = None,
    checkpoint: Path | None = None,
    progress: Callable[[int, float], None] = lambda epoch, loss: None,
) -> dict[str, NDArray[Any]]:
    """Learn the arrays of :class:`segue.embeddings.session_space.SessionSpace`.

    Parameters
    ----------
    begun
        The version that is learned and the plays that it learns from; required with a checkpoint only.
    checkpoint
        Written at the start and after every epoch. A checkpoint of the same version and tracks is continued.
        It stays until the caller has stored the arrays (:func:`remove_checkpoint`). None: no checkpoint.
    progress
        Called after every epoch with its number and its validation loss.

    Raises
    ------
    TooLittle
        There are fewer than `training.min_plays` plays, or no session has two different tracks.
    SegueError
        The checkpoint cannot be written.
    """
    from segue.embeddings.skip_gram import begin, train

    if len(log) < training.min_plays:
        raise TooLittle(
            f"{counted(len(log), 'play')} of tracks with features, fewer than models.sessions.min_plays = "
            f"{training.min_plays}"
        )
    row_of = {track_id: row for row, track_id in enumerate(sound.corpus.track_ids)}
    rows = [row_of[track_id] for track_id in log.item_ids]
    mean, scale = sound.space.mean, sound.space.scale
    audio = tower_input(sound.corpus.descriptors[rows], mean=mean, scale=scale)

    ids = encode_ids(log.item_ids.tolist())
    kept = None if begun is None or checkpoint is None else _Checkpoint(checkpoint, begun, ids)

    def after_epoch(state: State) -> None:
        if kept is not None:
            kept.save(state)
        progress(state.epoch, state.losses[-1])

    state = begin(len(audio), audio.shape[1], training)
    if kept is not None:
        state = kept.load(like=state)
    best = train(log, audio, training, state=state, checkpoint=after_epoch).best
    order = np.argsort(ids)
    return {
        "mean": mean,
        "scale": scale,
        "track_ids": ids[order],
        "free": np.asarray(best["free"])[order],
        **{name: np.asarray(best[name]) for name in ("first", "first_bias", "second")},
    }


@dataclass(frozen=True)
class _Checkpoint:
    """The checkpoint of one training, on these tracks."""

    path: Path
    begun: Begun
    track_ids: NDArray[np.bytes_]

    @property
    def _same(self) -> dict[str, NDArray[Any]]:
        """The values that must be equal for a training to continue."""
        return {"version": np.array(self.begun.version), "track_ids": self.track_ids}

    def save(self, state: State) -> None:
        from segue.embeddings import skip_gram

        ends = np.array(sorted(self.begun.ends.items()), dtype=np.int64)
        with _writing(self.path):
            skip_gram.save_state(state, self.path, about={**self._same, "ends": ends})

    def load(self, *, like: State) -> State:
        """The saved state of the same training; without one, save `like` and return it."""
        from segue.embeddings import skip_gram

        state = skip_gram.load_state(self.path, like=like, about=self._same)
        if state is None:
            state = like
            self.save(state)  # fails before the work if the folder is not writable
        return state


def read_begun(checkpoint: Path) -> Begun | None:
    """The version and plays of an interrupted training; None if no checkpoint can be read."""
    try:
        # numpy does not close a damaged archive that it has opened itself.
        with checkpoint.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return Begun(str(stored["version"]), dict(stored["ends"].tolist()))
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
            "set SEGUE_MODELS__FOLDER to a writable folder"
        ) from None
