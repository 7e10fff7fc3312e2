"""Ambient: slow seventh chords that flow into one another, a few bells, air, no drums."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Note, melody
from segue.demo.mixing import Bus, echo, reverb
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
RHYTHMS = ((2.0, 2.0), (-1.0, 1.0, 2.0), (1.5, 2.5), (-0.5, 1.5, 2.0), (1.0, 1.0, -1.0, 1.0))


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    pads, low, bells = Bus(seconds), Bus(seconds), Bus(seconds)
    for bar, degree in enumerate(degrees):
        for place, midi in enumerate(key.voicing(degree, centre=57, size=4)):
            swell = Note(bar * METER - 0.6, METER + 2.4, midi, rng.uniform(0.8, 1.0))
            pads.play(instruments.pad, [swell], beat=beat, gain=0.22, pan=(-0.7, 0.5, -0.3, 0.8)[place])
        root = key.bass(degree, lowest=34)
        low.play(instruments.sub, [Note(bar * METER, METER + 0.8, root, 1.0)], beat=beat, gain=0.34)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=74, form="AaBA", first=1
    )
    for place, note in enumerate(tune):
        bells.play(instruments.bell, [note], beat=beat, gain=0.2, pan=(-0.5, 0.4)[place % 2], ring=1.6)
    air = Bus(seconds)
    for side in (-0.9, 0.9):
        air.add(instruments.wind(int(rng.integers(1000)), round(seconds, 2)), 0.0, gain=0.035, pan=side)
    drifting = echo(bells.samples, seconds=1.5 * beat, feedback=0.55, wet=0.45)
    return reverb(pads.samples + drifting + air.samples, seconds=3.5, wet=0.7, bright=3500) + low.samples


STYLE = Style(
    name="Ambient",
    tempos=(58.0, 72.0),
    progressions=(
        Progression("lydian", (0, 1, 0, 4)),
        Progression("major", (0, 2, 3, 5)),
        Progression("dorian", (0, 3, 0, 6)),
        Progression("major", (3, 0, 4, 5)),
        Progression("minor", (0, 5, 2, 6)),
        Progression("lydian", (0, 4, 1, 5)),
        Progression("mixolydian", (0, 6, 3, 0)),
        Progression("major", (5, 3, 0, 2)),
    ),
    compose=compose,
)
