"""From data to an estimate: read, select, clean, encode, split, fit, value, infer, in this order and nowhere else."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.config import RunConfig
from mistcli.data.cleaning import Cleaned, clean
from mistcli.data.selection import resolve as resolve_columns
from mistcli.data.splitting import copies, cross_fitting
from mistcli.data.transforms import Encoder
from mistcli.errors import ConfigError, DataError, FitError
from mistcli.estimators.base import Estimator
from mistcli.estimators.building import Blueprint, blueprint
from mistcli.inference.interval import interval, resolution, stderr
from mistcli.inference.verdict import verdict
from mistcli.keeping import Encoded, keep
from mistcli.plugin import EstimatorSpec
from mistcli.readers.base import Column, Table
from mistcli.readers.source import open_source
from mistcli.registry import Registry
from mistcli.result import Estimate
from mistcli.runfolder import Kept
from mistcli.text import printable
from mistcli.training.events import Evaluated, Event, Listener, RunStarted, Warned, rows
from mistcli.training.trainer import fit, generator, steps
from mistcli.versions import versions

__all__ = ["Outcome", "Source", "run"]

Floats = NDArray[np.float64]


class Source(Protocol):
    """Where columns come from: a file, or tables in memory."""

    def columns(self) -> Sequence[Column]:
        """Return the columns there are."""

    def read(self, names: Sequence[str]) -> Table:
        """Return the named columns."""

    def describe(self) -> Mapping[str, Any]:
        """Return how the columns were read, for the record."""


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
    started = time.perf_counter()
    plan = blueprint(config.estimator, config.critic, registry)
    source = source or open_source(Path(config.data.path), registry, config.data.reader)
    names = [column.name for column in source.columns()]
    x, y = resolve_columns(names, config.data.x, config.data.y)
    cleaned = clean(source.read([*x, *y]), x, y, config.cleaning, columns=names)
    _check_kinds(cleaned, plan.spec, registry)
    encoded = _encoded(cleaned, plan, config.cleaning.transform)
    history = _History(listener or Listener())
    history.emit(_started(config, encoded, plan))
    for warning in cleaned.warnings:
        history.emit(Warned(warning))
    valued = _train(encoded, plan, config, history, should_stop) if plan.trained else _fit(encoded, plan, config.seed)
    estimate = _infer(valued, cleaned, config, plan, history)
    described = {**cleaned.cleaning.to_dict(), "source": dict(source.describe())}
    estimate = replace(estimate, cleaning=described, seconds=time.perf_counter() - started)
    return Outcome(estimate, partial(keep, plan, encoded, cleaned, valued.fitted))


@dataclass(frozen=True)
class _Valued:
    """The pairs with their log ratios (N,), the standard error of their mean, and the fits that valued them."""

    log_ratio: Floats
    stderr: float
    fitted: Sequence[Estimator]
    complete: bool = True


class _History(Listener):
    """Passes events on, and keeps what was measured and warned of."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.records: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def emit(self, event: Event) -> None:
        """Keep what there is to keep, and pass the event on."""
        if isinstance(event, Evaluated):
            self.records.extend(rows(event))
        elif isinstance(event, Warned):
            self.warnings.append(event.message)
        self.listener.emit(event)


def _check_kinds(cleaned: Cleaned, spec: EstimatorSpec, registry: Registry) -> None:
    """Refuse columns of a kind, or in a number, that the estimator cannot take."""
    for side, kind, variable in (("x", spec.x, cleaned.x), ("y", spec.y, cleaned.y)):
        discrete = [name for name, levels in zip(variable.names, variable.levels, strict=True) if levels is not None]
        unfit = discrete if kind == "continuous" else [n for n in variable.names if n not in discrete]
        if kind != "any" and unfit:
            others = [e.label for e in registry.entries("estimators") if getattr(e.spec, side) != kind]
            raise DataError(
                f"estimator {spec.name!r} takes {kind} columns as {side}, and {printable(unfit[0])!r} is not {kind}: "
                f"use one that takes it ({', '.join(others)}), or pass --{kind} if it is {kind} after all."
            )
        if not spec.multivariate and len(variable.names) > 1:
            raise DataError(f"estimator {spec.name!r} takes one column as {side}; got {len(variable.names)}.")
    n = len(cleaned.rows)
    if n < spec.min_samples:
        raise DataError(f"estimator {spec.name!r} needs at least {spec.min_samples} rows; got {n}.")


