"""The results of a demo."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.table import Table


@dataclass(frozen=True, kw_only=True)
class DemoSummary:
    """The figures of a demo, and the faults."""

    tracks: int
    tracks_rejected: int
    recall20: float
    plays_sent: int
    plays_rejected: int
    listeners_served: int
    p50_ms: float
    p99_ms: float
    fit: float | None
    fit_by_chance: float | None
    faults: tuple[str, ...] = ()

    def figures(self) -> dict[str, float]:
        """One flat object; without `fit` where the library has no known styles."""
        return {name: value for name, value in asdict(self).items() if name != "faults" and value is not None}

    def table(self) -> Table:
        meanings = {
            "tracks": "in the index",
            "tracks_rejected": "stored in rejected_tracks with their reasons",
            "recall20": "share of the 20 true nearest tracks that the index finds",
            "plays_sent": "to Kafka, with the malformed ones",
            "plays_rejected": "stored in the topic of rejected plays",
            "listeners_served": "have recommendations that reflect a play of this run",
            "p50_ms": "milliseconds from a play to recommendations that reflect it, median",
            "p99_ms": "the same, 99th percentile",
            "fit": "share of the next five tracks in the style that the listener prefers",
            "fit_by_chance": "the same for five random tracks that the listener has not heard",
        }
        table = Table("figure", "value", "meaning", title="Summary")
        for name, value in self.figures().items():
            table.add_row(name, _shown(name, value), meanings[name])
        return table


def _shown(name: str, value: float) -> str:
    """Counts and milliseconds as whole numbers, shares with three digits."""
    return f"{value:,.0f}" if name.endswith("_ms") or isinstance(value, int) else f"{value:.3f}"
