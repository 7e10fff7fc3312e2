"""Keys, chords and melodies: the notes, without their sound.

Time is in beats from the start of the piece, pitch in MIDI numbers, and a *step* is a position on the
seven-note scale (0 is the tonic near middle C, 7 the tonic above).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
"""Semitones above the tonic of each scale's seven notes."""

Rhythm = tuple[float, ...]
"""The lengths of a bar's notes in beats; a negative length is a rest."""


class Note(NamedTuple):
    """``start`` and ``beats`` in beats; ``velocity`` is the loudness, about 0 to 1."""

    start: float
    beats: float
    midi: int
    velocity: float


@dataclass(frozen=True)
class Key:
    """A tonic (0 is C, 11 is B) and a mode, one of :data:`SCALES`."""

    tonic: int
    mode: str

    def pitch(self, step: int) -> int:
        """The MIDI pitch of a step; step 0 lies between 55 and 66."""
        octave, place = divmod(step, 7)
        low = self.tonic - 12 if self.tonic > 6 else self.tonic
        return 60 + low + 12 * octave + SCALES[self.mode][place]

    def chord(self, degree: int, *, size: int = 3) -> tuple[int, ...]:
        """The steps of ``size`` stacked thirds on ``degree`` (0 to 6): 3 are a triad, 4 a seventh chord."""
        return tuple(degree + 2 * third for third in range(size))

    def bass(self, degree: int, *, lowest: int) -> int:
        """The root of the chord on ``degree``, in the octave that begins at the pitch ``lowest``."""
        return lowest + (self.pitch(degree) - lowest) % 12

    def voicing(self, degree: int, *, centre: int, size: int = 3) -> list[int]:
        """The pitches of a chord, each moved by octaves to within six semitones of ``centre``, ascending.

        Chords that share notes keep them in place, for smooth voice leading.
        """
        low = centre - 6
        return sorted(low + (self.pitch(step) - low) % 12 for step in self.chord(degree, size=size))

    def nearest(self, midi: float, degree: int | None = None) -> int:
        """The step closest to a pitch; with ``degree``, only among the notes of its triad."""
        steps = range(-28, 36)
        if degree is not None:
            wanted = {step % 7 for step in self.chord(degree)}
            steps = [step for step in steps if step % 7 in wanted]  # type: ignore[assignment]
        return min(steps, key=lambda step: abs(self.pitch(step) - midi))


class Motif(NamedTuple):
    """The motif of a bar: its rhythm, and each note's distance in steps from the first note."""

    rhythm: Rhythm
    offsets: tuple[int, ...]
    lift: int


def motif(rng: np.random.Generator, rhythms: Sequence[Rhythm]) -> Motif:
    """A rhythm of the style with a contour that mostly moves by step and turns back after a leap."""
    rhythm = rhythms[int(rng.integers(len(rhythms)))]
    place, offsets, last = 0, [], 0
    for _ in rhythm:
        offsets.append(place)
        move = int(rng.choice([-2, -1, -1, 0, 1, 1, 2, 3]))
        if abs(last) >= 2:
            move = -int(np.sign(last))
        place, last = place + move, move
    return Motif(rhythm=rhythm, offsets=tuple(offsets), lift=int(rng.integers(-3, 5)))


def melody(
    rng: np.random.Generator,
    *,
    key: Key,
    degrees: Sequence[int],
    rhythms: Sequence[Rhythm],
    meter: float,
    centre: int,
    form: str = "ABAC",
    first: int = 0,
) -> list[Note]:
    """A tune over one chord a bar, from the bar ``first`` to the last, made of a few motifs.

    Parameters
    ----------
    degrees
        The chord of each bar.
    meter
        Beats a bar.
    centre
        The MIDI pitch around which the tune moves.
    form
        The motif of each bar, repeated as needed; a repeated motif is adapted to the new chord. A small
        letter is the motif of its capital with the contour inverted.
    """
    motifs = {letter: motif(rng, rhythms) for letter in sorted(set(form.upper()))}
    notes: list[Note] = []
    for bar in range(first, len(degrees) - 1):
        letter = form[(bar - first) % len(form)]
        idea = motifs[letter.upper()]
        if letter.islower():
            idea = idea._replace(offsets=tuple(-offset for offset in idea.offsets))
        notes += _bar(rng, idea, key=key, degree=degrees[bar], start=bar * meter, centre=centre)
    last = key.pitch(key.nearest(notes[-1].midi if notes else centre, degrees[-1]))
    return [*notes, Note((len(degrees) - 1) * meter, meter, last, 0.9)]


def _bar(
    rng: np.random.Generator, idea: Motif, *, key: Key, degree: int, start: float, centre: int
) -> list[Note]:
    """A motif on a chord: long notes and the first note are chord notes, the others are passing notes."""
    origin = key.nearest(centre + idea.lift, degree)
    notes, at = [], 0.0
    for length, offset in zip(idea.rhythm, idea.offsets, strict=True):
        if length > 0:
            step = origin + offset
            if length >= 1 or at == 0:
                step = key.nearest(key.pitch(step), degree)
            strong = 1.0 if at == int(at) else 0.82
            notes.append(Note(start + at, length, key.pitch(step), strong * rng.uniform(0.85, 1.0)))
        at += abs(length)
    return notes


def swung(notes: Sequence[Note], *, share: float = 0.64) -> list[Note]:
    """The same notes with each off-beat quaver moved from the half to the ``share`` of its beat."""
    return [
        note._replace(start=int(note.start) + share) if abs(note.start % 1 - 0.5) < 0.01 else note
        for note in notes
    ]
