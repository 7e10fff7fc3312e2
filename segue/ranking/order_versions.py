"""The stored versions of the learned order, and the one in use.

Delivery: the name of a version is a hash of its weights. A version is written before it becomes active, so
that a reader sees the old or the new one, complete. Without any, the shipped weights are used.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import numpy as np

from segue.errors import SegueError
from segue.models.versions import ActiveVersion, Models
from segue.ranking.learned_order import LearnedOrder, document, of_document, shipped
from segue.storage.record_shapes import record_shape
from segue.storage.store import Store

KIND = "order"


class OrderError(SegueError):
    """A stored order is missing or damaged."""


class StoredOrder(TypedDict):
    """The fields of a version in `models`."""

    weights: dict[str, list[float]]
    """By the name of the evidence, one for each state (:mod:`segue.ranking.learned_order`)."""
    learned: bool
    """Whether the weights were learned here; otherwise the shipped ones were as good."""
    choices: int
    """The number of tracks that listeners took from lists, from which it was learned."""
    gain: float
    """See :class:`segue.recommenders.order_learning.Learned`."""
    tracks: int
    """The number of tracks that were seen in these lists."""
    created_at: datetime


def publish(
    store: Store, weights: np.ndarray, *, learned: bool, choices: int, gain: float, tracks: int, keep: int
) -> tuple[str, bool]:
    """Store weights, bring them into use, and keep the newest `keep` versions.

    Returns
    -------
    The version, and whether it was in use already.
    """
    models, stored = Models(store), document(weights)
    version = hashlib.blake2b(json.dumps(stored).encode(), digest_size=6).hexdigest()
    if models.active_version(KIND) == version and models.has(KIND, version):
        return version, True
    fields: dict[str, Any] = {
        "weights": stored,
        "learned": learned,
        "choices": choices,
        "gain": gain,
        "tracks": tracks,
    }
    models.put(KIND, version, fields)
    models.activate(KIND, version)
    kept = models.versions(KIND)[:keep]
    models.remove_all_but(KIND, {*kept, version})
    return version, False


def roll_back(store: Store) -> str:
    """Bring the version that was stored before the active one into use; before the first, the shipped one.

    Returns
    -------
    The version in use now.

    Raises
    ------
    SegueError
        The shipped weights are in use already.
    """
    models = Models(store)
    active = models.active_version(KIND)
    if not active:
        raise SegueError("the shipped order is in use: there is none before it to go back to")
    ages = models.created(KIND)
    now = ages.get(active)
    before = [own for own, at in ages.items() if own != active and now is not None and at < now]
    version = max(before, key=lambda own: (ages[own], own), default="")
    models.activate(KIND, version)
    return version or shipped().version


def read(store: Store, version: str) -> LearnedOrder:
    """Read a version.

    Raises
    ------
    OrderError
        It is not stored, or is damaged.
    """
    stored = Models(store).fields(KIND, version)
    if stored is None:
        raise OrderError(f"the order {version} is not stored: run ./run.sh models train")
    try:
        if record_shape(StoredOrder).fits(stored):
            # Versions of earlier releases lack the evidence that is newer.
            return of_document(stored["weights"], version=version, missing=shipped().weights)
    except (KeyError, TypeError, ValueError):
        pass
    raise OrderError(f"the order {version} in MongoDB is damaged: run ./run.sh models train")


class ActiveOrder(ActiveVersion[LearnedOrder]):
    """Reads the order in use: the shipped one before the first is published."""

    kind = KIND
    unfit = (OrderError,)

    def __init__(self, store: Store, *, every: float = 2.0) -> None:
        super().__init__(store, every=every, initial=shipped())

    def read(self, version: str | None) -> LearnedOrder:
        """Read a version; the shipped one for None."""
        return read(self.store, version) if version else shipped()


@dataclass(frozen=True)
class OrderInUse:
    """The order in use, and how it was chosen."""

    version: str
    learned: bool = False
    """Whether its weights were learned here."""
    choices: int = 0
    """The number of tracks that listeners took from lists, by which it was chosen."""
    at: datetime | None = None
    """When it was first stored; None for the shipped order before any was chosen."""


def in_use(store: Store) -> OrderInUse:
    """The order in use."""
    models = Models(store)
    version = models.active_version(KIND)
    stored = models.fields(KIND, version or None)
    if not version or stored is None or not record_shape(StoredOrder).fits(stored):
        return OrderInUse(shipped().version)
    return OrderInUse(version, stored["learned"], stored["choices"], stored["created_at"])
