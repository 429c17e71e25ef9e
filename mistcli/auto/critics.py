"""Critics on top of a copula: trained view after view, for as long as there is something to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.copula import Base, fit_base
from mistcli.auto.residual import Effort, Residual, learn, look, look_canonical, untrained
from mistcli.auto.stacking import Stacked, stack
from mistcli.data.cleaning import Variable
from mistcli.training.composite import Context

__all__ = ["Fitted", "fit_critics"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FIRST = Effort(steps=400, batch_size=512)
"""What a view gets: the next one only where those before it have found something."""

LONGER = Effort(steps=1200, batch_size=1024)
"""What the better view gets where there is something to learn."""

WORTH = 0.005
"""The gain, in nats of the classifier's loss, below which training for longer is not worth the time."""


@dataclass(frozen=True)
class Fitted:
    """A copula, and the critics on top of it with their weights.

    Arguments:
        base: The copula; None for none.
        residuals: The critics, view by view.
        stacked: Their weights, and how far they are believed.
    """

    base: Base | None
    residuals: list[Residual]
    stacked: Stacked

    @property
    def log_ratio(self) -> Floats:
        """The log ratio of each pair, out of fold, (N,) in nats."""
        added = self._weighed([one.values for one in self.residuals])
        return (self.base.log_ratio if self.base else 0.0) + self.stacked.trust * added

    def score(self, x: Rows, y: Rows) -> Floats:
        """Return the log ratios of N pairs of rows, each by the critics of its place, (N,) in nats."""
        return (self.base.score(x, y) if self.base else 0.0) + self.stacked.trust * self.added(x, y)

    def added(self, x: Rows, y: Rows) -> Floats:
        """Return what critics add to the log ratios of N pairs of rows, out of fold, (N,) in nats."""
        return self._weighed([one.out_of_fold(x, y) for one in self.residuals])

    def _weighed(self, parts: Sequence[Floats]) -> Floats:
        added: Floats = np.sum([w * part for w, part in zip(self.stacked.weights, parts, strict=True)], 0)
        return added

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

    @property
    def missed(self) -> float:
        """What critics are taken to have missed, in nats: half of their optimism."""
        return self.stacked.trust * self.optimism / 2

    @property
    def complete(self) -> bool:
        """False where training was told to stop early."""
        return all(one.complete for one in self.residuals)

    def statistic(self, order: Rows) -> float:
        """Return what measures the dependence of x and y[order]."""
        linear = self.base.dependence(order) if self.base else 0.0
        return linear + float(self.added(np.arange(len(order)), order).mean())

    def told(self) -> dict[str, Any]:
        """Return what was done and why, as plain values."""
        base, stacked = self.base, self.stacked
        copula: Any = "none: a side has no continuous column, columns follow from others, or it would mislead"
        if base is not None:
            family = "normal" if np.isinf(base.nu) else f"Student, {base.nu:g} degrees of freedom"
            copula = {"family": family, "mi": float(base.log_ratio.mean())}
        alone = float(base.log_ratio.mean()) if base else 0.0
        critics = [
            {"view": one.scene.view, "steps": one.steps, "weight": round(w, 3), "mi": alone + float(one.values.mean())}
            for one, w in zip(self.residuals, stacked.weights, strict=True)
        ]
        return {
            "copula": copula,
            "critics": critics,
            "gain": {"loss": stacked.gain, "error": stacked.error},
            "trust": stacked.trust,
            "optimism": self.optimism,
        }


def fit_critics(x: Variable, y: Variable, context: Context, *, longer: bool) -> Fitted:
    """Fit a copula, and train and weigh critics on top of it, the best for longer if need be and `longer`."""
    base = fit_base(x, y, context.seed)
    residuals = _residuals(x, y, base, context, longer=longer)
    return Fitted(base, residuals, stack([one.judged for one in residuals]))


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
