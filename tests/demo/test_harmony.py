"""The notes: keys, chords and melodies."""

from __future__ import annotations

import numpy as np
import pytest

from segue.demo.harmony import SCALES, Key, Note, melody, swung

RHYTHMS = ((1.0, 1.0, 2.0), (0.5, 0.5, -1.0, 2.0))


def test_c_major_is_the_white_keys() -> None:
    assert [Key(0, "major").pitch(step) for step in range(-1, 8)] == [59, 60, 62, 64, 65, 67, 69, 71, 72]


def test_a_dominant_seventh_chord_is_voiced_around_the_centre() -> None:
    assert Key(0, "major").voicing(4, centre=65, size=4) == [59, 62, 65, 67]
    assert Key(0, "major").bass(4, lowest=36) == 43


@pytest.mark.parametrize("mode", SCALES)
@pytest.mark.parametrize("tonic", range(12))
def test_a_melody_stays_in_its_key_and_bars_and_ends_on_the_tonic_chord(tonic: int, mode: str) -> None:
    key = Key(tonic, mode)
    tune = melody(
        np.random.default_rng(tonic),
        key=key,
        degrees=[0, 3, 4, 5, 0],
        rhythms=RHYTHMS,
        meter=4,
        centre=72,
        first=1,
    )
    scale = {key.pitch(step) % 12 for step in range(7)}
    assert {note.midi % 12 for note in tune} <= scale
    assert all(4 <= note.start < 20 and abs(note.midi - 72) <= 24 for note in tune)
    assert [note.start for note in tune] == sorted({note.start for note in tune})
    assert tune[-1].midi % 12 in {key.pitch(step) % 12 for step in key.chord(0)}


def test_a_motif_that_comes_back_keeps_its_rhythm() -> None:
    tune = melody(
        np.random.default_rng(3),
        key=Key(2, "dorian"),
        degrees=[0, 3, 6, 0],
        rhythms=RHYTHMS,
        meter=4,
        centre=70,
        form="A",
    )
    bars = [[note.start % 4 for note in tune if note.start // 4 == bar] for bar in range(3)]
    assert bars[0] == bars[1] == bars[2]


def test_swing_delays_only_the_off_beats() -> None:
    notes = [Note(start, 0.5, 60, 1.0) for start in (1.0, 1.5, 2.25)]
    assert [note.start for note in swung(notes, share=0.66)] == pytest.approx([1.0, 1.66, 2.25])
