"""From data to the result of a test: prepare the columns, compute statistics, combine them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import Choice, RunConfig
from mistcli.data.cleaning import Variable
from mistcli.errors import ConfigError
from mistcli.independence.combination import Combined, smallest_p
from mistcli.independence.family import Side, statistics
from mistcli.independence.orders import LocalOrders, Residual
from mistcli.independence.ranks import RankNulls
from mistcli.independence.result import IndependenceTest
from mistcli.inference.sampling_design import Groups
from mistcli.numerics.torch_state import own_state
from mistcli.pipeline.conditional import value_given
from mistcli.pipeline.fitting import value
from mistcli.pipeline.preprocessing import Prepared, Source, prepare
from mistcli.plugin.registry import Registry
from mistcli.training.estimator_factory import blueprint
from mistcli.training.events import Listener

__all__ = ["FEWEST_PERMUTATIONS", "PERMUTATIONS", "run_test"]

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

PERMUTATIONS = 999
"""The permutations where none are asked for: a p-value of 0.05 then has a standard error of 0.007."""

FEWEST_PERMUTATIONS = 19
"""The fewest permutations with which a p-value can be as low as 0.05."""

ESTIMATOR = "mixed_ksg"
"""The estimator of the mutual information beside the p-value: it takes columns of any kind, and is not trained."""

BATCH = 50
"""The orders of rows that are drawn at once; between batches a test can be stopped."""


@own_state()
def run_test(
    config: RunConfig,
    registry: Registry,
    *,
    source: Source | None = None,
    nulls: RankNulls | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> IndependenceTest:
    """Test whether the columns that `config` selects are independent.

    Arguments:
        config: The resolved configuration; its estimator is not used.
        registry: Where its names are looked up.
        source: The data; the file that `config` names by default.
        nulls: Null distributions of one continuous column a side that are kept from other tests.
        should_stop: Is asked between batches of permutations whether to stop; the result is then not `complete`.

    Raises:
        ConfigError: If the configuration and the data do not go together, or there are too few permutations.
        DataError: If the data do not allow a test.
    """
    began = time.perf_counter()
    config = replace(config, estimator=Choice(ESTIMATOR), critic=None)
    wanted = config.inference.permutations or PERMUTATIONS
    if wanted < FEWEST_PERMUTATIONS:
        raise ConfigError(
            f"expected at least {FEWEST_PERMUTATIONS} permutations, for with fewer no p-value is as low as 0.05; "
            f"got {wanted}."
        )
    prepared = prepare(config, registry, source)
    _check(prepared)
    measured = _with_estimator(prepared, registry)
    tested = _tested(prepared, wanted, nulls or RankNulls(wanted, config.seed), should_stop)
    found = tested.combined
    y = tuple(name for name in prepared.cleaned.y.names if name not in prepared.given)
    return IndependenceTest(
        p_value=found.p_value,
        statistic=float(tested.observed[found.winner]),
        method=tested.names[found.winner],
        mi=_mutual_information(measured),
        n=len(prepared.cleaned.rows),
        permutations=tested.permutations,
        x=prepared.cleaned.x.names,
        y=y,
        given=prepared.given,
        p_values=dict(zip(tested.names, found.own.tolist(), strict=True)),
        estimator=measured.config.estimator.name,
        rows=str(prepared.design),
        seed=config.seed,
        seconds=time.perf_counter() - began,
        complete=tested.permutations == wanted,
        warnings=tuple(_warnings(prepared, tested.permutations, wanted)),
    )


@dataclass(frozen=True)
class _Tested:
    combined: Combined
    observed: Floats
    names: Sequence[str]
    permutations: int


def _check(prepared: Prepared) -> None:
    if prepared.given and not prepared.design.independent:
        raise ConfigError(
            "expected independent rows beside --given: no permutation is known that keeps both what is given and the "
            "order of a series, or groups; leave out --given, or --block and --group."
        )


def _tested(prepared: Prepared, wanted: int, nulls: RankNulls, should_stop: Callable[[], bool]) -> _Tested:
    config = prepared.config
    rng = np.random.default_rng([config.seed, 1])
    x, y, given = _sides(prepared)
    if x.single and y.single and not prepared.given and prepared.design.independent:
        null = nulls.of(len(x.values))
        combined, observed = null.test(x.values[:, 0], y.values[:, 0], rng)
        return _Tested(combined, observed, null.names, nulls.permutations)
    local = LocalOrders(given.values, given.counts) if prepared.given else None
    residual = Residual(given.values, given.counts, rng) if prepared.given else None
    one_to_one = not isinstance(prepared.design, Groups)
    family = statistics(x, y, rng, residual, one_to_one=one_to_one)
    parts = [np.arange(len(x.values))]

    def order() -> Rows:
        return local.order(rng) if local else prepared.design.order(parts, rng)

    def values(orders: Rows) -> Floats:
        return np.concatenate([one.values(orders) for one in family], axis=1)

    observed = values(parts[0][None])[0]
    permuted: list[Floats] = []
    while sum(map(len, permuted)) < wanted and not (permuted and should_stop()):
        size = min(BATCH, wanted - sum(map(len, permuted)))
        permuted.append(values(np.stack([order() for _ in range(size)])))
    null_values = np.concatenate(permuted)
    names = [name for one in family for name in one.names]
    return _Tested(smallest_p(observed, null_values), observed, names, len(null_values))


def _sides(prepared: Prepared) -> tuple[Side, Side, Side]:
    """Return x, y without what is given, and what is given."""
    every = prepared.cleaned.y
    places = [place for place, name in enumerate(every.names) if name in prepared.given]
    others = [place for place in range(len(every.names)) if place not in places]
    return _side(prepared.cleaned.x, range(len(prepared.cleaned.x.names))), _side(every, others), _side(every, places)


def _side(variable: Variable, places: Sequence[int]) -> Side:
    return Side(variable.values[:, places], [variable.counts[place] for place in places])


def _with_estimator(prepared: Prepared, registry: Registry) -> Prepared:
    """Return the columns with the estimator for their kinds: levels are counted, not compared by distance."""
    kinds = [set(side.kinds) for side in (prepared.cleaned.x, prepared.cleaned.y)]
    if prepared.given or {"discrete"} not in kinds or {"continuous", "discrete"} in kinds:
        return prepared
    choice = Choice("ross" if {"continuous"} in kinds else "plugin")
    return replace(prepared, config=replace(prepared.config, estimator=choice), plan=blueprint(choice, None, registry))


def _mutual_information(prepared: Prepared) -> float:
    """Return the mutual information of x and y, conditional on what is given, in nats."""
    if prepared.given:
        return value_given(prepared, Listener(), lambda: False).nats
    return value([prepared], Listener(), lambda: False)[0].nats


def _warnings(prepared: Prepared, done: int, wanted: int) -> Iterator[str]:
    yield from prepared.cleaned.warnings
    if done < wanted:
        yield f"interrupted: the p-value rests on {done} permutations"
    places = [place for place, name in enumerate(prepared.cleaned.y.names) if name in prepared.given]
    if any(prepared.cleaned.y.levels[place] is None for place in places):
        yield (
            "rows were exchanged among those with nearly the same values of what is given: the p-value is approximate, "
            "and too small where x and y change much among such rows"
        )
