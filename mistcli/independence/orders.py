"""Random orders of rows that keep what is given: permutations within strata and neighbourhoods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.independence.features import column_blocks, kernel_blocks, standardized

__all__ = ["LocalOrders", "Residual"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

NEIGHBOURHOOD = 8
"""The most rows of a cell within which rows are permuted: cells have about 5 rows, the neighbours of the source."""

COSINES = 8
"""The cosines of each column of z that a regression has; kernels on all columns follow what changes faster."""

LEVELS = 20
"""The most levels of a column of z for each of which a dependence of its own is looked for."""

PENALTIES = np.geomspace(1e-6, 10, 15)
"""The penalties of a ridge regression a row, from a fit of all that kernels can follow to almost none."""

LARGEST_FIT = 1 / 3
"""The most degrees of freedom of a regression, as a share of the rows; cross-validation says little of larger fits."""


class LocalOrders:
    """Random orders of rows among those with nearly the same z.

    Rows are exchanged only within a stratum, the rows with the same value in all discrete columns of z, and, where z
    has continuous columns too, only within a cell of a random tree: rows are split near the median of a random
    projection of z until a cell holds at most 8 rows. Each order has a tree of its own. This is the local permutation
    of the source with cells in the place of nearest neighbours, so that each order is one-to-one.

    References:
        | Conditional independence testing based on a nearest-neighbor estimator of conditional mutual information
        | (Runge, 2018) https://arxiv.org/abs/1709.01447

    Arguments:
        values: The columns of z: numbers, and codes of levels, (N, D).
        counts: The levels of each column; 0 for a continuous one.

    Raises:
        DataError: If no two rows can change places.
    """

    def __init__(self, values: Floats, counts: Sequence[int]) -> None:
        discrete = np.flatnonzero(counts)
        _, stratum = np.unique(values[:, discrete], axis=0, return_inverse=True)
        self._stratum: Rows = stratum.ravel().astype(np.int64) if len(discrete) else np.zeros(len(values), np.int64)
        continuous = [place for place, levels in enumerate(counts) if not levels]
        self._points = standardized(values[:, continuous], [0] * len(continuous)) if continuous else None
        if np.bincount(self._stratum).max() < 2:
            raise DataError(
                "no two rows have the same value in what is given, so that no rows can be exchanged; give fewer "
                "columns, or pass --continuous for those that are numbers."
            )

    def order(self, rng: np.random.Generator) -> Rows:
        """Return a random order of the rows, (N,)."""
        cell = self._stratum if self._points is None else _cells(self._stratum, self._points, rng)
        n = len(cell)
        before = np.argsort(cell, kind="stable")
        after = np.lexsort((rng.random(n), cell))
        order = np.empty(n, dtype=np.int64)
        order[before] = after
        return order


def _cells(stratum: Rows, points: Floats, rng: np.random.Generator) -> Rows:
    """Return the cell of each row: strata, split at the median of random projections until all are small."""
    cell = stratum
    while True:
        sizes = np.bincount(cell)
        if sizes.max() <= NEIGHBOURHOOD:
            return cell
        projection = points @ rng.standard_normal(points.shape[1])
        order = np.lexsort((projection, cell))
        place = np.empty(len(cell), dtype=np.int64)
        place[order] = np.arange(len(cell))
        within = place - (np.cumsum(sizes) - sizes)[cell]
        # a cut between 40 and 60 percent puts the borders of the cells elsewhere in each tree
        cut = (rng.uniform(0.4, 0.6, len(sizes)) * sizes).round()[cell]
        upper = (within >= cut) & (sizes[cell] > NEIGHBOURHOOD)
        cell = np.unique(2 * cell + upper, return_inverse=True)[1].astype(np.int64)


class Residual:
    r"""What is left of features after a regression on z.

    .. math:: \Phi \mapsto (I - H) \Phi

    where :math:`H` is the hat matrix of a ridge regression on indicators of the levels of discrete columns, on normal
    scores and on features of Gaussian kernels, its penalty chosen by generalized cross-validation. A covariance of what
    is left of x and of y is small where they depend on each other by way of z alone: its mean is a product of the
    errors of two regressions.

    References:
        | The hardness of conditional independence testing and the generalised covariance measure
        | (Shah and Peters, 2020) https://arxiv.org/abs/1804.07203

    Arguments:
        values: The columns of z: numbers, and codes of levels, (N, D).
        counts: The levels of each column; 0 for a continuous one.
        rng: Breaks ties, and chooses the rows that span kernels.

    Attributes:
        modulators: Indicators of levels of z, (N, M), with which the dependence of x and y may change; None where a
            column of z is continuous: errors of the regression that change with it would be taken for dependence.
    """

    def __init__(self, values: Floats, counts: Sequence[int], rng: np.random.Generator) -> None:
        blocks = column_blocks(values, counts, COSINES, rng)
        indicators = [one.features[:, 1 : 1 + LEVELS] for one in blocks]
        self.modulators: Floats | None = np.concatenate(indicators, axis=1) if all(counts) else None
        parts = [one.features * np.sqrt(one.weights["linear"] + one.weights["medium"]) for one in blocks]
        if not all(counts) or len(counts) > 1:
            parts += [one.features for one in kernel_blocks(standardized(values, counts), rng).values()]
        centred = np.concatenate([part - part.mean(0) for part in parts], axis=1)
        self._basis, self._size, _ = np.linalg.svd(centred, full_matrices=False)

    def __call__(self, features: Floats) -> tuple[Floats, Floats]:
        r"""Return what is left of features, (N, F), and the share of variance that is left in each of N directions."""
        coefficients = self._basis.T @ features
        share = self._share(features, coefficients)
        left = np.ones(len(features))
        left[: len(share)] = (1 - share) ** 2
        return features - self._basis @ (share[:, None] * coefficients), left

    def _share(self, features: Floats, coefficients: Floats) -> Floats:
        """Return the share of each direction that the regression explains, by generalized cross-validation."""
        n = len(features)
        beyond = np.square(features).sum() - np.square(coefficients).sum()
        best, found = np.square(features).sum(), np.zeros(len(self._size))
        for penalty in PENALTIES * n:
            share = self._size**2 / (self._size**2 + penalty)
            if share.sum() > LARGEST_FIT * n:
                continue
            error = beyond + np.square((1 - share)[:, None] * coefficients).sum()
            score = error / (1 - share.sum() / n) ** 2
            if score < best:
                best, found = score, share
        return found
