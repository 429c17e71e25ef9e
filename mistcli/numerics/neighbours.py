"""Distances and counts of neighbours, in the maximum norm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mistcli.numerics.brute import count_brute, nearest_brute

__all__ = [
    "SHARED",
    "Floats",
    "beyond",
    "count_within",
    "far_neighbours",
    "jittered",
    "joined",
    "nearest",
    "psi",
    "within",
]

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

NEAREST_ROWS, NEAREST_GROWTH = 100, 1.32
COUNT_ROWS, COUNT_GROWTH = 80, 5.6
BRUTE_ROWS = 30_000
"""Brute force is used instead of a tree up to `ROWS * GROWTH**D` rows of D columns, and never beyond BRUTE_ROWS rows.
At the former limit both take the same time on correlated normal columns (`benchmarks/neighbours.py`); where columns
depend on each other more strongly, trees are faster than that, hence the latter."""

WIDE = 30
"""Columns beyond these change no choice: the limit is BRUTE_ROWS from there on, and larger powers overflow."""

MANY = 5_000
"""The number of points from which on a search uses several threads: at fewer, starting them takes longer."""

FAR = 0.9
"""The median distance of the k-th neighbour, in standard deviations, above which estimates are too low: of 0.83 nats
between correlated normal columns among 2 to 21 columns and 300 to 5,000 rows, `KSG` found at least 0.6 of it below
0.8, and at most 0.6 above 0.9."""

SAMPLE = 500
"""The most points whose neighbours are looked at for `far_neighbours`, or up to twice as many."""

CHUNK = 2**22
"""The most distances that are held at once; bounds memory, not results."""


def jittered(side: Tensor, generator: Generator | None) -> Tensor:
    """Break ties, which would put neighbours at distance 0, (N, D) -> (N, D)."""
    return side + JITTER * side.std(0) * torch.randn(side.shape, generator=generator, dtype=side.dtype)


def far_neighbours(points: Floats, k: int) -> Iterator[tuple[str, str]]:
    r"""Yield that nearest neighbours are too far away to tell a density, as they are in many columns.

    Arguments:
        points: The points, (N, D).
        k: The number of neighbours that are used, or would be without classes.

    Example:
        >>> points = np.random.default_rng(0).standard_normal((500, 20))
        >>> [word for word, _ in far_neighbours(points, 5)]
        ['too_many_columns_for_neighbours']
    """
    if not points.shape[1]:
        return
    sample = points[:: 1 + len(points) // SAMPLE]
    radius = np.median(nearest(points, sample, min(k + 1, len(points)))[0][:, -1])
    deviation = np.median(points.std(0))
    if radius > FAR * deviation > 0:
        yield (
            "too_many_columns_for_neighbours",
            f"too many columns for nearest neighbours: among {len(points)} rows of {points.shape[1]} columns they are "
            f"{radius / deviation:.2g} standard deviations away, so that the estimate may fall far short of the truth: "
            "leave columns out, or use auto",
        )


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
    width = reference.shape[1]
    if len(reference) <= min(NEAREST_ROWS * NEAREST_GROWTH ** min(width, WIDE), BRUTE_ROWS):
        return nearest_brute(reference, points, k, workers=_workers(points))
    from scipy.spatial import cKDTree  # a tenth of a second that estimators without trees need not pay

    # points in the order of the leaves find the nodes of the one before them still in the cache
    tree = cKDTree(reference, compact_nodes=False)
    order = tree.indices if points is reference else np.argsort(points[:, 0])
    found = tree.query(points[order], k=list(range(1, k + 1)), p=np.inf, workers=_workers(points))
    distances, rows = np.empty((len(points), k)), np.empty((len(points), k), dtype=np.int64)
    distances[order], rows[order] = found
    return distances, rows


def within(radius: Floats) -> Floats:
    """Return the reach that holds whatever is nearer than the radius, but nothing at it."""
    return radius * (1 - ROUNDING)


def beyond(radius: Floats) -> Floats:
    """Return the reach that holds whatever is nearer than the radius, or at it."""
    return radius * (1 + ROUNDING)


def count_within(reference: Floats, points: Floats, reach: Floats) -> Floats:
    """Count the reference rows (N, D) that are at most as far from each point (M, D) as its reach (M,), (M,)."""
    if reference.shape[1] == 1:
        return _count_line(reference[:, 0], points[:, 0], reach)
    if len(reference) <= min(COUNT_ROWS * COUNT_GROWTH ** min(reference.shape[1], WIDE), BRUTE_ROWS):
        return count_brute(reference, points, reach, workers=_workers(points))
    levels, counts = np.unique(reference, axis=0, return_counts=True)
    if len(levels) <= FEW:
        return _count_few(levels, counts, points, reach)
    from scipy.spatial import cKDTree

    workers = _workers(points)
    found = cKDTree(reference).query_ball_point(points, reach, p=np.inf, return_length=True, workers=workers)
    return np.asarray(found, dtype=np.float64)


def psi(counts: Floats | float) -> Tensor:
    """Return the digamma function in float64."""
    return torch.digamma(torch.as_tensor(counts, dtype=torch.float64))


def _workers(points: Floats) -> int:
    """Return the number of threads for a search from these points: torch's own, or 1 where a thread costs more."""
    return torch.get_num_threads() if len(points) > MANY else 1


def _count_line(reference: Floats, points: Floats, reach: Floats) -> Floats:
    """Count in one column, by bisection of sorted rows; sorted points take half of the time of others."""
    order = np.argsort(points)
    line, at, radius = np.sort(reference), points[order], reach[order]
    found = np.empty(len(points))
    found[order] = np.searchsorted(line, at + radius, side="right") - np.searchsorted(line, at - radius, side="left")
    return found


def _count_few(levels: Floats, counts: NDArray[np.int64], points: Floats, reach: Floats) -> Floats:
    """Count rows of few different values, by way of the values."""
    found = np.zeros(len(points))
    rows = max(1, CHUNK // levels.size)
    for start in range(0, len(points), rows):
        part = slice(start, start + rows)
        near = np.abs(points[part, None] - levels).max(-1) <= reach[part, None]
        found[part] = near @ counts
    return found
