"""From data to an estimate: prepare, value, infer, in this order and nowhere else."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mistcli.config.schema import RunConfig
from mistcli.errors import ConfigError
from mistcli.inference.diagnostics import memory, symptoms
from mistcli.inference.flags import Word, amplified, bounded, verdict
from mistcli.inference.interval import interval
from mistcli.inference.permutation import p_value
from mistcli.numerics.torch_state import own_state
from mistcli.persistence.checkpoint import keep
from mistcli.persistence.run_folder import Kept
from mistcli.pipeline.conditional import amplification, strata, value_given
from mistcli.pipeline.fitting import Valued, value
from mistcli.pipeline.preprocessing import Prepared, Source, only, prepare
from mistcli.pipeline.versions import versions
from mistcli.plugin.registry import Registry
from mistcli.result import Estimate, Interval, Terms
from mistcli.training.events import Listener, RunStarted
from mistcli.training.trainer import steps

__all__ = ["Outcome", "conclude", "run", "run_all", "started"]

FEWEST = 19
"""The fewest permutations with which a p-value can be as low as 0.05."""


@dataclass(frozen=True)
class Outcome:
    """An estimate, and what is needed to apply its estimator to other data.

    Arguments:
        estimate: The estimate.
        keep: Returns the fitted estimator as tensors and facts; None where there is no single one.
    """

    estimate: Estimate
    keep: Callable[[], Kept | None]


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


@own_state()
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
    for one in prepared:
        _check_test(one)
    listener = listener or Listener()
    listener.emit(started(prepared))
    for one in prepared:
        one.history.tell(listener, one.cleaned.warnings)
    if prepared[0].config.data.given:
        valued = [value_given(one, listener, should_stop) for one in prepared]
    else:
        valued = value(prepared, listener, should_stop)
    return [conclude(*both, listener, should_stop) for both in zip(prepared, valued, strict=True)]


def started(prepared: Sequence[Prepared]) -> RunStarted:
    """Return the event with which the run begins."""
    config, plan, n = prepared[0].config, prepared[0].plan, len(prepared[0].encoded.x)
    parameters = asdict(config)
    if len(prepared) > 1:
        parameters["data"] |= {side: [getattr(one.config.data, side) for one in prepared] for side in "xy"}
    most = steps(config.training, n - n // config.training.folds) if plan.trained else 0
    name = f"{config.estimator.name.replace('/', '-')}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    return RunStarted(name, parameters, most, n)


def conclude(
    prepared: Prepared, valued: Valued, listener: Listener, should_stop: Callable[[], bool] = lambda: False
) -> Outcome:
    """Turn log ratios into a number, its error, and words."""
    config, cleaned, history = prepared.config, prepared.cleaned, prepared.history
    p, permutations = _tested(prepared, valued, should_stop)
    complete = valued.complete and permutations == config.inference.permutations
    if not complete:
        history.tell(listener, [_interrupted(valued, permutations)])
    nats, reach = _reach(valued, config.inference.level, p)
    words = list(_words(prepared, valued, reach, p))
    history.tell(listener, [*valued.warnings, *(sentence for _, sentence in words)])
    bound = prepared.plan.target.bound if not prepared.given else "none"
    estimate = Estimate(
        nats=nats,
        stderr=valued.stderr,
        interval=reach,
        bound=bound,
        n=len(valued.log_ratio),
        estimator=config.estimator.name,
        x=cleaned.x.names,
        y=tuple(name for name in cleaned.y.names if name not in prepared.given),
        given=prepared.given,
        terms=Terms(valued.terms[0], valued.terms[1], amplification(valued.terms)) if valued.terms else None,
        p_value=p,
        permutations=permutations,
        verdict=(*(word for word, _ in (*bounded(bound), *words)), *valued.verdict),
        seed=config.seed,
        seconds=time.perf_counter() - prepared.began,
        complete=complete,
        cleaning={**cleaned.cleaning.to_dict(), "source": dict(prepared.read)},
        warnings=tuple(history.warnings),
        explanation=_explanation(prepared, valued),
        versions=versions(),
        config=asdict(config),
        pointwise=valued.log_ratio,
        rows=cleaned.rows,
        records=tuple(history.records),
        folds=valued.fold_of,
    )
    return Outcome(estimate, partial(_kept, prepared, valued))


def _reach(valued: Valued, level: float, p: float | None) -> tuple[float, Interval]:
    """Return the estimate and its interval, within what is possible, in nats.

    Where a test does not reject independence at the level of the interval, the interval does not exclude it either.
    """
    low, high = valued.limits
    nats = min(max(valued.nats, low), high)
    error = valued.stderr if valued.error_low is None else valued.error_low
    reach = interval(nats, error, level, high=valued.error_high, limits=valued.limits)
    if p is not None and p > 1 - level and low == 0:
        reach = replace(reach, low=0.0)
    return nats, reach


def _check_test(prepared: Prepared) -> None:
    """Refuse a test for which there is no fair shuffle, before anything is trained for it."""
    if not (prepared.given and prepared.config.inference.permutations):
        return
    if not prepared.design.independent:
        raise ConfigError(
            "a permutation that keeps what is given and the order of a series, or groups, is not known; leave out "
            "--permutations, --given, or --block and --group."
        )
    strata(prepared)


def _tested(prepared: Prepared, valued: Valued, should_stop: Callable[[], bool]) -> tuple[float | None, int]:
    """Return the p-value of independence, where one is asked for, and the permutations behind it."""
    config, parts = prepared.config, valued.parts
    if not config.inference.permutations:
        return None, 0
    if prepared.given:
        label = strata(prepared)
        parts = [rows[label[rows] == cell] for rows in parts for cell in np.unique(label[rows])]
    rng = np.random.default_rng([config.seed, 1])
    wanted = config.inference.permutations
    return p_value(valued.statistic, prepared.design, parts, wanted, rng, should_stop)


def _interrupted(valued: Valued, permutations: int) -> str:
    if not valued.complete:
        return "interrupted: the fits were not trained to their end"
    return f"interrupted: the p-value rests on {permutations} permutations"


def _words(prepared: Prepared, valued: Valued, reach: Interval, p: float | None) -> Iterator[Word]:
    """Yield what the reader should know of the number, and of the columns."""
    x, y, n = prepared.cleaned.x, prepared.cleaned.y, len(valued.log_ratio)
    if valued.terms:
        yield from amplified(valued.terms, amplification(valued.terms))
    if prepared.given:
        y = only(prepared, [name for name in y.names if name not in prepared.given]).cleaned.y
    yield from verdict(_reach(valued, reach.level, p)[0], reach, n, valued.ceiling, p)
    yield from symptoms(x, y)
    if prepared.design.independent:
        yield from memory(x, y)
    asked = prepared.config.inference.permutations
    if p is not None and asked < FEWEST:
        sentence = f"with {asked} permutations no p-value can be as low as 0.05; ask for 199 or more"
        yield Word("too_few_permutations", sentence)


def _explanation(prepared: Prepared, valued: Valued) -> dict[str, Any]:
    """Return what was done, as plain values, in the order in which it was done."""
    config, plan, cleaned = prepared.config, prepared.plan, prepared.cleaned
    kinds = [zip(side.names, side.kinds, strict=True) for side in (cleaned.x, cleaned.y)]
    columns = dict(kinds[0]), dict(kinds[1])
    given = {name: columns[1].pop(name) for name in prepared.given}
    if plan.chooses:
        facts: dict[str, Any] = {"kind": "composite"}
    else:
        facts = {"kind": "trained" if plan.trained else "direct", "transform": prepared.encoded.x_encoder.transform}
    return {
        "columns": {
            "x": _counted(columns[0]),
            "y": _counted(columns[1]),
            **({"given": _counted(given)} if given else {}),
        },
        "rows": {
            "read": cleaned.cleaning.rows_read,
            "used": len(cleaned.rows),
            "sampling_design": str(prepared.design),
        },
        "estimator": {"name": config.estimator.name, **facts, **plan.options},
        **valued.explanation,
    }


def _counted(kinds: Mapping[str, str]) -> str:
    """Return how many columns are of which kind, in words.

    Example:
        >>> _counted({"a": "continuous", "b": "continuous", "c": "discrete"})
        '2 continuous, 1 discrete'
    """
    return ", ".join(f"{count} {kind}" for kind, count in Counter(kinds.values()).items())


def _kept(prepared: Prepared, valued: Valued) -> Kept | None:
    """Return the fitted estimator, unless there are several, or none."""
    return keep(prepared.plan, prepared.encoded, prepared.cleaned, valued.fitted) if valued.fitted else None
