"""The similarity of items by the sessions or listeners that they share."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def shared_cosine(members: sparse.csr_matrix, *, shrink: float) -> sparse.csr_matrix:
    """(items, items) float32: the cosine of two items' columns, with `shrink` added to its denominator.

    With `shrink`, items that share few sets are less similar. The diagonal is empty.

    Parameters
    ----------
    members
        (sets, items) float32 of ones: the items of each session or listener.
    """
    together = (members.T @ members).tocoo()
    size = np.asarray(members.sum(axis=0)).ravel()
    others = together.row != together.col
    row, column = together.row[others], together.col[others]
    similarity = together.data[others] / (np.sqrt(size[row] * size[column]) + shrink)
    return sparse.csr_matrix((similarity, (row, column)), shape=together.shape)
