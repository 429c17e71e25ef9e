r"""Critics, where rows that were held out say that something is left to learn.

A probe comes first: canonical variates in closed form, and one critic, of one fold, that is trained briefly. Only where
one of them tells pairs from negatives, on rows that it has not seen, surely better than the copula does are critics of
all folds trained, view after view (`mistcli.auto.critics`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.copula import Base
from mistcli.auto.critics import Fitted, fit_critics
from mistcli.auto.normalization import log_normaliser, log_partition
from mistcli.auto.residual import Effort, learn, look, look_canonical, untrained
from mistcli.auto.stacking import stack, trust
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.training.composite import Context

__all__ = ["Learnt", "Probe", "capped", "learnt", "probe"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Probe:
    """Whether something is left to learn.

    Arguments:
        found: Whether it is.
        told: By how much a classifier's loss fell, and the standard error of that, in nats.
        complete: False where training was told to stop early.
    """

    found: bool
    told: dict[str, Any]
    complete: bool = True


def probe(x: Variable, y: Variable, base: Base | None, context: Context) -> Probe:
    """Ask canonical variates, and a critic of the first fold, whether they know more than the copula.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        base: The copula; None for none.
        context: The folds and the rest.
    """
    told: dict[str, Any] = {}
    few = look_canonical(x, y, context.folds) if x.values.shape[1] + y.values.shape[1] > 2 else None
    if few is not None:
        gain = stack([untrained(few, base, context).judged])
        told["canonical"] = {"gain": gain.gain, "error": gain.error}
        if gain.real:
            return Probe(found=True, told=told)
    fold, effort = context.folds[0], Effort(C.probe_steps, C.probe_batch)
    critic = learn(look("normal", x, y, base), base, effort, replace(context, folds=[fold]))
    held_out = replace(fold, valid=np.concatenate([fold.valid, fold.test]))
    gain = stack([replace(critic, folds=[held_out]).judged])
    told["critic"] = {"gain": gain.gain, "error": gain.error}
    return Probe(found=gain.gain > C.probe_doubt * gain.error > 0, told=told, complete=critic.complete)


@dataclass(frozen=True)
class Learnt:
    """What critics found.

    Arguments:
        log_ratio: The log ratio of each pair, out of fold, (N,) in nats.
        fitted: The copula and the critics.
        error: The standard error of what was learnt beyond the copula, in nats.
        told: What was done, as plain values.
    """

    log_ratio: Floats
    fitted: Fitted
    error: float
    told: dict[str, Any]


def learnt(x: Variable, y: Variable, context: Context, *, longer: bool) -> Learnt:
    """Train critics of all folds on top of a copula, and make log ratios of their scores.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        context: The folds and the rest.
        longer: Whether to train the best view for longer.
    """
    fitted = fit_critics(x, y, context, longer=longer)
    log_ratio, told = fitted.log_ratio + fitted.missed, fitted.told()
    alone = float(fitted.base.log_ratio.mean()) if fitted.base else 0.0
    partition = None if fitted.base else log_partition(x, y, fitted.score)
    error = 0.0
    if partition is not None:
        log_ratio = log_ratio - partition
    else:
        constant, error = log_normaliser(fitted.score, context.folds)
        removed = constant * trust(constant, error) if error < context.spread(log_ratio) else 0.0
        told["normaliser"] = {"log": constant, "error": error, "removed": removed}
        log_ratio, error = log_ratio - removed, error if removed else 0.0
    unseen = C.unseen * abs(float(log_ratio.mean()) - alone)
    return Learnt(log_ratio, fitted, float(np.hypot(np.hypot(fitted.missed, unseen), error)), told)


def capped(folds: Sequence[Fold], rows: int, seed: int) -> list[Fold]:
    """Return the folds with at most so many rows that train, and a quarter of that that decide; all are valued.

    Arguments:
        folds: The folds.
        rows: The most rows that train.
        seed: The seed that draws them.
    """
    return [
        replace(
            fold,
            train=_some(fold.train, rows, [seed, fold.number, 0]),
            valid=_some(fold.valid, rows // 4, [seed, fold.number, 1]),
        )
        for fold in folds
    ]


def _some(rows: Rows, most: int, seed: list[int]) -> Rows:
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
