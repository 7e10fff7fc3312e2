"""How many examples a property is tried on: a few on every run, more in a search (./run.sh test fuzz)."""

from __future__ import annotations

from hypothesis import settings


def examples(count: int) -> settings:
    """For properties whose examples are slow: `count` on every run, where others have a hundred."""
    return settings(max_examples=max(1, count * settings().max_examples // 100))
