"""Plots of an evaluation, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_plots(figures: Mapping[str, Mapping[str, float]], folder: Path) -> list[Path]:
    """Plot accuracy with intervals, and accuracy against coverage; returns the files."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    names = list(figures)
    accuracy = Figure(figsize=(8, 3), layout="constrained")
    for place, (metric, title) in enumerate({"hr20": "hit rate at 20", "mrr20": "MRR at 20"}.items()):
        axes = accuracy.add_subplot(1, 2, place + 1)
        values = [figures[name][metric] for name in names]
        ends = [[figures[name][f"{metric}_{end}"] for name in names] for end in ("low", "high")]
        # With one session the interval is the mean, except for its last digit.
        reach = np.maximum([np.subtract(values, ends[0]), np.subtract(ends[1], values)], 0)
        axes.barh(names, values, xerr=reach, color="#4878a8")
        axes.invert_yaxis()
        axes.set_title(title)
    trade = Figure(figsize=(5, 3.5), layout="constrained")
    axes = trade.add_subplot()
    for name in names:
        axes.plot(figures[name]["coverage20"], figures[name]["hr20"], "o", color="#4878a8")
        axes.annotate(
            name,
            (figures[name]["coverage20"], figures[name]["hr20"]),
            xytext=(4, 4),
            textcoords="offset points",
        )
    axes.set_xlabel("catalogue coverage at 20")
    axes.set_ylabel("hit rate at 20")
    files = [folder / "accuracy.svg", folder / "coverage.svg"]
    accuracy.savefig(files[0])
    trade.savefig(files[1])
    return files
