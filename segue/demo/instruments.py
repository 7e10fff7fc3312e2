"""The instruments: each is a pure function (MIDI pitch, seconds) -> mono array that peaks near 1.

Notes recur often, so each instrument caches its latest ones; the returned arrays are read-only.
"""

from __future__ import annotations

from functools import lru_cache, wraps

import numpy as np

from segue.demo.mixing import Instrument
from segue.demo.synthesis import (
    RATE,
    Signal,
    bandpass,
    clock,
    envelope,
    fading,
    hertz,
    highpass,
    lowpass,
    noise,
    overdriven,
    partials,
    plucked_string,
    pulse,
    saw,
    sine,
    triangle,
    vibrato,
)


def remembered(instrument: Instrument) -> Instrument:
    """Cache the latest notes of an instrument, normalised to a peak of 1."""

    @lru_cache(maxsize=96)
    @wraps(instrument)
    def play(midi: int, seconds: float) -> Signal:
        sound = instrument(midi, seconds)
        sound = sound / max(1e-9, float(np.abs(sound).max()))
        sound.flags.writeable = False
        return sound

    return play


@remembered
def pad(midi: int, seconds: float) -> Signal:
    """Five detuned saws through a low-pass filter, with slow attack and release."""
    frequency = hertz(midi)
    detune = (0.994, 0.9975, 1.0, 1.0028, 1.0061)
    voices = sum(saw(frequency * by, seconds, phase=place * 0.37) for place, by in enumerate(detune))
    warm = lowpass(np.asarray(voices), min(2200.0, frequency * 3.0))
    swell = envelope(seconds, attack=seconds * 0.35, decay=0.2, sustain=0.85, release=seconds * 0.4)
    return np.asarray(warm * np.sin(swell * np.pi / 2) ** 2)


@remembered
def strings(midi: int, seconds: float) -> Signal:
    """A brighter, quicker pad, to play under a beat."""
    frequency = hertz(midi)
    voices = sum(saw(frequency * by, seconds, phase=by) for by in (0.996, 1.0, 1.0045))
    return lowpass(np.asarray(voices), 2600) * envelope(
        seconds, attack=0.12, decay=0.2, sustain=0.8, release=0.3
    )


@remembered
def bell(midi: int, seconds: float) -> Signal:
    """A soft glass bell: few partials, with a fast decay of the high ones."""
    ratios = np.array([1.0, 2.0, 2.76, 5.4])
    levels = np.array([1.0, 0.35, 0.22, 0.08])
    tone = partials(
        hertz(midi), seconds, ratios=ratios, levels=levels, half_lives=np.array([0.9, 0.5, 0.3, 0.1])
    )
    return tone * fading(seconds, half_life=9.0, attack=0.02, release=0.3)


@remembered
def sub(midi: int, seconds: float) -> Signal:
    """A low sine with a little of its octave."""
    tone = sine(hertz(midi), seconds) + 0.15 * sine(2 * hertz(midi), seconds)
    return tone * envelope(seconds, attack=0.25, decay=0.1, sustain=0.9, release=0.5)


@remembered
def piano(midi: int, seconds: float) -> Signal:
    """Struck strings: stiffness stretches the partials, and the high ones decay faster."""
    frequency = hertz(midi)
    number = np.arange(1, int(min(18, 9000 / frequency)) + 2, dtype=np.float64)
    stretched = number * np.sqrt(1.0 + 0.0004 * number**2)
    levels = np.abs(np.sin(np.pi * number / 8.0)) * number**-1.15 + 0.02 / number
    long = 1.1 * (261.6 / frequency) ** 0.5
    half_lives = long / (1.0 + 0.35 * (number - 1.0))
    tone = sum(
        partials(frequency * by, seconds, ratios=stretched, levels=levels, half_lives=half_lives)
        for by in (0.9997, 1.0004)
    )
    hammer = bandpass(noise(seconds, seed=midi), 300, 2500) * fading(seconds, half_life=0.012, attack=0.001)
    return np.asarray(tone) * fading(seconds, half_life=8.0, attack=0.002, release=0.12) + 0.10 * hammer


