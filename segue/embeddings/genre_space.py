"""The genre space: descriptors projected on what tells labelled genres apart: near means of one genre.

Standardised descriptors, projected by linear discriminant analysis with a shrunk covariance. It was chosen
among discriminant analyses, logistic regressions and support vector machines by learning from one
artist-disjoint part and asking the other: see docs/recommending.md. Fitted by `./run.sh embeddings --genres`,
kept in MongoDB.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.embeddings.audio_space import Matrix, SpaceError
from segue.errors import SegueError
from segue.storage import trained
from segue.storage.mongo import Document

KIND = "genre-space"
SHRINKAGE = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class GenreSpace:
    """A fitted space of d descriptors and k dimensions, one fewer than genres."""

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

    def transform(self, descriptors: Matrix) -> NDArray[np.float32]:
        """Descriptors of shape (n, d) as embeddings of shape (n, k), each of length 1.

        A row without any direction stays zeros; the index leaves it out.

        Raises
        ------
        SpaceError
            The number of descriptors is another.
        """
        if descriptors.ndim != 2 or descriptors.shape[1] != len(self.mean):
            raise SpaceError(
                f"genre space {self.version} takes rows of {len(self.mean)} numbers, not {descriptors.shape}"
            )
        return unit(((descriptors - self.mean) / self.scale) @ self.axes).astype(np.float32)

    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]:
        """The same for tracks of the catalogue: their sound is all that counts here, not their label."""
        return self.transform(descriptors)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored of it."""
        return {"mean": self.mean, "scale": self.scale, "axes": self.axes}

    @classmethod
    def load(cls, database: Database[Document], version: str) -> GenreSpace:
        """The space of a version.

        Raises
        ------
        SpaceError
            There is none.
        """
        document = database.models.find_one({"_id": f"{KIND}:{version}"})
        if document is None:
            raise SpaceError(f"there is no genre space {version}: run ./run.sh embeddings --genres")
        arrays = trained.load(database, KIND, version)
        assert arrays is not None
        return cls(version=version, features_version=document["features_version"], **arrays)


def fit_genre_space(
    descriptors: Matrix, genres: Sequence[str | None], *, features_version: str, least: int = 1
) -> GenreSpace:
    """Fit the space; the same descriptors and genres give the same.

    Parameters
    ----------
    descriptors
        (n, d).
    genres
        (n,) the genre of each row, None where it has none.
    least
        Genres of fewer rows are left out.

    Raises
    ------
    SegueError
        Fewer than three genres have enough rows.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    known = {name for name, count in Counter(genres).items() if name is not None and count >= least}
    if len(known) < 3:
        raise SegueError(f"a genre space needs three genres of {least} tracks: there are {len(known)}")
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


def unit(rows: np.ndarray) -> np.ndarray:
    """The rows at length 1; a zero row stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def genre_quality(
    gallery: np.ndarray, genres: np.ndarray, queries: np.ndarray, truth: np.ndarray
) -> tuple[float, float]:
    """Accuracy of 5 nearest neighbours by cosine, and the share of the 10 nearest of the query's genre.

    Each neighbour has one vote; among genres with as many votes the one with the nearest neighbour wins.
    """
    order = np.argsort(-(unit(queries) @ unit(gallery).T), axis=1, kind="stable")[:, :10]
    near = genres[order]
    votes = np.zeros((len(queries), int(genres.max()) + 1))
    for place in range(5):
        # The second term only breaks ties: all of them together are less than a vote.
        votes[np.arange(len(queries)), near[:, place]] += 1 + 1e-3 / (place + 1)
    return float((votes.argmax(axis=1) == truth).mean()), float((near == truth[:, None]).mean())
