"""House: four kicks a bar, claps, off-beat hats and bass, organ stabs that duck under the kick."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Note, melody
from segue.demo.mixing import Bus, echo, pumped, reverb
from segue.demo.percussion import clap, crash, hat, kick, shaker
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
STABS = (
    (0.0, 0.75, 1.5, 2.5, 3.25),
    (0.5, 1.25, 2.0, 2.75, 3.5),
    (0.0, 1.5, 2.25, 3.0),
    (0.75, 1.5, 2.75, 3.5),
)
BASS = ((0.5, 1.5, 2.5, 3.5, 3.75), (0.5, 0.75, 1.5, 2.5, 3.25), (0.5, 1.5, 1.75, 2.5, 3.5))
RHYTHMS = ((-0.5, 0.5, 0.5, 0.5, -1.0, 1.0), (0.75, 0.75, 0.5, -1.0, 1.0), (-1.5, 0.5, 0.75, 0.75, 0.5))


def drums(bars: int, *, beat: float, seconds: float) -> tuple[Bus, list[int]]:
    """The beat, with the kick left out of the bar before the end; also the kick's beats."""
    bus = Bus(seconds)
    full = range(bars - 1)
    kicks = [bar * METER + at for bar in full if bar != bars - 2 for at in range(METER)]
    bus.strike(kick(high=190, low=50, half_life=0.08), kicks, beat=beat, gain=0.85)
    claps = [bar * METER + at for bar in full if bar >= 2 for at in (1, 3)]
    bus.strike(clap(), claps, beat=beat, gain=0.34)
    bus.strike(hat(half_life=0.06), [at + 0.5 for at in kicks], beat=beat, gain=0.2, pan=0.15)
    seeds = [bar * METER + tick / 4 for bar in full if bar >= 2 for tick in range(16)]
    bus.strike(crash(), (2 * METER, (bars - 1) * METER), beat=beat, gain=0.16, pan=-0.2)
    bus.strike(shaker(), seeds, beat=beat, gain=0.07, pan=-0.4)
    return bus, kicks


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    chords, low, lead = Bus(seconds), Bus(seconds), Bus(seconds)
    stabs, line = STABS[int(rng.integers(len(STABS)))], BASS[int(rng.integers(len(BASS)))]
    for bar, degree in enumerate(degrees[:-1]):
        start = bar * METER
        voicing = key.voicing(degree, centre=64, size=4)
        for place, midi in enumerate(voicing):
            hits = [Note(start + at, 0.4, midi, rng.uniform(0.85, 1.0)) for at in stabs]
            chords.play(instruments.organ, hits, beat=beat, gain=0.13, pan=(-0.4, 0.3, -0.2, 0.4)[place])
            warm = [Note(start, METER + 0.2, midi, 1.0)]
            chords.play(instruments.strings, warm, beat=beat, gain=0.05, pan=(0.7, -0.7, 0.5, -0.5)[place])
        root = key.bass(degree, lowest=33)
        steps = [Note(start + at, 0.4, root + (12 if at == line[-1] else 0), 1.0) for at in line]
        low.play(instruments.house_bass, steps, beat=beat, gain=0.42)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=76, form="AAAB", first=4
    )
    lead.play(instruments.pluck, tune, beat=beat, gain=0.17, pan=0.2, ring=0.2)
    end = (len(degrees) - 1) * METER
    for midi in key.voicing(0, centre=64, size=4):
        chords.play(instruments.organ, [Note(end, 4.0, midi, 1.0)], beat=beat, gain=0.15)
        chords.play(instruments.strings, [Note(end, 6.0, midi, 1.0)], beat=beat, gain=0.09)
    low.play(instruments.house_bass, [Note(end, 3.5, key.bass(0, lowest=33), 1.0)], beat=beat, gain=0.4)
    beats, kicks = drums(len(degrees), beat=beat, seconds=seconds)
    lead_echo = echo(lead.samples, seconds=0.75 * beat, feedback=0.5, wet=0.4)
    wet = reverb(chords.samples + lead_echo, seconds=1.4, wet=0.3)
    return pumped(wet + low.samples, kicks, beat=beat, depth=0.65, recover=0.3) + beats.samples


STYLE = Style(
    name="House",
    tempos=(118.0, 128.0),
    progressions=(
        Progression("minor", (0, 5, 2, 6)),
        Progression("dorian", (0, 3, 0, 3)),
        Progression("minor", (5, 6, 0, 0)),
        Progression("major", (1, 4, 0, 5)),
        Progression("minor", (0, 3, 5, 4)),
        Progression("dorian", (0, 1, 2, 3)),
        Progression("major", (3, 4, 5, 2)),
        Progression("minor", (0, 6, 3, 5)),
    ),
    compose=compose,
)
