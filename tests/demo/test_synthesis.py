"""The sound makers against physics and the loudness standard."""

from __future__ import annotations

import numpy as np
import pytest

from segue.demo.mixing import CEILING, Bus, limited, loudness
from segue.demo.synthesis import RATE, envelope, hertz, plucked_string, saw, sine


def strongest(sound: np.ndarray, low: float, high: float) -> float:
    """The loudest frequency in Hz between two others."""
    size = 1 << 20
    level = np.abs(np.fft.rfft(sound * np.hanning(sound.size), size))
    hertz_of = np.fft.rfftfreq(size, 1 / RATE)
    inside = (hertz_of > low) & (hertz_of < high)
    return float(hertz_of[inside][np.argmax(level[inside])])


@pytest.mark.parametrize("midi", [40, 45, 52, 57, 64, 69, 76, 81])
def test_a_plucked_string_is_in_tune_and_dies_away(midi: int) -> None:
    wanted = hertz(midi)
    string = plucked_string(wanted, 2.0, brightness=0.6, ringing=3.0, seed=1)
    cents = 1200 * np.log2(strongest(string, wanted * 0.8, wanted * 1.25) / wanted)
    assert abs(cents) < 6
    assert np.abs(string[-RATE // 4 :]).max() < 0.5 * np.abs(string[: RATE // 4]).max()


def test_a_saw_has_no_offset_and_little_alias() -> None:
    wave = saw(3000.0, 1.0)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(wave.size)))
    harmonic = np.zeros(spectrum.size, dtype=bool)
    for number in range(1, 8):
        harmonic[number * 3000 - 3 : number * 3000 + 4] = True
    assert abs(wave.mean()) < 1e-3
    audible = ~harmonic
    audible[15_000:] = False
    assert spectrum[audible].max() < 0.02 * spectrum.max()


@pytest.mark.parametrize("seconds", [0.05, 0.3, 4.0])
def test_an_envelope_begins_and_ends_at_zero_and_fits_short_notes(seconds: float) -> None:
    shape = envelope(seconds, attack=0.1, decay=0.1, sustain=0.6, release=0.2)
    assert shape[0] == 0
    assert shape[-1] < 0.01
    assert shape.max() == pytest.approx(1.0, abs=0.01)


def test_loudness_agrees_with_the_standard() -> None:
    """BS.1770-4: a 997 Hz sine at full scale in one channel reads -3.01 LUFS."""
    tone = sine(997.0, 3.0)
    assert loudness(np.stack([tone, 0 * tone], axis=1)) == pytest.approx(-3.01, abs=0.05)
    assert loudness(np.zeros((RATE, 2))) == -np.inf


def test_the_limiter_keeps_the_ceiling_and_leaves_quiet_sound_alone() -> None:
    rng = np.random.default_rng(0)
    quiet = rng.uniform(-0.3, 0.3, (RATE, 2))
    loud = quiet * np.where(np.arange(RATE) % 9000 < 40, 8.0, 1.0)[:, None]
    assert np.array_equal(limited(quiet), quiet)
    assert np.abs(limited(loud)).max() <= CEILING


def test_a_bus_pans_and_cuts_the_overhang() -> None:
    bus = Bus(1.0)
    bus.add(np.ones(RATE), 0.5, pan=-1.0)
    assert bus.samples[: RATE // 2].any() == np.False_
    assert np.allclose(bus.samples[RATE // 2 :], [1.0, 0.0])
