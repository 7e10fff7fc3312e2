"""Tempo, clarity of the pulse and density of onsets, from the onset strength."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TEMPO_RANGE = (40.0, 240.0)
"""The range of tempos to search, in beats per minute."""
LIKELY_TEMPO = 120.0
TINY = 1e-10

Frames = NDArray[np.float32]


def rhythm(onsets: Frames, *, rate: float) -> NDArray[np.float64]:
    """Log2 of the tempo in beats per minute, clarity of the pulse (0 to 1), onsets per second: shape (3,).

    `onsets` is the onset strength of each frame, shape (n,); `rate` is the number of frames per second.
    The tempo is the lag at which the onset strength's autocorrelation, weighted towards the likely tempo as
    in librosa.feature.tempo, is largest; its height at that lag is the clarity.
    """
    centred = onsets - onsets.mean()
    strength = float(np.square(centred).sum())
    slow, fast = (60.0 * rate / tempo for tempo in TEMPO_RANGE)
    lags = np.arange(max(1, int(np.ceil(fast))), min(int(slow) + 1, len(onsets) // 2))
    per_second = _peaks(onsets, height=onsets.mean() + onsets.std()) * rate / len(onsets)
    if not len(lags) or strength <= TINY:
        return np.array([np.log2(LIKELY_TEMPO), 0.0, per_second])
    similar = _autocorrelation(centred)[lags] / strength
    tempos = np.log2(60.0 * rate / lags)
    weighted = np.maximum(similar, 0.0) * np.exp(-0.5 * np.square(tempos - np.log2(LIKELY_TEMPO)))
    best = int(weighted.argmax())
    return np.array([tempos[best], max(0.0, float(similar[best])), per_second])


def _peaks(strength: Frames, *, height: float) -> int:
    """The number of local maxima of at least `height`; a plateau is one.

    It is that of scipy.signal.find_peaks, which takes a second to import.
    """
    steps = strength[np.append(True, strength[1:] != strength[:-1])]
    inner = steps[1:-1]
    return int(((inner > steps[:-2]) & (inner > steps[2:]) & (inner >= height)).sum())


def _autocorrelation(signal: Frames) -> NDArray[np.float64]:
    size = 1 << int(2 * len(signal) - 1).bit_length()
    spectrum = np.fft.rfft(signal, size)
    return np.fft.irfft(spectrum * np.conj(spectrum), size)[: len(signal)]
