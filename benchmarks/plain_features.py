"""Descriptors with plain librosa: the whole file at its own rate, each descriptor from the waveform."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np

from segue.settings import AudioSettings


def describe_plainly(path: str, audio: AudioSettings, *, sample_rate: int | None) -> np.ndarray:
    """The same descriptors as :func:`segue.audio.descriptors.describe`, shape (d,).

    `sample_rate` in Hz; None: the file's own. Frames have `audio.n_fft` samples at any rate, as librosa's do.
    """
    y, rate = librosa.load(path, sr=sample_rate, mono=True)
    shape: dict[str, Any] = {"n_fft": audio.n_fft, "hop_length": audio.hop_length}
    frames = plain_frames(y, audio, sample_rate=int(rate))
    onsets = librosa.onset.onset_strength(y=y, sr=rate, **shape)
    rows = np.vstack([*frames.values(), onsets])
    similar = librosa.autocorrelate(onsets - onsets.mean())
    tempo = librosa.feature.tempo(onset_envelope=onsets, sr=rate, hop_length=audio.hop_length)[0]
    lag = min(len(onsets) - 1, max(1, round(60 * rate / audio.hop_length / tempo)))
    peaks = librosa.onset.onset_detect(onset_envelope=onsets, sr=rate, hop_length=audio.hop_length)
    change = np.abs(np.diff(frames["mfcc"], axis=1)).mean(axis=1)
    pulse = [np.log2(tempo), similar[lag] / max(similar[0], 1e-10), len(peaks) * rate / len(y)]
    return np.concatenate([rows.mean(axis=1), rows.std(axis=1), change, pulse])


def plain_frames(y: np.ndarray, audio: AudioSettings, *, sample_rate: int) -> dict[str, np.ndarray]:
    """Each descriptor, computed separately from the waveform, shape (rows, frames)."""
    shape: dict[str, Any] = {"n_fft": audio.n_fft, "hop_length": audio.hop_length}
    rate: dict[str, Any] = {"y": y, "sr": sample_rate, **shape}
    chroma = librosa.feature.chroma_stft(**rate, tuning=0.0)
    return {
        "mfcc": librosa.feature.mfcc(**rate, n_mfcc=audio.n_mfcc),
        "chroma": np.roll(chroma, -chroma.mean(axis=1).argmax(), axis=0),
        "contrast": librosa.feature.spectral_contrast(**rate),
        "centroid": librosa.feature.spectral_centroid(**rate),
        "bandwidth": librosa.feature.spectral_bandwidth(**rate),
        "rolloff": librosa.feature.spectral_rolloff(**rate),
        "flatness": librosa.feature.spectral_flatness(y=y, **shape),
        "zero_crossing_rate": librosa.feature.zero_crossing_rate(
            y, frame_length=audio.n_fft, hop_length=audio.hop_length
        ),
        "rms": librosa.feature.rms(S=np.abs(librosa.stft(y, **shape)), frame_length=audio.n_fft),
    }
