"""Waltz: a solo piano in three, the left hand low-high-high under a singing right hand."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Key, Note, melody
from segue.demo.mixing import Bus, reverb
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 3
RHYTHMS = (
    (2.0, 1.0),
    (1.0, 1.0, 1.0),
    (1.5, 0.5, 1.0),
    (1.0, 0.5, 0.5, 1.0),
    (-1.0, 1.0, 1.0),
    (0.5, 0.5, 0.5, 0.5, 1.0),
)


def left_hand(key: Key, degree: int, bar: int) -> list[Note]:
    """The root on one, the chord on two and three; the fifth below every second bar."""
    root = key.bass(degree, lowest=36)
    low = root if bar % 2 == 0 else root + (7 if root < 41 else -5)
    chord = key.voicing(degree, centre=56)
    later = [Note(bar * METER + at, 0.8, midi, 0.5 - 0.06 * at) for at in (1, 2) for midi in chord]
    return [Note(bar * METER, 2.6, low, 0.85), *later]


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    left, right = Bus(seconds), Bus(seconds)
    for bar, degree in enumerate(degrees[:-1]):
        notes = [
            note._replace(velocity=note.velocity * rng.uniform(0.88, 1.0))
            for note in left_hand(key, degree, bar)
        ]
        left.play(instruments.piano, notes, beat=beat, gain=0.36, pan=-0.3, ring=0.15)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=75, form="ABACaBAD", first=2
    )
    right.play(instruments.piano, tune, beat=beat, gain=0.5, pan=0.25, ring=0.35)
    sung = [
        note._replace(midi=note.midi - 12, velocity=note.velocity * 0.45)
        for note in tune
        if note.beats >= 1.5
    ]
    right.play(instruments.piano, sung, beat=beat, gain=0.5, pan=0.1, ring=0.35)
    end = (len(degrees) - 1) * METER
    final = [Note(end, METER, midi, 0.6) for midi in (key.bass(0, lowest=36), *key.voicing(0, centre=56))]
    left.play(instruments.piano, final, beat=beat, gain=0.4, pan=-0.2, ring=1.2)
    return reverb(left.samples + right.samples, seconds=1.5, wet=0.28, bright=4000)


STYLE = Style(
    name="Waltz",
    tempos=(126.0, 168.0),
    progressions=(
        Progression("major", (0, 5, 1, 4)),
        Progression("harmonic", (0, 3, 4, 0, 5, 3, 4, 4)),
        Progression("major", (0, 0, 3, 3, 1, 4, 0, 4)),
        Progression("harmonic", (0, 5, 3, 4)),
        Progression("major", (0, 2, 3, 4)),
        Progression("minor", (0, 6, 5, 6, 0, 3, 6, 2)),
        Progression("major", (5, 3, 0, 4)),
        Progression("harmonic", (0, 0, 4, 4, 3, 0, 4, 0)),
    ),
    compose=compose,
)