def _encoded(cleaned: Cleaned, plan: Blueprint, transform: str) -> Encoded:
    """Map the columns to features, as the estimator likes them unless told otherwise."""
    chosen = plan.spec.transform if transform == "auto" else transform
    encoders = [
        Encoder.fit(side.values, tuple(len(levels or ()) for levels in side.levels), chosen)
        for side in (cleaned.x, cleaned.y)
    ]
    x, y = (e.encode(side.values) for e, side in zip(encoders, (cleaned.x, cleaned.y), strict=True))
    return Encoded(x, y, *encoders)


def _started(config: RunConfig, encoded: Encoded, plan: Blueprint) -> RunStarted:
    n = len(encoded.x)
    folds = config.training.folds
    most = steps(config.training, n - n // folds) if plan.trained else 0
    name = f"{config.estimator.name.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    return RunStarted(name, asdict(config), most, n)


def _train(
    encoded: Encoded, plan: Blueprint, config: RunConfig, listener: Listener, should_stop: Callable[[], bool]
) -> _Valued:
    """Train a fit a fold, and value each row by the fit that has not seen it."""
    device = _device(config.training.device)
    x, y = (torch.from_numpy(side).float().to(device) for side in (encoded.x, encoded.y))
    groups = copies(np.concatenate([encoded.x, encoded.y], 1)) if encoded.continuous else None
    rng = np.random.default_rng([config.seed, 0])
    folds = cross_fitting(len(x), config.training.folds, config.training.valid_fraction, rng, groups)
    with plan.blamed():
        fits = fit(
            plan.trainable(x.shape[1], y.shape[1]),
            x,
            y,
            folds,
            config.training,
            seed=config.seed,
            listener=listener,
            should_stop=should_stop,
        )
        fitted = [fits.stack[k] for k in range(len(folds))]
        log_ratio, fold_of = np.empty(len(x)), np.empty(len(x), dtype=np.int64)
        with torch.inference_mode():
            for k, (estimator, fold) in enumerate(zip(fitted, folds, strict=True)):
                rows = torch.from_numpy(fold.test).to(device)
                log_ratio[fold.test] = estimator.log_ratio(x[rows], y[rows]).double().cpu().numpy()
                fold_of[fold.test] = k
    least = resolution(x.shape[1], y.shape[1], len(x))
    return _Valued(log_ratio, stderr(log_ratio, fold_of, groups, least=least), fitted, fits.complete)


def _fit(encoded: Encoded, plan: Blueprint, seed: int) -> _Valued:
    """Fit an estimator that needs no training, and value all rows at once."""
    estimator = plan.direct()
    with plan.blamed(), torch.inference_mode():
        x, y = torch.from_numpy(encoded.x), torch.from_numpy(encoded.y)
        log_ratio = estimator.fit_log_ratio(x, y, generator=generator(seed, "direct"))
        return _Valued(log_ratio.double().numpy(), estimator.stderr(log_ratio), [estimator])


def _infer(valued: _Valued, cleaned: Cleaned, config: RunConfig, plan: Blueprint, history: _History) -> Estimate:
    """Turn log ratios into a number, its error, and words."""
    nats = float(valued.log_ratio.mean())
    if not (math.isfinite(nats) and math.isfinite(valued.stderr)):
        raise FitError(
            f"estimator {config.estimator.name!r} gave log ratios that are not finite: try another --transform, "
            "a lower --lr, or another estimator."
        )
    n = len(valued.log_ratio)
    reach = interval(nats, valued.stderr, config.inference.level)
    if not valued.complete:
        history.emit(Warned("interrupted: the fits were not trained to their end"))
    for warning in verdict(nats, reach, n, valued.fitted[0].ceiling(n)):
        history.emit(Warned(warning))
    return Estimate(
        nats=nats,
        stderr=valued.stderr,
        interval=reach,
        bound=plan.target.bound,
        n=n,
        estimator=config.estimator.name,
        x=cleaned.x.names,
        y=cleaned.y.names,
        seed=config.seed,
        complete=valued.complete,
        warnings=tuple(history.warnings),
        versions=versions(),
        config=asdict(config),
        pointwise=valued.log_ratio,
        rows=cleaned.rows,
        records=tuple(history.records),
    )


def _device(asked: str) -> torch.device:
    """Return the device that was asked for; "auto" is the CPU, which networks this small are fastest on.

    Raises:
        ConfigError: If this machine, or this build of torch, does not have it.
    """
    if asked == "cuda" and not torch.cuda.is_available():
        raise ConfigError("expected a CUDA device for --device cuda; torch sees none here: use --device cpu.")
    if asked == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("expected a Metal device for --device mps; torch sees none here: use --device cpu.")
    return torch.device("cpu" if asked == "auto" else asked)
