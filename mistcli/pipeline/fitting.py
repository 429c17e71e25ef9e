"""From prepared columns to log ratios: by training, in one go, or by a strategy that chooses among such."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.data.splitting import valued_by
from mistcli.errors import FitError
from mistcli.estimators.base import CriticEstimator, DirectEstimator, Estimator, TrainableEstimator
from mistcli.inference.interval import held_out_resolution
from mistcli.pipeline.preprocessing import Prepared, restricted
from mistcli.training.composite import Context, Valuation
from mistcli.training.crossfit import CrossFitted, DataSet, cross_fit
from mistcli.training.events import Evaluated, Event, Listener, part, rows
from mistcli.training.trainer import generator

__all__ = ["Statistic", "Valued", "value", "value_strata"]

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
Statistic: TypeAlias = Callable[[Rows], float]
"""Returns, for an order of the rows, how much x tells of `y[order]`; rows change places within their fold only."""


@dataclass(frozen=True)
class Valued:
    """Pairs with their log ratios.

    Arguments:
        log_ratio: The log ratio of each pair, (N,) in nats.
        stderr: The standard error of their mean, in nats.
        statistic: What a test of independence compares.
        fitted: The fits that valued them; none where they are made of several estimators.
        complete: False where training was told to stop early.
        fold_of: The fold whose fit valued each pair, (N,); None where nothing was trained.
        ceiling: The most that the estimate can be, in nats; None where there is no such limit.
        terms: The terms in nats that the estimate is the difference of, if it is one.
        explanation: How they came about.
        warnings: What the reader of the number should know, in words.
        verdict: The same in a word or two each.
        error_low: The standard error towards smaller values, in nats; `stderr` by default.
        error_high: That towards larger values.
        limits: What the mutual information certainly is between, in nats.
    """

    log_ratio: Floats
    stderr: float
    statistic: Statistic
    fitted: Sequence[Estimator] = ()
    complete: bool = True
    fold_of: Rows | None = None
    ceiling: float | None = None
    terms: tuple[float, ...] = ()
    explanation: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    error_low: float | None = None
    error_high: float | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def nats(self) -> float:
        """The mean log ratio."""
        return float(self.log_ratio.mean())

    @property
    def parts(self) -> list[Rows]:
        """The rows that one fit valued, fit by fit, or all rows."""
        if self.fold_of is None:
            return [np.arange(len(self.log_ratio))]
        return [np.flatnonzero(self.fold_of == fold) for fold in range(int(self.fold_of.max()) + 1)]


def value(samples: Sequence[Prepared], listener: Listener, should_stop: Callable[[], bool]) -> list[Valued]:
    """Value the pairs of each sample; those that train alike are trained together.

    Arguments:
        samples: What differs in nothing but the columns, or the rows, that are x and y.
        listener: Is told what happens.
        should_stop: Is asked after every training step whether to stop.

    Raises:
        DataError: If the pairs do not allow an estimate.
        FitError: If the log ratios are not finite.
        PluginError: If an estimator failed that a plugin brings.
    """
    if samples[0].plan.trained:
        valued = _train_all(samples, listener, should_stop)
    elif samples[0].plan.chooses:
        valued = [_choose(one, listener, should_stop) for one in samples]
    else:
        valued = [_fit(one) for one in samples]
    for one in valued:
        if not np.isfinite([one.nats, one.stderr]).all():
            raise FitError(
                f"estimator {samples[0].config.estimator.name!r} gave log ratios that are not finite: try another "
                "--transform, a lower --lr, or another estimator."
            )
    return valued


class _Recorder(Listener):
    """Keeps evaluations, and passes them on."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._events: list[Evaluated] = []

    def emit(self, event: Event) -> None:
        """Keep `event` if it tells of measured values, and pass it on."""
        if isinstance(event, Evaluated):
            self._events.append(event)
        self._listener.emit(event)

    def records(self, fits: slice) -> list[dict[str, Any]]:
        """Return what was measured of some of the fits, as rows of a history."""
        return [row for event in self._events for row in rows(part(event, fits))]


def _train_all(samples: Sequence[Prepared], listener: Listener, should_stop: Callable[[], bool]) -> list[Valued]:
    """Train samples of one size together."""
    alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for place, one in enumerate(samples):
        alike.setdefault((one.encoded.x.shape, one.encoded.y.shape), []).append(place)
    valued: dict[int, Valued] = {}
    for places in alike.values():
        valued |= zip(places, _train([samples[p] for p in places], listener, should_stop), strict=True)
    return [valued[place] for place in range(len(samples))]


def _train(group: Sequence[Prepared], listener: Listener, should_stop: Callable[[], bool]) -> list[Valued]:
    """Train a fit a fold, and value each row by the fit that has not seen it."""
    config, plan = group[0].config, group[0].plan
    data = [DataSet(one.x, one.y, one.design.folds(config.training, config.seed)) for one in group]
    recorder = _Recorder(listener)
    make = plan.trainable(data[0].x.shape[1], data[0].y.shape[1])
    with plan.blamed():
        fitted = cross_fit(make, data, config.training, seed=config.seed, listener=recorder, should_stop=should_stop)
    valued, first = [], 0
    for one, sides, crossed in zip(group, data, fitted, strict=True):
        records = recorder.records(slice(first, first + len(sides.folds)))
        one.history.records.extend(records)
        first += len(sides.folds)
        n = len(sides.x)
        error = one.design.spread(
            crossed.log_ratio, crossed.fold_of, least=held_out_resolution(sides.x.shape[1], sides.y.shape[1], n)
        )
        valued.append(
            Valued(
                crossed.log_ratio,
                error,
                _out_of_fold(one, sides, crossed),
                crossed.fits,
                crossed.complete,
                crossed.fold_of,
                crossed.fits[0].ceiling(n),
                explanation=_trained(one, sides, records),
            )
        )
    return valued