@remembered
def chip_lead(midi: int, seconds: float) -> Signal:
    """A square channel with the vibrato of a small speaker."""
    tone = pulse(vibrato(hertz(midi), seconds, rate=6.5, depth=0.25), seconds, width=0.5)
    return tone * envelope(seconds, attack=0.002, decay=0.08, sustain=0.7, release=0.02)


@remembered
def chip_arpeggio(midi: int, seconds: float) -> Signal:
    """A thin pulse channel, clipped short."""
    tone = pulse(hertz(midi), seconds, width=0.125)
    return tone * envelope(seconds, attack=0.001, decay=0.05, sustain=0.45, release=0.015)


@remembered
def chip_bass(midi: int, seconds: float) -> Signal:
    """A triangle channel of sixteen levels."""
    return triangle(hertz(midi), seconds, levels=16) * envelope(
        seconds, attack=0.001, decay=0.02, sustain=0.9, release=0.01
    )


@remembered
def organ(midi: int, seconds: float) -> Signal:
    """A house organ: drawbars with a knock at the front."""
    ratios = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0])
    levels = np.array([0.5, 1.0, 0.4, 0.6, 0.3, 0.2])
    tone = partials(hertz(midi), seconds, ratios=ratios, levels=levels, half_lives=np.full(6, 0.6))
    knock = sine(4 * hertz(midi), seconds) * fading(seconds, half_life=0.02)
    return (tone + 0.8 * knock) * envelope(seconds, attack=0.003, decay=0.1, sustain=0.7, release=0.05)


@remembered
def house_bass(midi: int, seconds: float) -> Signal:
    """A round saw bass whose filter closes as it fades."""
    frequency = hertz(midi)
    wave = saw(frequency, seconds) + 0.5 * pulse(frequency * 0.5, seconds)
    opening = fading(seconds, half_life=0.06)
    tone = lowpass(wave, 260) + 0.5 * opening * lowpass(wave, 1100)
    return tone * envelope(seconds, attack=0.004, decay=0.1, sustain=0.75, release=0.04)


@remembered
def pluck(midi: int, seconds: float) -> Signal:
    """A bright synthetic pluck."""
    wave = saw(hertz(midi), seconds) + saw(hertz(midi) * 1.006, seconds)
    bright = lowpass(wave, 5200) * fading(seconds, half_life=0.05)
    return (bright + 0.6 * lowpass(wave, 1300)) * fading(seconds, half_life=0.16, release=0.05)


@remembered
def reese(midi: int, seconds: float) -> Signal:
    """The beating bass of drum and bass: detuned saws, driven, over a clean sub."""
    frequency = hertz(midi)
    waves = sum(saw(frequency * by, seconds, phase=by * 3.1) for by in (0.985, 0.993, 1.0, 1.009, 1.017))
    growl = overdriven(lowpass(np.asarray(waves), 520) * 0.7, 1.8)
    tone = 0.75 * highpass(growl, 70) + 0.6 * sine(frequency, seconds)
    return tone * envelope(seconds, attack=0.015, decay=0.1, sustain=0.9, release=0.06)


@remembered
def guitar(midi: int, seconds: float) -> Signal:
    """A steel-string acoustic guitar: a plucked string and the resonance of the body."""
    string = plucked_string(hertz(midi), seconds, brightness=0.62, ringing=3.2, position=0.17, seed=midi)
    body = string + 0.7 * bandpass(string, 90, 130) + 0.45 * bandpass(string, 190, 260)
    return lowpass(body, 6500, order=1) * fading(seconds, half_life=6.0, attack=0.0015, release=0.06)


@remembered
def whistle(midi: int, seconds: float) -> Signal:
    """A breathy wooden flute."""
    pitch = vibrato(hertz(midi), seconds, rate=5.0, depth=0.18, delay=0.2)
    breath = bandpass(noise(seconds, seed=midi), hertz(midi) * 0.9, min(12000.0, hertz(midi) * 2.5))
    tone = sine(pitch, seconds) + 0.28 * sine(2 * pitch, seconds) + 0.1 * sine(3 * pitch, seconds)
    return (tone + 0.16 * breath) * envelope(seconds, attack=0.06, decay=0.1, sustain=0.85, release=0.09)


