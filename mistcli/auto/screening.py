r"""The columns of both sides that dependence is seen in: few, where others are noise or copies.

The information of some columns is never more than that of all of them, so that an estimate from fewer columns errs on
the low side alone. Columns are added one by one, as long as the next one surely tells more than those before it: with
orthonormal functions :math:`Q` of a column, less what the chosen columns of its side explain, and those of a column of
the other side,

.. math:: N \, \lVert Q_i(X_i \mid X_S)^\top Q_j(Y_j) \rVert_F^2 \sim \chi^2_{A B}

where the column tells nothing.

References:
    | The structure of bivariate distributions (Lancaster, 1958)
    | https://doi.org/10.1214/aoms/1177706687
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.strata import atoms
from mistcli.data.cleaning import Variable

__all__ = ["detectable", "functions", "screened"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LEVEL = 0.05
"""The chance that a column of noise is taken for one that tells something, all columns together."""

MOST = 6
"""The most columns of a side that are chosen."""

DEGREE = 4
ROWS_A_DEGREE = 40
MOST_LEVELS = 12
SMALL = 1e-8


def functions(column: Floats, levels: int) -> Floats:
    """Return standardised functions of a column, (N, A): curves of its ranks and its atoms, or indicators of levels."""
    n = len(column)
    if levels:
        codes, counts = np.unique(column, return_counts=True)
        often = codes[np.argsort(-counts, kind="stable")[: min(MOST_LEVELS, max(1, n // 10), len(codes) - 1)]]
        found = (column[:, None] == often).astype(np.float64)
    else:
        _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
        u = ((np.cumsum(counts) - counts / 2) / n)[place]
        waves = np.arange(1, 1 + max(1, min(DEGREE, n // ROWS_A_DEGREE)))
        found = np.column_stack([np.cos(np.pi * u[:, None] * waves), *(column == value for value in atoms(column))])
    found = found - found.mean(0)
    q, r = np.linalg.qr(found)
    kept: Floats = q[:, np.abs(np.diag(r)) > SMALL * n**0.5]
    return kept


def screened(x: Variable, y: Variable) -> list[tuple[int, int]]:
    """Return the columns in which dependence is seen, most telling first; none if nowhere.

    Returns:
        The side (0 for x, 1 for y) and the place of each column; the first two are of either side.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> side = rng.standard_normal((500, 5))
        >>> x = Variable(tuple("abcde"), side, (None,) * 5)
        >>> y = Variable(("y",), side[:, 1:2] ** 2 + rng.standard_normal((500, 1)), (None,))
        >>> screened(x, y)
        [(0, 1), (1, 0)]
    """
    blocks = [[functions(c, k) for c, k in zip(side.values.T, side.counts, strict=True)] for side in (x, y)]
    rest = [list(side) for side in blocks]
    chosen: tuple[list[int], list[int]] = ([], [])
    picks: list[tuple[int, int]] = []
    level = LEVEL / (len(blocks[0]) * len(blocks[1]))
    while True:
        if not chosen[0]:
            surprise = _surprise(blocks[0], blocks[1])
            first = divmod(int(np.argmin(surprise)), surprise.shape[1])
            if surprise[first] > math.log(level):
                break
            new = [(0, first[0]), (1, first[1])]
        else:
            options = []
            for side in (0, 1):
                if len(chosen[side]) >= MOST:
                    continue
                p = _surprise(rest[side], blocks[1 - side])
                p[chosen[side]] = 0.0
                place = divmod(int(np.argmin(p)), p.shape[1])
                options.append((float(p[place]), side, place[0]))
            if not options or min(options)[0] > math.log(level):
                break
            new = [min(options)[1:]]
        picks += new
        for side, place in new:
            chosen[side].append(place)
            span = np.concatenate([blocks[side][p] for p in chosen[side]], 1)
            if 3 * span.shape[1] > len(span):
                return picks
            basis = np.linalg.qr(span)[0]
            rest[side] = [_orthonormal(b - basis @ (basis.T @ b)) for b in blocks[side]]
    return picks


def detectable(x: Variable, y: Variable) -> float:
    r"""Return the standard deviation of what noise adds to the information that all functions see, in nats.

    .. math:: \sqrt{P / 2} \, / N

    with P the number of pairs of functions of x and of y: less than that goes unseen.
    """
    n = len(x.values)
    sizes = [sum(_size(c, k) for c, k in zip(side.values.T, side.counts, strict=True)) for side in (x, y)]
    return math.sqrt(sizes[0] * sizes[1] / 2) / n


def _size(column: Floats, levels: int) -> int:
    n = len(column)
    return min(MOST_LEVELS, max(1, n // 10), levels - 1) if levels else max(1, min(DEGREE, n // ROWS_A_DEGREE))


def _surprise(x: list[Floats], y: list[Floats]) -> Floats:
    """Return the logarithms of the p-values of all pairs of blocks, (P, Q)."""
    from scipy.stats import chi2

    if not x or not y:
        return np.zeros((len(x), len(y)))
    n = len(x[0])
    square = np.square(np.concatenate(x, 1).T @ np.concatenate(y, 1))
    edges = [np.cumsum([0, *(b.shape[1] for b in side)])[:-1] for side in (x, y)]
    sizes = [np.array([b.shape[1] for b in side]) for side in (x, y)]
    kept = [size > 0 for size in sizes]
    out = np.zeros((len(x), len(y)))
    if not all(k.any() for k in kept):
        return out
    sums = np.add.reduceat(np.add.reduceat(square, edges[0][kept[0]], 0), edges[1][kept[1]], 1)
    free = np.outer(sizes[0][kept[0]], sizes[1][kept[1]])
    out[np.ix_(kept[0], kept[1])] = chi2.logsf(n * sums, free)
    return out


def _orthonormal(block: Floats) -> Floats:
    """Return an orthonormal basis of what is left of orthonormal functions, (N, A) -> (N, A'); nothing if little is."""
    if not block.shape[1]:
        return block
    u, s, _ = np.linalg.svd(block, full_matrices=False)
    left: Floats = u[:, s > 0.1]
    return left
