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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable
from mistcli.data.splitting import valued_by
from mistcli.errors import ConfigError
from mistcli.estimators.plugin import PlugIn
from mistcli.estimators.strategy import Context, Strategy, Valuation
from mistcli.inference.interval import resolution
from mistcli.strategies.copula import Base, fit_base
from mistcli.strategies.neighbours import SURE, neighbours
from mistcli.strategies.residual import Effort, Residual, learn, look, look_canonical, untrained
from mistcli.strategies.stacking import Stacked, stack
from mistcli.strategies.views import continuous

__all__ = ["Auto"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FIRST = Effort(steps=400, batch_size=512)
"""What a view gets: the next one only where those before it have found something."""

LONGER = Effort(steps=1200, batch_size=1024)
"""What the better view gets where there is something to learn."""

WORTH = 0.005
"""The gain, in nats of the classifier's loss, below which training for longer is not worth the time."""

MANY_LEVELS = 30
"""The levels of a discrete side up to which scores are normalised over all of them."""


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
        if not continuous(x) and not continuous(y):
            return _counted(x, y, context)
        found = neighbours(x, y, context)
        alone = found is None or found.blocks.size > 2
        learnt = _learnt(x, y, context, longer=alone)
        if found is None:
            return learnt
        gap = found.log_ratio - learnt.log_ratio
        explanation: dict[str, Any] = {**learnt.explanation, "neighbours": found.told()}
        if gap.mean() <= SURE * context.spread(gap):
            return replace(learnt, explanation=explanation)

        def statistic(order: Rows) -> float:
            return learnt.statistic(order) + found.blocks.dependence(order)

        return replace(
            learnt,
            log_ratio=found.log_ratio,
            stderr=max(found.stderr, learnt.stderr),
            statistic=statistic,
            explanation={**explanation, "taken": "nearest neighbours"},
        )


def _counted(x: Variable, y: Variable, context: Context) -> Valuation:
    """Return the log ratios of a table."""
    sides = torch.from_numpy(x.values), torch.from_numpy(y.values)
    estimator = PlugIn()
    log_ratio = estimator.fit_log_ratio(*sides)
    error = max(context.spread(log_ratio.numpy()), estimator.stderr(log_ratio))

    def statistic(order: Rows) -> float:
        return float(PlugIn(correction="none").fit_log_ratio(sides[0], sides[1][order]).mean())

    return Valuation(log_ratio.numpy(), error, statistic, {"kinds": "discrete", "taken": "table"})


@dataclass(frozen=True)
class _Fitted:
    """A copula, and the critics on top of it with their weights."""

    base: Base | None
    residuals: list[Residual]
    stacked: Stacked

    @property
    def residual(self) -> Floats:
        """What is added to the copula's log ratio of each pair, out of fold."""
        return self._weighed([one.values for one in self.residuals])

    def of(self, x: Rows, y: Rows) -> Floats:
        """Return what is added to that of N pairs of rows, each by the critics of its place."""
        return self._weighed([one.out_of_fold(x, y) for one in self.residuals])

    def _weighed(self, parts: Sequence[Floats]) -> Floats:
        residual: Floats = np.sum([w * part for w, part in zip(self.stacked.weights, parts, strict=True)], 0)
        return residual

    @property
    def optimism(self) -> float:
        r"""By how much more critics add on rows that they were trained on than on others, in nats, and not below 0.

        The truth lies between: where the likelihood is what is fitted, half way (Akaike).

        References:
            | A new look at the statistical model identification (Akaike, 1974)
            | https://doi.org/10.1109/TAC.1974.1100705
        """
        each = zip(self.stacked.weights, self.residuals, strict=True)
        return max(0.0, sum(w * one.optimism for w, one in each))

    def statistic(self, order: Rows) -> float:
        """Return what measures the dependence of x and y[order]."""
        linear = self.base.dependence(order) if self.base else 0.0
        return linear + float(self.of(np.arange(len(order)), order).mean())


def _learnt(x: Variable, y: Variable, context: Context, *, longer: bool) -> Valuation:
    """Return the log ratios of a copula and of critics on top of it, trained for longer if need be and `longer`."""
    if not all(len(fold.valid) for fold in context.folds):
        raise ConfigError("expected rows by which critics are weighed; got none: give a --valid-fraction above 0.")
    base = fit_base(x, y, context.seed)
    residuals = _residuals(x, y, base, context, longer=longer)
    stacked = stack([one.judged for one in residuals])
    fitted = _Fitted(base, residuals, stacked)
    missed = stacked.trust * fitted.optimism / 2
    log_ratio = (base.log_ratio if base else 0.0) + stacked.trust * fitted.residual + missed
    if base is None:
        log_ratio = log_ratio - _log_partition(x, y, lambda *rows: stacked.trust * fitted.of(*rows))
    least = resolution(x.values.shape[1], y.values.shape[1], len(log_ratio))
    error = math.hypot(context.spread(log_ratio, valued_by(context.folds, len(log_ratio)), least=least), missed)
    complete = all(one.complete for one in residuals)
    return Valuation(log_ratio, error, fitted.statistic, _told(fitted), complete=complete)


def _residuals(x: Variable, y: Variable, base: Base | None, context: Context, *, longer: bool) -> list[Residual]:
    """Train critics, view after view, for as long as there is something to learn."""

    def judge(found: list[Residual]) -> Stacked:
        return stack([one.judged for one in found])

    found = [learn(look("normal", x, y, base), base, FIRST, context)]
    few = look_canonical(x, y, context.folds) if x.values.shape[1] + y.values.shape[1] > 2 else None
    if few and found[-1].complete and (judge(found).real or judge([untrained(few, base, context)]).real):
        found.append(learn(few, base, FIRST, context))
    first = judge(found)
    if first.real and found[-1].complete:
        found.append(learn(look("standard", x, y, base), base, FIRST, context))
        first = judge(found)
    best = min(found, key=lambda one: judge([one]).loss)
    rows = min(len(fold.train) for fold in context.folds)
    worth = first.real and first.gain > WORTH and best.scene is not few and LONGER.most(rows) > FIRST.steps
    if longer and worth and found[-1].complete:
        found.append(learn(best.scene, base, LONGER, context))
    return found


def _log_partition(x: Variable, y: Variable, score: Callable[[Rows, Rows], Floats]) -> Floats | float:
    r"""Return the log partition of each row over the levels of the other side, (N,); 0 unless that has few.

    .. math:: \log Z(x) = \log \sum_c p(c) \, e^{f(x, c)}

    With it a score says how much likelier x makes a level, and says so without fail: its mean is a lower bound.
    """
    rows = np.arange(len(x.values))
    for place, side in ((1, y), (0, x)):
        if continuous(side):
            continue
        _, first, counts = np.unique(side.values, axis=0, return_index=True, return_counts=True)
        if len(first) > MANY_LEVELS:
            continue
        against = [np.full_like(rows, row) for row in first]
        scores = [score(*((rows, level) if place else (level, rows))) for level in against]
        partition: Floats = np.logaddexp.reduce(np.log(counts / len(rows))[:, None] + np.stack(scores))
        return partition
    return 0.0


def _told(fitted: _Fitted) -> dict[str, Any]:
    """Return what was done and why, as plain values."""
    base, stacked = fitted.base, fitted.stacked
    copula: Any = "none: a side has no continuous column, columns follow from others, or it would mislead"
    if base is not None:
        family = "normal" if np.isinf(base.nu) else f"Student, {base.nu:g} degrees of freedom"
        copula = {"family": family, "mi": float(base.log_ratio.mean())}
    alone = float(base.log_ratio.mean()) if base else 0.0
    critics = [
        {"view": one.scene.view, "steps": one.steps, "weight": round(w, 3), "mi": alone + float(one.values.mean())}
        for one, w in zip(fitted.residuals, stacked.weights, strict=True)
    ]
    return {
        "copula": copula,
        "critics": critics,
        "gain": {"loss": stacked.gain, "error": stacked.error},
        "trust": stacked.trust,
        "optimism": fitted.optimism,
        "taken": "copula and critics",
    }
