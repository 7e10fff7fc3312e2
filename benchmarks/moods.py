"""Accuracy of moods on the composed library, whose tempos, modes and styles are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from rich.console import Console
from rich.progress import track as progress
from scipy.stats import mannwhitneyu

from segue.audio.descriptors import describe, descriptor_names
from segue.demo.discography import DemoTrack
from segue.demo.harmony import SCALES
from segue.demo.library import STYLES, TRACKS, compose, sketch_of
from segue.demo.synthesis import RATE
from segue.moods.measures import DIMENSIONS, CorpusMoods, measure_moods
from segue.settings import load_settings

SAME = np.log2(1.04)
"""Octaves: a tempo is right within 4 %, the usual tolerance (Gouyon et al., 2006)."""
_QUICK = 2


@dataclass(frozen=True)
class Known:
    """Composed tracks with their moods."""

    tracks: Sequence[DemoTrack]
    moods: CorpusMoods

    def of(self, dimension: str, style: str | None = None) -> np.ndarray:
        """The known percentiles of a dimension, for a style or all styles."""
        column = self.moods.percentiles[:, DIMENSIONS.index(dimension)]
        return column[[style in (None, track.style) for track in self.tracks] & np.isfinite(column)]


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """The figures by key: see docs/reference/benchmarks.md."""
    known = composed([track for track in TRACKS if not quick or track.place < _QUICK], console=console)
    figures: dict[str, float | bool] = {"tracks": len(known.tracks)}
    for dimension in ("energy", "brightness"):
        for style in STYLES:
            name = style.lower().replace(" ", "_")
            figures[f"{dimension}_{name}"] = float(known.of(dimension, style).mean())
    return figures | _tempo(known) | _tone(known)


def composed(tracks: Sequence[DemoTrack], *, console: Console) -> Known:
    """Compose tracks and measure their moods; the tracks are the corpus, too."""
    audio = load_settings().audio
    rows = []
    for track in progress(tracks, "Composing and describing", console=console, transient=True):
        sound = compose(track).mean(axis=1).astype(np.float32) / 32768.0
        rows.append(describe(soxr.resample(sound, RATE, audio.sample_rate), audio))
    return Known(tracks, measure_moods(np.array(rows), names=descriptor_names(audio)))


def _tempo(known: Known) -> dict[str, float | bool]:
    log_tempo = np.log2(known.moods.bpm)
    off = log_tempo - np.log2([sketch_of(track).tempo for track in known.tracks])
    clear = np.isfinite(off)
    # Half and double tempo, and thirds for the bar of a waltz.
    metrical = np.min([np.abs(off[clear] - np.log2(ratio)) for ratio in (1 / 3, 1 / 2, 1, 2, 3)], axis=0)
    return {
        "tempo_known": float(clear.mean()),
        "tempo_right": float((np.abs(off[clear]) <= SAME).mean()),
        "tempo_right_metrical": float((metrical <= SAME).mean()),
    }


def _tone(known: Known) -> dict[str, float | bool]:
    """The probability that a major track has a higher tone value than a minor track; .5 by chance."""
    tone = known.moods.percentiles[:, DIMENSIONS.index("tone")]
    major = np.array([4 in SCALES[sketch_of(track).progression.mode] for track in known.tracks])
    won = mannwhitneyu(tone[major], tone[~major]).statistic / (major.sum() * (~major).sum())
    right = (tone > 1 - major.mean()) == major
    return {
        "tone_auc": float(won),
        "tone_right": float(right.mean()),
        "tone_right_by_chance": float(max(major.mean(), 1 - major.mean())),
    }
