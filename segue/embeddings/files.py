"""The embedding of an audio file, whether or not it is in the catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.embeddings.space import Space, SpaceError
from segue.settings import Settings


def embed_file(path: Path | str, space: Space, settings: Settings) -> NDArray[np.float32]:
    """The embedding of an audio file, in the catalogue or not, shape (k,).

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
        raise SpaceError(f"space {space.version} has other [audio] settings: run ./run.sh embeddings train")
    (vector,) = space.transform(describe(decode(path, audio), audio)[np.newaxis])
    return np.asarray(vector, dtype=np.float32)