@remembered
def brass(midi: int, seconds: float) -> Signal:
    """A trumpet: the louder it gets the brighter it is, so the overtones bloom after the attack."""
    frequency = vibrato(hertz(midi), seconds, rate=5.4, depth=0.16, delay=0.22)
    cycles = np.cumsum(frequency) * (2.0 * np.pi / RATE)
    swell = envelope(seconds, attack=0.045, decay=0.12, sustain=0.75, release=0.07)
    count = int(min(16, 11000 / hertz(midi)))
    tone = sum(
        swell ** (0.7 + 0.28 * number) * number**-0.75 * np.sin(number * cycles)
        for number in range(1, count + 1)
    )
    return np.asarray(tone) + 0.4 * bandpass(np.asarray(tone), 1100, 2400)


@remembered
def upright_bass(midi: int, seconds: float) -> Signal:
    """A plucked double bass: mostly fundamental, with the finger's thud."""
    string = plucked_string(hertz(midi), seconds, brightness=0.1, ringing=1.6, position=0.3, seed=midi)
    thud = lowpass(noise(seconds, seed=5), 400) * fading(seconds, half_life=0.012)
    tone = lowpass(string, 900) + 0.5 * sine(hertz(midi), seconds) + 0.4 * thud
    return tone * fading(seconds, half_life=0.35, attack=0.006, release=0.06)


def _amplified(wave: Signal, *, drive: float) -> Signal:
    """A high-gain amplifier and a speaker cabinet, which has no treble and little bass."""
    hot = overdriven(highpass(wave, 110), drive)
    return lowpass(highpass(hot, 85), 4600, order=4) + 0.35 * bandpass(hot, 1700, 3200)


@remembered
def power_chord(midi: int, seconds: float) -> Signal:
    """Root, fifth and octave on a distorted guitar."""
    root = hertz(midi)
    wave = (
        saw(root, seconds) + 0.9 * saw(root * 1.4983, seconds, phase=0.3) + 0.7 * saw(root * 2.003, seconds)
    )
    tone = _amplified(wave * 0.5, drive=7.0)
    return tone * envelope(seconds, attack=0.004, decay=0.15, sustain=0.85, release=0.05)


@remembered
def palm_mute(midi: int, seconds: float) -> Signal:
    """The same chord under the heel of the hand: a short chug."""
    root = hertz(midi)
    wave = lowpass(saw(root, seconds) + 0.9 * saw(root * 1.4983, seconds, phase=0.3), 1100)
    tone = _amplified(wave * fading(seconds, half_life=0.05), drive=5.0)
    return tone * fading(seconds, half_life=0.06, attack=0.002)


@remembered
def lead_guitar(midi: int, seconds: float) -> Signal:
    """A singing distorted lead with a wide vibrato."""
    pitch = vibrato(hertz(midi), seconds, rate=5.8, depth=0.35, delay=0.18)
    tone = _amplified(saw(pitch, seconds) + 0.3 * saw(pitch * 1.001, seconds, phase=0.5), drive=4.0)
    return lowpass(tone, 3600) * envelope(seconds, attack=0.012, decay=0.1, sustain=0.85, release=0.06)


@remembered
def pick_bass(midi: int, seconds: float) -> Signal:
    """A bass guitar played with a pick, slightly driven."""
    wave = overdriven(lowpass(saw(hertz(midi), seconds), 900), 2.2)
    click = bandpass(noise(seconds, seed=6), 1500, 3500) * fading(seconds, half_life=0.006)
    return (wave + 0.25 * click) * envelope(seconds, attack=0.003, decay=0.12, sustain=0.7, release=0.03)


@remembered
def wind(midi: int, seconds: float) -> Signal:
    """Distant wind; the pitch selects the gust."""
    hiss = bandpass(noise(seconds, seed=midi), 400, 1400)
    time = clock(seconds)
    return hiss * (0.55 + 0.45 * np.sin(2 * np.pi * 0.11 * time + midi)) * np.sin(np.pi * time / seconds)
