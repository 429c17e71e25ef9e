"""Statistics of dependence, each computed for many orders of the rows at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.independence.features import Block
from mistcli.independence.neighbours import distance

__all__ = ["CommonNeighbours", "Covariances", "Statistic", "Successors"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

HELD = 2**24
"""The most numbers that a batch of permuted features holds."""


class Statistic(ABC):
    """A statistic of x and `y[order]`, or several that share most of their work.

    Attributes:
        names: What each of them is.
    """

    names: tuple[str, ...]

    @abstractmethod
    def values(self, orders: Rows) -> Floats:
        """Return the statistics for orders of the rows of y, (B, N) -> (B, S), larger for more dependence."""


class Covariances(Statistic):
    r"""Weighted sums of squared cross-covariances of features.

    .. math:: T_{st} = \sum_{kl} w_k^{(s)} w_l^{(t)} C_{kl}^2, \qquad
              C = \tfrac{1}{\sqrt{N - 1}} \Phi(x)^\top \Psi(y)

    is the Hilbert-Schmidt independence criterion of the kernels that the weighted features span. Where there are
    several pairs of columns, there are two statistics for each pair of scales: the sum over the pairs of columns, and
    the largest after each is standardized.

    References:
        | Measuring statistical dependence with Hilbert-Schmidt norms (Gretton et al., 2005)
        | https://doi.org/10.1007/11564089_7

    Arguments:
        x: The blocks of features of x.
        y: The blocks of features of y.
        scales: The pairs of scales.
        label: Comes before the names of the statistics.
    """

    def __init__(self, x: Sequence[Block], y: Sequence[Block], scales: Sequence[tuple[str, str]], label: str) -> None:
        n = len(x[0].features)
        self._x = np.ascontiguousarray(np.concatenate([one.features for one in x], 1).T / np.sqrt(n - 1), np.float32)
        self._y = np.concatenate([one.features for one in y], 1).astype(np.float32)
        self._inflation = _inflation(x, y)
        self._starts = [np.cumsum([0] + [one.features.shape[1] for one in side[:-1]]) for side in (x, y)]
        self._weights = [_by_scale(side) for side in (x, y)]
        self._scales = tuple(scales)
        self._expected = {pair: _moments(x, y, pair) for pair in self._scales}
        self._many = len(x) * len(y) > 1
        several = ("sum", "max") if self._many else ("",)
        self.names = tuple(f"{label} {s} x {t} {how}".rstrip() for s, t in self._scales for how in several)

    def values(self, orders: Rows) -> Floats:
        """Return the statistics for orders of the rows of y, (B, N) -> (B, S)."""
        size = max(1, HELD // max(self._y.size, len(self._x) * self._y.shape[1]))
        return np.concatenate([self._batch(orders[k : k + size]) for k in range(0, len(orders), size)])

    def _batch(self, orders: Rows) -> Floats:
        square = np.matmul(self._x, self._y[orders]) ** 2
        if self._inflation is not None:
            square[(orders != np.arange(orders.shape[1])).any(1)] *= self._inflation
        weighted = {
            scale: np.add.reduceat(square * weights[:, None], self._starts[0], axis=1)
            for scale, weights in self._weights[0].items()
            if any(scale == s for s, _ in self._scales)
        }
        found = []
        for s, t in self._scales:
            pairs = np.add.reduceat(weighted[s] * self._weights[1][t], self._starts[1], axis=2).astype(np.float64)
            found.append(pairs.sum((1, 2)))
            if self._many:
                mean, spread = self._expected[s, t]
                found.append(((pairs - mean) / spread).max((1, 2)))
        return np.stack(found, 1)


class Successors(Statistic):
    r"""Products of a score of y in rows that are neighbours in x, as in a rank autocorrelation.

    .. math:: T = \sum_i \sum_{j \in \mathcal{N}(i)} \sum_d z_d(y_i)\, z_d(y_j)

    is large where y is a function of x, however fast it changes: the coefficients of Chatterjee, and of Azadkia and
    Chatterjee, are of this kind.

    References:
        | A new coefficient of correlation (Chatterjee, 2021)
        | https://arxiv.org/abs/1909.10140
        | A simple measure of conditional dependence (Azadkia and Chatterjee, 2021)
        | https://arxiv.org/abs/1910.12327

    Arguments:
        neighbours: The neighbours of each row in x, (N, k).
        scores: Centred scores of y, (N, D).
        reverse: Whether the sides are exchanged: neighbours in y, and scores of x.
        name: What it is.
    """

    def __init__(self, neighbours: Rows, scores: Floats, name: str, *, reverse: bool = False) -> None:
        self._neighbours, self._scores, self._reverse = neighbours, scores, reverse
        self.names = (name,)

    def values(self, orders: Rows) -> Floats:
        """Return the statistic for orders of the rows of y, (B, N) -> (B, 1)."""
        found = np.empty((len(orders), 1))
        for place, order in enumerate(orders):
            scores = self._scores[_inverse(order) if self._reverse else order]
            found[place] = sum(np.vdot(scores, scores[column]) for column in self._neighbours.T)
        return found


class CommonNeighbours(Statistic):
    r"""The number of neighbours in x that are also neighbours in y.

    .. math:: T_k = \#\{(i, j) : j \in \mathcal{N}^x_k(i),\; |y_i - y_j| \le \rho_k(y_i)\}

    with :math:`\rho_k` the distance of the :math:`k`-th neighbour in y. It sees structure as fine as the distances of
    neighbours, as the estimator of Kraskov, Stögbauer and Grassberger does, and costs one comparison a neighbour.

    References:
        | Graph-theoretic measures of multivariate association and prediction (Friedman and Rafsky, 1983)
        | https://doi.org/10.1214/aos/1176346148

    Arguments:
        neighbours: The neighbours of each row in x, (N, k).
        points: y, (N, D).
        reach: The distance of the k-th neighbour of each row in y, (N,).
        name: What it is.
    """

    def __init__(self, neighbours: Rows, points: Floats, reach: Floats, name: str) -> None:
        self._neighbours, self._points, self._reach = neighbours, points, reach
        self.names = (name,)

    def values(self, orders: Rows) -> Floats:
        """Return the statistic for orders of the rows of y, (B, N) -> (B, 1)."""
        found = np.zeros((len(orders), 1))
        for place, order in enumerate(orders):
            points, reach = self._points[order], self._reach[order]
            for column in self._neighbours.T:
                found[place] += np.count_nonzero(distance(points, points[column]) <= reach)
        return found


def _inverse(order: Rows) -> Rows:
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return back


def _by_scale(blocks: Sequence[Block]) -> dict[str, NDArray[np.float32]]:
    names = blocks[0].weights
    return {name: np.concatenate([one.weights[name] for one in blocks]).astype(np.float32) for name in names}


def _inflation(x: Sequence[Block], y: Sequence[Block]) -> NDArray[np.float32] | None:
    r"""Return the ratio of the variance of a covariance of residuals to that after a permutation, (F, G), if not 1.

    .. math:: \frac{\langle a_i b_i \rangle}{\langle a_i \rangle \langle b_i \rangle}

    with :math:`a_i` and :math:`b_i` the shares of variance that the regressions have left of x and of y in direction i.
    For the same projection on both sides it is :math:`N / (N - p)`, as in the test of Freedman and Lane (1983).
    """
    rows = []
    for one in x:
        row = []
        for other in y:
            if one.left is None or other.left is None:
                return None
            ratio = np.mean(one.left * other.left) / (one.left.mean() * other.left.mean())
            row.append(np.full((one.features.shape[1], other.features.shape[1]), ratio, dtype=np.float32))
        rows.append(row)
    return np.block(rows)


def _moments(x: Sequence[Block], y: Sequence[Block], pair: tuple[str, str]) -> tuple[Floats, Floats]:
    r"""Return the mean and deviation of each pair of columns under independence, as of :math:`C_{kl} \sim N(0, 1)`."""
    first = [np.array([(one.weights[pair[0]] ** power).sum() for one in x]) for power in (1, 2)]
    second = [np.array([(one.weights[pair[1]] ** power).sum() for one in y]) for power in (1, 2)]
    return np.outer(first[0], second[0]), np.sqrt(2 * np.outer(first[1], second[1]))
