"""Drum and bass: a fast broken beat over a slow, beating bass and wide chords."""

from __future__ import annotations

import numpy as np

from segue.demo import instruments
from segue.demo.harmony import Note, melody
from segue.demo.mixing import Bus, echo, reverb
from segue.demo.percussion import crash, hat, kick, ride, snare
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
KICKS = ((0.0, 2.5), (0.0, 1.5, 2.5), (0.0, 0.5, 2.5), (0.0, 2.25, 2.75))
GHOSTS = ((1.75, 2.25), (0.75, 3.75), (1.75, 3.5), (2.25, 3.75))
BASS = (
    ((0.0, 1.5), (1.5, 1.0), (2.75, 1.25)),
    ((0.0, 2.5), (2.5, 0.5), (3.0, 1.0)),
    ((0.0, 0.75), (0.75, 1.75), (3.0, 1.0)),
)
RHYTHMS = ((2.0, 2.0), (-1.0, 1.5, 1.5), (1.5, 1.5, 1.0), (3.0, 1.0))


def drums(rng: np.random.Generator, bars: int, *, beat: float, seconds: float) -> Bus:
    """Two-bar patterns of kick, snare and quiet ghost strokes; it starts after two bars of hats."""
    bus = Bus(seconds)
    picks = [(KICKS[int(rng.integers(4))], GHOSTS[int(rng.integers(4))]) for _ in range(2)]
    for bar in range(bars - 1):
        start = bar * METER
        ticks = [start + tick / 2 for tick in range(8)]
        bus.strike(hat(half_life=0.022), ticks, beat=beat, gain=0.17, pan=0.25)
        bus.strike(hat(half_life=0.012), [at + 0.25 for at in ticks], beat=beat, gain=0.09, pan=0.35)
        if bar < 2:
            continue
        low, ghosts = picks[bar % 2]
        bus.strike(
            kick(high=210, low=54, half_life=0.06, click=0.5), [start + at for at in low], beat=beat, gain=0.8
        )
        bus.strike(snare(tone=215, half_life=0.055), [start + at for at in (1, 3)], beat=beat, gain=0.6)
        bus.strike(
            snare(tone=230, half_life=0.03), [start + at for at in ghosts], beat=beat, gain=0.15, pan=-0.2
        )
        bus.strike(ride(half_life=0.12), [start + at for at in (0, 1, 2, 3)], beat=beat, gain=0.11, pan=-0.35)
    bus.strike(crash(), (2 * METER, (bars - 1) * METER), beat=beat, gain=0.24, pan=-0.1)
    return bus


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    degrees = [degrees[bar // 2] for bar in range(len(degrees) - 1)] + [0]
    pads, low, lead = Bus(seconds), Bus(seconds), Bus(seconds)
    pattern = BASS[int(rng.integers(len(BASS)))]
    for bar, degree in enumerate(degrees):
        start = bar * METER
        for place, midi in enumerate(key.voicing(degree, centre=66, size=4)):
            chord = [Note(start, METER + 0.6, midi, 1.0)]
            pads.play(instruments.strings, chord, beat=beat, gain=0.085, pan=(-0.8, 0.6, -0.5, 0.8)[place])
        if bar >= 2:
            root = key.bass(degree, lowest=30)
            notes = [Note(start + at, length, root, 1.0) for at, length in pattern]
            notes[-1] = notes[-1]._replace(midi=root + (7 if bar % 2 else 0))
            low.play(instruments.reese, notes if bar < len(degrees) - 1 else notes[:1], beat=beat, gain=0.42)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=74, form="ABAC", first=2
    )
    lead.play(instruments.bell, tune, beat=beat, gain=0.24, pan=-0.15, ring=0.5)
    wide = reverb(
        pads.samples + echo(lead.samples, seconds=1.5 * beat, feedback=0.5, wet=0.45), seconds=2.2, wet=0.4
    )
    return wide + low.samples + drums(rng, len(degrees), beat=beat, seconds=seconds).samples


STYLE = Style(
    name="Drum and Bass",
    tempos=(168.0, 178.0),
    progressions=(
        Progression("minor", (0, 5, 3, 6)),
        Progression("minor", (0, 2, 5, 6)),
        Progression("dorian", (0, 6, 3, 0)),
        Progression("minor", (5, 3, 0, 4)),
        Progression("minor", (0, 0, 5, 4)),
        Progression("phrygian", (0, 1, 5, 6)),
        Progression("minor", (0, 3, 6, 2)),
        Progression("dorian", (0, 2, 3, 6)),
    ),
    compose=compose,
)
