"""The session space: places tracks by listeners' sessions and by sound (:mod:`segue.embeddings.skip_gram`).

It is trained by `./run.sh models train`, stored in MongoDB, and applied without the training library. Tracks
that came after the training, and uploaded files, are placed by their sound alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Matrix
from segue.embeddings.session_space_training import Sound, learn_space, tower_input
from segue.embeddings.space import Space, SpaceError, TrainingData, undamaged
from segue.errors import TooLittle
from segue.index.track_ids import find_ids
from segue.models import trained
from segue.models.versions import Models
from segue.session_logs.logs import only_of
from segue.settings import Settings
from segue.storage.store import Store


@dataclass(frozen=True, kw_only=True, eq=False)
class SessionSpace(Space):
    """A trained space of d descriptors and k dimensions."""

    name: ClassVar[str] = "sessions"
    kind: ClassVar[str] = "session-space"
    command: ClassVar[str] = "models train"

    version: str
    features_version: str
    mean: NDArray[np.float64]
    """Shape (d,)."""
    scale: NDArray[np.float64]
    """Shape (d,)."""
    first: NDArray[np.float32]
    """Shape (d, hidden)."""
    first_bias: NDArray[np.float32]
    """Shape (hidden,)."""
    second: NDArray[np.float32]
    """Shape (hidden, k)."""
    track_ids: NDArray[np.bytes_]
    """(n,) numpy bytes, ascending: the tracks that occur in sessions."""
    free: NDArray[np.float32]
    """Shape (n, k): the vectors that sessions add to those of the sound."""

    @property
    def dimension(self) -> int:
        return int(self.second.shape[1])

    @classmethod
    def fit(cls, data: TrainingData, settings: Settings) -> SessionSpace:
        """Fit the space on the sessions of the corpus's tracks, without a checkpoint.

        `./run.sh models train` calls :func:`~segue.embeddings.session_space_training.learn_space` instead, so
        that it can continue an interrupted training, and names the version by all data and settings.

        Raises
        ------
        TooLittle
            No sessions were read, or too few.
        """
        if data.sessions is None:
            raise TooLittle(f"a session space needs listening sessions: ./run.sh {cls.command} reads them")
        sound = Sound(data.corpus, AudioSpace.fit(data, settings))
        sessions = only_of(data.sessions, data.corpus.track_ids)
        arrays = learn_space(sessions, sound, settings.models.sessions)
        digest = hashlib.blake2b(sound.space.version.encode(), digest_size=6)
        for name in sorted(arrays):
            digest.update(np.ascontiguousarray(arrays[name]).tobytes())
        return cls.of(arrays, version=digest.hexdigest(), features_version=data.features_version)

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], *, version: str, features_version: str) -> SessionSpace:
        """The space with the arrays of a training."""
        return cls(version=version, features_version=features_version, **arrays)

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (m, d) as embeddings of shape (m, k), each of length 1, by the sound alone.

        Raises
        ------
        SpaceError
            The space has another number of descriptors.
        """
        return _unit(self._tower(descriptors))

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """As :meth:`transform`, plus the session vectors of the tracks that occur in sessions."""
        placed = self._tower(descriptors)
        place = find_ids(track_ids, among=self.track_ids)
        placed[place >= 0] += self.free[place[place >= 0]]
        return _unit(placed)

    def _tower(self, descriptors: Matrix) -> NDArray[np.float32]:
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"session space {self.version} takes rows of {len(self.mean)} numbers, "
                f"not {descriptors.shape}"
            )
        sound = tower_input(descriptors, mean=self.mean, scale=self.scale)
        return np.asarray(_gelu(sound @ self.first + self.first_bias) @ self.second, dtype=np.float32)

    def save(self, store: Store) -> None:
        names = ("mean", "scale", "first", "first_bias", "second", "track_ids", "free")
        arrays = {name: getattr(self, name) for name in names}
        made_of = {"features_version": self.features_version, "tracks": len(self.track_ids)}
        trained.save(store, self.kind, self.version, arrays=arrays, made_of=made_of)

    @classmethod
    def load(cls, store: Store, version: str) -> SessionSpace:
        stored = Models(store).fields(cls.kind, version, "features_version")
        arrays = None if stored is None else trained.load(store, cls.kind, version)
        if stored is None or arrays is None:
            raise SpaceError(f"there is no session space {version}: run ./run.sh {cls.command}")
        with undamaged("session space", version, command=cls.command):
            return cls.of(arrays, version=version, features_version=stored["features_version"])


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """GELU as in training: the tanh form of Hendrycks and Gimpel (2016)."""
    activated: NDArray[np.float32] = 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
    return activated


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True) + 1e-8)
    return np.asarray(rows / length, dtype=np.float32)
