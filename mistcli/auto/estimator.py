r"""`auto`: one configuration for all data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.budget import Budget
from mistcli.auto.columns import columns_at, numeric
from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.copula import fit_base
from mistcli.auto.dependence import Dependence
from mistcli.auto.discrete import discrete, discrete_given
from mistcli.auto.engine import ClosedForm
from mistcli.auto.errors import errors
from mistcli.auto.found import Found, better, floor
from mistcli.auto.learning import Learnt, capped, learnt, probe
from mistcli.auto.neighbours import neighbours
from mistcli.auto.wide import is_wide, value_wide
from mistcli.data.cleaning import Variable
from mistcli.errors import ConfigError
from mistcli.inference.flags import disagreeing
from mistcli.training.composite import Context, Strategy, Valuation
from mistcli.training.devices import device_of

__all__ = ["Auto"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Sides = tuple[Variable, Variable]


class Auto(Strategy):
    r"""One configuration for all data.

    The estimate is built in steps, each of which adds what it surely finds beyond the steps before it:

    .. math:: \hat I_0 = \text{closed forms}, \qquad \hat I_{j} = \hat I_{j - 1} + s_j(\Delta_j), \qquad
              \Delta_j = \frac1N \sum_i \big(\ell_j(x_i, y_i) - \ell_{j - 1}(x_i, y_i)\big)

    .. math:: s_j(\Delta) = \max\big(0, \min(\Delta, \; 2 (\Delta - \lambda_j \, \mathrm{SE}(\Delta)))\big)

    since all members err on the low side. The closed forms are, by the kinds of the sides:

    - discrete and discrete: a table, or a log-linear model of several columns (`mistcli.auto.discrete`);
    - discrete and other: classifiers, weighed by their log score on rows they have not seen (`mistcli.auto.classes`),
      and nearest neighbours within classes;
    - continuous: a normal or Student copula on all rows less its known bias, kernel densities weighed on rows they have
      not seen, and nearest neighbours (`mistcli.auto.continuous`);
    - sides of mixed columns, and columns with values that many rows share: the chain rule over the discrete part
      (`mistcli.auto.strata`);

    of the columns in which dependence is seen (`mistcli.auto.screening`). Sides of more than 50 columns are
    compressed first (`mistcli.auto.wide`). Then follow neighbours in blocks of columns
    that depend on each other, and critics on top of the copula (`mistcli.auto.learning`).

    The standard errors towards smaller and larger values are those of `mistcli.auto.errors`. The estimate and its
    interval are clipped to what is possible, from 0 to the smaller entropy of a discrete side; `raw` in the explanation
    is not.

    References:
        | Hybrid mutual information estimators (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608
        | Estimating mutual information (Kraskov, Stögbauer and Grassberger, 2004)
        | https://arxiv.org/abs/cond-mat/0305641
        | Stacked generalization (Wolpert, 1992)
        | https://doi.org/10.1016/S0893-6080(05)80023-1

    Arguments:
        effort: How much to try: "quick" trains nothing, "normal" trains critics where a probe says that something is
            left to learn, "thorough" trains them in any case, and for longer.
        budget: The seconds after which no further step is begun and training ends; None for no limit. The closed forms
            are computed in any case.
    """

    def __init__(
        self, *, effort: Literal["quick", "normal", "thorough"] = "normal", budget: float | None = None
    ) -> None:
        self.effort, self.budget = effort, budget

    def value(self, x: Variable, y: Variable, context: Context) -> Valuation:
        """Return the log ratios of the pairs, and what was done to get them."""
        if is_wide(x, y):
            return replace(value_wide(x, y, context, self._narrow), limits=(0.0, entropy(x, y)))
        return self._narrow(x, y, context)

    def _narrow(self, x: Variable, y: Variable, context: Context) -> Valuation:
        """Return the log ratios of the pairs of sides that are not wide."""
        if not numeric(x) and not numeric(y):
            found = discrete(x, y, context)
            return replace(found, limits=(0.0, entropy(x, y)))
        device_of(context.training.device)  # one that is missing is refused, whether it would be used or not
        if self.effort != "quick" and not all(len(fold.valid) for fold in context.folds):
            raise ConfigError("expected rows by which critics are weighed; got none: give a --valid-fraction above 0.")
        budget, engine = Budget(self.budget), ClosedForm(context.seed, independent=context.independent)
        best = engine.estimate(x, y, context.folds)
        told: dict[str, Any] = {"effort": self.effort, "closed_form": dict(best.explanation)}
        critics: Learnt | None = None
        if self.effort != "quick":
            few = _telling(x, y, best)
            best = self._blocks(few, best, context, budget, told)
            columns = len(x.names) + len(y.names)
            enough = len(x.values) >= C.critic_rows_a_column * columns
            best, critics = self._critics((x, y) if enough else few, best, context, budget, told)
        if budget.left_out:
            told["left_out"] = budget.left_out
        return _valuation((x, y), best, critics, context, told)

    def value_given(self, x: Variable, y: Variable, z: Variable, context: Context) -> Valuation | None:
        """Return the log ratios of discrete x and y given discrete z, from a table per level of z; None for others."""
        return None if any(map(numeric, (x, y, z))) else discrete_given(x, y, z, context)

    def _blocks(self, sides: Sides, found: Found, context: Context, budget: Budget, told: dict[str, Any]) -> Found:
        """Ask nearest neighbours of blocks of columns that depend on each other."""
        n, columns = len(found.log_ratio), sum(side.values.shape[1] for side in sides)
        if columns <= 2 or n < C.block_rows or not budget.allows("blocks"):
            return found
        parts = neighbours(*sides, context)
        if parts is None:
            return found
        told["blocks"] = parts.told()
        return better(found, Found(parts.log_ratio, free=parts.blocks.size, explanation=parts.told()), C.block_doubt)

    def _critics(
        self, sides: Sides, found: Found, context: Context, budget: Budget, told: dict[str, Any]
    ) -> tuple[Found, Learnt | None]:
        """Train critics where a probe says that something is left to learn."""
        n, columns = len(found.log_ratio), sum(side.values.shape[1] for side in sides)
        thorough = self.effort == "thorough"
        few = columns < C.critic_columns and context.independent and not thorough
        if n < C.critic_rows or few or not budget.allows("critics"):
            return found, None
        folds = capped(context.folds, C.training_rows, context.seed)
        training = replace(context, folds=folds, should_stop=budget.stops(context.should_stop))
        seen = probe(*sides, fit_base(*sides, context.seed), training)
        told["probe"] = {**seen.told, "found": seen.found}
        if not seen.complete and not budget.spent:
            told["interrupted"] = True
        if not (seen.found or thorough) or not budget.allows("critics"):
            return found, None
        critics = learnt(*sides, training, longer=thorough)
        told["critics"] = critics.told
        if not critics.fitted.complete and budget.spent:
            budget.left_out.append("longer training")
        elif not critics.fitted.complete:
            told["interrupted"] = True
        value = float(critics.log_ratio.mean())
        other = Found(critics.log_ratio, critics.error, max(0.0, found.value - value), free=found.free)
        return better(found, other, C.critic_doubt), critics


def _telling(x: Variable, y: Variable, found: Found) -> Sides:
    """Return the columns in which dependence was seen, or all where it was not looked for, or nowhere seen."""
    if not found.columns:
        return x, y
    return columns_at(x, found.columns[0]), columns_at(y, found.columns[1])


def _valuation(sides: Sides, found: Found, critics: Learnt | None, context: Context, told: dict[str, Any]) -> Valuation:
    n = len(found.log_ratio)
    spread = context.spread(found.log_ratio, least=floor(max(found.free, 1.0), n))
    error = errors(found, spread, sum(len(side.names) for side in sides))
    told["method"] = "closed_forms" if critics is None else "closed_forms_and_critics"
    told["raw"] = found.value
    told["standard_error"] = {"low": error.low, "high": error.high, "terms": dict(error.terms)}
    words = list(disagreeing(found.value, found.apart, error.both))
    return Valuation(
        found.log_ratio,
        error.both,
        _statistic(sides, critics, n),
        told,
        warnings=tuple(word.sentence for word in words),
        complete=not told.get("interrupted", False),
        verdict=tuple(word.word for word in words),
        error_low=error.low,
        error_high=error.high,
        limits=(0.0, entropy(*sides)),
    )


def _statistic(sides: Sides, critics: Learnt | None, n: int) -> Callable[[Rows], float]:
    """Return what measures the dependence of x and y[order]: the larger of that of functions and that of critics.

    Both are in standard deviations of what they are where x and y are independent, about.
    """
    dependence = Dependence(*sides)
    if critics is None:
        return dependence
    rows, score = np.arange(n), critics.fitted.added
    apart = np.concatenate([score(rows, np.roll(rows, by)) for by in (n // 3, n // 2)])
    middle, scale = float(apart.mean()), float(apart.std()) / n**0.5

    def statistic(order: Rows) -> float:
        return max(dependence(order), (float(score(rows, order).mean()) - middle) / scale if scale else 0.0)

    return statistic


def entropy(x: Variable, y: Variable) -> float:
    r"""Return what the mutual information does not exceed, in nats: infinity where both sides have continuous columns.

    .. math:: \min\big(\log L, \; \hat H + 2 \, \mathrm{SE}(\hat H)\big)

    of a discrete side of L levels, with the entropy of their shares; the smaller of the two where both are discrete.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).

    Example:
        >>> side = Variable(("c",), np.repeat([0.0, 1.0], 50)[:, None], (("u", "v"),))
        >>> round(entropy(side, Variable(("z",), np.zeros((100, 1)), (None,))), 4)
        0.6931
    """
    most: list[float] = []
    for side in (x, y):
        if numeric(side):
            continue
        share = np.unique(side.values, axis=0, return_counts=True)[1] / len(side.values)
        surprise = -np.log(share)
        mean = float(share @ surprise)
        error = math.sqrt(max(0.0, float(share @ surprise**2) - mean**2) / len(side.values))
        most.append(min(math.log(len(share)), mean + 2 * error))
    return min(most, default=math.inf)
