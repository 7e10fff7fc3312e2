"""The descriptors of a track: mean and spread of frame descriptors, all from one shared spectrogram."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from segue.audio.errors import NotFinite
from segue.audio.rhythm import rhythm
from segue.audio.spectrum import chroma_filters, mel_filters, spectrogram
from segue.settings import AudioSettings

CODE_VERSION = 1
"""Increase it with each change, here or in decoding, that changes a number: all tracks are computed again."""
MEL_BANDS = 128
CHROMA = 12
CONTRAST_BANDS = 6
CONTRAST_LOWEST = 200.0
"""Hz, upper end of the first band of the spectral contrast; each further band is an octave."""
CONTRAST_SHARE = 0.02
"""The share of a band's bins that count as its peak and as its valley."""
ROLLOFF = 0.85
TINY = 1e-10

Frames = NDArray[np.float32]
Waveform = NDArray[np.float32]


def features_version(audio: AudioSettings) -> str:
    """Short hash of all inputs that affect the numbers: the settings and the version of this code."""
    settings = audio.stored()
    # These two do not affect the numbers.
    for name in ("threads_per_worker", "decode_timeout"):
        del settings[name]
    text = json.dumps({"code": CODE_VERSION, **settings}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def names_version(audio: AudioSettings) -> str:
    """Short hash of the names and order of the descriptors."""
    return hashlib.sha256("\n".join(descriptor_names(audio)).encode()).hexdigest()[:12]


def descriptor_names(audio: AudioSettings) -> list[str]:
    """The name of each element that :func:`describe` returns, in its order."""
    rows = _row_names(audio)
    return [
        *(f"{row}_mean" for row in rows),
        *(f"{row}_std" for row in rows),
        *(f"mfcc_{i}_change" for i in range(audio.n_mfcc)),
        "tempo_log2",
        "pulse_clarity",
        "onsets_per_second",
    ]


def _row_names(audio: AudioSettings) -> list[str]:
    return [
        *(f"mfcc_{i}" for i in range(audio.n_mfcc)),
        *(f"chroma_{i}" for i in range(CHROMA)),
        *(f"contrast_{i}" for i in range(CONTRAST_BANDS + 1)),
        "centroid",
        "bandwidth",
        "rolloff",
        "flatness",
        "zero_crossing_rate",
        "rms",
        "onset_strength",
    ]


def describe(waveform: Waveform, audio: AudioSettings) -> NDArray[np.float32]:
    """Descriptors of a waveform.

    Parameters
    ----------
    waveform
        Mono, float32, shape (n,), at `audio.sample_rate` Hz.

    Returns
    -------
    Float32 of shape (d,), named by :func:`descriptor_names`. Frequencies are in Hz. The chroma are counted
    from the track's strongest pitch class, so that a transposition of the same music stays similar.

    Raises
    ------
    NotFinite
        A descriptor is NaN or infinite; the detail has its name.
    """
    rows = frame_descriptors(waveform, audio)
    spread = [rows.mean(axis=1), rows.std(axis=1)]
    change = (
        np.abs(np.diff(rows[: audio.n_mfcc], axis=1)).mean(axis=1)
        if rows.shape[1] > 1
        else np.zeros(audio.n_mfcc)
    )
    onsets = rows[-1]
    descriptors = np.concatenate([*spread, change, rhythm(onsets, rate=audio.sample_rate / audio.hop_length)])
    if not np.isfinite(descriptors).all():
        names = descriptor_names(audio)
        raise NotFinite(what=names[int(np.flatnonzero(~np.isfinite(descriptors))[0])])
    return descriptors.astype(np.float32)


def frame_descriptors(waveform: Waveform, audio: AudioSettings) -> Frames:
    """Descriptors of each frame, shape (rows, frames); the last row is the onset strength.

    The numbers agree with librosa's functions of the same names within the tolerance that
    tests/audio/test_descriptors.py states.
    """
    from scipy.fft import dct  # imported where it is used: most processes describe nothing

    magnitude = spectrogram(waveform, fft=audio.n_fft, hop=audio.hop_length)
    power = np.square(magnitude)
    mel = decibels(_mel_filters(audio.sample_rate, audio.n_fft) @ power)
    total = np.maximum(magnitude.sum(axis=0), TINY)
    bins = np.linspace(0, audio.sample_rate / 2, len(magnitude), dtype=np.float32)
    centroid = bins @ magnitude / total
    return np.vstack(
        [
            dct(mel, axis=0, type=2, norm="ortho")[: audio.n_mfcc],
            _chroma(power, audio),
            _contrast(magnitude, audio),
            centroid,
            _bandwidth(magnitude, bins, centroid, total),
            bins[_rolloff_bin(magnitude)],
            _flatness(power),
            _zero_crossing_rate(waveform, audio),
            _rms(power, audio.n_fft),
            _onset_strength(mel),
        ]
    )


def decibels(power: Frames, *, top: float = 80.0) -> Frames:
    """10 log10, at most `top` below the loudest, as librosa.power_to_db."""
    loud = 10.0 * np.log10(np.maximum(power, TINY))
    limited: Frames = np.maximum(loud, loud.max() - top)
    return limited


@lru_cache(maxsize=4)
def _mel_filters(sample_rate: int, fft: int) -> Frames:
    return mel_filters(sample_rate, fft=fft, bands=MEL_BANDS)


@lru_cache(maxsize=4)
def _chroma_filters(sample_rate: int, fft: int) -> Frames:
    return chroma_filters(sample_rate, fft=fft, classes=CHROMA)


def _chroma(power: Frames, audio: AudioSettings) -> Frames:
    """Energy by pitch class, each frame's largest at 1, rolled so that the track's strongest comes first."""
    energy = _chroma_filters(audio.sample_rate, audio.n_fft) @ power
    largest = energy.max(axis=0)
    chroma = energy / np.where(largest > TINY, largest, 1.0)
    return np.roll(chroma, -int(chroma.mean(axis=1).argmax()), axis=0)


@lru_cache(maxsize=4)
def _contrast_bands(sample_rate: int, fft: int) -> tuple[tuple[slice, int], ...]:
    """The bins of each octave band and the size of its peak, as librosa.feature.spectral_contrast."""
    frequencies = np.linspace(0, sample_rate / 2, 1 + fft // 2)
    edges = [0.0, *(CONTRAST_LOWEST * 2.0**i for i in range(CONTRAST_BANDS + 1))]
    bands = []
    for number, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        first, end = (inside[0], inside[-1] + 1) if len(inside) else (len(frequencies) - 1, len(frequencies))
        first -= number > 0
        end = len(frequencies) if number == CONTRAST_BANDS else end
        count = max(1, round(CONTRAST_SHARE * (end - first)))
        bands.append((slice(first, end - (number < CONTRAST_BANDS)), count))
    return tuple(bands)


def _contrast(magnitude: Frames, audio: AudioSettings) -> Frames:
    """Peak above valley in decibels, a row for each band."""
    valleys, peaks = [], []
    for band, count in _contrast_bands(audio.sample_rate, audio.n_fft):
        bins = magnitude[band]
        ordered = np.partition(bins, [count - 1, len(bins) - count], axis=0)
        valleys.append(ordered[:count].mean(axis=0))
        peaks.append(ordered[-count:].mean(axis=0))
    return decibels(np.stack(peaks)) - decibels(np.stack(valleys))


def _bandwidth(magnitude: Frames, bins: Frames, centroid: Frames, total: Frames) -> Frames:
    # The variance by its moments, in float64: the difference of two large numbers.
    square = (np.square(bins, dtype=np.float64) @ magnitude) / total
    bandwidth: Frames = np.sqrt(np.maximum(square - np.square(centroid, dtype=np.float64), 0.0))
    return bandwidth


def _rolloff_bin(magnitude: Frames) -> NDArray[np.intp]:
    summed = np.cumsum(magnitude, axis=0)
    return np.asarray((summed < ROLLOFF * summed[-1]).sum(axis=0)).clip(max=len(magnitude) - 1)


def _flatness(power: Frames) -> Frames:
    """Geometric over arithmetic mean of the power: 1 for white noise."""
    floored = np.maximum(power, TINY)
    flatness: Frames = np.exp(np.log(floored).mean(axis=0)) / floored.mean(axis=0)
    return flatness


def _zero_crossing_rate(waveform: Waveform, audio: AudioSettings) -> Frames:
    """Sign changes per sample in each frame; the ends are padded with the edge samples."""
    negative = np.signbit(np.where(np.abs(waveform) <= TINY, 0.0, waveform))
    half = audio.n_fft // 2
    changes = np.pad(negative[1:] != negative[:-1], (half + 1, half))
    summed = np.concatenate([[0], np.cumsum(changes)])
    starts = np.arange(0, len(waveform) + 1, audio.hop_length)
    # A frame of `fft` samples has `fft` - 1 pairs of neighbours.
    changes_per_sample: Frames = (summed[starts + audio.n_fft] - summed[starts + 1]) / audio.n_fft
    return changes_per_sample


def _rms(power: Frames, fft: int) -> Frames:
    """Root mean square from the spectrum (Parseval), as librosa.feature.rms(S=...)."""
    energy = power.sum(axis=0) - 0.5 * (power[0] + power[-1])
    rms: Frames = np.sqrt(2.0 * energy) / fft
    return rms


def _onset_strength(mel: Frames) -> Frames:
    """Mean rise of the mel bands from frame to frame, in decibels; the first frame has none."""
    rise = np.maximum(np.diff(mel, axis=1), 0.0).mean(axis=0)
    return np.concatenate([[0.0], rise])
