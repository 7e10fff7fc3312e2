"""Plots of an evaluation, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_plots(found: Mapping[str, Mapping[str, float]], folder: Path) -> list[Path]:
    """Accuracy with intervals, and accuracy against coverage; returns the files."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    names = list(found)
    accuracy = Figure(figsize=(8, 3), layout="constrained")
    for place, (metric, title) in enumerate({"hr20": "hit rate at 20", "mrr20": "MRR at 20"}.items()):
        axes = accuracy.add_subplot(1, 2, place + 1)
        values = [found[name][metric] for name in names]
        low = [value - found[name][f"{metric}_low"] for name, value in zip(names, values, strict=True)]
        high = [found[name][f"{metric}_high"] - value for name, value in zip(names, values, strict=True)]
        axes.barh(names, values, xerr=[low, high], color="#4878a8")
        axes.invert_yaxis()
        axes.set_title(title)
    trade = Figure(figsize=(5, 3.5), layout="constrained")
    axes = trade.add_subplot()
    for name in names:
        axes.plot(found[name]["coverage20"], found[name]["hr20"], "o", color="#4878a8")
        axes.annotate(
            name, (found[name]["coverage20"], found[name]["hr20"]), xytext=(4, 4), textcoords="offset points"
        )
    axes.set_xlabel("catalogue coverage at 20")
    axes.set_ylabel("hit rate at 20")
    files = [folder / "accuracy.svg", folder / "coverage.svg"]
    accuracy.savefig(files[0])
    trade.savefig(files[1])
    return files
