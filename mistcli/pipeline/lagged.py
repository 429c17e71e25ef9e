"""Mutual information against the lag of a time series: every fold of every lag trained in one stack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import RunConfig
from mistcli.data.lagging import Aligned, align, lags_of
from mistcli.data.selection import select
from mistcli.errors import ConfigError, DataError
from mistcli.inference.sampling_design import Series
from mistcli.inference.series import block_length
from mistcli.numerics.torch_state import own_state
from mistcli.pipeline.estimation import conclude, started
from mistcli.pipeline.fitting import Valued, value
from mistcli.pipeline.preprocessing import History, Prepared, Source, prepare
from mistcli.plugin.registry import Registry
from mistcli.result import LagProfile
from mistcli.text import printable
from mistcli.training.events import Listener

__all__ = ["at_lag", "either_side", "run_lags"]

Rows = NDArray[np.int64]


@own_state()
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
    if config.data.given or config.inference.group:
        raise ConfigError("at lags neither --given nor --group is known; leave them out.")
    prepared = prepare(config, registry, source, choose=either_side, series=True)
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
    block = config.inference.block or block_length(n, aligned.span)
    design = Series(n, block, aligned.span)
    moments = (at_lag(prepared, aligned, partners, design) for partners in aligned.y)
    estimates = []
    for one, valued in _valued(moments, listener, should_stop, trained=prepared.plan.trained):
        estimates.append(conclude(one, valued, Listener(), should_stop).estimate)
    gap = aligned.span if prepared.plan.spec.trained else 0
    return LagProfile(tuple(lags[: len(estimates)]), tuple(estimates), gap, block, tuple(shared.warnings))


def either_side(columns: Sequence[str], x: str, y: str) -> tuple[list[str], list[str]]:
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


def at_lag(prepared: Prepared, aligned: Aligned, partners: Rows, design: Series) -> Prepared:
    """Return x at each moment beside y at the moment of its partner."""
    cleaned, encoded = prepared.cleaned, prepared.encoded
    return replace(
        prepared,
        cleaned=replace(
            cleaned,
            x=replace(cleaned.x, values=cleaned.x.values[aligned.x]),
            y=replace(cleaned.y, values=cleaned.y.values[partners]),
            rows=aligned.time,
        ),
        encoded=replace(encoded, x=encoded.x[aligned.x], y=encoded.y[partners]),
        design=design,
        history=History(),
    )


def _valued(
    moments: Iterable[Prepared], listener: Listener, should_stop: Callable[[], bool], *, trained: bool
) -> Iterator[tuple[Prepared, Valued]]:
    """Value the pairs at each lag: all lags in one training, or one after the other until told to stop."""
    if trained:
        samples = list(moments)
        yield from zip(samples, value(samples, listener, should_stop), strict=True)
        return
    for one in moments:
        valued, stopped = value([one], listener, should_stop)[0], should_stop()
        yield one, replace(valued, complete=valued.complete and not stopped)
        if stopped:
            return
