"""`./run.sh experiments estimate`: estimates of other variants, from the lists that listeners saw.

It changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from segue.counted import counted
from segue.engagement.listening import Listening
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.index.published import PublishedBundles
from segue.local.stack import connected
from segue.models.versions import Models
from segue.ranking import order_versions
from segue.ranking.learned_order import LearnedOrder, shipped
from segue.ranking.variants import ALL_SOURCES, ranking_of
from segue.recommenders.logged_lists import (
    FEWEST,
    LEVEL,
    RESPONSES,
    Estimates,
    Policy,
    estimated,
    logged_lists,
)
from segue.settings import Settings, load_settings
from segue.storage.store import Store, open_store

_LITTLE_COVERED = 0.7


def estimate_experiments(
    days: Annotated[float, typer.Option(min=0.01, max=36_525, help="Days to look back.")] = 30,
    order: Annotated[
        list[str] | None,
        typer.Option(help="A stored version of the learned order to add, as ./run.sh models list shows it."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Estimate the results of other variants, from the lists that listeners saw.

    The command compares the variants of [experiments] and both orders of ranking.model. No listener sees
    their lists: the estimates come from responses to tracks that exploration drew with a known probability.
    There are two estimates, one by inverse propensity and a doubly robust one, each of the shares of seen
    tracks that were played, finished (heard to the end) or skipped. Only an experiment with listeners is
    proof.

    An order has to be estimated from lists that were shown after it was learned: set --days.

    Example: ./run.sh experiments estimate --days 14

    Example: ./run.sh experiments estimate --order 3f2a9c0b1d4e --json estimates.json
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        found = run(settings, since=datetime.now(UTC) - timedelta(days=days), orders=order or ())
        _show(found, settings, out=console(json_file))
        write_figures(json_file, figures(found))


def run(settings: Settings, *, since: datetime, orders: Sequence[str] = ()) -> Estimates:
    """Estimate from the lists that were seen from `since` on.

    Raises
    ------
    SegueError
        No index has been published, or an order is not stored.
    """
    store = open_store(settings)
    bundles = PublishedBundles(store)
    version = bundles.active_version()
    if version is None:
        raise SegueError("no index has been published: run ./run.sh index build")
    compared = policies(store, settings, orders=orders)
    index = bundles.load(version, folder=settings.index.folder)
    lists = logged_lists(Listening(store).by_listener(), settings, since=since)
    return estimated(lists, compared, index, settings)


def policies(store: Store, settings: Settings, *, orders: Sequence[str] = ()) -> list[Policy]:
    """The policies to compare, the variant that is served first: then the other order and other variants."""
    experiments = settings.experiments
    active = Models(store).active_version(order_versions.KIND)
    in_use: LearnedOrder = order_versions.read(store, active) if active else shipped()
    names = [name for name, _ in experiments.variants] or [ALL_SOURCES]
    names += [name for name, _ in experiments.ranking if name not in names]
    first = names[0]
    model = ranking_of(first, ranking=settings.ranking, experiments=experiments).model
    found = [Policy(first, first, order=in_use)]
    if model == "sum":
        found.append(Policy(f"{first}, learned order", first, "learned", in_use))
    else:
        found.append(Policy(f"{first}, sum", first, "sum"))
    found += [Policy(name, name, order=in_use) for name in names[1:]]
    found += [
        Policy(f"order {one}", first, "learned", order_versions.read(store, one))
        for one in dict.fromkeys(orders)
    ]
    return found


def figures(found: Estimates) -> dict[str, Any]:
    """The values that `--json` writes; an undefined value is NaN."""
    return {
        "level": LEVEL,
        "lists": found.lists,
        "listeners": found.listeners,
        "tracks": found.tracks,
        "drawn": found.drawn,
        "policies": {
            name: {"effective_tracks": found.effective[name], "covered": found.covered[name]}
            for name in found.effective
        },
        "estimates": [vars(one) for one in found.estimates],
    }


def _show(found: Estimates, settings: Settings, *, out: Console) -> None:
    out.print(
        f"{counted(found.lists, 'window')} with lists of {counted(found.listeners, 'listener')}: "
        f"{counted(found.tracks, 'seen track')}, of which exploration drew {found.drawn:,}"
    )
    sizes = Table("variant", "effective tracks", "covered")
    for name, size in found.effective.items():
        sizes.add_row(name, f"{size:,.0f}", f"{found.covered[name]:.0%}")
    out.print(sizes)
    first = next(iter(found.effective))
    table = Table("variant", "share", "seen", "weighted", "doubly robust")
    title = f"Difference to {first}, doubly robust, with simultaneous intervals"
    against = Table("variant", "share", "difference", "", title=title)
    for row, one in enumerate(found.estimates, 1):
        seen = "" if math.isnan(one.seen) else f"{one.seen:.3f}"
        weighted, robust = _interval(one.ips, one.ips_high), _interval(one.dr, one.dr_high)
        table.add_row(one.policy, one.response, seen, weighted, robust)
        if one.verdict:
            difference = _interval(one.difference, one.high, sign=True)
            against.add_row(one.policy, one.response, difference, one.verdict)
        if row % len(RESPONSES) == 0:
            table.add_section()
            against.add_section()
    out.print(table)
    out.print(against)
    least = settings.experiments.min_listeners_per_variant
    small = [name for name, size in found.effective.items() if size < FEWEST]
    if small or found.listeners < least:
        out.print(
            f"Too little data: a variant is judged with {FEWEST:.0f} effective tracks and {least} listeners "
            "(experiments.min_listeners_per_variant). Lists from before this release, and lists with "
            "exploration_share = 0, tell nothing about tracks that they did not contain."
        )
    elif partly := [name for name, share in found.covered.items() if share < _LITTLE_COVERED]:
        out.print(
            f"The lists that were shown could not contain some tracks of {', '.join(partly)}: the weighted "
            "estimate leaves these out, and the doubly robust one only predicts them."
        )


def _interval(value: float, high: float, *, sign: bool = False) -> str:
    """A value with half the width of its interval; empty if it is undefined."""
    if math.isnan(value):
        return ""
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    return text if math.isnan(high) else f"{text} ± {high - value:.3f}"
