"""The genre space: descriptors projected so that tracks of one genre are near each other.

Standardised descriptors are projected by linear discriminant analysis with a shrunk covariance. The method
was chosen among discriminant analyses, logistic regressions and support vector machines, each fitted on one
part of the tracks and evaluated on another without common artists: see docs/evaluation/results.md. The space
is fitted by `./run.sh embeddings train --fit genres` and stored in MongoDB.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.corpus import Matrix
from segue.embeddings.space import Space, SpaceError, TrainingData, to_bytes, undamaged
from segue.errors import TooLittle
from segue.models.versions import Models
from segue.settings import Settings
from segue.storage.store import Store

SHRINKAGE = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class GenreSpace(Space):
    """A fitted space of d descriptors and k dimensions, one fewer than genres."""

    name: ClassVar[str] = "genres"
    kind: ClassVar[str] = "genre-space"
    command: ClassVar[str] = "embeddings train --fit genres"
    uses_genres: ClassVar[bool] = True

    version: str
    features_version: str
    mean: NDArray[np.float64]
    """Shape (d,)."""
    scale: NDArray[np.float64]
    """Shape (d,)."""
    axes: NDArray[np.float64]
    """Shape (d, k)."""

    @property
    def dimension(self) -> int:
        return int(self.axes.shape[1])

    @classmethod
    def fit(cls, data: TrainingData, settings: Settings) -> GenreSpace:
        """Fit the space on the tracks that have a genre.

        Raises
        ------
        TooLittle
            No genres were read, or fewer than three of them have enough tracks.
        """
        if data.genres is None:
            raise TooLittle("a genre space needs the tracks' genres")
        return fit_genre_space(
            data.corpus.descriptors,
            [data.genres.get(track_id) for track_id in data.corpus.track_ids],
            features_version=data.features_version,
            least=settings.embedding.genres.min_tracks_per_genre,
        )

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as embeddings of shape (n, k), each of length 1.

        A row without a direction stays zero; the index leaves it out.

        Raises
        ------
        SpaceError
            The space has another number of descriptors.
        """
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"genre space {self.version} takes rows of {len(self.mean)} numbers, not {descriptors.shape}"
            )
        return unit(((descriptors - self.mean) / self.scale) @ self.axes).astype(np.float32)

    def save(self, store: Store) -> None:
        arrays = {name: to_bytes(getattr(self, name)) for name in ("mean", "scale", "axes")}
        Models(store).put(self.kind, self.version, {"features_version": self.features_version, **arrays})

    @classmethod
    def load(cls, store: Store, version: str) -> GenreSpace:
        stored = Models(store).fields(cls.kind, version)
        if stored is None:
            raise SpaceError(f"there is no genre space {version}: run ./run.sh {cls.command}")
        with undamaged("genre space", version, command=cls.command):
            mean, scale, axes = (np.frombuffer(stored[name], "<f8") for name in ("mean", "scale", "axes"))
            return cls(
                version=version,
                features_version=stored["features_version"],
                mean=mean,
                scale=scale,
                axes=axes.reshape(len(mean), -1),
            )


def fit_genre_space(
    descriptors: Matrix, genres: Sequence[str | None], *, features_version: str, least: int = 1
) -> GenreSpace:
    """Fit the space; the same descriptors and genres give the same space.

    Parameters
    ----------
    descriptors
        (n, d).
    genres
        (n,) the genre of each row, None for a row without one.
    least
        The fewest rows of a genre; smaller genres are left out.

    Raises
    ------
    TooLittle
        Fewer than three genres have enough rows.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    known = {name for name, count in Counter(genres).items() if name is not None and count >= least}
    if len(known) < 3:
        raise TooLittle(f"a genre space needs three genres of {least} tracks: there are {len(known)}")
    rows = np.array([row for row, name in enumerate(genres) if name in known])
    labels = np.array([str(genres[row]) for row in rows])
    chosen = np.asarray(descriptors, dtype=np.float64)[rows]
    mean, deviation = chosen.mean(axis=0), chosen.std(axis=0)
    scale = np.where(deviation > 0, deviation, 1.0)
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE)
    analysis.fit((chosen - mean) / scale, labels)
    digest = hashlib.sha256(f"{features_version}\n{SHRINKAGE}\n".encode())
    digest.update("\n".join(labels).encode())
    digest.update(np.ascontiguousarray(chosen, dtype="<f4").tobytes())
    return GenreSpace(
        version=digest.hexdigest()[:12],
        features_version=features_version,
        mean=mean,
        scale=scale,
        axes=np.asarray(analysis.scalings_[:, : len(known) - 1], dtype=np.float64),
    )


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale the rows to length 1; a zero row stays zero."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)
