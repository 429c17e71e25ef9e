"""Tables of counts of many pairs of columns at once, as one matrix product of indicators."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mistcli.matrix.ranks import Floats, Ints

__all__ = ["blocks", "counts"]

HELD = 2**24
"""The most indicators, and the most counts, that are held at once: 64 MB each; bounds memory, not results."""

MANY = 1024
"""The most cells of a pair for which a product of indicators is quicker than counting rows pair by pair."""


def counts(x: Ints, x_size: int, y: Ints, y_size: int) -> Floats:
    """Return how many rows have each combination of codes, for each column of x and each of y.

    Arguments:
        x: Codes from 0 to `x_size` - 1, (N, P).
        x_size: The number of codes of x.
        y: Codes from 0 to `y_size` - 1, (N, Q).
        y_size: The number of codes of y.

    Returns:
        Counts, (P, Q, x_size, y_size).

    Example:
        >>> counts(np.array([[0], [1], [1]]), 2, np.array([[1], [0], [0]]), 2)[0, 0].tolist()
        [[0.0, 1.0], [2.0, 0.0]]
    """
    if x_size * y_size > MANY:
        joint = x[:, :, None] * y_size + y[:, None, :]
        size = x_size * y_size
        flat = [np.bincount(codes, minlength=size) for codes in joint.reshape(len(x), -1).T]
        return np.array(flat, dtype=np.float64).reshape(x.shape[1], y.shape[1], x_size, y_size)
    widths = x.shape[1] * x_size, y.shape[1] * y_size
    total = np.zeros(widths)
    step = max(1, HELD // max(widths))
    for start in range(0, len(x), step):
        part = slice(start, start + step)
        total += _indicators(x[part], x_size).T @ _indicators(y[part], y_size)
    return total.reshape(x.shape[1], x_size, y.shape[1], y_size).transpose(0, 2, 1, 3)


def blocks(columns: int, cells: int) -> Iterator[slice]:
    """Yield slices of the columns so small that the counts of two such blocks fit into memory."""
    step = max(1, int(HELD**0.5 / 2) // cells)
    for start in range(0, columns, step):
        yield slice(start, min(start + step, columns))


def _indicators(codes: Ints, size: int) -> NDArray[np.float32]:
    n, columns = codes.shape
    flat = np.zeros((n, columns * size), dtype=np.float32)  # holds counts exactly up to 2^24 rows a part
    np.put_along_axis(flat, codes + np.arange(columns) * size, np.float32(1), axis=1)
    return flat
