"""Sound synthesis: oscillators, envelopes, plucked strings and filters.

Every function is vectorised and works on mono float64 arrays of shape (samples,) at :data:`RATE` samples a
second. In double precision, differences in the last bit between processors vanish in the 16-bit result, so
that a seed gives the same PCM on every machine.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

Signal = NDArray[np.float64]

RATE = 44_100
"""The sample rate in Hz."""


def hertz(midi: float) -> float:
    """The frequency in Hz of a MIDI pitch (69 is the A of 440 Hz), equal temperament."""
    return float(440.0 * 2.0 ** ((midi - 69.0) / 12.0))


def clock(seconds: float) -> Signal:
    """The time in seconds of each of ``round(seconds * RATE)`` samples."""
    return np.arange(max(1, round(seconds * RATE))) / RATE


def sine(frequency: float | Signal, seconds: float, *, phase: float = 0.0) -> Signal:
    """A sine; ``frequency`` in Hz, a number or an array with a value per sample; ``phase`` in cycles."""
    return np.sin(2.0 * np.pi * (_cycles(frequency, seconds) + phase))


def _cycles(frequency: float | Signal, seconds: float) -> Signal:
    if isinstance(frequency, np.ndarray):
        return np.cumsum(frequency / RATE)
    return clock(seconds) * frequency


def saw(frequency: float | Signal, seconds: float, *, phase: float = 0.0) -> Signal:
    """A sawtooth from -1 to +1 whose jump is rounded off by PolyBLEP (Välimäki & Huovilainen 2007)."""
    position = (_cycles(frequency, seconds) + phase) % 1.0
    step = np.broadcast_to(np.asarray(frequency, dtype=np.float64) / RATE, position.shape)
    after = np.clip(position / step, 0.0, 1.0)
    before = np.clip((position - 1.0) / step, -1.0, 0.0)
    return 2.0 * position - 1.0 + (1.0 - after) ** 2 - (1.0 + before) ** 2


def pulse(frequency: float | Signal, seconds: float, *, width: float = 0.5) -> Signal:
    """A rectangle wave, high for the share ``width`` of its period; no offset."""
    return saw(frequency, seconds) - saw(frequency, seconds, phase=1.0 - width)


def triangle(frequency: float | Signal, seconds: float, *, levels: int | None = None) -> Signal:
    """A triangle from -1 to +1; with ``levels``, quantised as on an old sound chip."""
    wave = 4.0 * np.abs((_cycles(frequency, seconds) + 0.75) % 1.0 - 0.5) - 1.0
    return wave if levels is None else np.round(wave * (levels / 2)) / (levels / 2)


def noise(seconds: float, *, seed: int) -> Signal:
    """White noise, uniformly distributed between -1 and +1."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, max(1, round(seconds * RATE)))


def vibrato(frequency: float, seconds: float, *, rate: float, depth: float, delay: float = 0.15) -> Signal:
    """The frequency of each sample in Hz, with vibrato after ``delay`` s; ``depth`` in semitones."""
    time = clock(seconds)
    swell = np.clip((time - delay) / 0.25, 0.0, 1.0)
    return frequency * 2.0 ** (depth * swell * np.sin(2.0 * np.pi * rate * time) / 12.0)


def envelope(seconds: float, *, attack: float, decay: float, sustain: float, release: float) -> Signal:
    """An ADSR envelope; times in seconds, ``sustain`` is a level; ends at zero.

    The release is inside ``seconds``; all parts shrink proportionally if they are longer than the note.
    """
    shrink = min(1.0, seconds / (attack + decay + release + 1e-9))
    corners = np.array([0.0, attack, attack + decay]) * shrink
    ends = max(corners[-1], seconds - release * shrink)
    return np.interp(clock(seconds), [*corners, ends, seconds], [0.0, 1.0, sustain, sustain, 0.0])


