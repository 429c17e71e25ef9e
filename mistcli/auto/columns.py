"""Columns of a side: by place, by kind, and as the levels that are left in some rows."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable

__all__ = ["columns_at", "in_rows", "levels_of", "numeric"]

Rows = NDArray[np.int64]


def numeric(side: Variable) -> list[int]:
    """Return the places of the continuous columns."""
    return [place for place, levels in enumerate(side.levels) if levels is None]


def columns_at(side: Variable, places: Iterable[int]) -> Variable:
    """Return some columns of a side."""
    kept = list(places)
    return Variable(tuple(side.names[p] for p in kept), side.values[:, kept], tuple(side.levels[p] for p in kept))


def in_rows(side: Variable, rows: Rows) -> Variable | None:
    """Return the columns of a side that vary in some rows, levels numbered anew; None where none varies.

    Example:
        >>> side = Variable(("a", "b"), np.array([[0.0, 5.0], [2.0, 5.0], [1.0, 6.0]]), (("u", "v", "w"), None))
        >>> in_rows(side, np.array([0, 1])).values.ravel().tolist()
        [0.0, 1.0]
    """
    values = side.values[rows]
    kept = [place for place in range(values.shape[1]) if len(rows) and np.ptp(values[:, place]) > 0]
    if not kept:
        return None
    left = columns_at(Variable(side.names, values, side.levels), kept)
    levels: list[tuple[str, ...] | None] = []
    for place, known in enumerate(left.levels):
        if known is None:
            levels.append(None)
            continue
        codes, left.values[:, place] = np.unique(left.values[:, place], return_inverse=True)
        levels.append(tuple(known[int(code)] for code in codes))
    return Variable(left.names, left.values, tuple(levels))


def levels_of(codes: Rows) -> Variable:
    """Return a side of one discrete column, whose levels are the codes that occur."""
    known, place = np.unique(codes, return_inverse=True)
    return Variable(("levels",), place[:, None].astype(np.float64), (tuple(map(str, known.tolist())),))
