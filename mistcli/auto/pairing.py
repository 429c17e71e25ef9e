r"""The information of pairs of components, one of x and one of y, that add up.

Where the components of x are independent of each other, or those of y are,

.. math:: I(X; Y) \geq \sum_{(i, j)} I(X_i; Y_j),

by the chain rule, for conditioning on what is independent of a component only adds to its information. Hence the pairs
to keep are those that surely depend on each other and share no information with pairs kept before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.estimators.ksg import KSG

__all__ = ["Cells", "Pair", "Pairs", "cells", "information", "paired", "select_pairs"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Spread = Callable[[Floats], float]

BINS = 4
"""The classes of equal size by which pairs are looked for: two for a component with two modes, two within each."""

CANDIDATE_BINS = (2, 4, 8, 16)
"""The classes by which the information of a pair is valued."""

LEVEL = 0.01
"""The chance that any pair of two independent sides is kept."""

SHARED = 0.1
"""The share of a pair's information that pairs kept before may have, at most."""

MOST_CANDIDATES = 4096
"""The most pairs that are looked at, the surest first."""

STRONG, SURE = 0.1, 2.0
"""The information in nats from which nearest neighbours are asked, whose noise at 10,000 rows is a tenth of it, and by
how many standard errors theirs must exceed that of tables."""

DISTINCT = 0.98
"""The share of different values below which a column is rounded: only tables are right then."""

SHIFTS = 32
"""The negatives of a row by which the sum over pairs is normalised."""

SMALLEST = 1e-9


@dataclass(frozen=True)
class Cells:
    """Components as classes.

    Arguments:
        codes: The class of each row, (N, K), from 0 to below `bins`.
        counts: The number of classes of each component that are not empty, (K,).
        bins: The most classes.
    """

    codes: NDArray[np.int8]
    counts: Rows
    bins: int

    def indicators(self) -> NDArray[np.float32]:
        """Return an indicator for each class of each component, (N, K * bins)."""
        found: NDArray[np.float32] = (self.codes[:, :, None] == np.arange(self.bins)).reshape(len(self.codes), -1)
        return found.astype(np.float32)


@dataclass(frozen=True)
class Pair:
    """One component of x beside one of y.

    Arguments:
        x: The place of the component of x.
        y: The place of the component of y.
        method: How it is valued: `normal`, a number of bins, or `ksg`.
        log_ratio: The log ratio of each row, (N,) in nats, less its bias.
        free: The number of free parameters.
    """

    x: int
    y: int
    method: str
    log_ratio: Floats
    free: int


