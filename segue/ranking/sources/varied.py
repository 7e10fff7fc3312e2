"""The varied selection: it fills a list where the candidates run out. Pure."""

from __future__ import annotations

from typing import ClassVar

from segue.index.track_index import TrackIndex
from segue.ranking.sources.base import Reason


class VariedSelection:
    """The index's selection for listeners without history; it goes on where no candidate is left."""

    name: ClassVar = "varied"
    reason: ClassVar = Reason("varied", "Something different", names_track=False)

    def rows(self, bundle: TrackIndex) -> list[int]:
        """The selection in its order."""
        return [int(row) for row in bundle.cold_start.tolist()]
