"""What a track's descriptors say of its mood, as percentiles of the corpus.

energy
    How much is going on: the loudness of the recording, the strength of its onsets, and how densely the
    spectrum is filled (low peaks above high valleys). These go along with felt arousal (Schubert, Modeling
    perceived emotion with continuous musical features, 2004; Eerola et al., ISMIR 2009).
tempo
    Beats per minute, where a pulse is clear; halves and doubles are mistaken for each other now and then.
brightness
    The spectral centroid, the usual measure of it (Schubert and Wolfe, Acta Acustica 92, 2006).
tone
    How much more the pitches fit a major than a minor key: the best correlation with the profiles of major
    keys less that of minor keys (Krumhansl, Cognitive Foundations of Musical Pitch, 1990).

Valence, whether music sounds happy or sad, is *not* here: the descriptors hold only one thing that goes along
with it, the mode, so that is measured, under its own name. docs/evaluation/results.md has the figures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from segue.audio.descriptors import CHROMA, CONTRAST_BANDS, features_version
from segue.settings import AudioSettings

DIMENSIONS = ("energy", "tempo", "brightness", "tone")
CODE_VERSION = 1
"""Raised with every change here that changes a number."""
PULSE = 0.4
"""Clarity below which a tempo means nothing: of the composed library, whose tempos are known, tracks without
a beat have at most .31 and those with one at least .43."""
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])
"""How well each pitch class fits a key, from the tonic up: Krumhansl and Kessler's probe tones."""

Percentiles = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class CorpusMoods:
    """The moods of a corpus of n tracks."""

    percentiles: Percentiles
    """(n, 4) by :data:`DIMENSIONS`: the share of the corpus that has less, 0 to 1; NaN where not known."""
    bpm: NDArray[np.float32]
    """(n,) beats per minute; NaN without a clear pulse."""


def moods_version(audio: AudioSettings) -> str:
    """Short hash of what decides the numbers: the version of the features, and of this code."""
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
    # Only what a float32 can hold: descriptors that no music has would end as infinite.
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
    """The share of the known values below each, its equals counted half; (n,) in (0, 1), NaN stays."""
    known = np.isfinite(values)
    shares = np.full(len(values), np.nan)
    if known.any():
        shares[known] = (rankdata(values[known]) - 0.5) / known.sum()
    return shares


def major_lean(chroma: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much better the best major key fits than the best minor one, from -2 to 2, whatever the tonic.

    Parameters
    ----------
    chroma
        (n, 12) energy by pitch class, counted from any of them.

    Returns
    -------
    (n,); NaN for a row in which all pitch classes are the same.
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
