r"""Discrete parts of sides, by the chain rule: columns of levels, and values that repeat in continuous columns.

With x of a discrete part A and a rest X, and y of a discrete part B and a rest Y,

.. math:: I(A, X; B, Y) = I(A; B) + I(A; Y \mid B) + I(X; B \mid A) + I(X; Y \mid A, B)

where a term given a discrete part is a mean over its values. A value of a continuous column which many rows share
(zeros, a limit of detection) is a level of its own: given it, nothing of the column is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold

__all__ = ["Part", "atoms", "discrete_part", "restricted", "taken"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

LEAST_ATOM = 0.05
FEWEST_ROWS = 8
"""The share of rows, and the number, that share a value which is taken for a level of its own."""

MOST_ATOMS = 3
"""The most such values of a column: of more, the column is rounded rather than inflated."""

LARGE_ATOM = 0.2
"""The share of rows from which on a value is a level of its own in a rounded column too."""


@dataclass(frozen=True)
class Part:
    """The discrete part of a side.

    Arguments:
        codes: Its value in each row, (N,), from 0.
        levels: The number of its values.
    """

    codes: Rows
    levels: int


def atoms(column: Floats) -> Floats:
    """Return the values of a continuous column that many rows share, sorted.

    Example:
        >>> atoms(np.concatenate([np.zeros(30), np.arange(1.0, 71.0)])).tolist()
        [0.0]
    """
    values, counts = np.unique(column, return_counts=True)
    often = counts >= max(FEWEST_ROWS, LEAST_ATOM * len(column))
    if often.sum() > MOST_ATOMS:
        often = counts >= LARGE_ATOM * len(column)
    return values[often]


def discrete_part(side: Variable) -> Part | None:
    """Return the discrete part of a side, None where it has none.

    Example:
        >>> column = np.concatenate([np.zeros(30), np.arange(1.0, 71.0)])[:, None]
        >>> discrete_part(Variable(("c",), column, (None,))).levels
        2
    """
    parts: list[Rows] = []
    for column, levels in zip(side.values.T, side.levels, strict=True):
        if levels is not None:
            parts.append(column.astype(np.int64))
        elif len(found := atoms(column)):
            parts.append(np.where(np.isin(column, found), np.searchsorted(found, column), len(found)))
    if not parts:
        return None
    _, codes = np.unique(np.stack(parts, 1), axis=0, return_inverse=True)
    codes = codes.ravel().astype(np.int64)
    return Part(codes, int(codes.max()) + 1)


def taken(side: Variable, rows: Rows) -> Variable | None:
    """Return the continuous columns of some rows that are not constant there; None where there are none."""
    values = side.values[rows]
    kept = [
        place
        for place, levels in enumerate(side.levels)
        if levels is None and len(rows) and np.ptp(values[:, place]) > 0
    ]
    if not kept:
        return None
    return Variable(tuple(side.names[p] for p in kept), values[:, kept], (None,) * len(kept))


def restricted(folds: Sequence[Fold], rows: Rows, n: int) -> list[Fold]:
    """Return the folds of some of n rows, numbered anew; those without rows to fit or to value are left out."""
    place = np.full(n, -1)
    place[rows] = np.arange(len(rows))

    def kept(part: Rows) -> Rows:
        found = place[part]
        return found[found >= 0]

    return [Fold(fold.number, kept(fold.train), kept(fold.valid), kept(fold.test)) for fold in folds]
