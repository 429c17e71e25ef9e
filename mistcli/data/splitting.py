"""Which rows train, which decide when to stop, and which are valued.

Cross-fitting: the rows are cut into folds; the fit of a fold is trained on the other folds, less a part that decides
when it stops, and values the rows of its own. So each row is valued once, by a fit that it had no part in.

Rows of a series are cut into blocks of time instead, with a gap around each: neighbours in time are alike, so that a
fit which has seen one has seen something of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError

__all__ = ["Fold", "blocked", "copies", "cross_fitting", "valued_by"]

Rows = NDArray[np.int64]

OFTEN, OFTEN_SHARE = 10, 0.01
"""The most copies of a row, in number or as a share of all, that are taken for copies."""


@dataclass(frozen=True)
class Fold:
    """The rows of one fit, as positions.

    Arguments:
        number: Which of the folds it is, from 0.
        train: The rows it trains on.
        valid: The rows that decide when it stops.
        test: The rows it values.
    """

    number: int
    train: Rows
    valid: Rows
    test: Rows

    def moved(self, by: int) -> Fold:
        """Return the fold of the same rows where `by` others come before them."""
        return replace(self, train=self.train + by, valid=self.valid + by, test=self.test + by)


def valued_by(folds: Sequence[Fold], n: int) -> Rows:
    """Return the place of the fold that values each of `n` rows, (N,).

    Example:
        >>> valued_by(blocked(8, 2, 0, gap=0), 8).tolist()
        [0, 0, 0, 0, 1, 1, 1, 1]
    """
    places = np.zeros(n, dtype=np.int64)
    for place, fold in enumerate(folds):
        places[fold.test] = place
    return places


def cross_fitting(
    n: int, folds: int, valid_fraction: float, rng: np.random.Generator, groups: Rows | None = None
) -> list[Fold]:
    """Cut `n` rows into folds at random.

    Arguments:
        n: The number of rows.
        folds: The number of folds.
        valid_fraction: The share of a fold's training rows that decide when it stops; 0 takes none.
        rng: Draws the order of the rows.
        groups: The group of each row, from 0; rows of one group are never parted.

    Raises:
        DataError: If a fold would have no row to train on, to stop by, or to value.

    Example:
        >>> [len(f.test) for f in cross_fitting(11, 3, 0.3, np.random.default_rng(0))]
        [4, 4, 3]
    """
    label = np.arange(n) if groups is None else groups
    count = int(label.max()) + 1 if n else 0
    if count < 2 * folds:
        rows = f"{n} rows" if groups is None else f"{count} different rows"
        raise DataError(
            f"expected at least two rows a fold; got {rows} for {folds} folds: bring more rows or pass fewer --folds."
        )
    order = rng.permutation(count)
    sizes = np.bincount(label, minlength=count)
    fold_of = np.empty(count, dtype=np.int64)
    fold_of[order] = _cut(sizes[order], folds)
    valid_rank = np.empty(count, dtype=np.int64)
    valid_rank[order] = rng.permutation(count)
    return [_fold(label, fold_of, valid_rank, int(k), valid_fraction) for k in np.unique(fold_of)]


def _cut(sizes: Rows, folds: int) -> Rows:
    """Assign consecutive groups to folds of nearly equal numbers of rows, and of two at least.

    A fold that one large group spans stays empty.
    """
    before = np.cumsum(sizes) - sizes
    total = int(sizes.sum())
    edges = np.cumsum([total // folds + (k < total % folds) for k in range(folds)])[:-1]
    fold = np.searchsorted(edges, before, side="right")
    for k in np.flatnonzero(np.bincount(fold, weights=sizes) == 1):
        fold[fold == k] = fold[fold != k][np.argmin(np.abs(fold[fold != k] - k))]
    return fold


def _fold(label: Rows, fold_of: Rows, valid_rank: Rows, k: int, valid_fraction: float) -> Fold:
    """Return the rows of fold `k`; the groups of least rank among the rest are the validation rows.

    These are as many rows in all folds, two at least, where groups are of one row; and hardly more otherwise.
    """
    rest = np.flatnonzero(fold_of != k)
    ranked = rest[np.argsort(valid_rank[rest])]
    smallest = len(label) - max(np.bincount(fold_of[label]))
    wanted = max(2, round(valid_fraction * smallest)) if valid_fraction else 0
    rows = np.cumsum(np.bincount(label)[ranked])
    valid_count = min(int(np.searchsorted(rows, wanted)) + 1, len(ranked) - 1) if wanted else 0
    role = np.zeros(len(fold_of), dtype=np.int8)
    role[ranked[:valid_count]] = 1
    role[fold_of == k] = 2
    row_role = role[label]
    return Fold(k, *(np.flatnonzero(row_role == r) for r in range(3)))


def blocked(n: int, folds: int, valid_fraction: float, gap: int, *, unit: int = 1) -> list[Fold]:
    """Cut `n` rows, in the order of time, into blocks.

    The fold of a block values it, trains on the others, and is stopped by the rows that follow the block (the first
    ones follow the last). Rows nearer than `gap` to those that are valued or stop the fit are not trained on, and rows
    nearer than that to those that are valued do not stop it.

    Arguments:
        n: The number of rows.
        folds: The number of blocks.
        valid_fraction: The share of the other rows that decide when a fit stops; 0 takes none.
        gap: The rows left out between two parts.
        unit: The ends of the blocks are multiples of it, but for that of the last.

    Raises:
        DataError: If a fold would have no row to train on, to stop by, or to value.

    Example:
        >>> fold = blocked(20, 4, 0.2, gap=2)[1]
        >>> fold.test.tolist(), fold.valid.tolist(), fold.train.tolist()
        ([5, 6, 7, 8, 9], [12, 13], [0, 1, 2, 16, 17, 18, 19])
    """
    edges = np.append(np.arange(folds) * (n // unit) // folds * unit, n)
    rest = n - int(np.diff(edges).max()) - 2 * gap
    count = max(1, round(valid_fraction * rest)) if valid_fraction else 0
    if edges[1] < 2 or rest - count - 2 * gap < 2:
        raise DataError(
            f"expected blocks of time that are longer than the gaps between them; got {n} rows for {folds} folds with "
            f"gaps of {gap}: bring a longer series, or pass smaller lags, a smaller --block or fewer --folds."
        )
    time = np.arange(n)
    found = []
    for k in range(folds):
        test = (time >= edges[k]) & (time < edges[k + 1])
        following = np.roll(time, -edges[k + 1])
        valid = np.zeros(n, dtype=bool)
        valid[following[~_near(test, gap)[following]][:count]] = True
        train = ~_near(test | valid, gap)
        found.append(Fold(k, *(np.flatnonzero(part) for part in (train, valid, test))))
    return found


def _near(chosen: NDArray[np.bool_], gap: int) -> NDArray[np.bool_]:
    """Return which rows are chosen, or at most `gap` away from one that is."""
    before = np.concatenate([[0], np.cumsum(chosen)])
    time = np.arange(len(chosen))
    near: NDArray[np.bool_] = before[np.minimum(time + gap + 1, len(chosen))] > before[np.maximum(time - gap, 0)]
    return near


def copies(rows: NDArray[np.float64]) -> Rows | None:
    """Return the group of each row, equal rows being one group; None if all differ, or too few do.

    Copies of a row on both sides of a split would let a fit value what it has learnt by heart. Where a table has few
    different rows (rounded or discrete columns), equal rows are no copies and may be parted; nor are those of a row
    that a large part of the table equals: zeros on both sides, say.

    Arguments:
        rows: The rows to compare, (N, D).

    Example:
        >>> group = copies(np.array([[1.0], [2.0], [1.0]]))
        >>> bool(group[0] == group[2] != group[1])
        True
    """
    packed = np.ascontiguousarray(rows + 0.0).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    distinct, group = np.unique(packed, return_inverse=True)
    if len(distinct) == len(rows) or len(distinct) < len(rows) / 10:
        return None
    often = np.bincount(group)[group] > max(OFTEN, len(rows) * OFTEN_SHARE)
    group[often] = len(distinct) + np.arange(np.count_nonzero(often))
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
