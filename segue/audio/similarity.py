"""Describes in words how two tracks sound alike, by groups of descriptors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segue.phrases import marked

GROUPS = {
    marked("timbre"): r"mfcc_\d+_(mean|std|change)",
    marked("harmony"): r"chroma_\d+_(mean|std)",
    marked("texture"): r"(contrast_\d+|flatness)_(mean|std)",
    marked("brightness"): r"(centroid|bandwidth|rolloff|zero_crossing_rate)_(mean|std)",
    marked("loudness"): r"(rms|onset_strength)_(mean|std)",
    marked("rhythm"): r"pulse_clarity|onsets_per_second",
}
"""Respect → the names of its descriptors."""
CLOSE, APART = 0.6, 1.4
"""Root mean square of standardised differences; for two random tracks, about the square root of 2."""
SAME_TEMPO = 0.06
"""Octaves: 5 beats in 120."""


@dataclass(frozen=True, kw_only=True)
class SoundSimilarity:
    """The similarities and differences of two tracks."""

    near: tuple[str, ...]
    """The respects in which they are similar, the most similar first."""
    apart: tuple[str, ...]
    """Clear differences of the second track from the first: "brighter", "faster"."""
    tempo: float | None
    """Beats per minute, if both have a pulse and the same tempo."""


def compare(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    *,
    names: Sequence[str],
    scale: NDArray[np.floating],
) -> SoundSimilarity:
    """Compare two tracks by their descriptors.

    Parameters
    ----------
    first, second
        Shape (d,), as :func:`segue.audio.descriptors.describe` gives them.
    names
        The descriptors' names.
    scale
        Shape (d,): their standard deviations in the corpus.
    """
    gap = (np.asarray(second, dtype=float) - first) / scale
    place = {name: i for i, name in enumerate(names)}
    off = {respect: _rms(gap, names, pattern) for respect, pattern in GROUPS.items()}
    near = sorted((respect for respect in off if off[respect] < CLOSE), key=lambda respect: off[respect])
    tempos = [float(track[place["tempo_log2"]]) for track in (first, second)]
    pulse = all(float(track[place["pulse_clarity"]]) > _PULSE for track in (first, second))
    same = pulse and abs(tempos[1] - tempos[0]) <= SAME_TEMPO
    apart = [
        (abs(gap[place[name]]), more if gap[place[name]] > 0 else less)
        for name, (more, less) in _COMPARATIVES.items()
        if abs(gap[place[name]]) > APART
    ]
    if pulse and abs(tempos[1] - tempos[0]) > _OTHER_TEMPO:
        apart.append((APART, marked("faster") if tempos[1] > tempos[0] else marked("slower")))
    return SoundSimilarity(
        near=tuple(near),
        apart=tuple(word for _, word in sorted(apart, reverse=True)),
        tempo=2 ** ((tempos[0] + tempos[1]) / 2) if same else None,
    )


_PULSE = 0.1
"""The clarity below which a tempo is unreliable."""
_OTHER_TEMPO = 0.2
_COMPARATIVES = {
    "centroid_mean": (marked("brighter"), marked("darker")),
    "rms_mean": (marked("louder"), marked("quieter")),
    "flatness_mean": (marked("noisier"), marked("purer")),
    "onsets_per_second": (marked("busier"), marked("calmer")),
}


def _rms(gap: NDArray[np.floating], names: Sequence[str], pattern: str) -> float:
    chosen = [i for i, name in enumerate(names) if re.fullmatch(pattern, name)]
    return float(np.sqrt(np.square(gap[chosen]).mean())) if chosen else float("inf")