def _out_of_fold(one: Prepared, sides: DataSet, crossed: CrossFitted) -> Statistic:
    """Return the statistic of trained fits: the mean score of the pairs, each by the fit that has not seen them.

    The scores of pairs alone: what is subtracted from them to get log ratios depends on the sides, each by itself.
    """

    def statistic(order: Rows) -> float:
        total = 0.0
        with one.plan.blamed(), torch.inference_mode():
            for estimator, fold in zip(crossed.fits, sides.folds, strict=True):
                x, y = (torch.from_numpy(rows).to(sides.x.device) for rows in (fold.test, order[fold.test]))
                total += float(_scores(estimator, sides.x[x], sides.y[y]).double().sum())
        return total / len(order)

    return statistic


def _scores(estimator: TrainableEstimator, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the scores of pairs, (N,): the larger, the more x and y go together."""
    if not isinstance(estimator, CriticEstimator):
        return estimator.log_ratio(x, y)
    if type(estimator).scores is not CriticEstimator.scores:
        return estimator.scores(x, y, 1)[0]
    return estimator.critic.score(*estimator.critic.embed(x, y))


def _trained(one: Prepared, sides: DataSet, records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    training, critic = one.config.training, one.plan.critic_entry
    fold = sides.folds[0]
    return {
        **({"critic": critic.spec.name} if critic else {}),
        "folds": len(sides.folds),
        "rows_per_fold": {"train": len(fold.train), "validation": len(fold.valid), "test": len(fold.test)},
        "training": {
            "steps": max((int(record["iteration"]) for record in records), default=0),
            "batch_size": min(training.batch_size, len(fold.train)),
            "lr": training.lr,
        },
    }


def _fit(one: Prepared) -> Valued:
    """Fit an estimator that needs no training, and value all rows at once."""
    x, y = one.x, one.y

    def fitted(order: Rows) -> tuple[DirectEstimator, torch.Tensor, float]:
        estimator = one.plan.direct().declare_columns(one.cleaned.x.counts, one.cleaned.y.counts)
        with one.plan.blamed(), torch.inference_mode():
            random = generator(one.config.seed, "direct")
            log_ratio = estimator.fit_log_ratio(x, y[torch.from_numpy(order)], generator=random)
            return estimator, log_ratio, estimator.stderr(log_ratio)

    rows = np.arange(len(x))
    estimator, log_ratio, own = fitted(rows)
    values = log_ratio.double().numpy()
    error = one.design.spread(values, least=own)
    with one.plan.blamed():
        told = list(estimator.diagnostics())
    return Valued(
        values,
        error,
        lambda order: float(fitted(order)[1].mean()),
        [estimator],
        ceiling=estimator.ceiling(len(x)),
        warnings=tuple(sentence for _, sentence in told),
        verdict=tuple(word for word, _ in told),
    )


def value_strata(one: Prepared, listener: Listener, should_stop: Callable[[], bool]) -> Valued | None:
    """Let a strategy value x and y given columns of y directly; None where it, or the estimator, takes a difference."""
    if not one.plan.chooses:
        return None
    y, z = (restricted(one.cleaned.y, names) for names in (_not_given(one), one.given))
    context = _context(one, listener, should_stop)
    with one.plan.blamed():
        found = one.plan.strategy().value_given(one.cleaned.x, y, z, context)
    return None if found is None else _valued(found, context)


def _not_given(one: Prepared) -> tuple[str, ...]:
    return tuple(name for name in one.cleaned.y.names if name not in one.given)


def _choose(one: Prepared, listener: Listener, should_stop: Callable[[], bool]) -> Valued:
    """Let a strategy value the rows."""
    recorder = _Recorder(listener)
    context = _context(one, recorder, should_stop)
    with one.plan.blamed():
        found = one.plan.strategy().value(one.cleaned.x, one.cleaned.y, context)
    one.history.records.extend(recorder.records(slice(None)))
    return _valued(found, context)


def _context(one: Prepared, listener: Listener, should_stop: Callable[[], bool]) -> Context:
    config, design = one.config, one.design
    folds = design.folds(config.training, config.seed)
    return Context(config.training, folds, design.spread, config.seed, listener, should_stop, design.independent)


def _valued(found: Valuation, context: Context) -> Valued:
    return Valued(
        found.log_ratio,
        found.stderr,
        found.statistic,
        complete=found.complete,
        fold_of=valued_by(context.folds, len(found.log_ratio)),
        explanation=found.explanation,
        warnings=found.warnings,
        verdict=found.verdict,
        error_low=found.error_low,
        error_high=found.error_high,
        limits=found.limits,
    )
