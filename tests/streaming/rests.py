"""A gate of the queries that does not wait."""

from __future__ import annotations

from segue.streaming_jobs.query import BatchGate


class Rests(BatchGate):
    """A gate that notes the rests instead of taking them."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def rest(self, seconds: float) -> None:
        self.seconds.append(seconds)
