"""Transfer entropy: the information of x about a later y, given the past of y."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import Choice, RunConfig
from mistcli.data.cleaning import Variable
from mistcli.data.lagging import Aligned, align, lags_of
from mistcli.data.transforms import Encoder
from mistcli.errors import ConfigError
from mistcli.independence.combination import smallest_p
from mistcli.independence.family import Side, statistics
from mistcli.independence.orders import Residual
from mistcli.inference.sampling_design import Series
from mistcli.inference.series import block_length
from mistcli.numerics.torch_state import own_state
from mistcli.pipeline.conditional import value_given
from mistcli.pipeline.estimation import conclude, started
from mistcli.pipeline.fitting import Valued
from mistcli.pipeline.lagged import at_lag, either_side
from mistcli.pipeline.preprocessing import History, Prepared, Source, prepare
from mistcli.plugin.registry import Registry
from mistcli.result import Estimate, LagProfile
from mistcli.text import printable
from mistcli.training.events import Listener

__all__ = ["LONGEST_PAST", "run_transfer"]

Rows = NDArray[np.int64]

SURROGATES = 19
"""The shifted series whose mean estimate is the bias: its standard error is then a quarter of that of one estimate."""

PERMUTATIONS = 999
"""The shifts of a p-value where none are asked for: after a correction for 20 lags it can still be below 0.05."""

LONGEST_PAST = 100
"""The most rows of the past of y: neighbours in as many columns say little, and each takes time."""

DEFAULT = "mixed_ksg"
"""The estimator where none is named: it takes columns of any kind, and is soon fitted to each surrogate."""


@own_state()
def run_transfer(
    config: RunConfig,
    registry: Registry,
    lags: Sequence[int],
    past: int,
    *,
    source: Source | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LagProfile:
    r"""Estimate the transfer entropy from x to y at each lag.

    .. math:: T_\ell = I(y_t; x_{t - \ell} \mid y_{t-1}, \dots, y_{t-K})

    The bias, the mean of the same estimate over 19 series in which x is shifted in time by a random number of rows, is
    subtracted. The p-value is that of a test of independence of x and y given the past of y: what a regression on the
    past explains is removed from both, and the null distribution comes from shifts in time.

    References:
        | Measuring information transfer (Schreiber, 2000) https://arxiv.org/abs/nlin/0001042
        | Analysing the information flow between financial time series (Marschinski and Kantz, 2002), on the bias
        | https://doi.org/10.1140/epjb/e2002-00379-2

    Arguments:
        config: The resolved configuration.
        registry: Where its names are looked up.
        lags: The lags, not negative.
        past: The number of rows of the past of y that are given.
        source: The data; the file that `config` names by default.
        listener: Is told what happens.
        should_stop: Is asked between lags whether to stop; lags that are left are then left out.

    Raises:
        ConfigError: If the configuration and the data do not go together.
        DataError: If the series is too short, or cannot give an estimate.
    """
    listener = listener or Listener()
    lags = lags_of(lags)
    config = _checked(config, lags, past)
    wanted = config.inference.permutations or PERMUTATIONS
    untested = replace(config, inference=replace(config.inference, permutations=0))
    prepared = prepare(untested, registry, source, choose=either_side, series=True)
    _check_direct(prepared)
    _check_own_past(prepared, lags, past)
    offsets = sorted({offset for lag in lags for offset in range(lag - past, lag + 1)})
    aligned = align(prepared.cleaned.rows, prepared.cleaned.cleaning.rows_read, offsets)
    n = len(aligned.time)
    block = config.inference.block or block_length(n, aligned.span)
    design = Series(n, block, aligned.span)
    listener.emit(started([prepared]))
    shared = History()
    shared.tell(listener, prepared.cleaned.warnings)
    partners = dict(zip(offsets, aligned.y, strict=True))
    estimates: list[Estimate] = []
    for lag in lags:
        one = _with_past(prepared, aligned, [partners[lag - back] for back in range(past + 1)], design)
        estimates.append(_estimate(one, wanted, np.random.default_rng([config.seed, 1])))
        if should_stop() and len(estimates) < len(lags):
            estimates[-1] = replace(estimates[-1], complete=False)
            break
    return LagProfile(tuple(lags[: len(estimates)]), tuple(estimates), 0, block, tuple(shared.warnings), past)


def _checked(config: RunConfig, lags: Sequence[int], past: int) -> RunConfig:
    """Return the configuration, with another estimator in the place of the default."""
    if not 1 <= past <= LONGEST_PAST:
        raise ConfigError(f"expected 1 to {LONGEST_PAST} rows of the past of y; got {past}.")
    if lags[0] < 0:
        raise ConfigError(f"expected lags of at least 0 beside --given-past, for x comes first; got {lags[0]}.")
    if config.data.given or config.inference.group:
        raise ConfigError("at lags neither --given nor --group is known; leave them out.")
    if config.estimator.name == "auto":
        config = replace(config, estimator=Choice(DEFAULT), critic=None)
    return config


def _check_direct(prepared: Prepared) -> None:
    if prepared.plan.trained or prepared.plan.chooses:
        raise ConfigError(
            f"expected an estimator without training beside --given-past, which fits it to {SURROGATES} surrogates at "
            f"each lag, such as ksg or gaussian_copula; got {prepared.config.estimator.name!r}."
        )


def _check_own_past(prepared: Prepared, lags: Sequence[int], past: int) -> None:
    both = [name for name in prepared.cleaned.x.names if name in prepared.cleaned.y.names]
    if both and lags[0] <= past:
        raise ConfigError(
            f"{printable(both[0])!r} is on both sides, and at lags up to {past} x is among the past of y that is "
            "given; leave these lags out, or give fewer rows of the past."
        )


def _with_past(prepared: Prepared, aligned: Aligned, partners: Sequence[Rows], design: Series) -> Prepared:
    """Return x beside y, and y of the rows before it as what is given."""
    one = at_lag(prepared, aligned, partners[0], design)
    y, encoder, past = prepared.cleaned.y, prepared.encoded.y_encoder, partners[1:]
    given = tuple(f"{name} {back} earlier" for back in range(1, len(past) + 1) for name in y.names)
    side = Variable(
        (*y.names, *given),
        np.concatenate([y.values[rows] for rows in partners], axis=1),
        y.levels * len(partners),
    )
    encoded = replace(
        one.encoded,
        y=np.concatenate([prepared.encoded.y[rows] for rows in partners], axis=1),
        y_encoder=Encoder(encoder.levels * len(partners), encoder.states * len(partners), encoder.transform),
    )
    return replace(one, cleaned=replace(one.cleaned, y=side), encoded=encoded, given=given)


def _estimate(one: Prepared, wanted: int, rng: np.random.Generator) -> Estimate:
    valued = _value(one)
    surrogates = np.array([_value(_shifted(one, shift)).nats for shift in _shifts(one, rng)])
    bias, spread = float(surrogates.mean()), float(surrogates.std(ddof=1) / np.sqrt(len(surrogates)))
    corrected = replace(
        valued,
        log_ratio=valued.log_ratio - bias,
        stderr=float(np.hypot(valued.stderr, spread)),
        explanation={**valued.explanation, "bias": {"nats": bias, "surrogates": len(surrogates)}},
    )
    found = conclude(one, corrected, Listener()).estimate
    return replace(found, p_value=_p_value(one, wanted, rng), permutations=wanted)


def _value(one: Prepared) -> Valued:
    return value_given(one, Listener(), lambda: False)


def _shifts(one: Prepared, rng: np.random.Generator) -> Iterator[int]:
    """Yield shifts in time that are at least a tenth of the series long."""
    n = len(one.encoded.x)
    yield from rng.integers(n // 10, n - n // 10 + 1, SURROGATES).tolist()


def _shifted(one: Prepared, shift: int) -> Prepared:
    x = replace(one.cleaned.x, values=np.roll(one.cleaned.x.values, shift, axis=0))
    encoded = replace(one.encoded, x=np.roll(one.encoded.x, shift, axis=0))
    return replace(one, cleaned=replace(one.cleaned, x=x), encoded=encoded)


def _p_value(one: Prepared, wanted: int, rng: np.random.Generator) -> float:
    """Return the p-value of independence of x and y given the past of y, by shifts in time."""
    own = len(one.cleaned.y.names) - len(one.given)
    x, every, counts = one.cleaned.x, one.cleaned.y.values, one.cleaned.y.counts
    residual = Residual(every[:, own:], counts[own:], rng)
    family = statistics(Side(x.values, x.counts), Side(every[:, :own], counts[:own]), rng, residual)
    parts = [np.arange(len(every))]
    orders = np.stack([parts[0], *(one.design.order(parts, rng) for _ in range(wanted))])
    values = np.concatenate([statistic.values(orders) for statistic in family], axis=1)
    return smallest_p(values[0], values[1:]).p_value
