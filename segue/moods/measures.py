"""The mood of tracks, measured by their descriptors, as percentiles of the corpus.

energy
    The loudness of the recording, the strength of its onsets, and the density of the spectrum (low peaks
    above high valleys). These correlate with perceived arousal (Schubert, Modeling perceived emotion with
    continuous musical features, 2004; Eerola et al., ISMIR 2009).
tempo
    Beats per minute, if there is a clear pulse; halves and doubles are sometimes confused.
brightness
    The spectral centroid, the usual measure of it (Schubert and Wolfe, Acta Acustica 92, 2006).
tone
    How much better the pitches fit a major than a minor key: the best correlation with the profiles of major
    keys minus that with minor keys (Krumhansl, Cognitive Foundations of Musical Pitch, 1990).

Valence, whether music sounds happy or sad, is *not* measured: the descriptors contain only one correlate of
it, the mode, which is measured under its own name. docs/evaluation/results.md has the figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.audio.descriptors import CHROMA, CONTRAST_BANDS, features_version
from segue.settings import AudioSettings

DIMENSIONS = ("energy", "tempo", "brightness", "tone")
CODE_VERSION = 1
"""Raised with every change of this module that changes a number."""
PULSE = 0.4
"""Clarity below which a tempo means nothing: in the composed library, whose tempos are known, tracks without
a beat have at most .31 and those with a beat at least .43."""
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""How well each pitch class fits a key, from the tonic up: the probe tones of Krumhansl and Kessler."""

Percentiles = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class CorpusMoods:
    """The moods of a corpus of n tracks."""

    percentiles: Percentiles
    """(n, 4) by :data:`DIMENSIONS`: the share of the corpus that has less, 0 to 1; NaN where unknown."""
    bpm: NDArray[np.float32]
    """(n,) beats per minute; NaN without a clear pulse."""


def moods_version(audio: AudioSettings) -> str:
    """A short hash of the version of the features and of this code, which determine the numbers."""
    return hashlib.sha256(f"{features_version(audio)}\n{CODE_VERSION}".encode()).hexdigest()[:12]


def measure_moods(descriptors: NDArray[np.floating], *, names: Sequence[str]) -> CorpusMoods:
    """The moods of a corpus.

    Parameters
    ----------
    descriptors
        (n, d), as :func:`segue.audio.descriptors.describe` gives them.
    names
        The descriptors' names.
    """
    place = {name: i for i, name in enumerate(names)}
    rows = np.asarray(descriptors, dtype=np.float64)

    def column(name: str) -> NDArray[np.float64]:
        return rows[:, place[name]]

    contrast = np.mean([column(f"contrast_{band}_mean") for band in range(CONTRAST_BANDS + 1)], axis=0)
    activity = (column("rms_mean"), column("onset_strength_mean"), -contrast)
    tempo = column("tempo_log2")
    # Limited to float32: descriptors that no music has would become infinite.
    clear = (column("pulse_clarity") >= PULSE) & (tempo < np.finfo(np.float32).maxexp)
    bpm = np.exp2(tempo, where=clear, out=np.full(len(rows), np.nan))
    chroma = rows[:, [place[f"chroma_{step}_mean"] for step in range(CHROMA)]]
    dimensions = [
        percentile(np.mean([percentile(values) for values in activity], axis=0)),
        percentile(bpm),
        percentile(column("centroid_mean")),
        percentile(major_lean(chroma)),
    ]
    return CorpusMoods(
        percentiles=np.stack(dimensions, axis=1).astype(np.float32).reshape(-1, len(DIMENSIONS)),
        bpm=bpm.astype(np.float32),
    )


def percentile(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of the known values below each, plus half of its ties; (n,) in (0, 1), NaN stays."""
    from scipy.stats import rankdata  # takes a second to import

    known = np.isfinite(values)
    shares = np.full(len(values), np.nan)
    if known.any():
        shares[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return shares


def major_lean(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much better the best major key fits than the best minor key, from -2 to 2, for any tonic.

    Parameters
    ----------
    chroma
        (n, 12) energy by pitch class, starting with any of them.

    Returns
    -------
    (n,); NaN for a row in which all pitch classes are equal.
    """
    spread = chroma.std(axis=1, keepdims=True)
    sounding = spread[:, 0] > 1e-9
    centred = (chroma - chroma.mean(axis=1, keepdims=True)) / np.where(spread > 1e-9, spread, 1.0)
    major, minor = (
        (centred @ np.stack([np.roll(profile, key) for key in range(CHROMA)], axis=1) / CHROMA).max(axis=1)
        for profile in (
            (key_profile - key_profile.mean()) / key_profile.std() for key_profile in (MAJOR, MINOR)
        )
    )
    return np.where(sounding, major - minor, np.nan)
