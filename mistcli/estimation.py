"""From data to an estimate: prepare, split, fit, value, infer, in this order and nowhere else."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.config import RunConfig
from mistcli.data.splitting import copies, cross_fitting
from mistcli.errors import FitError
from mistcli.estimators.base import Estimator
from mistcli.inference.interval import interval, resolution, stderr
from mistcli.inference.verdict import verdict
from mistcli.keeping import keep
from mistcli.preparation import Prepared, Source, prepare
from mistcli.registry import Registry
from mistcli.result import Estimate
from mistcli.runfolder import Kept
from mistcli.training.crossfit import DataSet, cross_fit
from mistcli.training.events import Evaluated, Event, Listener, RunStarted, part, rows
from mistcli.training.trainer import generator, steps
from mistcli.versions import versions

__all__ = [
    "Outcome",
    "Recorder",
    "Valued",
    "conclude",
    "run",
    "run_all",
    "started",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """An estimate, and what is needed to apply its estimator to other data.

    Arguments:
        estimate: The estimate.
        keep: Returns the fitted estimator as tensors and facts.
    """

    estimate: Estimate
    keep: Callable[[], Kept]


def run(
    config: RunConfig,
    registry: Registry,
    *,
    source: Source | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Estimate the mutual information of the columns that `config` selects.

    Arguments:
        config: The resolved configuration.
        registry: Where its names are looked up.
        source: The data; the file that `config` names by default.
        listener: Is told what happens.
        should_stop: Is asked after every training step whether to stop; the result is then not `complete`.

    Raises:
        ConfigError: If the configuration and the data do not go together.
        DataError: If the data cannot give an estimate.
        FitError: If the estimation gave no finite number.
        PluginError: If a plugin failed.
    """
    return run_all([config], registry, source=source, listener=listener, should_stop=should_stop)[0]


def run_all(
    configs: Sequence[RunConfig],
    registry: Registry,
    *,
    source: Source | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Outcome]:
    """Do what `run` does for several choices of columns, training those of one size together.

    Arguments:
        configs: The resolved configurations, which differ in nothing but x and y.
        registry: Where their names are looked up.
        source: The data; the file that they name by default.
        listener: Is told what happens.
        should_stop: Is asked after every training step whether to stop.
    """
    prepared = [prepare(config, registry, source) for config in configs]
    listener = listener or Listener()
    listener.emit(started(prepared))
    for one in prepared:
        one.history.tell(listener, one.cleaned.warnings)
    alike: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for place, one in enumerate(prepared):
        alike.setdefault((one.encoded.x.shape, one.encoded.y.shape), []).append(place)
    valued: dict[int, Valued] = {}
    for places in alike.values():
        value = _train if prepared[places[0]].plan.trained else _fit
        valued |= zip(places, value([prepared[place] for place in places], listener, should_stop), strict=True)
    return [conclude(one, valued[place], listener) for place, one in enumerate(prepared)]


class Recorder(Listener):
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


@dataclass(frozen=True)
class Valued:
    """Pairs with their log ratios.

    Arguments:
        log_ratio: The log ratio of each pair, (N,) in nats.
        stderr: The standard error of their mean, in nats.
        fitted: The fits that valued them.
        complete: False where training was told to stop early.
        fold_of: The fold whose fit valued each pair, (N,); None where nothing was trained.
    """

    log_ratio: Floats
    stderr: float
    fitted: Sequence[Estimator]
    complete: bool = True
    fold_of: NDArray[np.int64] | None = None


def started(prepared: Sequence[Prepared]) -> RunStarted:
    """Return the event with which the run begins."""
    config, plan, n = prepared[0].config, prepared[0].plan, len(prepared[0].encoded.x)
    parameters = asdict(config)
    if len(prepared) > 1:
        parameters["data"] |= {side: [getattr(one.config.data, side) for one in prepared] for side in "xy"}
    most = steps(config.training, n - n // config.training.folds) if plan.trained else 0
    name = f"{config.estimator.name.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    return RunStarted(name, parameters, most, n)


def _train(group: Sequence[Prepared], listener: Listener, should_stop: Callable[[], bool]) -> list[Valued]:
    """Train a fit a fold, and value each row by the fit that has not seen it."""
    config, plan = group[0].config, group[0].plan
    data, groups = [], []
    for one in group:
        encoded = one.encoded
        groups.append(copies(np.concatenate([encoded.x, encoded.y], 1)) if encoded.continuous else None)
        rng = np.random.default_rng([config.seed, 0])
        n, training = len(encoded.x), config.training
        folds = cross_fitting(n, training.folds, training.valid_fraction, rng, groups[-1])
        data.append(DataSet(one.x, one.y, folds))
    recorder = Recorder(listener)
    make = plan.trainable(data[0].x.shape[1], data[0].y.shape[1])
    with plan.blamed():
        fitted = cross_fit(make, data, config.training, seed=config.seed, listener=recorder, should_stop=should_stop)
    valued, first = [], 0
    for one, sides, crossed, copied in zip(group, data, fitted, groups, strict=True):
        one.history.records.extend(recorder.records(slice(first, first + len(sides.folds))))
        first += len(sides.folds)
        least = resolution(sides.x.shape[1], sides.y.shape[1], len(sides.x))
        error = stderr(crossed.log_ratio, crossed.fold_of, copied, least=least)
        valued.append(Valued(crossed.log_ratio, error, crossed.fits, crossed.complete, crossed.fold_of))
    return valued


def _fit(group: Sequence[Prepared], listener: Listener, should_stop: Callable[[], bool]) -> list[Valued]:
    """Fit an estimator that needs no training, and value all rows at once."""
    valued = []
    for one in group:
        estimator = one.plan.direct()
        with one.plan.blamed(), torch.inference_mode():
            log_ratio = estimator.fit_log_ratio(one.x, one.y, generator=generator(one.config.seed, "direct"))
            valued.append(Valued(log_ratio.double().numpy(), estimator.stderr(log_ratio), [estimator]))
    return valued


def conclude(prepared: Prepared, valued: Valued, listener: Listener) -> Outcome:
    """Turn log ratios into a number, its error, and words."""
    config, cleaned, history = prepared.config, prepared.cleaned, prepared.history
    nats = float(valued.log_ratio.mean())
    if not (math.isfinite(nats) and math.isfinite(valued.stderr)):
        raise FitError(
            f"estimator {config.estimator.name!r} gave log ratios that are not finite: try another --transform, "
            "a lower --lr, or another estimator."
        )
    n = len(valued.log_ratio)
    reach = interval(nats, valued.stderr, config.inference.level)
    if not valued.complete:
        history.tell(listener, ["interrupted: the fits were not trained to their end"])
    history.tell(listener, verdict(nats, reach, n, valued.fitted[0].ceiling(n)))
    estimate = Estimate(
        nats=nats,
        stderr=valued.stderr,
        interval=reach,
        bound=prepared.plan.target.bound,
        n=n,
        estimator=config.estimator.name,
        x=cleaned.x.names,
        y=cleaned.y.names,
        seed=config.seed,
        seconds=time.perf_counter() - prepared.began,
        complete=valued.complete,
        cleaning={**cleaned.cleaning.to_dict(), "source": dict(prepared.read)},
        warnings=tuple(history.warnings),
        versions=versions(),
        config=asdict(config),
        pointwise=valued.log_ratio,
        rows=cleaned.rows,
        records=tuple(history.records),
        folds=valued.fold_of,
    )
    return Outcome(estimate, partial(keep, prepared.plan, prepared.encoded, cleaned, valued.fitted))