@dataclass(frozen=True)
class Pairs:
    """Pairs whose information adds up.

    Arguments:
        pairs: The pairs.
        x: The components of x as classes.
        y: The components of y as classes.
    """

    pairs: Sequence[Pair]
    x: Cells
    y: Cells

    @property
    def log_ratio(self) -> Floats:
        """The log ratio of each row, (N,) in nats."""
        total = np.zeros(len(self.x.codes))
        for pair in self.pairs:
            total += pair.log_ratio
        return total

    @property
    def floor(self) -> float:
        """The standard error in nats that remains where all pairs are independent: that of a chi-squared variable."""
        return float(np.sqrt(sum(pair.free for pair in self.pairs) / 2)) / len(self.x.codes)

    def log_normalizer(self) -> tuple[float, float]:
        r"""Return :math:`\log \mathbb{E}_{p(x) p(y)} \exp \sum \ell_{ij}` by shifted rows, and its standard error.

        It is 0 where the pairs are independent of each other, and what is counted more than once makes it larger; the
        sum less it is a lower bound in any case (Donsker and Varadhan, 1983). The log ratios are those of tables.
        """
        n = len(self.x.codes)
        scores = np.zeros((SHIFTS, n))
        for pair in self.pairs:
            a, b = (side.codes[:, k].astype(np.int64) for side, k in ((self.x, pair.x), (self.y, pair.y)))
            share = np.bincount(a * BINS + b, minlength=BINS * BINS).reshape(BINS, BINS) + 0.5
            share = share / share.sum()
            ratio = np.log(share / np.outer(share.sum(1), share.sum(0)))
            for row in range(SHIFTS):
                scores[row] += ratio[a, np.roll(b, (row + 1) * n // (SHIFTS + 1))]
        top = float(scores.max())
        ratios = np.exp(scores - top).mean(0)
        return top + float(np.log(ratios.mean())), float(ratios.std() / n**0.5 / ratios.mean())

    def dependence(self, order: Rows) -> float:
        """Return the information of x and `y[order]`, in nats, as tables of all components tell it."""
        y = Cells(self.y.codes[order], self.y.counts, self.y.bins)
        found, sure = information(self.x, y)
        return float(np.where(sure, found, 0).sum())


def cells(components: NDArray[np.floating], bins: int) -> Cells:
    """Return classes of nearly equal size by rank, equal values being in one class.

    Arguments:
        components: The components, (N, K).
        bins: The number of classes.

    Example:
        >>> cells(np.array([[0.1], [0.3], [0.2], [0.4]]), 2).codes.ravel()
        array([0, 1, 0, 1], dtype=int8)
    """
    n, k = components.shape
    codes = np.empty((n, k), dtype=np.int8)
    for place in range(k):
        column = components[:, place]
        line = np.sort(column)
        rank = np.searchsorted(line, column, "left") + np.searchsorted(line, column, "right")
        codes[:, place] = np.minimum(rank * bins // (2 * n), bins - 1)
    counts = np.array([np.count_nonzero(np.bincount(column, minlength=bins)) for column in codes.T], dtype=np.int64)
    return Cells(codes, counts.reshape(k), bins)


def information(x: Cells, y: Cells, level: float = LEVEL) -> tuple[Floats, NDArray[np.bool_]]:
    r"""Return the information of each class of components of x and of y, less its bias, and where it is sure.

    .. math:: I_{ij} = \sum_{a b} p_{ab} \log \frac{p_{ab}}{p_a p_b} - \frac{(A - 1)(B - 1)}{2 N}, \qquad
              2 N I \sim \chi^2_{(A - 1)(B - 1)}

    under independence; sure is what exceeds the quantile that leaves `level` to all pairs together.

    Arguments:
        x: The components of x.
        y: The components of y.
        level: The chance that any of the pairs exceeds it.

    Returns:
        The information (P, Q) in nats, and whether it is sure, (P, Q).

    Example:
        >>> x = np.random.default_rng(0).standard_normal((2000, 1))
        >>> found, sure = information(cells(x, 4), cells(np.abs(x), 4))
        >>> round(float(found[0, 0]), 1), bool(sure[0, 0])
        (0.6, True)
    """
    from scipy.stats import chi2

    n, shape = len(x.codes), (x.codes.shape[1], y.codes.shape[1])
    joint = (x.indicators().T @ y.indicators()).reshape(shape[0], x.bins, shape[1], y.bins).transpose(0, 2, 1, 3)
    share = joint.astype(np.float64) / n
    expected = share.sum(3, keepdims=True) * share.sum(2, keepdims=True)
    raw = (share * np.log(np.where(share > 0, share / np.maximum(expected, SMALLEST), 1.0))).sum((2, 3))
    free = np.outer(x.counts - 1, y.counts - 1)
    limit = chi2.isf(level / max(1, free.size), np.maximum(free, 1))
    return raw - free / (2 * n), (2 * n * raw > limit) & (free > 0)


def select_pairs(x: Cells, y: Cells) -> list[tuple[int, int]]:
    r"""Return the pairs of components that surely depend on each other, and add up.

    The surest come first. A pair shares with one that was kept before at most what its components share with those,
    :math:`\min(I(X_i; X_{i'}), I(Y_j; Y_{j'}))`; it is kept where this is little.

    Arguments:
        x: The components of x.
        y: The components of y.

    Example:
        >>> x, noise = np.random.default_rng(0).standard_normal((2, 2000, 3))
        >>> select_pairs(cells(x, 4), cells(np.stack([x[:, 2], noise[:, 0]], 1), 4))
        [(2, 0)]
    """
    found, sure = information(x, y)
    if not sure.any():
        return []
    within = []
    for side in (x, y):
        shared, known = information(side, side)
        shared = np.where(known, shared, 0.0)
        np.fill_diagonal(shared, np.inf)
        within.append(shared)
    pairs: list[tuple[int, int]] = []
    places = np.flatnonzero(sure)
    for place in places[np.argsort(-found.ravel()[places], kind="stable")][:MOST_CANDIDATES]:
        i, j = divmod(int(place), found.shape[1])
        before = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        if np.minimum(within[0][i, before[:, 0]], within[1][j, before[:, 1]]).sum() <= SHARED * found[i, j]:
            pairs.append((i, j))
    return pairs


def paired(x: NDArray[np.floating], y: NDArray[np.floating], spread: Spread) -> Pairs:
    """Return the pairs of components that add up, each valued.

    Arguments:
        x: The components of x, (N, P).
        y: The components of y, (N, Q).
        spread: Returns the standard error of the mean of log ratios.

    Example:
        >>> x, noise = np.random.default_rng(0).standard_normal((2, 4000, 3))
        >>> found = paired(x, x + noise, lambda log_ratio: float(log_ratio.std() / len(log_ratio) ** 0.5))
        >>> sorted((pair.x, pair.y) for pair in found.pairs), bool(abs(found.log_ratio.mean() - 1.04) < 0.06)
        ([(0, 0), (1, 1), (2, 2)], True)
    """
    codes_x, codes_y = cells(x, BINS), cells(y, BINS)
    found = [_valued(i, j, x[:, i], y[:, j], spread) for i, j in select_pairs(codes_x, codes_y)]
    sure = [pair for pair in found if pair.log_ratio.mean() > SURE * spread(pair.log_ratio)]
    return Pairs(sure, codes_x, codes_y)


def _valued(i: int, j: int, x: NDArray[np.floating], y: NDArray[np.floating], spread: Spread) -> Pair:
    r"""Return a pair under the model that the Akaike criterion prefers, or by nearest neighbours.

    Tables and the normal copula never have more information than the pair, so that the largest is taken; each gives
    :math:`k / 2N` as bias and as much again for having been chosen.
    """
    n = len(x)
    distinct = min(len(np.unique(side)) for side in (x, y)) >= DISTINCT * n
    options = [Pair(i, j, "normal", *_normal(x, y))] if distinct else []
    for bins in CANDIDATE_BINS:
        if bins == CANDIDATE_BINS[0] or bins * bins * ROWS_A_CELL <= n:
            options.append(Pair(i, j, f"{bins} bins", *_table(x, y, bins)))
    best = max(options, key=lambda pair: pair.log_ratio.mean() - pair.free / (2 * n))
    if best.log_ratio.mean() < STRONG or not distinct:
        return best
    sides = (torch.from_numpy(side.astype(np.float64))[:, None] for side in (x, y))
    near = KSG(k=3).fit_log_ratio(*sides, generator=torch.Generator().manual_seed(0)).double().numpy()
    gap = near - best.log_ratio
    return Pair(i, j, "ksg", near, best.free) if gap.mean() > SURE * spread(gap) else best


ROWS_A_CELL = 5
"""The rows a cell from which the bias of a table is that of its degrees of freedom."""


def _table(x: NDArray[np.floating], y: NDArray[np.floating], bins: int) -> tuple[Floats, int]:
    a, b = cells(x[:, None], bins), cells(y[:, None], bins)
    code_x, code_y = a.codes[:, 0].astype(np.int64), b.codes[:, 0].astype(np.int64)
    share = np.bincount(code_x * bins + code_y, minlength=bins * bins).reshape(bins, bins) / len(x)
    expected = np.outer(share.sum(1), share.sum(0))
    ratio = np.log(np.where(share > 0, share / np.maximum(expected, SMALLEST), 1.0))
    free = int((a.counts[0] - 1) * (b.counts[0] - 1))
    return ratio[code_x, code_y] - free / (2 * len(x)), free


def _normal(x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[Floats, int]:
    """Return the log ratios of a normal copula, and its number of parameters."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    n = len(x)
    u, v = (ndtri((rankdata(side) - 0.5) / n) for side in (x, y))
    u, v = u / np.sqrt(np.square(u).mean()), v / np.sqrt(np.square(v).mean())
    r = float(np.clip((u * v).mean(), -1 + SMALLEST, 1 - SMALLEST))
    ratio = -0.5 * np.log1p(-r * r) + (r * u * v - r * r * (u * u + v * v) / 2) / (1 - r * r)
    return ratio - 1 / (2 * n), 1
