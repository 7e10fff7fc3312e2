"""From an audio file to its descriptors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segue.audio.decode import decode
from segue.audio.descriptors import describe
from segue.settings import AudioSettings


def describe_file(path: Path | str, audio: AudioSettings) -> NDArray[np.float32]:
    """Decode the middle of a file and describe it: float32 of shape (d,).

    Raises
    ------
    AudioError
        The file cannot be decoded or described.
    """
    return describe(decode(path, audio), audio)
