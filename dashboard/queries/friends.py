"""Two listeners' tastes, read from MongoDB."""

from __future__ import annotations

import numpy as np

from segue.dashboard.queries.items import Item, list_items
from segue.index.bundle import Bundle
from segue.settings import RankingSettings
from segue.social.blend import blend, match
from segue.social.follows import Follows
from segue.storage.store import Store
from segue.taste.tastes import Tastes


def similarity(store: Store, listener: str, other: str) -> float | None:
    """The similarity of two tastes in [0, 1]; None without both tastes or an agreed following."""
    tastes = _tastes(store, listener, other)
    return match(*tastes) if tastes else None


def blended(
    store: Store, listener: str, other: str, *, bundle: Bundle, ranking: RankingSettings, items: int = 30
) -> list[Item]:
    """Tracks for two listeners, ranked by the lower of the two similarities.

    Empty without an agreed following, or if a taste is missing or of another space than the index.
    """
    tastes = _tastes(store, listener, other, space=bundle.space)
    if tastes is None or match(*tastes) is None:
        return []
    ids = blend(*tastes, bundle=bundle, items=items, ranking=ranking)
    return list_items(store, ids, source="radio")


def _tastes(
    store: Store, listener: str, other: str, *, space: str | None = None
) -> tuple[np.ndarray, np.ndarray] | None:
    """Both tastes, with an agreed following, if they are of the same space (`space`, if given); else None."""
    if not Follows(store).know_each_other(listener, other):
        return None
    stored = Tastes(store).vectors([listener, other])
    spaces = {vector_space for _, vector_space in stored.values()}
    if len(stored) < 2 or len(spaces) > 1 or (space is not None and spaces != {space}):
        return None
    return stored[listener][0], stored[other][0]
