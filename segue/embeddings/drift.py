"""Drift: whether the tracks added since the audio space was fitted still fit it.

Three figures over all tracks added since the fit, not only those of the last run, so that slow changes add
up:

distance
    The mean root mean square of their standardised descriptors, divided by that of the corpus. 1 for tracks
    like the corpus, more for tracks far from it in any direction.
shift
    The root mean square over the descriptors of the shift of the mean, in the corpus's standard deviations:
    Cohen's d (Statistical Power Analysis for the Behavioral Sciences, 2nd ed. 1988, section 2.2) with the
    corpus as reference. The shift expected of n random tracks, 1/n of the squared figure, is subtracted.
kept
    The share of their variance about the corpus's mean that the space's components explain: the cumulative
    percentage of variance (Jolliffe, Principal Component Analysis, 2nd ed. 2002, section 6.1.1) of new
    tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from segue.counted import counted
from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Matrix

DISTANCE_LIMIT = 1.5
"""The relative distance from which a new fit is advised."""
SHIFT_LIMIT = 0.8
"""The shift, in standard deviations, from which a new fit is advised: Cohen calls it large."""
VARIANCE_LIMIT = 0.9
"""The explained variance, as a share of the corpus's, below which a new fit is advised."""
FEWEST_TRACKS = 30
"""The fewest tracks of which the explained variance is compared: with fewer it varies by chance."""
GROWTH_LIMIT = 2.0
"""The growth of the catalogue, relative to the tracks of the fit, from which a new fit is advised."""


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
    """The advice to fit the space again, for a catalogue of `tracks` tracks; None while it serves well."""
    again = "consider ./run.sh embeddings train --refit"
    explained = float(space.explained.sum())
    if drift is not None:
        sample = f"tracks added since the space was fitted ({drift.tracks:,})"
        if drift.distance > DISTANCE_LIMIT:
            return f"{sample} are {drift.distance:.1f} times as far out as those of the fit: {again}"
        if drift.shift > SHIFT_LIMIT:
            return f"{sample} have shifted by {drift.shift:.1f} standard deviations: {again}"
        if drift.tracks >= FEWEST_TRACKS and drift.kept < VARIANCE_LIMIT * explained:
            return f"of {sample} it explains {drift.kept:.0%} of the variance, not {explained:.0%}: {again}"
    if tracks > GROWTH_LIMIT * space.tracks:
        return f"the space was fitted on {counted(space.tracks, 'track')} only: {again}"
    return None
