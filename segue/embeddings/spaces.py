"""The spaces that tracks are embedded in, and which of them the index is built of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.embeddings import audio_space, genre_space, session_space
from segue.embeddings.audio_space import AudioSpace, Matrix, SpaceError
from segue.embeddings.genre_space import GenreSpace
from segue.embeddings.session_space import SessionSpace
from segue.settings import Settings
from segue.storage.mongo import Document, active_version

Choice = Literal["auto", "audio", "sessions", "genres"]
LEARNED: Mapping[Choice, tuple[str, str]] = {
    "sessions": (session_space.KIND, "models train"),
    "genres": (genre_space.KIND, "embeddings --genres"),
}
"""The kind of each space beside the audio space, and the command that makes it."""


class Space(Protocol):
    """What a space does: descriptors of n tracks in, n vectors of length 1 out."""

    @property
    def version(self) -> str: ...
    @property
    def features_version(self) -> str: ...
    def transform(self, descriptors: Matrix) -> NDArray[np.float32]: ...
    def place(self, track_ids: Sequence[str], descriptors: Matrix) -> NDArray[np.float32]: ...


def load_space(database: Database[Document], version: str) -> Space:
    """The space of a version, of whatever kind.

    Raises
    ------
    SpaceError
        There is none.
    """
    for kind, load in ((session_space.KIND, SessionSpace.load), (genre_space.KIND, GenreSpace.load)):
        if database.models.find_one({"_id": f"{kind}:{version}"}, {"_id": 1}):
            return load(database, version)
    return AudioSpace.load(database, version)


def space_in_use(database: Database[Document], kind: str) -> str | None:
    """The version of the space of a kind, as long as it takes the descriptors that the audio space takes."""
    version, audio = active_version(database, kind), active_version(database, audio_space.KIND)
    ids = (f"{kind}:{version}", f"{audio_space.KIND}:{audio}")
    found = [database.models.find_one({"_id": one}, {"features_version": 1}) for one in ids]
    features = [document and document["features_version"] for document in found]
    return version if features[0] is not None and features[0] == features[1] else None


def learned_in_use(database: Database[Document]) -> list[str]:
    """The versions of all spaces beside the audio space that tracks are to be placed in."""
    found = (space_in_use(database, kind) for kind, _ in LEARNED.values())
    return [version for version in found if version is not None]


def remove_homeless(database: Database[Document]) -> None:
    """Remove embeddings in spaces that are no longer kept in `models`."""
    kinds = [audio_space.KIND, *(kind for kind, _ in LEARNED.values())]
    kept = database.models.distinct("version", {"kind": {"$in": kinds}})
    database.embeddings.delete_many({"space": {"$nin": kept}})


def space_to_index(database: Database[Document], wanted: Choice) -> str:
    """The version of the space that an index is to be built of.

    "auto" is the session space where there is one: see docs/recommending.md for the figures.

    Raises
    ------
    SpaceError
        There is none of that kind.
    """
    if wanted != "audio":
        kind, command = LEARNED["sessions" if wanted == "auto" else wanted]
        version = space_in_use(database, kind)
        if version is not None:
            return version
        if wanted != "auto":
            raise SpaceError(f"there is no {kind} of these features: run ./run.sh {command}")
    audio = active_version(database, audio_space.KIND)
    if audio is None:
        raise SpaceError("there are no embeddings to index: run ./run.sh embeddings")
    return audio


def embed_file(path: Path | str, space: Space, settings: Settings) -> NDArray[np.float32]:
    """The embedding of any audio file, in the catalogue or not, shape (k,).

    Raises
    ------
    AudioError
        The file cannot be described.
    SpaceError
        The space was fitted on descriptors of other settings.
    """
    from segue.audio.decode import decode
    from segue.audio.descriptors import describe, features_version

    audio = settings.audio
    if features_version(audio) != space.features_version:
        raise SpaceError(f"space {space.version} is of other [audio] settings: run ./run.sh embeddings")
    waveform = decode(
        path, sample_rate=audio.sample_rate, max_seconds=audio.max_seconds, min_seconds=audio.min_seconds
    )
    return space.transform(describe(waveform, audio)[np.newaxis])[0]
