"""Distances and counts of neighbours, in the maximum norm."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

__all__ = ["SHARED", "Floats", "beyond", "count_within", "jittered", "joined", "nearest", "psi", "within"]

Floats = NDArray[np.float64]

SHARED = 1.3
"""How much wider repetitions spread than local terms tell, since near rows share neighbours: 1.0 to 1.3 on normals
with one column a side, up to 1.6 with three."""

JITTER = 1e-10
"""The size of the noise that breaks ties, relative to columns of unit variance."""

ROUNDING = 1e-12
"""How far two distances differ, relatively, that are equal but for rounding."""

FEW = 256
"""The most different rows whose distances are looked at one by one."""

CHUNK = 2**22
"""The most distances that are held at once; bounds memory, not results."""


def jittered(side: Tensor, generator: Generator | None) -> Tensor:
    """Break ties, which would put neighbours at distance 0, (N, D) -> (N, D)."""
    return side + JITTER * side.std(0) * torch.randn(side.shape, generator=generator, dtype=side.dtype)


def joined(x: Floats, y: Floats) -> Floats:
    """Return both sides beside each other."""
    return np.concatenate([x, y], axis=1)


def nearest(reference: Floats, points: Floats, k: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return the distances of the `k` reference rows that are nearest to each point, in order, and their places.

    Arguments:
        reference: The rows, (N, D).
        points: The points, (M, D).
        k: How many, at most N.

    Returns:
        Distances and places, (M, k) each.
    """
    from scipy.spatial import cKDTree  # a tenth of a second that estimators without trees need not pay

    distances, places = cKDTree(reference).query(points, k=list(range(1, k + 1)), p=np.inf, workers=-1)
    return np.asarray(distances, dtype=np.float64), np.asarray(places, dtype=np.int64)


def within(radius: Floats) -> Floats:
    """Return the reach that holds whatever is nearer than the radius, but nothing at it."""
    return radius * (1 - ROUNDING)


def beyond(radius: Floats) -> Floats:
    """Return the reach that holds whatever is nearer than the radius, or at it."""
    return radius * (1 + ROUNDING)


def count_within(reference: Floats, points: Floats, reach: Floats) -> Floats:
    """Count the reference rows (N, D) that are at most as far from each point (M, D) as its reach (M,), (M,)."""
    if reference.shape[1] == 1:
        line = np.sort(reference[:, 0])
        high = np.searchsorted(line, points[:, 0] + reach, side="right")
        low = np.searchsorted(line, points[:, 0] - reach, side="left")
        return (high - low).astype(np.float64)
    levels, counts = np.unique(reference, axis=0, return_counts=True)
    if len(levels) <= FEW:
        return _count_few(levels, counts, points, reach)
    from scipy.spatial import cKDTree

    found = cKDTree(reference).query_ball_point(points, reach, p=np.inf, return_length=True, workers=-1)
    return np.asarray(found, dtype=np.float64)


def psi(counts: Floats | float) -> Tensor:
    """Return the digamma function in float64."""
    return torch.digamma(torch.as_tensor(counts, dtype=torch.float64))


def _count_few(levels: Floats, counts: NDArray[np.int64], points: Floats, reach: Floats) -> Floats:
    """Count rows of few different values, by way of the values."""
    found = np.zeros(len(points))
    rows = max(1, CHUNK // levels.size)
    for start in range(0, len(points), rows):
        part = slice(start, start + rows)
        near = np.abs(points[part, None] - levels).max(-1) <= reach[part, None]
        found[part] = near @ counts
    return found
