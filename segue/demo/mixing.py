"""Mixes notes into a finished piece: placing, panning, reverb, echo and mastering.

Stereo is float64 of shape (samples, 2), left first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import lfilter, oaconvolve

from segue.demo.harmony import Note
from segue.demo.synthesis import RATE, Signal, highpass, lowpass

Instrument = Callable[[int, float], Signal]
"""(MIDI pitch, seconds) -> the mono sound of that note."""

LOUDNESS = -16.0
"""The loudness of every finished piece in LUFS."""
CEILING = 10 ** (-1.6 / 20)
"""The peak of a finished piece; the mp3 encoder overshoots by some tenths of a decibel."""


class Bus:
    """A stereo bus to which notes are added."""

    def __init__(self, seconds: float) -> None:
        self.samples: Signal = np.zeros((round(seconds * RATE), 2))

    def add(self, sound: Signal, at: float, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a mono sound at ``at`` seconds; ``pan`` from -1 (left) to +1 (right), equal power."""
        start = max(0, round(at * RATE))
        room = self.samples[start : start + sound.size]
        angle = (pan + 1.0) * np.pi / 4.0
        room += sound[: len(room), None] * (gain * np.array([np.cos(angle), np.sin(angle)]))

    def play(
        self,
        instrument: Instrument,
        notes: Iterable[Note],
        *,
        beat: float,
        gain: float,
        pan: float = 0.0,
        hold: float = 1.0,
        ring: float = 0.0,
    ) -> None:
        """Add notes; ``beat`` in seconds, each held for the share ``hold`` of its length plus ``ring`` s."""
        for note in notes:
            seconds = round(note.beats * beat * hold + ring, 2)
            self.add(
                instrument(note.midi, max(0.04, seconds)),
                note.start * beat,
                gain=gain * note.velocity,
                pan=pan,
            )

    def strike(
        self, stroke: Signal, beats: Iterable[float], *, beat: float, gain: float, pan: float = 0.0
    ) -> None:
        """Add a drum stroke at each of ``beats``."""
        for at in beats:
            self.add(stroke, at * beat, gain=gain, pan=pan)


@lru_cache(maxsize=4)
def _room(seconds: float, bright: float) -> Signal:
    """The impulse response of a room: a decaying noise per channel, after a short pre-delay."""
    length = round(seconds * RATE)
    rng = np.random.default_rng(1961)
    tail = rng.normal(size=(length, 2)) * (0.001 ** (np.arange(length) / length))[:, None]
    tail = highpass(lowpass(tail, bright, order=1), 180)
    tail /= np.sqrt((tail**2).sum(axis=0))
    return np.concatenate([np.zeros((round(0.012 * RATE), 2)), tail])


def reverb(stereo: Signal, *, seconds: float, wet: float, bright: float = 5000.0) -> Signal:
    """The sound with reverb that falls by 60 dB in ``seconds``; ``wet`` is the share of the reverb."""
    echoes = oaconvolve(stereo, _room(seconds, bright), axes=0)[: len(stereo)]
    return np.asarray(stereo + wet * echoes)


def echo(stereo: Signal, *, seconds: float, feedback: float, wet: float) -> Signal:
    """Echoes every ``seconds``, each weaker by ``feedback`` and on the opposite channel."""
    step = round(seconds * RATE)
    result, level, repeat = stereo.copy(), wet, stereo
    for turn in range(1, 5):
        repeat = repeat[:, ::-1]
        if step * turn >= len(stereo):
            break
        result[step * turn :] += level * repeat[: -step * turn]
        level *= feedback
    return result


def pumped(stereo: Signal, beats: Iterable[float], *, beat: float, depth: float, recover: float) -> Signal:
    """The sound ducked by ``depth`` (0 to 1) at each beat, recovering within ``recover`` s."""
    time = np.arange(len(stereo)) / RATE
    starts = np.array([at * beat for at in beats])
    last = np.searchsorted(starts, time, side="right") - 1
    since = np.where(last >= 0, time - starts[np.maximum(last, 0)], recover)
    return stereo * (1.0 - depth * np.clip(1.0 - since / recover, 0.0, 1.0) ** 1.5)[:, None]


def loudness(stereo: Signal) -> float:
    """Integrated loudness in LUFS by ITU-R BS.1770-4: K-weighted, blocks of 400 ms, gated twice."""
    weighted = stereo
    for numerator, denominator in _K_WEIGHTING:
        weighted = lfilter(numerator, denominator, weighted, axis=0)
    block, hop = round(0.4 * RATE), round(0.1 * RATE)
    sums = np.concatenate([[0.0], np.cumsum((weighted**2).sum(axis=1))])
    starts = np.arange(0, max(1, len(stereo) - block), hop)
    power = (sums[np.minimum(starts + block, len(stereo))] - sums[starts]) / block
    power = power[power > 10 ** ((-70 + 0.691) / 10)]
    if not power.size:
        return -np.inf
    power = power[power > power.mean() / 10]
    return float(-0.691 + 10 * np.log10(power.mean()))


def _biquads() -> list[tuple[list[float], list[float]]]:
    """K-weighting at :data:`RATE`: BS.1770's shelf and high-pass by the bilinear transform."""
    k, q = np.tan(np.pi * 1681.974450955533 / RATE), 0.7071752369554196
    high, low = 10 ** (3.999843853973347 / 20), 10 ** (3.999843853973347 / 20 * 0.4996667741545416)
    a0 = 1 + k / q + k * k
    rest = [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    shelf = [(high + low * k / q + k * k) / a0, 2 * (k * k - high) / a0, (high - low * k / q + k * k) / a0]
    k, q = np.tan(np.pi * 38.13547087602444 / RATE), 0.5003270373238773
    a0 = 1 + k / q + k * k
    return [(shelf, rest), ([1.0, -2.0, 1.0], [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0])]


_K_WEIGHTING = _biquads()


def limited(stereo: Signal, *, ceiling: float = CEILING) -> Signal:
    """A look-ahead limiter: reduces the gain smoothly around peaks, to stay below ``ceiling``."""
    width = round(0.008 * RATE) | 1
    peaks = maximum_filter1d(np.abs(stereo).max(axis=1), 2 * width + 1)
    gain = uniform_filter1d(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)), width)
    return np.asarray(np.clip(stereo * gain[:, None], -ceiling, ceiling))


def mastered(stereo: Signal, *, fade_in: float = 0.02, fade_out: float = 1.8) -> Signal:
    """The finished piece: high-passed, at :data:`LOUDNESS` and below :data:`CEILING`; fades in seconds."""
    clean = highpass(stereo, 28)
    time = np.arange(len(clean)) / RATE
    fade = np.clip(np.minimum(time / fade_in, (len(clean) / RATE - time) / fade_out), 0.0, 1.0)
    clean *= np.sin(fade * np.pi / 2)[:, None]
    for _ in range(2):
        clean = limited(clean * 10 ** ((LOUDNESS - loudness(clean)) / 20))
    return clean
