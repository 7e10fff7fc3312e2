"""Chiptune: two pulse channels, a stepped triangle bass and a noise channel, as on an old console."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Note, melody
from segue.demo.mixing import Bus, echo, reverb
from segue.demo.percussion import chip_noise
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
RHYTHMS = (
    (0.5, 0.5, 1.0, 0.5, 0.5, 1.0),
    (0.75, 0.75, 0.5, 1.0, 1.0),
    (0.5, 0.25, 0.25, 0.5, 0.5, 1.0, 1.0),
    (1.0, 0.5, 0.5, -0.5, 0.5, 1.0),
    (0.25, 0.25, 0.5, 0.25, 0.25, 0.5, 1.0, 0.5, 0.5),
)
ARPEGGIOS = ((0, 1, 2, 3), (0, 2, 1, 2), (3, 2, 1, 0), (0, 1, 2, 1), (0, 3, 1, 2))


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    tones, lead, drums = Bus(seconds), Bus(seconds), Bus(seconds)
    order = ARPEGGIOS[int(rng.integers(len(ARPEGGIOS)))]
    for bar, degree in enumerate(degrees[:-1]):
        chord = key.voicing(degree, centre=67)
        ladder = [*chord, chord[0] + 12]
        run = [
            Note(bar * METER + tick / 4, 0.25, ladder[order[tick % 4]], 1 - 0.25 * (tick % 2))
            for tick in range(16)
        ]
        tones.play(instruments.chip_arpeggio, run, beat=beat, gain=0.16, pan=-0.45)
        root = key.bass(degree, lowest=40)
        bass = [Note(bar * METER + tick / 2, 0.45, root + 12 * (tick % 2), 1.0) for tick in range(8)]
        tones.play(instruments.chip_bass, bass, beat=beat, gain=0.38)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=78, form="ABACABaC", first=1
    )
    lead.play(instruments.chip_lead, tune, beat=beat, gain=0.22, pan=0.2, hold=0.9)
    for bar in range(1, len(degrees) - 1):
        start = bar * METER
        drums.strike(
            chip_noise(half_life=0.035, hold=24), (start, start + 2, start + 2.5), beat=beat, gain=0.26
        )
        drums.strike(chip_noise(half_life=0.05, hold=6), (start + 1, start + 3), beat=beat, gain=0.26)
        ticks = [start + tick / 2 for tick in range(8)]
        drums.strike(chip_noise(half_life=0.012, hold=1), ticks, beat=beat, gain=0.1, pan=0.3)
    end = (len(degrees) - 1) * METER
    chord = key.voicing(0, centre=67)
    flourish = [Note(end + tick / 4, 0.25, chord[tick % 3] + 12 * (tick // 3), 0.9) for tick in range(6)]
    tones.play(instruments.chip_arpeggio, flourish, beat=beat, gain=0.18, pan=-0.3)
    tones.play(instruments.chip_bass, [Note(end, 3.0, key.bass(0, lowest=40), 1.0)], beat=beat, gain=0.38)
    singing = echo(lead.samples, seconds=0.75 * beat, feedback=0.35, wet=0.3)
    return reverb(tones.samples + singing + drums.samples, seconds=0.5, wet=0.08)


STYLE = Style(
    name="Chiptune",
    tempos=(138.0, 166.0),
    progressions=(
        Progression("major", (0, 4, 5, 3)),
        Progression("minor", (0, 5, 6, 0)),
        Progression("major", (3, 4, 2, 5)),
        Progression("minor", (0, 6, 5, 6)),
        Progression("mixolydian", (0, 6, 3, 0)),
        Progression("major", (0, 5, 3, 4)),
        Progression("dorian", (0, 3, 6, 0)),
        Progression("minor", (5, 6, 0, 0, 5, 6, 2, 4)),
    ),
    compose=compose,
)