def fading(seconds: float, *, half_life: float, attack: float = 0.003, release: float = 0.03) -> Signal:
    """A percussive envelope: rises in ``attack`` s, halves every ``half_life`` s, ends in ``release`` s."""
    time = clock(seconds)
    edges = np.minimum(time / attack, (seconds - time) / release)
    return np.asarray(0.5 ** (time / half_life) * np.clip(edges, 0.0, 1.0))


def partials(
    frequency: float, seconds: float, *, ratios: Signal, levels: Signal, half_lives: Signal
) -> Signal:
    """Sines at ``frequency * ratios``, each with a level and a half-life (s); those too high are omitted."""
    time = clock(seconds)
    total = np.zeros_like(time)
    for ratio, level, half_life in zip(ratios, levels, half_lives, strict=True):
        if frequency * ratio < RATE * 0.4 and level > 1e-4:
            total += level * np.sin(2.0 * np.pi * frequency * ratio * time) * 0.5 ** (time / half_life)
    return total


def plucked_string(
    frequency: float,
    seconds: float,
    *,
    brightness: float,
    ringing: float,
    position: float = 0.2,
    seed: int = 0,
) -> Signal:
    """A plucked string by Karplus and Strong (1983), with one vector operation per period.

    The loop's three taps delay by the period's fraction and damp all pitches alike: they are the product of
    two averagers (1-d, d) and (1-f, f) with d + f that fraction and d(1-d) + f(1-f) = 1/4.

    Parameters
    ----------
    brightness
        The share of treble in the pluck, 0 to 1.
    ringing
        Seconds until the string has lost 60 dB.
    position
        The plucking point as a share of the string's length: harmonics with a node there are missing.
    """
    samples = max(1, round(seconds * RATE))
    period = RATE / frequency
    whole = int(period - 0.5)
    late = period - whole
    third = (0.25 - late + late * late) / 2.0
    taps = np.array([1.0 - late + third, late - 2.0 * third, third])
    burst = np.random.default_rng(seed).uniform(-1.0, 1.0, whole + 2)
    burst -= np.roll(burst, max(1, int(position * whole)))
    for _ in range(round((1.0 - brightness) * 8)):
        burst = 0.5 * burst + 0.25 * (np.roll(burst, 1) + np.roll(burst, -1))
    burst -= burst.mean()
    string = np.zeros(samples + whole + 2)
    string[: whole + 2] = burst / np.abs(burst).max()
    loss = 0.001 ** (1.0 / (frequency * ringing))
    for start in range(whole + 2, string.size, whole):
        end = min(start + whole, string.size)
        back = slice(start - whole, end - whole), slice(start - whole - 1, end - whole - 1)
        last = slice(start - whole - 2, end - whole - 2)
        string[start:end] = loss * (
            taps[0] * string[back[0]] + taps[1] * string[back[1]] + taps[2] * string[last]
        )
    return string[:samples]


@lru_cache(maxsize=256)
def _butterworth(kind: str, corners: tuple[float, ...], order: int) -> NDArray[np.float64]:
    edges = corners if len(corners) > 1 else corners[0]
    return np.asarray(butter(order, edges, btype=kind, fs=RATE, output="sos"))


def lowpass(signal: Signal, corner: float, *, order: int = 2) -> Signal:
    """Keep frequencies below ``corner`` Hz; filters along the first axis."""
    return np.asarray(sosfilt(_butterworth("lowpass", (min(corner, RATE * 0.45),), order), signal, axis=0))


def highpass(signal: Signal, corner: float, *, order: int = 2) -> Signal:
    """Keep frequencies above ``corner`` Hz; filters along the first axis."""
    return np.asarray(sosfilt(_butterworth("highpass", (corner,), order), signal, axis=0))


def bandpass(signal: Signal, low: float, high: float, *, order: int = 1) -> Signal:
    """Keep frequencies between ``low`` and ``high`` Hz; filters along the first axis."""
    return np.asarray(sosfilt(_butterworth("bandpass", (low, high), order), signal, axis=0))


def overdriven(signal: Signal, drive: float) -> Signal:
    """Soft clipping by the hyperbolic tangent; the result is between -1 and +1."""
    return np.asarray(np.tanh(drive * signal) / np.tanh(drive))
