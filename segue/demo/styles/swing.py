"""Swing: a walking bass, a ride cymbal, a comping piano and a brass section that shares the tune."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from segue.demo import instruments
from segue.demo.harmony import Key, Note, melody, swung
from segue.demo.mixing import Bus, reverb
from segue.demo.percussion import brush, hat, kick, ride
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
RHYTHMS = (
    (0.5, 0.5, 1.0, -0.5, 0.5, 1.0),
    (1.0, 0.5, 0.5, 0.5, 1.5),
    (-0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (1.5, 0.5, 0.5, 0.5, -1.0),
    (0.5, 1.0, 0.5, -1.0, 1.0),
)
COMPING = ((0.0, 1.5), (0.5, 2.5), (1.5, 3.0), (0.5, 2.0, 3.5))


def walking(rng: np.random.Generator, key: Key, degrees: list[int]) -> list[Note]:
    """Four notes a bar: the root, two of the chord, and a half-step into the next root."""
    notes = []
    for bar, (degree, following) in enumerate(pairwise(degrees)):
        root, target = key.bass(degree, lowest=33), key.bass(following, lowest=33)
        third, fifth = (root + (key.pitch(step) - key.pitch(degree)) for step in (degree + 2, degree + 4))
        middle = [third, fifth] if rng.random() < 0.6 else [fifth, root + 12]
        approach = target + int(rng.choice([-1, 1, 2]))
        walk = enumerate((root, *middle, approach))
        notes += [Note(bar * METER + at, 1.0, midi, 0.95 if at % 2 == 0 else 0.85) for at, midi in walk]
    return [*notes, Note((len(degrees) - 1) * METER, 4.0, key.bass(0, lowest=33), 1.0)]


def drums(bars: int, *, beat: float, seconds: float) -> Bus:
    bus = Bus(seconds)
    for bar in range(bars - 1):
        start = bar * METER
        pattern = [start + at for at in (0, 1, 1.64, 2, 3, 3.64)]
        bus.strike(ride(), pattern, beat=beat, gain=0.16, pan=0.4)
        bus.strike(hat(half_life=0.015, corner=6000), (start + 1, start + 3), beat=beat, gain=0.16, pan=-0.3)
        bus.strike(brush(), (start + 1, start + 3), beat=beat, gain=0.1, pan=-0.1)
        bus.strike(
            kick(high=110, low=58, half_life=0.05, click=0.1), range(start, start + 4), beat=beat, gain=0.15
        )
    bus.strike(ride(half_life=0.5), [(bars - 1) * METER], beat=beat, gain=0.22, pan=0.4)
    return bus


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    low, comp, horns = Bus(seconds), Bus(seconds), Bus(seconds)
    low.play(instruments.upright_bass, walking(rng, key, degrees), beat=beat, gain=0.5, ring=0.05)
    for bar, degree in enumerate(degrees[:-1]):
        hits = COMPING[int(rng.integers(len(COMPING)))]
        for midi in key.voicing(degree, centre=62, size=4):
            chord = [Note(bar * METER + at, 0.5, midi, rng.uniform(0.8, 1.0)) for at in hits]
            comp.play(instruments.piano, swung(chord), beat=beat, gain=0.13, pan=-0.45)
    tune = swung(
        melody(rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=70, form="AABA", first=1)
    )
    horns.play(instruments.brass, tune, beat=beat, gain=0.3, pan=0.1, hold=0.92)
    for place, drop in enumerate((2, 4)):
        section = [
            note._replace(midi=key.pitch(key.nearest(note.midi) - drop))
            for note in tune
            if int(note.start // METER) % 4 >= 2 or note.start >= (len(degrees) - 1) * METER
        ]
        horns.play(instruments.brass, section, beat=beat, gain=0.2, pan=(-0.35, 0.5)[place], hold=0.9)
    beats = drums(len(degrees), beat=beat, seconds=seconds)
    return reverb(horns.samples + comp.samples, seconds=1.2, wet=0.25) + low.samples + beats.samples


STYLE = Style(
    name="Swing",
    tempos=(132.0, 176.0),
    progressions=(
        Progression("major", (0, 5, 1, 4)),
        Progression("mixolydian", (0, 3, 0, 0, 3, 3, 0, 4)),
        Progression("dorian", (0, 0, 3, 3)),
        Progression("major", (1, 4, 0, 0)),
        Progression("harmonic", (0, 3, 4, 0)),
        Progression("major", (2, 5, 1, 4)),
        Progression("major", (0, 3, 1, 4)),
        Progression("minor", (0, 6, 5, 4)),
    ),
    compose=compose,
)
