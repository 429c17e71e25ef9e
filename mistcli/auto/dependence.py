r"""A measure of dependence that needs no fit: for permutation tests.

.. math:: T = \max_g \frac{N \, \lVert Q_g(X)^\top Q_g(Y) \rVert_F^2 - P_g}{\sqrt{2 P_g}}

with orthonormal functions :math:`Q_g` of each side, (N, A) and (N, B), and :math:`P_g = A B`. Where x and y are
independent :math:`N \lVert Q^\top Q \rVert^2` is about :math:`\chi^2` of :math:`P` degrees of freedom; where they are
nearly so, :math:`\lVert Q^\top Q \rVert^2 / 2` is the mutual information that the functions see. The families :math:`g`
are linear, curved, and waves.

References:
    | The structure of bivariate distributions (Lancaster, 1958)
    | https://doi.org/10.1214/aoms/1177706687
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.features import continuous, scores
from mistcli.auto.strata import atoms
from mistcli.data.cleaning import Variable

__all__ = ["Dependence"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

DEGREE = 4
WAVES = 10
"""The highest polynomial of normal scores, and the most half waves over the ranks of a column."""

FEW_COLUMNS = 4
"""The columns of a side up to which products of two are looked at, and waves of one."""

ROWS_A_FUNCTION = 10
"""The fewest rows a function: of more functions, the first ones are taken."""

INDEPENDENT = 1e-6
"""The least size of a function, of unit variance, that is not a combination of those before it."""


class Dependence:
    """The statistic of two sides.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).

    Example:
        >>> x, y = np.random.default_rng(0).standard_normal((2, 200, 1))
        >>> sides = [Variable((name,), side, (None,)) for name, side in (("x", x), ("y", x**2 + y))]
        >>> order = np.arange(200)
        >>> Dependence(*sides)(order) > 10 > Dependence(*sides)(np.roll(order, 99))
        True
    """

    def __init__(self, x: Variable, y: Variable) -> None:
        most = max(2, len(x.values) // ROWS_A_FUNCTION)
        families = [[_orthonormal(f, most) for f in _families(side)] for side in (x, y)]
        self.pairs = [(a, b) for a, b in zip(*families, strict=True) if a.size and b.size]

    def __call__(self, order: Rows) -> float:
        """Return the statistic of x and y[order]."""
        found = [0.0]
        for a, b in self.pairs:
            free = a.shape[1] * b.shape[1]
            square = float(np.square(a.T @ b[order]).sum())
            found.append((len(order) * square - free) / math.sqrt(2 * free))
        return max(found[1:], default=0.0)


def _families(side: Variable) -> list[Floats]:
    """Return functions of a side, family by family: the columns, curves and products of them, and waves."""
    z, places = scores(side, "normal"), continuous(side)
    levels = [
        (side.values[:, place, None] == np.arange(len(known) - 1)).astype(np.float64)
        for place, known in enumerate(side.levels)
        if known is not None
    ]
    apart = [(side.values[:, place, None] == atoms(side.values[:, place])).astype(np.float64) for place in places]
    linear = [z, *levels]
    curved = [*linear, *apart, *_polynomials(z)]
    if 2 <= z.shape[1] <= FEW_COLUMNS:
        first, second = np.triu_indices(z.shape[1], 1)
        curved.append(z[:, first] * z[:, second])
    waves = list(curved)
    if 1 <= z.shape[1] <= FEW_COLUMNS:
        from scipy.special import ndtr

        waves = [*linear, *(np.cos(np.pi * k * ndtr(z)) for k in range(1, 1 + WAVES // z.shape[1]))]
    return [np.concatenate(parts, 1) for parts in (linear, curved, waves)]


def _polynomials(z: Floats) -> Sequence[Floats]:
    """Return the Hermite polynomials of degree 2 and more: all up to `DEGREE` of few columns, squares of many."""
    found = [np.ones_like(z), z]
    for k in range(2, (DEGREE if z.shape[1] <= FEW_COLUMNS else 2) + 1):
        found.append((z * found[-1] - math.sqrt(k - 1) * found[-2]) / math.sqrt(k))
    return found[2:]


def _orthonormal(functions: Floats, most: int) -> Floats:
    """Return an orthonormal basis of the functions, less their means, (N, P) -> (N, P')."""
    functions = functions[:, :most] - functions[:, :most].mean(0)
    spread = functions.std(0)
    functions = functions[:, spread > 0] / spread[spread > 0]
    if not functions.size:
        return functions
    q, r = np.linalg.qr(functions)
    kept: Floats = q[:, np.abs(np.diag(r)) > INDEPENDENT * len(functions) ** 0.5]
    return kept
