"""`./run.sh experiments report`: compares the variants that run side by side. It changes nothing."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from segue.counted import counted
from segue.engagement.experiments import LEVEL, METRICS, UNLIKELY, Rate, Report, compare
from segue.engagement.outcomes import outcomes
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.local.stack import connected
from segue.settings import Settings, load_settings
from segue.storage.store import open_store


def report_experiments(
    days: Annotated[float, typer.Option(min=0.01, max=36_525, help="Days to look back.")] = 30,
    json_file: JsonFile = None,
) -> None:
    """Compare the variants of [experiments]: click-through, completion, skip rate and likes.

    Intervals are over listeners, not over plays; those of the differences are simultaneous. A difference is
    judged only if each variant has experiments.min_listeners_per_variant listeners. Set --days so that the
    report begins no earlier than the experiment.

    Example: ./run.sh experiments report --days 14

    Example: ./run.sh experiments report --json experiments.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        report = run(settings, since=datetime.now(UTC) - timedelta(days=days))
        _show(report, settings, out=console(json_file))
        write_figures(json_file, figures(report))


def run(settings: Settings, *, since: datetime) -> Report:
    """Compare the counts from `since` on.

    Raises
    ------
    SegueError
        No experiment is configured.
    """
    experiments = settings.experiments
    if not experiments.variants:
        raise SegueError(
            "no experiment is set: give variants with their shares to the stream and here, for instance "
            """SEGUE_EXPERIMENTS__VARIANTS='{"audio": 50, "hybrid": 50}'"""
        )
    counts = outcomes(open_store(settings), since=since, experiments=experiments)
    return compare(counts, shares=experiments.variants, min_listeners=experiments.min_listeners_per_variant)


def figures(report: Report) -> dict[str, Any]:
    """The values that `--json` writes; an undefined value is NaN."""
    return {
        "level": LEVEL,
        "as_assigned_p": report.as_assigned,
        "variants": {
            name: {"listeners": report.listeners[name]}
            | {metric: vars(interval) for metric, interval in rates.items()}
            for name, rates in report.rates.items()
        },
        "differences": [vars(difference) for difference in report.differences],
    }


def _show(report: Report, settings: Settings, *, out: Console) -> None:
    sizes = Table("variant", "listeners", "seen")
    table = Table("variant", "metric", "rate", f"{LEVEL:.0%}")
    for name, rates in report.rates.items():
        sizes.add_row(name, f"{report.listeners[name]:,}", f"{rates[METRICS[0].name].of:,}")
        for metric in METRICS:
            table.add_row(name, metric.name, *_interval(rates[metric.name]))
        table.add_section()
    out.print(sizes)
    out.print(table)
    first = settings.experiments.variants[0][0]
    title = f"Difference to {first}, with simultaneous intervals"
    against = Table("variant", "metric", "difference", f"{LEVEL:.0%}", "", title=title)
    for difference in report.differences:
        interval = "" if math.isnan(difference.value) else f"{difference.low:+.3f} to {difference.high:+.3f}"
        value = "" if math.isnan(difference.value) else f"{difference.value:+.3f}"
        against.add_row(difference.variant, difference.metric, value, interval, difference.verdict)
    if report.differences:
        out.print(against)
    if report.as_assigned < UNLIKELY:
        out.print(
            f"The numbers of listeners do not fit the shares (p = {report.as_assigned:.2g}): listeners are "
            "assigned or counted wrongly. Do not trust any difference in this report."
        )
    fewest = min(report.listeners.values())
    if fewest < settings.experiments.min_listeners_per_variant:
        least = settings.experiments.min_listeners_per_variant
        out.print(
            f"Too few listeners: a variant has {counted(fewest, 'listener')} in this period; below {least} "
            "(experiments.min_listeners_per_variant) no difference is judged."
        )


def _interval(rate: Rate) -> tuple[str, str]:
    """The value and its interval; empty if nothing was counted."""
    return ("", "") if math.isnan(rate.value) else (f"{rate.value:.3f}", f"{rate.low:.3f} to {rate.high:.3f}")
