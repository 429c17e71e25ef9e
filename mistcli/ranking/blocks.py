r"""Columns as blocks of features, and what a block adds to those that are chosen, in closed form.

A block holds smooth functions of the ranks of a column, or indicators of its levels. With the residuals of a block and
of the target given all chosen blocks, both orthonormal, the conditional mutual information under joint normality is

.. math:: I(F; Y \mid S) = -\tfrac{1}{2} \log\det(I - Q_F^\top Q_Y Q_Y^\top Q_F)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mistcli.matrix.columns import Unit
from mistcli.matrix.ranks import Floats, Ints, normal_scores, ranks_within

__all__ = ["Blocks", "features", "gain"]

ORDER = 4
"""The functions of a continuous column: its normal score, and cosines of its ranks up to this order, which bend."""

MOST_LEVELS = 20
"""The levels of a discrete column that have an indicator of their own: the most frequent ones."""

LEAST = 1e-9
"""The share of its variance below which a feature counts as determined by the others."""


def features(unit: Unit, rows: Ints) -> Floats:
    """Return the features of a column, centred, each 0 where the column lacks a value, (N, D).

    Arguments:
        unit: The column.
        rows: The rows, as positions, (N,).

    Example:
        >>> features(Unit("a", np.arange(50), 0), np.arange(50)).shape
        (50, 4)
    """
    present = np.ones(len(rows), dtype=bool) if unit.present is None else unit.present[rows]
    codes = unit.codes[rows][present]
    n = len(codes)
    if unit.levels:
        counts = np.bincount(codes, minlength=unit.levels)
        frequent = np.argsort(-counts, kind="stable")[: min(MOST_LEVELS, unit.levels - 1)]
        known = (codes[:, None] == frequent).astype(np.float64)
    else:
        ranks = ranks_within(codes, np.ones(n, dtype=bool))
        bends = np.cos(np.pi * np.outer((ranks + 0.5) / max(n, 1), np.arange(2, ORDER + 1)))
        known = np.column_stack([normal_scores(n)[ranks], bends]) if n else np.empty((0, ORDER))
    found = np.zeros((len(rows), known.shape[1]))
    found[present] = known - (known.mean(0) if n else 0.0)
    return found


def orthonormal(block: Floats) -> Floats:
    """Return an orthonormal basis of the columns of a block, without those that the others determine, (N, D)."""
    if not block.shape[1]:
        return block
    left, size, _ = np.linalg.svd(block, full_matrices=False)
    scale = np.sqrt(len(block))
    return np.asarray(left[:, size > LEAST * max(scale, float(size.max(initial=0.0)))])


def gain(product: Floats) -> Floats:
    """Return the mutual information of normal blocks by the product of their bases, (..., D, C) -> (...), in nats."""
    square = product @ np.swapaxes(product, -1, -2)
    _, logarithm = np.linalg.slogdet(np.eye(square.shape[-1]) * (1 + LEAST) - square)
    return np.asarray(-0.5 * logarithm)


class Blocks:
    """Blocks of features, and a target, of all of which what is chosen has been taken away.

    Arguments:
        sides: The features of each candidate, (N, D) each; the first is the straightest.
        target: The features of the target, (N, C).
        given: What is given from the start, (N, G).
        ordered: Whether the first feature of the target counts alone too, as that of a continuous one does.
    """

    def __init__(self, sides: Sequence[Floats], target: Floats, given: Floats, *, ordered: bool) -> None:
        self.n = len(target)
        width = max((side.shape[1] for side in sides), default=0)
        self._sides = np.zeros((len(sides), self.n, width))
        for place, side in enumerate(sides):
            self._sides[place, :, : side.shape[1]] = side
        self._leads = self._sides[:, :, :1].copy()
        self._targets = [target, target[:, :1]] if ordered else [target]
        self._chosen = 1
        self._take(given)

    def choose(self, place: int) -> None:
        """Take what a candidate explains away from the target and from all others."""
        self._take(self._leads[place] if self.straight(place) else self._sides[place])

    def straight(self, place: int) -> bool:
        """Return whether the first feature of a candidate adds as much as all of them, after bias."""
        whole, first = (self._variant(bases, counts, None)[place, 0] for bases, counts in self._bases)
        return bool(first >= whole)

    def gains(self, orders: Ints | None = None) -> Floats:
        r"""Return what each candidate adds, in nats, (P, B).

        It is the gain of all its features or of the first alone, for all features of the target or the first alone:
        whichever is largest after its bias, :math:`D C / 2 N` for :math:`D` features and :math:`C` of the target.

        Arguments:
            orders: Orders in which the rows of the target are taken, (B, N); the one of the data by default.
        """
        whole, first = (self._variant(bases, counts, orders) for bases, counts in self._bases)
        return np.maximum(whole, first)

    def pointwise(self, place: int) -> Floats:
        """Return the log ratio of each row between a candidate and the target under normality, (N,) in nats."""
        best, found = -np.inf, np.zeros(self.n)
        for bases, _ in self._bases:
            for target in self._target_bases:
                left, size, right = np.linalg.svd(bases[place].T @ target, full_matrices=False)
                size = np.minimum(size, 1 - LEAST)
                value = float(-0.5 * np.log1p(-np.square(size)).sum()) - bases.shape[2] * target.shape[1] / (2 * self.n)
                if value > best:
                    best, u, v = value, bases[place] @ left, target @ right.T
                    cross = self.n * (size * u * v - np.square(size) * (np.square(u) + np.square(v)) / 2)
                    found = (cross / (1 - np.square(size)) - 0.5 * np.log1p(-np.square(size))).sum(1)
        return found

    def _variant(self, bases: Floats, counts: Ints, orders: Ints | None) -> Floats:
        """Return what blocks with these bases add, for the better part of the target, (P, B)."""
        number, best = 1 if orders is None else len(orders), None
        freedom = max(self.n - self._chosen, 1)
        for target in self._target_bases:
            size = target.shape[1]
            if not size:  # what is chosen explains all of the target
                found = np.zeros((len(bases), number))
            else:
                rows = target[None] if orders is None else target[orders]
                flat = rows.transpose(1, 0, 2).reshape(self.n, -1)
                product = (bases.transpose(0, 2, 1) @ flat).reshape(len(bases), -1, number, size)
                found = gain(product.transpose(0, 2, 1, 3)) - (counts * size / (2 * freedom))[:, None]
            best = found if best is None else np.maximum(best, found)
        return np.asarray(best)

    def _take(self, block: Floats) -> None:
        """Take the span of a block away from everything."""
        basis = orthonormal(block)
        self._chosen += basis.shape[1]
        for parts in (self._sides, self._leads):
            parts -= basis @ (basis.T @ parts)
        self._targets = [target - basis @ (basis.T @ target) for target in self._targets]
        self._target_bases = [orthonormal(target) for target in self._targets]
        self._bases = (_bases(self._sides), _bases(self._leads))


def _bases(sides: Floats) -> tuple[Floats, Ints]:
    """Return an orthonormal basis of each block, filled up with zeros, (P, N, D), and its size, (P,)."""
    n = sides.shape[1]
    value, vector = np.linalg.eigh(sides.transpose(0, 2, 1) @ sides)
    kept = value > LEAST * np.maximum(n, value.max(-1, keepdims=True, initial=0.0))
    scaled = np.where(kept, 1 / np.sqrt(np.where(kept, value, 1.0)), 0.0)
    return sides @ (vector * scaled[:, None, :]), kept.sum(-1)
