"""Drums and cymbals: pure functions that return a stroke, a mono array that peaks near 1."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from segue.demo.synthesis import (
    RATE,
    Signal,
    bandpass,
    clock,
    fading,
    highpass,
    lowpass,
    noise,
    overdriven,
    pulse,
    sine,
)


def _level(stroke: Signal) -> Signal:
    """The stroke normalised to a peak of 1, read-only since strokes are cached."""
    stroke = stroke / np.abs(stroke).max()
    stroke.flags.writeable = False
    return stroke


@lru_cache(maxsize=16)
def kick(*, high: float = 170.0, low: float = 48.0, half_life: float = 0.09, click: float = 0.3) -> Signal:
    """A bass drum whose pitch falls from ``high`` to ``low`` Hz, with a ``click`` of the beater."""
    seconds = half_life * 5
    time = clock(seconds)
    body = sine(low + (high - low) * np.exp(-time / 0.028), seconds) * fading(seconds, half_life=half_life)
    beater = highpass(noise(seconds, seed=11), 1800) * fading(seconds, half_life=0.004, attack=0.0005)
    return _level(overdriven(body, 1.6) + click * beater)


@lru_cache(maxsize=16)
def snare(*, tone: float = 190.0, half_life: float = 0.06, bright: float = 9000.0) -> Signal:
    """A snare drum: a tuned skin of ``tone`` Hz under the rattle of the wires up to ``bright`` Hz."""
    seconds = half_life * 6
    skin = sine(tone, seconds) + 0.6 * sine(tone * 1.72, seconds)
    wires = bandpass(noise(seconds, seed=12), 1200, bright)
    skin = skin * fading(seconds, half_life=half_life * 0.6, attack=0.001)
    return _level(0.7 * skin + 1.3 * wires * fading(seconds, half_life=half_life, attack=0.001))


@lru_cache(maxsize=8)
def clap() -> Signal:
    """Several hands, a few milliseconds apart."""
    hiss = bandpass(noise(0.35, seed=13), 900, 4200)
    time = clock(0.35)
    hands = sum(
        np.exp(-np.clip(time - start, 0, None) / 0.008) * (time >= start) for start in (0, 0.011, 0.023)
    )
    return _level(hiss * (hands + np.exp(-time / 0.07) * (time >= 0.03)))


@lru_cache(maxsize=16)
def hat(*, half_life: float = 0.02, corner: float = 7500.0) -> Signal:
    """A hi-hat; closed with a short ``half_life`` (s), open with a long one."""
    seconds = max(0.06, half_life * 6)
    metal = sum(pulse(frequency, seconds) for frequency in (3170.0, 4223.0, 5417.0, 6311.0, 8129.0))
    hiss = noise(seconds, seed=14)
    return _level(highpass(hiss + 0.12 * metal, corner, order=3) * fading(seconds, half_life=half_life))


@lru_cache(maxsize=8)
def ride(*, half_life: float = 0.25) -> Signal:
    """A ride cymbal: a ping of close metallic partials over a soft wash."""
    seconds = half_life * 4
    ping = sum(sine(frequency, seconds) for frequency in (2917.0, 3491.0, 4333.0, 5227.0, 6173.0, 7351.0))
    wash = highpass(noise(seconds, seed=15), 5000) * fading(seconds, half_life=half_life)
    return _level(0.22 * ping * fading(seconds, half_life=half_life * 0.4, attack=0.001) + 0.5 * wash)


@lru_cache(maxsize=8)
def crash(*, half_life: float = 0.45) -> Signal:
    """A crash cymbal that dies away over a second or two."""
    seconds = half_life * 4
    wash = bandpass(noise(seconds, seed=16), 2500, 15000)
    return _level(wash * fading(seconds, half_life=half_life, attack=0.002, release=0.2))


@lru_cache(maxsize=8)
def shaker() -> Signal:
    """A short soft swish of seeds."""
    hiss = bandpass(noise(0.09, seed=17), 4500, 12000)
    return _level(hiss * np.hanning(round(0.09 * RATE)))


@lru_cache(maxsize=8)
def brush() -> Signal:
    """Wire brushes on a snare drum."""
    hiss = bandpass(noise(0.28, seed=18), 1500, 8000)
    return _level(hiss * fading(0.28, half_life=0.07, attack=0.02, release=0.1))


@lru_cache(maxsize=8)
def chip_noise(*, half_life: float, hold: int) -> Signal:
    """The noise channel of an old sound chip: each random value held for ``hold`` samples."""
    seconds = half_life * 5
    steps = np.repeat(np.sign(noise(seconds, seed=19)), hold)[: round(seconds * RATE)]
    return _level(steps * fading(seconds, half_life=half_life, attack=0.0005))


@lru_cache(maxsize=8)
def foot() -> Signal:
    """A foot tapping a wooden floor."""
    knock = lowpass(noise(0.2, seed=20), 160, order=2) * fading(0.2, half_life=0.025)
    return _level(knock + 0.02 * sine(74.0, 0.2) * fading(0.2, half_life=0.03))
