"""The spectrogram of a waveform, and the filters that sum its bins to mel bands and pitch classes.

The numbers are librosa's. Its import costs each worker two seconds and compiles functions into a cache that
processes share without a lock; these three functions need neither (docs/decisions/0341).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
_BLOCK = 256
"""Frames transformed at once: the windowed samples of a whole track would take ten times its memory."""
_LINEAR_TO = 1000.0
"""Hz. Slaney's mel scale is linear up to here and logarithmic above."""
_HZ_PER_MEL = 200.0 / 3
_LOG_STEP = np.log(6.4) / 27.0
_A4 = 440.0
_CENTRE_OCTAVE, _OCTAVES = 5.0, 2.0
"""Mean and standard deviation of the weight of octaves, where A4 = 440 Hz begins the fourth."""


def spectrogram(waveform: NDArray[np.float32], *, fft: int, hop: int) -> Frames:
    """Magnitudes of shape (1 + fft // 2, 1 + n // hop) for a waveform of shape (n,).

    A frame of `fft` samples under a periodic Hann window is centred on each `hop`-th sample. Beyond its ends,
    the waveform is zero.
    """
    padded = np.pad(waveform, fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, fft)[::hop]
    window = 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, fft + 1)[:-1])
    magnitudes = np.empty((len(frames), 1 + fft // 2), np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = slice(start, start + _BLOCK)
        magnitudes[block] = np.abs(np.fft.rfft(frames[block] * window).astype(np.complex64))
    return magnitudes.T


def mel_filters(rate: int, *, fft: int, bands: int) -> Frames:
    """Triangular filters of equal area, shape (bands, 1 + fft // 2), on the mel scale of Slaney (1998).

    `rate` is in Hz; the filters cover the range from 0 to half of it.
    """
    edges = _hertz(np.linspace(0.0, _mels(rate / 2), bands + 2))
    distances = edges[:, None] - np.fft.rfftfreq(fft, 1.0 / rate)
    widths = np.diff(edges)[:, None]
    rising, falling = -distances[:-2] / widths[:-1], distances[2:] / widths[1:]
    filters = np.maximum(0.0, np.minimum(rising, falling)).astype(np.float32)
    filters *= (2.0 / (edges[2:] - edges[:-2]))[:, None]
    return filters


def _mels(hertz: float) -> float:
    if hertz < _LINEAR_TO:
        return hertz / _HZ_PER_MEL
    return float(_LINEAR_TO / _HZ_PER_MEL + np.log(hertz / _LINEAR_TO) / _LOG_STEP)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    above = mels - _LINEAR_TO / _HZ_PER_MEL
    return np.where(above < 0, mels * _HZ_PER_MEL, _LINEAR_TO * np.exp(_LOG_STEP * above))


def chroma_filters(rate: int, *, fft: int, classes: int) -> Frames:
    """Weights of each bin for each pitch class, shape (classes, 1 + fft // 2), from C upwards.

    A Gaussian around the pitch class, of unit length for each bin, times a Gaussian around the fifth octave,
    as the chroma of Ellis (2007). `rate` is in Hz.
    """
    octaves = np.log2(np.linspace(0, rate, fft, endpoint=False)[1:] / (_A4 / 16))
    pitches = classes * octaves
    pitches = np.concatenate([[pitches[0] - 1.5 * classes], pitches])  # the bin of 0 Hz has no pitch
    widths = np.append(np.maximum(np.diff(pitches), 1.0), 1.0)
    half = round(classes / 2)
    apart = np.remainder(pitches - np.arange(classes)[:, None] + half, classes) - half
    weights = np.exp(-0.5 * np.square(2 * apart / widths))
    weights /= np.linalg.norm(weights, axis=0)
    weights *= np.exp(-0.5 * np.square((pitches / classes - _CENTRE_OCTAVE) / _OCTAVES))
    from_c = np.roll(weights, -3 * (classes // 12), axis=0)
    return np.ascontiguousarray(from_c[:, : 1 + fft // 2], np.float32)
