"""The test of one continuous column a side, whose null distribution depends on the number of rows alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mistcli.independence.combination import Combined, smallest_p
from mistcli.independence.features import BANDWIDTHS, MOST_FREQUENCIES, column_blocks, random_ranks
from mistcli.independence.statistics import Covariances, Statistic

__all__ = ["RankNull", "RankNulls"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

NEIGHBOURS = (6, 24)
"""The numbers of neighbours that are compared: a factor of four apart, as the bandwidths are."""

DRAWN = 2**22
"""The most ranks of permutations that are held at once."""

FEWEST_ROWS = 8
"""A number of neighbours is used where there are at least so many times as many rows."""


class CommonRanks(Statistic):
    r"""The number of pairs of rows whose ranks are near on both sides.

    .. math:: T_k = \#\{i < j : |r_i - r_j| \le k / 2,\; |s_i - s_j| \le k / 2\}

    Arguments:
        k: The number of neighbours of a row on each side.
    """

    def __init__(self, k: int) -> None:
        self._half = k // 2
        self.names = (f"neighbours k={k}",)

    def values(self, orders: Rows) -> Floats:
        """Return the statistic for ranks of y in the order of x, (B, N) -> (B, 1)."""
        found = np.zeros((len(orders), 1))
        for place, order in enumerate(orders.astype(np.int32)):
            for shift in range(1, self._half + 1):
                found[place] += np.count_nonzero(np.abs(order[shift:] - order[:-shift]) <= self._half)
        return found


class RankAutocorrelations(Statistic):
    r"""Products of normal scores of one side in rows that follow each other on the other side.

    .. math:: T_x = \sum_{i=1}^{N-1} z(s_{(i)})\, z(s_{(i+1)})

    with :math:`s_{(i)}` the rank of y in the row with the i-th value of x, is large where y is a function of x, however
    fast it changes; :math:`T_y` is the same with x and y exchanged.

    References:
        | A new coefficient of correlation (Chatterjee, 2021)
        | https://arxiv.org/abs/1909.10140

    Arguments:
        scores: The normal score of each rank, (N,).
    """

    names = ("successors in x", "successors in y")

    def __init__(self, scores: Floats) -> None:
        self._scores = scores

    def values(self, orders: Rows) -> Floats:
        """Return both statistics for ranks of y in the order of x, (B, N) -> (B, 2)."""
        found = np.empty((len(orders), 2))
        back = np.empty(orders.shape[1], dtype=np.int64)
        for place, order in enumerate(orders):
            back[order] = np.arange(len(order))
            for side, ranks in enumerate((order, back)):
                scores = self._scores[ranks]
                found[place, side] = scores[1:] @ scores[:-1]
        return found


class RankNull:
    """The distribution of all statistics under independence, for one number of rows.

    Ranks with ties broken at random are a random permutation where x and y are independent, whatever their
    distributions are: one table of permutations serves all pairs of columns of N rows, exactly.

    Arguments:
        n: The number of rows.
        permutations: The number of random permutations.
        rng: Draws them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> null = RankNull(200, 199, rng)
        >>> x = rng.uniform(-3, 3, 200)
        >>> null.test(x, np.cos(x) + 0.3 * rng.standard_normal(200), rng)[0].p_value
        0.005
    """

    def __init__(self, n: int, permutations: int, rng: np.random.Generator) -> None:
        block = column_blocks(np.arange(float(n))[:, None], [0], MOST_FREQUENCIES, rng)
        pairs = [("linear", "linear"), *product(BANDWIDTHS, BANDWIDTHS)]
        self._statistics: Sequence[Statistic] = (
            Covariances(block, block, pairs, "ranks"),
            RankAutocorrelations(block[0].features[:, 0]),
            *(CommonRanks(k) for k in NEIGHBOURS if n >= FEWEST_ROWS * k),
        )
        self.n = n
        self.names = tuple(name for one in self._statistics for name in one.names)
        batch = max(1, DRAWN // n)
        sizes = [min(batch, permutations - done) for done in range(0, permutations, batch)]
        rows = np.arange(n)
        self._permuted = np.concatenate(
            [self._values(rng.permuted(np.tile(rows, (size, 1)), axis=1)) for size in sizes]
        )

    def test(self, x: Floats, y: Floats, rng: np.random.Generator) -> tuple[Combined, Floats]:
        """Return the combined test of two columns, (N,) each, and their statistics, (S,).

        Arguments:
            x: One column.
            y: The other column.
            rng: Breaks ties.
        """
        order = random_ranks(y, rng)[np.argsort(random_ranks(x, rng))]
        observed = self._values(order[None])[0]
        return smallest_p(observed, self._permuted), observed

    def _values(self, orders: Rows) -> Floats:
        return np.concatenate([one.values(orders) for one in self._statistics], axis=1)


class RankNulls:
    """Null distributions by the number of rows, each made when it is first needed.

    Arguments:
        permutations: The number of permutations of each.
        seed: The seed of their random choices.
    """

    def __init__(self, permutations: int, seed: int = 0) -> None:
        self.permutations, self.seed = permutations, seed
        self._kept: dict[int, RankNull] = {}

    def of(self, n: int) -> RankNull:
        """Return the null distribution for `n` rows."""
        if n not in self._kept:
            self._kept[n] = RankNull(n, self.permutations, np.random.default_rng([self.seed, n, 2]))
        return self._kept[n]
