"""Cosines of two sets of unit vectors."""

from __future__ import annotations

import numpy as np

_SINGLE_THREAD = 200_000
"""The multiplications up to which OpenBLAS uses one thread: 4 * 65,536, with some room."""


def cosines(vectors: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The cosines of unit vectors, (n, d) and (m, d) float32: (n, m) float32.

    A few at a time: OpenBLAS would share larger products among threads, which wait for each other much longer
    than they calculate.
    """
    found = np.empty((len(vectors), len(others)), dtype=np.float32)
    step = max(1, _SINGLE_THREAD // max(others.size, 1))
    for first in range(0, len(vectors), step):
        part = slice(first, first + step)
        np.matmul(vectors[part], others.T, out=found[part])
    return found
