"""Parts of random tables: pairs of columns with known mutual information, and ways to compute it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from mistcli.benchmark.problem import Draw

__all__ = [
    "ColumnKind",
    "Part",
    "Truth",
    "channel_information",
    "exact",
    "merged_information",
    "monte_carlo",
    "part",
]

Floats: TypeAlias = NDArray[np.float64]
ColumnKind: TypeAlias = Literal["continuous", "atoms", "levels"]
"""Continuous without ties, real-valued with ties, or levels that have no order."""

Truth: TypeAlias = tuple[float, float]
"""The mutual information and its standard error, in nats."""

MAX_ERROR = 0.001
"""The standard error at which `monte_carlo` stops, in nats; half of the 0.002 that random tables promise."""

ROWS_A_LEVEL = 4
"""A column of as many levels as there are rows is an identifier, which estimators refuse."""

MAX_DRAWS = 1_000_000
CHUNK = 20_000


@dataclass(frozen=True)
class Part:
    """A distribution of a few columns of x and y, with its mutual information.

    Arguments:
        family: The family of distributions that it is from.
        summary: The distribution and its parameters, in one line.
        draw: Draws n pairs, (n, Dx) and (n, Dy).
        compute: Computes the mutual information and its standard error, in nats.
        x: The kind of each column of x.
        y: The kind of each column of y.
        least_rows: The least number of rows of a table with this part: a few for each level.
    """

    family: str
    summary: str
    draw: Draw
    compute: Callable[[], Truth]
    x: tuple[ColumnKind, ...]
    y: tuple[ColumnKind, ...]
    least_rows: int = 0

    @cached_property
    def truth(self) -> Truth:
        """The mutual information and its standard error, in nats."""
        return self.compute()


def part(
    family: str,
    summary: str,
    draw: Draw,
    compute: Callable[[], Truth],
    x: tuple[ColumnKind, int] = ("continuous", 1),
    y: tuple[ColumnKind, int] = ("continuous", 1),
    *,
    levels: int = 0,
) -> Part:
    """Return a part whose sides have columns of one kind each, given as kind and number, some with many `levels`."""
    return Part(family, summary, draw, compute, (x[0],) * x[1], (y[0],) * y[1], ROWS_A_LEVEL * levels)


def exact(value: float) -> Truth:
    """Return a truth without sampling error; values that rounding made negative become 0.

    Example:
        >>> exact(-1e-17)
        (0.0, 0.0)
    """
    return max(float(value), 0.0), 0.0


def channel_information(weights: Floats, conditional: Floats, widths: Floats | None = None) -> float:
    r"""Return the mutual information of an input with K values and the output of a channel, in nats.

    .. math:: I = \sum_i w_i \sum_j v_j \, q_{ij} \log \frac{q_{ij}}{\sum_k w_k q_{kj}}

    Arguments:
        weights: The probability of each input, (K,); weights of quadrature nodes where the input is continuous.
        conditional: The probability or density of each output given each input, (K, m).
        widths: The quadrature weights of the outputs, (m,); ones where None, as for probabilities.

    Example:
        >>> round(channel_information(np.array([0.5, 0.5]), np.eye(2)), 6)
        0.693147
    """
    v = np.ones(conditional.shape[1]) if widths is None else widths
    output = weights @ conditional
    within = float(weights @ (xlogy(conditional, conditional) @ v))
    return within - float(xlogy(output, output) @ v)


def merged_information(mass: Floats, x_cells: NDArray[np.int64], y_cells: NDArray[np.int64]) -> float:
    """Return the mutual information that is left after nodes of a grid are merged into cells, in nats.

    Arguments:
        mass: The probability mass of each pair of nodes, (n, m).
        x_cells: The cell of each node of x, (n,), in increasing order without gaps.
        y_cells: The same for y, (m,).
    """
    rows = np.flatnonzero(np.diff(x_cells, prepend=-1))
    columns = np.flatnonzero(np.diff(y_cells, prepend=-1))
    merged = np.add.reduceat(np.add.reduceat(mass, rows, axis=0), columns, axis=1)
    apart = np.outer(merged.sum(1), merged.sum(0))
    return float((merged * np.log(np.maximum(merged, 1e-300) / np.maximum(apart, 1e-300))).sum())


def monte_carlo(mean_of: Callable[[np.random.Generator, int], Floats], key: int) -> Truth:
    r"""Return the mean of random values and its standard error, which is at most 0.001 unless a million are too few.

    Arguments:
        mean_of: Draws n values whose mean is the mutual information, (n,) in nats.
        key: The seed of these draws.
    """
    rng = np.random.default_rng([key, 0x7])
    count, total, squares = 0, 0.0, 0.0
    while count < MAX_DRAWS:
        values = mean_of(rng, CHUNK)
        count += len(values)
        total += float(values.sum())
        squares += float((values**2).sum())
        mean = total / count
        error = math.sqrt(max(squares / count - mean**2, 0.0) / count)
        if count >= 3 * CHUNK and error < MAX_ERROR:
            break
    return max(mean, 0.0), error
