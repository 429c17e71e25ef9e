r"""`auto`: one configuration for all data.

Tables of discrete columns are counted. For all else the log ratio is that of a copula in closed form plus a residual
that critics learn,

.. math:: \ell(x, y) = \ell_0(x, y) + \sum_v w_v \, g_v(x, y)

so that training begins where the copula ends. The copula's part is valued on all rows, with its known bias removed; the
residual's on rows that its fit has not seen, which keeps the variance, and the shortfall, of the learnt part small.
The critics see the columns in several views, and are weighed by how well they tell pairs from negatives. Where they
know something that the copula does not, the better view is trained for longer. Nearest neighbours are asked too, in
few columns or in blocks of few: both fall short of the truth rather than exceed it, so that where they differ by more
than chance the larger has seen more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.critics import fit_critics
from mistcli.auto.discrete import discrete, discrete_given
from mistcli.auto.features import continuous
from mistcli.auto.neighbours import SURE, neighbours
from mistcli.auto.normalization import log_normaliser, log_partition
from mistcli.auto.stacking import trust
from mistcli.auto.wide import is_wide, value_wide
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import valued_by
from mistcli.errors import ConfigError
from mistcli.inference.flags import Word, disagreeing
from mistcli.inference.interval import resolution
from mistcli.training.composite import Context, Strategy, Valuation

__all__ = ["Auto"]

Rows = NDArray[np.int64]

WIDER = 1.3
"""By how much estimates differ more than the log ratios tell: the copula, for one, is fitted to the same rows."""

UNSEEN, UNSEEN_BY_NONE = 0.03, 0.1
"""The standard error of what is learnt, as a share of it: where others were asked too, and where critics stand alone.

Both, and `WIDER`, are such that intervals hold as often as they say on the families of `mist bench` (docs/accuracy.md).
"""


class Auto(Strategy):
    r"""One configuration for all data: tables, or a copula, learnt residuals, and nearest neighbours where strong.

    .. math:: I(X; Y) \approx I_0 + \sum_v w_v \, \mathbb{E}\big[f_v(X, Y) - \ell_0(X, Y)\big]

    with the copula's log ratio :math:`\ell_0`, its mutual information :math:`I_0` on all rows, less its known bias, and
    critics :math:`f_v`, each valued on rows that it has not seen and weighed on others. The copula is a control
    variate: what it knows need not be learnt, and does not suffer from few rows.

    References:
        | Hybrid mutual information estimators (Federici, Ruhe and Forré, 2023)
        | https://arxiv.org/abs/2306.00608
        | Beyond Normal: on the evaluation of mutual information estimators (Czyż et al., 2023)
        | https://arxiv.org/abs/2306.11078
        | Double/debiased machine learning for treatment and structural parameters (Chernozhukov et al., 2018)
        | https://arxiv.org/abs/1608.00060
    """

    def value(self, x: Variable, y: Variable, context: Context) -> Valuation:
        """Return the log ratios of the pairs, and what was done to get them."""
        if is_wide(x, y):
            return value_wide(x, y, context, self._few_columns)
        return self._few_columns(x, y, context)

    def _few_columns(self, x: Variable, y: Variable, context: Context) -> Valuation:
        """Return the log ratios of the pairs of sides that are not wide."""
        if not continuous(x) and not continuous(y):
            return discrete(x, y, context)
        found = neighbours(x, y, context)
        alone = found is None or found.blocks.size > 2
        learnt = _learnt(x, y, context, alone=alone)
        if found is None:
            return learnt
        gap = found.log_ratio - learnt.log_ratio
        values = float(learnt.log_ratio.mean()), float(found.log_ratio.mean())
        error = math.hypot(found.stderr, learnt.stderr)
        explanation: dict[str, Any] = {**learnt.explanation, "neighbours": found.told()}
        if gap.mean() <= SURE * context.spread(gap):  # in many columns, it is no news that neighbours fall short
            words = [] if alone else disagreeing(*values, error, ("critics", "nearest neighbours"))
            return _said(replace(learnt, explanation=explanation), words)

        def statistic(order: Rows) -> float:
            return learnt.statistic(order) + found.blocks.dependence(order)

        taken = replace(
            learnt,
            log_ratio=found.log_ratio,
            stderr=max(found.stderr, learnt.stderr),
            statistic=statistic,
            explanation={**explanation, "method": "nearest_neighbours"},
        )
        return _said(taken, disagreeing(*values[::-1], error, ("nearest neighbours", "critics")))

    def value_given(self, x: Variable, y: Variable, z: Variable, context: Context) -> Valuation | None:
        """Return the log ratios of discrete x and y given discrete z, from a table per level of z; None for others."""
        return None if any(map(continuous, (x, y, z))) else discrete_given(x, y, z, context)


def _said(valuation: Valuation, words: Iterable[Word]) -> Valuation:
    said = list(words)
    return replace(
        valuation,
        warnings=tuple(sentence for _, sentence in said),
        verdict=tuple(word for word, _ in said),
    )


def _learnt(x: Variable, y: Variable, context: Context, *, alone: bool) -> Valuation:
    """Return the log ratios of a copula and of critics on top of it, trained for longer where they stand `alone`."""
    if not all(len(fold.valid) for fold in context.folds):
        raise ConfigError("expected rows by which critics are weighed; got none: give a --valid-fraction above 0.")
    fitted = fit_critics(x, y, context, longer=alone)
    log_ratio, told = fitted.log_ratio, fitted.told()
    partition = None if fitted.base else log_partition(x, y, fitted.score)
    fold_of = valued_by(context.folds, len(log_ratio))
    least = resolution(x.values.shape[1], y.values.shape[1], len(log_ratio))
    spread = context.spread(log_ratio, fold_of, least=least)
    errors = [WIDER * spread, fitted.missed]
    if partition is not None:
        log_ratio = log_ratio - partition
    else:
        constant, error = log_normaliser(fitted.score, context.folds)
        removed = constant * trust(constant, error) if error < spread else 0.0
        told["normaliser"] = {"log": constant, "error": error, "removed": removed}
        log_ratio = log_ratio - removed
        errors.append(error if removed else 0.0)
    told["method"] = "copula_and_critics"
    share = UNSEEN_BY_NONE if alone and partition is None else UNSEEN
    errors.append(share * abs(float(np.mean(log_ratio - (fitted.base.log_ratio if fitted.base else 0.0)))))
    return Valuation(log_ratio + fitted.missed, math.hypot(*errors), fitted.statistic, told, complete=fitted.complete)
