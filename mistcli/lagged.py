"""Mutual information against the lag of a time series: every fold of every lag trained in one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mistcli.config import RunConfig
from mistcli.data.lagging import Aligned, align, lags_of
from mistcli.data.selection import select
from mistcli.data.splitting import blocked
from mistcli.errors import ConfigError, DataError
from mistcli.estimation import Recorder, Valued, conclude, started
from mistcli.inference.interval import resolution
from mistcli.inference.series import block_length, series_stderr
from mistcli.preparation import History, Prepared, Source, prepare
from mistcli.registry import Registry
from mistcli.result import LagProfile
from mistcli.text import printable
from mistcli.training.crossfit import DataSet, cross_fit
from mistcli.training.events import Listener
from mistcli.training.trainer import generator

__all__ = ["run_lags"]


def run_lags(
    config: RunConfig,
    registry: Registry,
    lags: Sequence[int],
    *,
    source: Source | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LagProfile:
    """Estimate the mutual information of x and of y `lag` rows later, at each lag.

    The rows are moments at equal distances, in order. All lags use the same rows of x, those that have a partner at
    every lag. Rows are valued in blocks of time by fits that have not seen them, nor anything within a gap as long as
    the lags reach; the standard error is that of a mean over time. A column may be on both sides: the information that
    a series has of its own past.

    Arguments:
        config: The resolved configuration.
        registry: Where its names are looked up.
        lags: The lags, increasing.
        source: The data; the file that `config` names by default.
        listener: Is told what happens.
        should_stop: Is asked after every training step whether to stop; the result is then not `complete`.

    Raises:
        ConfigError: If the configuration and the data do not go together.
        DataError: If the series is too short for the lags or the folds, or cannot give an estimate.
        FitError: If the estimation gave no finite number.
        PluginError: If a plugin failed.
    """
    listener = listener or Listener()
    lags = lags_of(lags)
    prepared = prepare(config, registry, source, choose=_either)
    _check_own_past(prepared, lags)
    aligned = align(prepared.cleaned.rows, prepared.cleaned.cleaning.rows_read, lags)
    n = len(aligned.time)
    if n < prepared.plan.spec.min_samples:
        raise DataError(
            f"estimator {config.estimator.name!r} needs at least {prepared.plan.spec.min_samples} rows; got {n}."
        )
    listener.emit(started([prepared]))
    shared = History()
    shared.tell(listener, _warnings(prepared))
    moments = replace(prepared, cleaned=replace(prepared.cleaned, rows=aligned.time))
    block = block_length(n, aligned.span)
    value = _train if prepared.plan.trained else _fit
    estimates = []
    for history, valued in value(moments, aligned, block, listener, should_stop):
        estimates.append(conclude(replace(moments, history=history), valued, Listener()).estimate)
    gap = aligned.span if prepared.plan.trained else 0
    return LagProfile(tuple(lags[: len(estimates)]), tuple(estimates), gap, block, tuple(shared.warnings))


def _either(columns: Sequence[str], x: str, y: str) -> tuple[list[str], list[str]]:
    """Return the columns of both sides, which may be the same."""
    return select(columns, x, side="x"), select(columns, y, side="y")


def _check_own_past(prepared: Prepared, lags: Sequence[int]) -> None:
    both = [name for name in prepared.cleaned.x.names if name in prepared.cleaned.y.names]
    if both and 0 in lags:
        raise ConfigError(f"at lag 0 {printable(both[0])!r} would be on both sides; leave 0 out of the lags.")


def _warnings(prepared: Prepared) -> Iterator[str]:
    yield from prepared.cleaned.warnings
    if prepared.plan.spec.family == "neighbours":
        yield (
            "the nearest neighbours of a row may be its neighbours in time: in a series with a long memory this "
            "estimator says too much"
        )


def _sides(moments: Prepared, aligned: Aligned) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield x and y at each lag, (N, Dx) and (N, Dy)."""
    x, y = moments.x, moments.y
    now = x[torch.from_numpy(aligned.x).to(x.device)]
    for partners in aligned.y:
        yield now, y[torch.from_numpy(partners).to(y.device)]


def _train(
    moments: Prepared, aligned: Aligned, block: int, listener: Listener, should_stop: Callable[[], bool]
) -> Iterator[tuple[History, Valued]]:
    training, plan, n = moments.config.training, moments.plan, len(aligned.time)
    folds = blocked(n, training.folds, training.valid_fraction, aligned.span)
    data = [DataSet(x, y, folds) for x, y in _sides(moments, aligned)]
    dims = data[0].x.shape[1], data[0].y.shape[1]
    recorder = Recorder(listener)
    seed = moments.config.seed
    with plan.blamed():
        fitted = cross_fit(plan.trainable(*dims), data, training, seed=seed, listener=recorder, should_stop=should_stop)
    for place, crossed in enumerate(fitted):
        error = series_stderr(crossed.log_ratio, block, crossed.fold_of, least=resolution(*dims, n))
        first = place * len(folds)
        history = History(recorder.records(slice(first, first + len(folds))))
        yield history, Valued(crossed.log_ratio, error, crossed.fits, crossed.complete)


def _fit(
    moments: Prepared, aligned: Aligned, block: int, listener: Listener, should_stop: Callable[[], bool]
) -> Iterator[tuple[History, Valued]]:
    for x, y in _sides(moments, aligned):
        estimator = moments.plan.direct()
        with moments.plan.blamed(), torch.inference_mode():
            log_ratio = estimator.fit_log_ratio(x, y, generator=generator(moments.config.seed, "direct"))
            least = estimator.stderr(log_ratio)
        values, stopped = log_ratio.double().numpy(), should_stop()
        yield History(), Valued(values, series_stderr(values, block, least=least), [estimator], complete=not stopped)
        if stopped:
            return
