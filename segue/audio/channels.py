"""Mixes the channels of a recording to one, also where they cancel each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CANCELLED = 0.5
"""The energy of the mean of uncorrelated channels is 1 / n of the channels' mean energy. Below this share of
it, one channel is largely the inverse of another."""


def cancels(mean_energy: float, energies: NDArray[np.float64]) -> bool:
    """Whether channels cancel each other in their mean.

    Parameters
    ----------
    mean_energy
        The energy of the mean of the channels.
    energies
        Shape (n,): the energies of the channels.
    """
    return mean_energy < CANCELLED * float(energies.mean()) / len(energies)


def mono(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels; the loudest channel if they cancel each other.

    Parameters
    ----------
    channels
        Shape (samples, n).

    Returns
    -------
    Shape (samples,), float32.
    """
    if channels.shape[1] == 1:
        return channels[:, 0].astype(np.float32, copy=False)
    mean: NDArray[np.float32] = channels.mean(axis=1, dtype=np.float32)
    energies = np.square(channels, dtype=np.float64).sum(axis=0)
    if cancels(float(np.square(mean, dtype=np.float64).sum()), energies):
        return np.ascontiguousarray(channels[:, int(energies.argmax())])
    return mean
