"""The result of a pass over the libraries (:mod:`segue.batch_jobs.update_library`)."""

from __future__ import annotations

from dataclasses import dataclass

from segue.batch_jobs.ingest_catalog import counted_reasons
from segue.counted import counted

STEPS = ("reading", "describing", "placing", "indexing", "fingerprinting", "measuring")


@dataclass(frozen=True, kw_only=True)
class UpdateSummary:
    """The result of a pass over all libraries."""

    libraries: int
    tracks: int
    """Tracks in the libraries of the pass."""
    new: int
    changed: int
    vanished: int
    away: int
    """Tracks whose disk or folder is away."""
    waiting: int
    """Files that may still be written; a later pass reads them."""
    rejected: int
    reasons: dict[str, int]
    """The number of rejected files by reason."""
    described: int
    undescribed: int
    """New and changed tracks whose sound could not be analysed."""
    embedded: int
    refitted: bool
    """Whether the audio space was fitted again."""
    index: str | None
    """The version of the index; None if no track can be recommended yet."""
    indexed: int
    too_little: str
    """Why the library has too little music for an index; empty if it has enough."""
    extended: bool
    """Whether the index extends an earlier one."""
    faults: list[str]
    """Libraries that could not be read, with the reason."""
    measured: int
    """Tracks whose loudness was measured."""
    unmeasured: int
    """Tracks whose loudness is left to a later pass."""
    fingerprinted: int
    """Tracks of a release without fingerprints that got one."""
    unfingerprinted: int
    """Those that are left to a later pass."""
    steps: dict[str, float]
    """Seconds of each of :data:`STEPS`."""
    seconds: float

    @property
    def has_news(self) -> bool:
        """Whether the pass has changed anything that people wait for."""
        changes = (self.new, self.changed, self.vanished, self.described, self.fingerprinted, self.measured)
        return any(changes)

    def sentence(self) -> str:
        """The result in a line."""
        waiting = f", {self.waiting} still being written" if self.waiting else ""
        away = f", {self.away} unavailable" if self.away else ""
        failed = f" and {self.undescribed} not" if self.undescribed else ""
        too_little = f"; nothing can be recommended yet: {self.too_little}" if self.too_little else ""
        rejected = f"{self.rejected} rejected{counted_reasons(self.reasons)}"
        return (
            f"{counted(self.tracks, 'track')}; {self.new} new, {self.changed} changed, "
            f"{self.vanished} vanished{away}, {rejected}{waiting}; {self.described} analysed{failed}, "
            f"{self.embedded} embedded, {self.indexed} in the index, {self.measured} measured for loudness "
            f"({self.seconds:.1f} s){too_little}"
        )
