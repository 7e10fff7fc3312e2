"""The spaces that tracks are embedded in, and which of them the index is built of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pymongo.database import Database

from segue.embeddings import audio_space, session_space
from segue.embeddings.audio_space import AudioSpace, Matrix, SpaceError
from segue.embeddings.session_space import SessionSpace
from segue.settings import Settings
from segue.storage.mongo import Document, active_version

Choice = Literal["auto", "audio", "sessions"]


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
    if database.models.find_one({"_id": f"{session_space.KIND}:{version}"}, {"_id": 1}):
        return SessionSpace.load(database, version)
    return AudioSpace.load(database, version)


def session_space_in_use(database: Database[Document]) -> str | None:
    """The version of the session space, as long as it takes the descriptors that the audio space takes."""
    version = active_version(database, session_space.KIND)
    audio = active_version(database, audio_space.KIND)
    kinds = ((session_space.KIND, version), (audio_space.KIND, audio))
    found = [
        database.models.find_one({"_id": f"{kind}:{one}"}, {"features_version": 1}) for kind, one in kinds
    ]
    features = [document and document["features_version"] for document in found]
    return version if features[0] is not None and features[0] == features[1] else None


def space_to_index(database: Database[Document], wanted: Choice) -> str:
    """The version of the space that an index is to be built of.

    "auto" is the session space where there is one: see docs/recommending.md for the figures.

    Raises
    ------
    SpaceError
        There is none of that kind.
    """
    sessions = session_space_in_use(database) if wanted != "audio" else None
    if sessions is not None:
        return sessions
    if wanted == "sessions":
        raise SpaceError("there is no session space of these features: run ./run.sh models train")
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
