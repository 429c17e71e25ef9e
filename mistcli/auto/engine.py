r"""Estimates without training, of any two sides.

Columns are screened, discrete parts taken apart by the chain rule, and the rest is left to classifiers, copulas and
nearest neighbours.

.. math:: I(A, X; B, Y) = I(A; B, Y) + \sum_a \hat p(a) \, I(X; B, Y \mid A = a)

and likewise for B, with the discrete parts A and B of both sides (`mistcli.auto.strata`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.classes import classes
from mistcli.auto.columns import columns_at, in_rows, levels_of, numeric
from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.continuous import continuous
from mistcli.auto.found import Found, better
from mistcli.auto.screening import detectable, screened
from mistcli.auto.strata import Part, discrete_part, restricted
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.numerics.contingency import cross_tabulate
from mistcli.numerics.discrete_information import discrete_information

__all__ = ["ClosedForm"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Folds = Sequence[Fold]


class ClosedForm:
    """Estimates without training.

    Arguments:
        seed: The seed of every random choice.
        independent: Whether the rows are independent of each other, so that neighbours may be asked.
    """

    def __init__(self, seed: int, *, independent: bool) -> None:
        self.seed, self.independent = seed, independent

    def estimate(self, x: Variable, y: Variable, folds: Folds) -> Found:
        """Return the log ratios of the pairs.

        Columns that tell nothing are left out of the parts that suffer from them. The copula keeps all continuous ones;
        estimates from the first few columns are taken where they exceed it, since fewer columns never hold more.

        Arguments:
            x: One side, (N, Dx).
            y: The other side, (N, Dy).
            folds: The folds.
        """
        hidden = detectable(x, y)
        if x.values.shape[1] == y.values.shape[1] == 1 or not (numeric(x) or numeric(y)):
            return replace(self._parts(x, y, folds), hidden=hidden)
        picks = screened(x, y)
        chosen = _places(picks)
        told = {"screened": {"x": [x.names[p] for p in chosen[0]], "y": [y.names[p] for p in chosen[1]]}}
        few = columns_at(x, chosen[0]), columns_at(y, chosen[1])
        if picks and any(len(numeric(side)) < len(side.names) for side in few):
            best = self._parts(*few, folds)
        else:
            best = self._numbers(x, y, folds)
            everything = len(numeric(x)), len(numeric(y))
            for count in range(2, min(len(picks), C.neighbour_columns) + 1):
                places = _places(picks[:count])
                if tuple(map(len, places)) == everything:
                    break
                best = better(best, self._parts(columns_at(x, places[0]), columns_at(y, places[1]), folds), C.doubt)
        columns = (tuple(chosen[0]), tuple(chosen[1])) if picks else None
        return replace(best, explanation={**told, **best.explanation}, hidden=hidden, columns=columns)

    def _numbers(self, x: Variable, y: Variable, folds: Folds) -> Found:
        """Return the estimate from the continuous columns alone."""
        if not numeric(x) or not numeric(y):
            return Found(np.zeros(len(x.values)))
        sides = columns_at(x, numeric(x)), columns_at(y, numeric(y))
        return continuous(*sides, folds, self.seed, independent=self.independent)

    def _parts(self, x: Variable, y: Variable, folds: Folds) -> Found:
        """Return the estimate from all columns, discrete parts taken apart."""
        a, b = discrete_part(x), discrete_part(y)
        if a is None and b is None:
            return continuous(x, y, folds, self.seed, independent=self.independent)
        if a is not None and b is not None and not numeric(x) and not numeric(y):
            return _table(a, b)
        if a is not None and not numeric(x):
            return self._beside(a, y, b, folds)
        if b is not None and not numeric(y):
            return self._beside(b, x, a, folds)
        if a is not None:
            return self._chain(self._parts(levels_of(a.codes), y, folds), x, y, a, folds)
        return self._parts(y, x, folds)

    def _beside(self, level: Part, other: Variable, part: Part | None, folds: Folds) -> Found:
        """Return the estimate from a discrete side and one that is not, of which `part` is the discrete part."""
        side = levels_of(level.codes)
        if part is not None and part.levels <= C.strata:
            return self._chain(_table(level, part), other, side, part, folds)
        return classes(level.codes, other, folds, self.seed, independent=self.independent)

    def _chain(self, first: Found, x: Variable, y: Variable, part: Part, folds: Folds) -> Found:
        """Add to the information of the discrete part of x and y that of the rest of x and y, given the part."""
        n = len(x.values)
        total, second, told = np.zeros(n), Found(np.zeros(n), free=0), {}
        rest = columns_at(x, numeric(x))
        for level in range(part.levels):
            rows = np.flatnonzero(part.codes == level)
            sides = [in_rows(side, rows) for side in (rest, y)]
            if len(rows) < C.stratum_rows or sides[0] is None or sides[1] is None:
                continue
            found = self.estimate(sides[0], sides[1], restricted(folds, rows, n))
            total[rows], share = found.log_ratio, len(rows) / n
            terms = {key: share * getattr(found, key) for key in ("learnt", "apart", "growth", "hidden")}
            second = second + Found(np.zeros(n), free=found.free, **terms)
            told[str(level)] = {"rows": len(rows), "mi": found.value, **found.explanation}
        explanation = {"chain_rule": {"discrete_part": dict(first.explanation), "given_it": told}}
        return replace(first + replace(second, log_ratio=total), explanation=explanation)


def _places(picks: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Return the places of the columns of x, and of y."""
    return [place for side, place in picks if side == 0], [place for side, place in picks if side == 1]


def _table(a: Part, b: Part) -> Found:
    """Return the estimate from two discrete parts."""
    found = discrete_information(cross_tabulate(a.codes[:, None], b.codes[:, None]))
    log_ratio = found.log_ratio
    beyond = max(0.0, found.stderr**2 - float(log_ratio.var()) / len(log_ratio)) ** 0.5
    free = (a.levels - 1) * (b.levels - 1)
    return Found(log_ratio, learnt=beyond, free=min(free, len(log_ratio)), explanation={"table": found.to_dict()})
