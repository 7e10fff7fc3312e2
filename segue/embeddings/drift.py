"""Whether tracks that came after the audio space was fitted still fit it.

Three figures over all tracks added since the fit, not just those of the last run, so that a slow change adds
up:

distance
    The mean root mean square of their standardised descriptors, over the corpus's own. 1 for the like of the
    corpus; it sees tracks that lie far out, in whatever direction.
shift
    The root mean square over the descriptors of the shift of the mean, in the corpus's standard deviations:
    Cohen's d (Statistical Power Analysis for the Behavioral Sciences, 2nd ed. 1988, section 2.2) with the
    corpus as reference. What n random tracks would shift by chance, 1/n of the squared figure, is taken off.
kept
    The share of their variance about the corpus's mean that the space's components keep: the cumulative
    percentage of variance (Jolliffe, Principal Component Analysis, 2nd ed. 2002, section 6.1.1) of new
    tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Matrix

FAR = 1.5
"""Tracks that lie so many times as far out as the corpus want a space fitted again,"""
LARGE = 0.8
"""a mean that has shifted by so many standard deviations, which Cohen calls large,"""
LOST = 0.9
"""components that keep less than this share of what they keep of the corpus's variance,"""
FEWEST = 30
"""(of fewer tracks than this the share varies by itself),"""
GROWN = 2.0
"""and a catalogue of so many times the tracks that the space was fitted on."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    tracks: int
    distance: float
    shift: float
    kept: float


def measure(space: AudioSpace, descriptors: Matrix) -> Drift | None:
    """The drift of added tracks, whose descriptors have the shape (n, d); None if there are none."""
    if not len(descriptors):
        return None
    standardised = space.standardised(descriptors)
    squared = float(np.square(standardised).sum())
    projected = float(np.square(standardised @ space.components).sum())
    shift = float(np.square(standardised.mean(axis=0)).mean()) - 1 / len(standardised)
    return Drift(
        tracks=len(standardised),
        distance=float(space.distances(descriptors).mean() / space.spread),
        shift=float(np.sqrt(max(0.0, shift))),
        kept=projected / squared if squared else 1.0,
    )


def advise(drift: Drift | None, *, space: AudioSpace, tracks: int) -> str | None:
    """Why the space should be fitted again, of a catalogue with so many tracks; None while it serves well."""
    again = "consider ./run.sh embeddings train --refit"
    explained = float(space.explained.sum())
    if drift is not None:
        sample = f"the {drift.tracks} tracks added since the space was fitted"
        if drift.distance > FAR:
            return f"{sample} lie {drift.distance:.1f} times as far out as those it was made of: {again}"
        if drift.shift > LARGE:
            return f"{sample} have shifted by {drift.shift:.1f} standard deviations: {again}"
        if drift.tracks >= FEWEST and drift.kept < LOST * explained:
            return f"of {sample} it keeps {drift.kept:.0%} of the variance, not {explained:.0%}: {again}"
    if tracks > GROWN * space.tracks:
        return f"the space was fitted on {space.tracks} tracks only: {again}"
    return None
