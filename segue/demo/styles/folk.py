"""Folk: a finger-picked steel-string guitar, a wooden whistle, a shaker and a tapping foot."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Key, Note, melody
from segue.demo.mixing import Bus, reverb
from segue.demo.percussion import foot, shaker
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
PICKING = (
    ((0.5, 1), (1.0, 2), (1.5, 0), (2.0, 3), (2.5, 1), (3.0, 2), (3.5, 0)),
    ((0.0, 3), (0.5, 0), (1.5, 1), (2.0, 2), (2.5, 0), (3.5, 1)),
    ((0.5, 0), (1.0, 1), (1.5, 2), (2.5, 3), (3.0, 2), (3.5, 1)),
    ((0.0, 2), (0.75, 1), (1.0, 0), (1.5, 2), (2.5, 1), (3.0, 3), (3.5, 2)),
)
RHYTHMS = (
    (1.0, 0.5, 0.5, 2.0),
    (1.5, 0.5, 1.0, 1.0),
    (0.5, 0.5, 1.0, 2.0),
    (3.0, 1.0),
    (-1.0, 1.0, 1.0, 1.0),
)


def thumb(key: Key, degree: int, bar: int) -> list[Note]:
    """The alternating bass: the root on one and three, its fifth on two and four."""
    root = key.bass(degree, lowest=40)
    fifth = root + 7 if root < 45 else root - 5
    return [Note(bar * METER + at, 1.4, midi, 0.9) for at, midi in enumerate((root, fifth, root, fifth))]


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    guitar, second, flute, floor = Bus(seconds), Bus(seconds), Bus(seconds), Bus(seconds)
    picking = PICKING[int(rng.integers(len(PICKING)))]
    for bar, degree in enumerate(degrees[:-1]):
        chord = key.voicing(degree, centre=61)
        strings = [*chord, chord[0] + 12]
        fingers = [
            Note(bar * METER + at, 1.6, strings[string], rng.uniform(0.6, 0.8)) for at, string in picking
        ]
        guitar.play(instruments.guitar, [*thumb(key, degree, bar), *fingers], beat=beat, gain=0.4, pan=-0.3)
        if bar >= 2:
            strum = [Note(bar * METER + 0.02 * place, 3.8, midi, 0.6) for place, midi in enumerate(strings)]
            second.play(instruments.guitar, strum, beat=beat, gain=0.3, pan=0.6)
        if bar >= 2:
            quavers = [bar * METER + tick / 2 for tick in range(8)]
            floor.strike(shaker(), quavers, beat=beat, gain=0.09, pan=0.35)
        floor.strike(foot(), [bar * METER, bar * METER + 2], beat=beat, gain=0.22)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=72, form="ABAC", first=2
    )
    flute.play(instruments.whistle, tune, beat=beat, gain=0.24, pan=0.15, hold=0.94)
    end = (len(degrees) - 1) * METER
    low = key.bass(0, lowest=40)
    final = [
        Note(end + 0.06 * place, 4.0, midi, 0.8)
        for place, midi in enumerate((low, low + 7, *key.voicing(0, centre=61)))
    ]
    guitar.play(instruments.guitar, final, beat=beat, gain=0.4, pan=-0.1, ring=0.8)
    return reverb(guitar.samples + second.samples + flute.samples, seconds=1.1, wet=0.22) + floor.samples


STYLE = Style(
    name="Folk",
    tempos=(90.0, 112.0),
    progressions=(
        Progression("major", (0, 3, 0, 4)),
        Progression("major", (0, 4, 5, 3)),
        Progression("mixolydian", (0, 6, 3, 0)),
        Progression("dorian", (0, 6, 0, 3)),
        Progression("major", (5, 3, 0, 4)),
        Progression("minor", (0, 6, 5, 6)),
        Progression("major", (0, 2, 3, 3)),
        Progression("major", (0, 5, 1, 4)),
    ),
    compose=compose,
)
