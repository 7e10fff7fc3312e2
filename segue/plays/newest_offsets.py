"""Recognises by the places of acknowledged records that a topic was created again or truncated."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from segue.storage.kafka import Place

log = logging.getLogger(__name__)
_APART_MS = 60_000
"""Acknowledgements that may overtake each other are not further apart."""


class NewestOffsets:
    """The newest record of each partition. The methods may be called from several threads."""

    def __init__(self) -> None:
        self._newest: dict[int, Place] = {}
        self._lock = threading.Lock()

    def take(self, places: Sequence[Place]) -> bool:
        """Take the places of records; returns whether offsets start again, which is logged."""
        with self._lock:
            again = any(self._is_again(place) for place in places)
            if again:
                self._newest.clear()
            for place in places:
                newest = self._newest.get(place.partition)
                if newest is None or place.offset > newest.offset:
                    self._newest[place.partition] = place
        if again:
            log.warning(
                "the topic of plays was deleted and created again, or truncated: plays that the stream had "
                "not read are lost; the log of the stream has their number"
            )
        return again

    def _is_again(self, place: Place) -> bool:
        newest = self._newest.get(place.partition)
        return (
            newest is not None
            and place.offset <= newest.offset
            and place.timestamp > newest.timestamp + _APART_MS
        )
