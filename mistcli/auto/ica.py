"""Columns taken apart: what was mixed is unmixed, and what depends on each other is put together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Blocks", "blocks", "information", "unmixed"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

ROUNDS = 200
CHANGE = 1e-5
FLOOR = 1e-3
"""The variance, of the largest, below which a direction is taken to follow from others."""

BINS = 8
"""The most classes of a column, by rank, in which dependence is looked for."""

ROWS_A_CELL = 15

SURE = 6.0
"""By how many standard errors the statistic of a table must exceed that of independence: there are many tables."""


def unmixed(z: Floats) -> Floats:
    r"""Return the independent components of columns, by the fixed-point iteration for :math:`\log \cosh`.

    .. math:: w \leftarrow \mathbb{E}[u \tanh(w^\top u)] - \mathbb{E}[1 - \tanh^2(w^\top u)] \, w

    of whitened columns :math:`u`, all :math:`w` made orthogonal after each round. Mutual information does not change
    where no direction is left out; only columns that follow from others are.

    References:
        | Fast and robust fixed-point algorithms for independent component analysis (Hyvärinen, 1999)
        | https://doi.org/10.1109/72.761722

    Arguments:
        z: The columns, (N, D).

    Returns:
        The components, (N, D') with D' at most D, of mean 0 and variance 1.

    Example:
        >>> source = np.random.default_rng(0).uniform(size=(4000, 2))
        >>> found = unmixed(source @ np.array([[1.0, 0.5], [-0.5, 1.0]]))
        >>> np.abs(np.corrcoef(source.T, found.T)[:2, 2:]).max(1).round(1)
        array([1., 1.])
    """
    u = _white(z)
    n, d = u.shape
    w = np.linalg.qr(np.random.default_rng(d).standard_normal((d, d)))[0]
    for _ in range(ROUNDS):
        s = np.tanh(u @ w.T)
        left, _, right = np.linalg.svd(s.T @ u / n - (1 - s**2).mean(0)[:, None] * w, full_matrices=False)
        w, before = left @ right, w
        if np.abs(np.abs((w * before).sum(1)) - 1).max() < CHANGE:
            break
    found: Floats = u @ w.T
    return found


def information(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    r"""Return how much each column of x tells of each of y, seen as classes of equal size.

    .. math:: I_{ij} = \sum_{a b} p_{a b} \log \frac{p_{a b}}{p_a p_b} - \frac{(B - 1)^2}{2 N}

    less its bias, and :math:`[2 N I_{ij}] / \sqrt{2 (B - 1)^2}`, which is about standard normal where there is none.

    Arguments:
        x: Columns, (N, P).
        y: Columns, (N, Q).

    Returns:
        The information (P, Q) in nats, and how sure it is, (P, Q).

    Example:
        >>> x = np.random.default_rng(0).standard_normal((2000, 1))
        >>> [round(float(found[0, 0]), 2) for found in information(x, np.cos(x))][0] > 1
        True
    """
    n = len(x)
    bins = max(2, min(BINS, int((n / ROWS_A_CELL) ** 0.5)))
    counts = (_classes(x, bins).T @ _classes(y, bins)).reshape(x.shape[1], bins, y.shape[1], bins)
    share = counts.transpose(0, 2, 1, 3).astype(float) / n
    terms = share * np.log(np.where(share > 0, share * bins**2, 1.0))
    free = (bins - 1) ** 2
    found: Floats = terms.sum((2, 3)) - free / 2 / n
    return found, 2 * n * found / np.sqrt(2 * free)


@dataclass(frozen=True)
class Blocks:
    """Columns of which those of one block depend on each other, and those of different blocks do not.

    Arguments:
        x: The columns of x, (N, P).
        y: The columns of y, (N, Q).
        pairs: The places of the columns of each block, in x and in y; a block has both.
    """

    x: Floats
    y: Floats
    pairs: tuple[tuple[Places, Places], ...]

    @property
    def size(self) -> int:
        """The columns of the largest block; 0 where there is none."""
        return max((len(i) + len(j) for i, j in self.pairs), default=0)

    def dependence(self, order: Places) -> float:
        """Return what measures the dependence of x and `y[order]`, within the blocks, in nats."""
        return sum(float(information(self.x[:, i], self.y[order][:, j])[0].sum()) for i, j in self.pairs)


def blocks(x: Floats, y: Floats) -> Blocks:
    """Find the columns that depend on each other, directly or through others.

    Arguments:
        x: Columns, (N, P).
        y: Columns, (N, Q).

    Example:
        >>> x, noise = np.random.default_rng(0).standard_normal((2, 2000, 3))
        >>> [(i.tolist(), j.tolist()) for i, j in blocks(x, (x + noise)[:, :2]).pairs]
        [([0], [0]), ([1], [1])]
    """
    from scipy.sparse.csgraph import connected_components

    both = np.concatenate([x, y], 1)
    count, block = connected_components(information(both, both)[1] > SURE, directed=False)
    parts = [np.split(places := np.flatnonzero(block == k), [np.sum(places < x.shape[1])]) for k in range(count)]
    return Blocks(x, y, tuple((i, j - x.shape[1]) for i, j in parts if len(i) and len(j)))


def _white(z: Floats) -> Floats:
    z = z - z.mean(0)
    variance, axes = np.linalg.eigh(z.T @ z / len(z))
    kept = variance > FLOOR * variance[-1]
    white: Floats = z @ (axes[:, kept] / np.sqrt(variance[kept]))
    return white


def _classes(z: Floats, bins: int) -> NDArray[np.float32]:
    """Return an indicator of each class of each column, (N, D) -> (N, D * bins)."""
    rank = z.argsort(0, kind="stable").argsort(0) * bins // len(z)
    classes: NDArray[np.float32] = (rank[:, :, None] == np.arange(bins)).reshape(len(z), -1).astype(np.float32)
    return classes
