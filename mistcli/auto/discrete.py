r"""Mutual information of discrete sides for `auto`: contingency tables, and log-linear models of several columns.

A table of the cells of all columns has no bias that depends on a model, but needs many rows a cell. A log-linear model
of pairs of columns needs fewer. Which one is used is decided by the predicted log ratio of rows left out of the fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C
from mistcli.data.cleaning import Variable
from mistcli.inference.flags import too_few_rows
from mistcli.numerics.contingency import ContingencyTable, cross_tabulate
from mistcli.numerics.dirichlet import leave_one_out_log_ratio
from mistcli.numerics.discrete_information import SAMPLING, DiscreteInformation, discrete_information
from mistcli.numerics.log_linear import Features, LogLinear, fit_log_linear, indicator_features
from mistcli.training.composite import Context, Valuation

__all__ = ["discrete", "discrete_given"]

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Rows], float]

SPARSE = 0.01
"""The expectation of the plug-in estimate under independence, in nats, above which log-linear models are fitted too."""

DENSE, SCREENED = (300.0, 60.0), (10.0,)
"""The penalties of models with all coefficients, and of those with few that passed a screening.

A coefficient of features of unit variance has the variance 1/N under independence, so that a penalty of N halves it.
"""

MOST_COEFFICIENTS = 4000
"""The most coefficients of a model; a larger one is not fitted. Bounds time and memory."""


@dataclass(frozen=True)
class _Candidate:
    """A log-linear model, valued by cross-fitting.

    Attributes:
        held_out: The log ratio of each row by the fit without its fold, (N,) in nats.
        in_sample: The log ratio of each row by the fit to all rows, (N,) in nats.
        statistic: Returns the mean score of x and `y[order]` by the cross-fitted models.
        name: What it is called in the explanation.
    """

    held_out: Floats
    in_sample: Floats
    statistic: Statistic
    name: str


def discrete(x: Variable, y: Variable, context: Context) -> Valuation:
    """Estimate the mutual information of discrete sides.

    Arguments:
        x: One side, codes of levels (N, Dx).
        y: The other side, codes of levels (N, Dy).
        context: The folds and the design of the rows.
    """
    table = cross_tabulate(x.values, y.values)
    found = discrete_information(table, None if context.independent else context.spread)
    explanation: dict[str, Any] = {"kinds": "discrete", "table": found.to_dict()}
    if len(x.names) + len(y.names) > 2 and found.independent > SPARSE:
        score = float(leave_one_out_log_ratio(table).mean())
        candidates = _candidates(x.values.astype(np.int64), y.values.astype(np.int64), context)
        best = max(candidates, key=lambda one: float(one.held_out.mean()), default=None)
        explanation["held-out log ratio"] = {"table": score} | {
            one.name: float(one.held_out.mean()) for one in candidates
        }
        if best is not None and best.held_out.mean() > max(score, 0.0):
            modelled = _log_linear(best, context, explanation | {"method": "log_linear_model"})
            return _calibrated(modelled, found.independent)
    return _calibrated(_tabulated(table, found, explanation | {"method": "table"}), found.independent)


def _calibrated(valuation: Valuation, independent: float) -> Valuation:
    r"""Return the valuation with standard errors towards smaller and larger values, as often exceeded as they say.

    .. math:: \sigma_\pm^2 = a_\pm s^2 + b_\pm E_0^2

    with the standard error s of the estimate, and the expectation :math:`E_0` of the plug-in estimate under
    independence, which tells how much dependence a table of this size can hide. The factors are in `Constants`.

    Arguments:
        valuation: The estimate with its standard error.
        independent: :math:`E_0`, in nats.
    """
    terms = {"spread": valuation.stderr**2, "independent": independent**2}
    low, high = (
        math.sqrt(sum(factor * term for factor, term in zip(factors, terms.values(), strict=True)))
        for factors in (C.discrete_low, C.discrete_high)
    )
    told = {**valuation.explanation, "standard_error": {"low": low, "high": high, "terms": terms}}
    return replace(valuation, stderr=(low + high) / 2, error_low=low, error_high=high, explanation=told)


def discrete_given(x: Variable, y: Variable, z: Variable, context: Context) -> Valuation:
    """Estimate the mutual information of discrete sides given discrete columns, from a table per stratum.

    Arguments:
        x: One side, codes of levels (N, Dx).
        y: The other side, codes of levels (N, Dy).
        z: The conditioning columns, codes of levels (N, Dz).
        context: The design of the rows.
    """
    table = cross_tabulate(x.values, y.values, z.values)
    found = discrete_information(table, None if context.independent else context.spread)
    explanation: dict[str, Any] = {"kinds": "discrete", "strata": len(table.stratum_counts), "table": found.to_dict()}
    return _tabulated(table, found, explanation | {"method": "table_per_stratum"})


def _tabulated(table: ContingencyTable, found: DiscreteInformation, explanation: dict[str, Any]) -> Valuation:
    words = list(too_few_rows(table.n, len(table.x_counts), len(table.y_counts))) if found.undetermined else []
    return Valuation(
        found.log_ratio,
        found.stderr,
        _plug_in_statistic(table),
        explanation,
        warnings=tuple(sentence for _, sentence in words),
        verdict=tuple(word for word, _ in words),
    )


def _plug_in_statistic(table: ContingencyTable) -> Statistic:
    """Return the plug-in estimate up to a constant that permutations leave alone."""
    x, y = table.x_level[table.cell], table.y_level[table.cell]
    n, levels = table.n, len(table.y_counts)

    def statistic(order: Rows) -> float:
        key = x * levels + y[order]
        if len(table.x_counts) * levels <= 16 * n:
            counts = np.bincount(key)
            counts = counts[counts > 1]
        else:
            counts = np.unique(key, return_counts=True)[1]
        return float(counts @ np.log(counts)) / n

    return statistic


def _log_linear(best: _Candidate, context: Context, explanation: dict[str, Any]) -> Valuation:
    r"""Return the mean of held-out and in-sample log ratios, whose biases are opposite and equal to first order.

    A fit of P coefficients has the expected bias :math:`-P / 2N` on other rows and :math:`P / 2N` on its own.
    """
    log_ratio = (best.held_out + best.in_sample) / 2
    gap = float(best.in_sample.mean() - best.held_out.mean()) / 2
    lifted = log_ratio + max(0.0, -float(log_ratio.mean()))
    return Valuation(lifted, math.hypot(SAMPLING * context.spread(log_ratio), gap), best.statistic, explanation)


def _candidates(x: Rows, y: Rows, context: Context) -> list[_Candidate]:
    found: list[_Candidate] = []
    for order in (1, 2):
        sides = indicator_features(x, order), indicator_features(y, order)
        if 0 < sides[0].values.shape[1] * sides[1].values.shape[1] <= MOST_COEFFICIENTS:
            found += _cross_fitted(sides, order, context, screened=True)
            if order == 1:
                found += _cross_fitted(sides, order, context, screened=False)
    return found


def _cross_fitted(
    sides: tuple[Features, Features], order: int, context: Context, *, screened: bool
) -> list[_Candidate]:
    x, y = sides
    rng = np.random.default_rng([context.seed, order])
    penalties = SCREENED if screened else DENSE
    tests = [fold.test for fold in context.folds]
    rest = [np.concatenate([fold.train, fold.valid]) for fold in context.folds]
    fits = [fit_log_linear(x[rows], y[rows], penalties, screened=screened, rng=rng) for rows in rest]
    whole = fit_log_linear(x, y, penalties, screened=screened, rng=rng)
    found = []
    for place, penalty in enumerate(penalties):
        models = [fit[place] for fit in fits]
        held_out = np.empty(len(x.values))
        for model, test in zip(models, tests, strict=True):
            held_out[test] = model.log_ratio(x.values[test], y.values[test])
        statistic = _score_statistic(models, tests, x.values, y.values)
        name = f"log-linear, order {order}, " + ("screened" if screened else f"penalty {penalty:g}")
        found.append(_Candidate(held_out, whole[place].log_ratio(x.values, y.values), statistic, name))
    return found


def _score_statistic(models: Sequence[LogLinear], tests: Sequence[Rows], x: Floats, y: Floats) -> Statistic:
    def statistic(order: Rows) -> float:
        scores = [model.score(x[test], y[order[test]]).sum() for model, test in zip(models, tests, strict=True)]
        return float(sum(scores)) / len(x)

    return statistic
