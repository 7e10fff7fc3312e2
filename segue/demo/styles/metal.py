"""Metal: two distorted guitars in the corners, a galloping riff, double kick and a harmonised lead."""

from __future__ import annotations

from segue.demo import instruments
from segue.demo.harmony import Note, melody
from segue.demo.mixing import Bus, reverb
from segue.demo.percussion import crash, kick, ride, snare
from segue.demo.sketch import Progression, Sketch, Style
from segue.demo.synthesis import Signal

METER = 4
RIFFS = ("x..xx.xxX...x.xx", "X.xxX.xxX.xxX.X.", "xxxxX.xxxxxxX...", "X..xxxX.xxxxX.X.", "x.xxx.xxX.x.X...")
"""Sixteenths of a bar: a palm-muted chug (x), an open chord until the next stroke (X), or nothing."""
RHYTHMS = (
    (1.0, 1.0, 2.0),
    (0.5, 0.5, 1.0, 2.0),
    (1.5, 0.5, 1.0, 1.0),
    (0.5, 0.5, 0.5, 0.5, 1.0, 1.0),
    (3.0, 1.0),
)


def riff(pattern: str, root: int, start: float) -> tuple[list[Note], list[Note]]:
    """The muted and the open strokes of one bar on ``root``."""
    strokes = [place for place, stroke in enumerate(pattern) if stroke != "."]
    muted, ringing = [], []
    for place, following in zip(strokes, [*strokes[1:], len(pattern)], strict=True):
        note = Note(start + place / 4, (following - place) / 4, root, 1.0)
        if pattern[place] == "X":
            ringing.append(note)
        else:
            muted.append(note._replace(beats=0.25))
    return muted, ringing


def drums(patterns: list[str], *, beat: float, seconds: float) -> Bus:
    """The kick follows the riff; backbeat on the snare, a crash each fourth bar."""
    bus = Bus(seconds)
    for bar, pattern in enumerate(patterns):
        start = bar * METER
        feet = [start + place / 4 for place, stroke in enumerate(pattern) if stroke != "."]
        bus.strike(kick(high=240, low=58, half_life=0.045, click=0.8), feet, beat=beat, gain=0.5)
        bus.strike(
            snare(tone=180, half_life=0.075, bright=7000), (start + 1, start + 3), beat=beat, gain=0.62
        )
        bus.strike(ride(half_life=0.15), [start + at for at in range(4)], beat=beat, gain=0.12, pan=0.4)
        if bar % 4 == 0:
            bus.strike(crash(), [start], beat=beat, gain=0.26, pan=-0.35)
    bus.strike(crash(half_life=0.6), [len(patterns) * METER], beat=beat, gain=0.3, pan=0.3)
    bus.strike(
        kick(high=240, low=58, half_life=0.045, click=0.8), [len(patterns) * METER], beat=beat, gain=0.5
    )
    return bus


def compose(sketch: Sketch) -> Signal:
    rng, key, beat = sketch.rng, sketch.key, sketch.beat
    degrees, seconds = sketch.bars(METER), sketch.seconds(METER)
    guitars, low, lead = Bus(seconds), Bus(seconds), Bus(seconds)
    pair = [RIFFS[int(place)] for place in rng.permutation(len(RIFFS))[:2]]
    patterns = [pair[1] if bar % 4 == 3 else pair[0] for bar in range(len(degrees) - 1)]
    for bar, (degree, pattern) in enumerate(zip(degrees, [*patterns, "X..............."], strict=True)):
        root = key.bass(degree, lowest=38)
        muted, ringing = riff(pattern, root, bar * METER)
        for side, late in ((-0.85, 0.0), (0.85, 0.018)):
            for instrument, strokes in ((instruments.palm_mute, muted), (instruments.power_chord, ringing)):
                shifted = [note._replace(start=note.start + late / beat) for note in strokes]
                guitars.play(instrument, shifted, beat=beat, gain=0.26, pan=side)
        roots = [note._replace(midi=root - 12) for note in (*muted, *ringing)]
        low.play(instruments.pick_bass, roots, beat=beat, gain=0.34)
    tune = melody(
        rng, key=key, degrees=degrees, rhythms=RHYTHMS, meter=METER, centre=72, form="ABAC", first=2
    )
    lead.play(instruments.lead_guitar, tune, beat=beat, gain=0.2, pan=-0.15, hold=0.97)
    thirds = [
        note._replace(midi=key.pitch(key.nearest(note.midi) + 2)) for note in tune if note.start >= 6 * METER
    ]
    lead.play(instruments.lead_guitar, thirds, beat=beat, gain=0.14, pan=0.25, hold=0.97)
    loud = reverb(lead.samples, seconds=1.4, wet=0.3) + guitars.samples + low.samples
    return loud + reverb(drums(patterns, beat=beat, seconds=seconds).samples, seconds=0.6, wet=0.15)


STYLE = Style(
    name="Metal",
    tempos=(104.0, 136.0),
    progressions=(
        Progression("minor", (0, 0, 5, 6)),
        Progression("phrygian", (0, 1, 0, 6)),
        Progression("minor", (0, 5, 2, 6)),
        Progression("harmonic", (0, 0, 3, 4)),
        Progression("minor", (0, 6, 5, 4)),
        Progression("phrygian", (0, 0, 1, 2)),
        Progression("dorian", (0, 2, 6, 3)),
        Progression("minor", (0, 3, 5, 6)),
    ),
    compose=compose,
)
