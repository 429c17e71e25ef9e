"""Contingency tables of discrete columns, optionally one per stratum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["ContingencyTable", "cell_codes", "cross_tabulate"]

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class ContingencyTable:
    r"""Counts of the nonempty cells of one table per stratum.

    A level of x is a combination of a stratum and a cell of x, so that levels of different strata are different. An
    unstratified table has one stratum. Empty cells are not stored: memory is linear in the number of rows.

    Attributes:
        x_counts: The number of rows of each level of x, :math:`n_{zi}`, (Kx,).
        y_counts: The number of rows of each level of y, :math:`n_{zj}`, (Ky,).
        x_stratum: The stratum of each level of x, (Kx,), in increasing order.
        y_stratum: The stratum of each level of y, (Ky,), in increasing order.
        stratum_counts: The number of rows of each stratum, :math:`n_z`, (S,).
        counts: The number of rows of each nonempty cell, :math:`n_{zij}`, (C,).
        x_level: The level of x of each nonempty cell, (C,).
        y_level: The level of y of each nonempty cell, (C,).
        cell: The nonempty cell of each row of the data, (N,).
    """

    x_counts: Codes
    y_counts: Codes
    x_stratum: Codes
    y_stratum: Codes
    stratum_counts: Codes
    counts: Codes
    x_level: Codes
    y_level: Codes
    cell: Codes

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.cell)

    @cached_property
    def expected(self) -> Floats:
        r"""The expected count of each nonempty cell under independence, :math:`n_{zi} n_{zj} / n_z`, (C,)."""
        x, y = self.x_counts[self.x_level], self.y_counts[self.y_level]
        expected: Floats = x * (y / self.stratum_counts[self.x_stratum[self.x_level]])
        return expected

    @cached_property
    def cell_log_ratio(self) -> Floats:
        r"""The log ratio of each nonempty cell, :math:`\log \frac{n_{zij} n_z}{n_{zi} n_{zj}}`, (C,) in nats."""
        log_ratio: Floats = np.log(self.counts / self.expected)
        return log_ratio

    @property
    def log_ratio(self) -> Floats:
        """The plug-in log ratio of each row of the data, (N,) in nats."""
        return self.cell_log_ratio[self.cell]

    @cached_property
    def plug_in(self) -> float:
        """The plug-in estimate of the mutual information given the stratum, in nats."""
        return float(self.counts @ self.cell_log_ratio) / self.n

    @cached_property
    def x_entropy(self) -> float:
        """The plug-in entropy of x given the stratum, in nats."""
        return _entropy(self.x_counts, self.stratum_counts[self.x_stratum])

    @cached_property
    def y_entropy(self) -> float:
        """The plug-in entropy of y given the stratum, in nats."""
        return _entropy(self.y_counts, self.stratum_counts[self.y_stratum])

    @cached_property
    def ceiling(self) -> float:
        r"""The largest value of the plug-in estimate with these margins, in nats.

        It is :math:`\sum_z \frac{n_z}{N} \min(H_z(X), H_z(Y))`, with plug-in entropies.
        """
        return self._smaller_entropy(np.log)

    @cached_property
    def unbiased_ceiling(self) -> float:
        r"""The largest mutual information that the margins allow, corrected for the bias of the entropies, in nats.

        Entropies are :math:`H_z(X) = \psi(n_z) - \sum_i \frac{n_{zi}}{n_z} \psi(n_{zi})` (Zhang, Entropy estimation in
        Turing's perspective, 2012, https://doi.org/10.1162/NECO_a_00266), and at most the logarithm of the number of
        levels where every level has more than one row.
        """
        from scipy.special import digamma

        seen_once = min(self.x_counts.min(), self.y_counts.min()) == 1
        entropy = self._smaller_entropy(digamma)
        return max(entropy if seen_once else min(entropy, self._log_levels()), self.ceiling)

    def _smaller_entropy(self, log: Callable[..., Floats]) -> float:
        n, strata = self.stratum_counts, len(self.stratum_counts)
        sides = ((self.x_counts, self.x_stratum), (self.y_counts, self.y_stratum))
        by_side = [np.bincount(s, c * (log(n[s]) - log(c)), strata) for c, s in sides]
        return float(np.minimum(*by_side).sum()) / self.n

    def _log_levels(self) -> float:
        levels = [np.bincount(s, minlength=len(self.stratum_counts)) for s in (self.x_stratum, self.y_stratum)]
        return float(self.stratum_counts @ np.log(np.minimum(*levels))) / self.n

    def swapped(self) -> ContingencyTable:
        """Return the table with x and y exchanged."""
        return ContingencyTable(
            self.y_counts,
            self.x_counts,
            self.y_stratum,
            self.x_stratum,
            self.stratum_counts,
            self.counts,
            self.y_level,
            self.x_level,
            self.cell,
        )


def cell_codes(side: Floats | Codes) -> Codes:
    """Return the code of the cell of each row, equal rows having one code, (N, D) -> (N,).

    Codes are consecutive from 0, in the lexicographic order of the rows.

    Example:
        >>> cell_codes(np.array([[1, 0], [0, 2], [1, 0]]))
        array([1, 0, 1])
    """
    code = np.zeros(len(side), dtype=np.int64)
    for column in side.T:
        values, column_code = np.unique(column, return_inverse=True)
        if len(values) > 1:  # at most N**2 combinations, then at most N again
            _, code = np.unique(code * len(values) + column_code.ravel(), return_inverse=True)
    return code.ravel()


def cross_tabulate(x: Floats | Codes, y: Floats | Codes, z: Floats | Codes | None = None) -> ContingencyTable:
    r"""Count the rows of each combination of a cell of x and a cell of y, in each cell of z.

    Arguments:
        x: One side, :math:`(N, D_x)`; equal rows are one cell.
        y: The other side, :math:`(N, D_y)`.
        z: The conditioning columns, :math:`(N, D_z)`; None for one stratum.

    Example:
        >>> x = np.array([[0], [0], [1], [1]])
        >>> table = cross_tabulate(x, 1 - x)
        >>> table.counts, round(table.plug_in, 4)  # log 2
        (array([2, 2]), 0.6931)
    """
    stratum = cell_codes(z) if z is not None else np.zeros(len(x), dtype=np.int64)
    x_code, y_code = cell_codes(x), cell_codes(y)
    x_key, x_level, x_counts = _unique(stratum * (x_code.max() + 1) + x_code)
    y_key, y_level, y_counts = _unique(stratum * (y_code.max() + 1) + y_code)
    key, cell, counts = _unique(x_level * len(y_counts) + y_level)
    return ContingencyTable(
        x_counts,
        y_counts,
        x_key // (x_code.max() + 1),
        y_key // (y_code.max() + 1),
        np.bincount(stratum),
        counts,
        key // len(y_counts),
        key % len(y_counts),
        cell,
    )


def _unique(key: Codes) -> tuple[Codes, Codes, Codes]:
    values, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    return values, inverse.ravel(), counts


def _entropy(counts: Codes, total: Codes) -> float:
    return float(counts @ np.log(total / counts)) / int(counts.sum())
