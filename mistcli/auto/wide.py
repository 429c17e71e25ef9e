r"""The mutual information of wide sides: compressed first, then valued by what is known of few columns.

Three lower bounds of it are found, none of which needs more rows than there are columns:

- the sum over pairs of independent components, which a rotation of the principal components of each side gives
  (`mistcli.auto.pairing`); it sees binary sources that are spread over hundreds of columns;
- the information of canonical variates, found by rows that they are not used on, which the estimator for few columns
  values (`mistcli.auto.variates`); it sees strong dependence of any form between few directions;
- the mutual information of normals with the correlations of the principal components, less its exact bias, where each
  direction is weak or normal; it sees dependence that is spread over many directions of which none is known.

The largest is taken, less its standard error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.compression import (
    Principal,
    correlated_columns,
    independent_components,
    matrix,
    principal_components,
    sharpened,
    spectral_gaps,
)
from mistcli.auto.lower_bounds import LowerBound, Narrow, of_critics, of_few_columns, of_normals, of_pairs
from mistcli.auto.pairing import paired
from mistcli.auto.variates import Variates, cross_fitted_variates, normal_dependence
from mistcli.data.cleaning import Variable
from mistcli.errors import DataError
from mistcli.training.composite import Context, Valuation

__all__ = ["is_wide", "value_wide"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

WIDE = 50
"""The columns beyond which a side is wide."""

NARROW = 4
"""The columns up to which a side is given to the estimator for few columns as it is."""

STRONG = 0.5
"""The correlation below which a normal has hardly more information than any other distribution of the same
correlation: 0.144 nats against 0.131 for two binary variables."""

TWO_MODES = -0.75
"""The excess kurtosis below which a component is not near normal: that of a uniform one is -1.2, of two modes -2."""

MIXED = 4
"""The strong variates up to which they are valued where components are not near normal: more of them are mixtures of
components, near normal one by one and not together, of which a copula finds more information than there is."""


@dataclass(frozen=True)
class _Side:
    """A side, compressed.

    Arguments:
        columns: All columns, standardised, (N, D).
        principal: The principal components.
        sizes: The numbers of components that are tried.
    """

    columns: Singles
    principal: Principal
    sizes: Sequence[int]

    @classmethod
    def of(cls, variable: Variable, seed: int) -> _Side:
        columns = matrix(variable)
        if not columns.shape[1]:
            raise DataError("expected a side with a column that varies; all of its columns are constant.")
        principal = principal_components(columns, seed)
        return cls(columns, principal, spectral_gaps(principal.variances))

    def components(self, rounds: int) -> Iterator[tuple[Singles, Singles]]:
        """Yield independent components of each size, and the same with their modes further apart; the last repeats."""
        for k in self.sizes:
            found = independent_components(self.principal.first(k))
            both = found, sharpened(self.principal, found)
            yield both
        for _ in range(rounds - len(self.sizes)):
            yield both


def is_wide(x: Variable, y: Variable) -> bool:
    """Return whether a side has more columns than estimators for few columns can take.

    Example:
        >>> side = Variable(("a",), np.zeros((3, 1)), (None,))
        >>> is_wide(side, side)
        False
    """
    return max(len(side.names) for side in (x, y)) > WIDE


def value_wide(x: Variable, y: Variable, context: Context, narrow: Narrow) -> Valuation:
    """Return the log ratios of the pairs, and what was done to get them.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        context: The folds and the rest.
        narrow: Values the variates of both sides, of up to 10 columns each.

    Raises:
        DataError: If a side has no column that varies.
    """
    sides = _Side.of(x, context.seed), _Side.of(y, context.seed + 1)
    pairs, kurtosis = _component_pairs(*sides, context)
    variates = cross_fitted_variates(sides[0].principal.scores, sides[1].principal.scores, context.folds)
    bounds = [pairs] if pairs else []
    strong, near_normal = _strong(variates), kurtosis > TWO_MODES
    if context.independent and (near_normal or not strong):
        scores = [side.principal.scores for side in sides]
        normal = normal_dependence(scores[0], scores[1], sorted({*sides[0].sizes, *sides[1].sizes}))
        bounds += [of_normals(normal, context)] if normal else []
    few = _few(x, y, sides, variates)
    if not near_normal and strong > MIXED and not _is_few(x) and not _is_few(y):
        bounds.append(of_critics(variates.x, variates.y, context))
    else:
        bounds.append(of_few_columns(*few, context, narrow))
    taken = max(bounds, key=lambda bound: bound.sure)
    told: dict[str, Any] = {
        "wide": {"columns": [side.columns.shape[1] for side in sides], "components": [list(s.sizes) for s in sides]},
        "bounds": {bound.name: {"mi": bound.nats, "stderr": bound.stderr, **bound.told} for bound in bounds},
        "method": taken.name,
    }
    return Valuation(taken.log_ratio, taken.stderr, taken.statistic, told, complete=taken.complete)


def _few(x: Variable, y: Variable, sides: tuple[_Side, _Side], variates: Variates) -> tuple[Variable, Variable]:
    """Return the variates, or the first components if there are none; of a side of few columns, the side."""
    found: list[NDArray[Any]] = [variates.x, variates.y]
    if not variates.x.shape[1]:
        found = [side.principal.scores[:, :NARROW] for side in sides]
    given = [side if _is_few(side) else _variable(columns) for side, columns in zip((x, y), found, strict=True)]
    return given[0], given[1]


def _is_few(side: Variable) -> bool:
    return len(side.names) <= NARROW


def _component_pairs(x: _Side, y: _Side, context: Context) -> tuple[LowerBound | None, float]:
    """Return the best sum over pairs of components, and the least kurtosis of a component."""
    chosen: LowerBound | None = None
    least = math.inf
    for number, both in enumerate(_paired_components(x, y, context)):
        found = paired(*both, context.spread)
        if number % 2 == 0 and number < 2 * len(x.sizes):
            least = min(least, *(float(_kurtosis(side).min()) for side in both))
        bound = of_pairs(found, context) if found.pairs else None
        if bound and bound.nats > max(0.0, chosen.nats if chosen else 0.0):
            chosen = bound
    return chosen, least


def _paired_components(x: _Side, y: _Side, context: Context) -> Iterator[tuple[Singles, Singles]]:
    """Yield components of both sides, as they are and sharpened by turns, and columns that are correlated at last."""
    rounds = max(len(x.sizes), len(y.sizes))
    for left, right in zip(x.components(rounds), y.components(rounds), strict=True):
        yield from zip(left, right, strict=True)
    places = correlated_columns(x.columns, y.columns, context.seed)
    if len(places[0]):
        yield x.columns[:, places[0]], y.columns[:, places[1]]


def _kurtosis(columns: Singles) -> Floats:
    found: Floats = np.square(np.square(columns)).mean(0, dtype=np.float64) - 3
    return found


def _strong(variates: Variates) -> int:
    """Return the number of variates of strong correlation."""
    pairs = zip(variates.x.T, variates.y.T, strict=True)
    return sum(abs(float(np.corrcoef(u, v)[0, 1])) > STRONG for u, v in pairs)


def _variable(columns: NDArray[np.floating]) -> Variable:
    names = tuple(f"variate {k + 1}" for k in range(columns.shape[1]))
    return Variable(names, columns.astype(np.float64), (None,) * columns.shape[1])
