"""`mistcli.estimate` and its relatives for several pairs and lags: from data to estimates, for Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

from mistcli.config.resolve import Resolved, resolve
from mistcli.config.schema import CleaningConfig
from mistcli.config.sources import SECTIONS, Layer
from mistcli.data.lagging import lags_of
from mistcli.data.selection import quote
from mistcli.data.tables import pair_table, table_from
from mistcli.errors import ConfigError
from mistcli.independence.ranks import RankNulls
from mistcli.independence.result import IndependenceTest
from mistcli.independence.running import PERMUTATIONS, run_test
from mistcli.independence.transfer import run_transfer
from mistcli.pipeline.estimation import run, run_all
from mistcli.pipeline.lagged import run_lags
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Registry
from mistcli.readers.base import Column, Table
from mistcli.result import Estimate, LagProfile
from mistcli.training.events import Listener, Relay

__all__ = ["Selector", "estimate", "estimate_lags", "estimate_many", "independence_test", "selector_of", "source_of"]

Selector: TypeAlias = str | Sequence[str]


def estimate(  # noqa: PLR0913 - what is beside the options is what every estimation has
    data: Any,
    *,
    x: Selector | None = None,
    y: Selector | None = None,
    given: Selector = "",
    estimator: str = "auto",
    critic: str | None = None,
    seed: int = 0,
    reader: str = "",
    registry: Registry | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Estimate:
    """Estimate the mutual information of two groups of columns.

    Arguments:
        data: The path of a file, a DataFrame, a mapping of names to arrays of shape (N,), or a pair `(x, y)` of
            arrays or tensors of shape (N,) or (N, D).
        x: The columns on one side: a selector as on the command line, or a list of names. Not needed for a pair.
        y: The same for the other side.
        given: The columns that the information is to be conditional on, of a table; none by default.
        estimator: The name of the estimator.
        critic: The name of the critic; the estimator's own choice by default.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        registry: Where names are looked up; everything that is installed by default.
        listener: Is told what happens, event by event.
        should_stop: Is asked after every training step whether to stop; the estimate is then not `complete`.
        **options: Options of the estimator and its critic (`neg_samples=16`), and of cleaning, training and inference
            (`missing="error"`, `max_epochs=5`, `level=0.9`, `permutations=999`, `block=50`, `group="subject"`). One
            that nobody knows is an error.

    Returns:
        The estimate, in nats, with its standard error and interval.

    Raises:
        ConfigError: If a name, an option or a selector is wrong.
        DataError: If the data cannot give an estimate.
        FitError: If the estimation gave no finite number.
        PluginError: If a plugin failed.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal(1000)
        >>> y = x + rng.standard_normal(1000)
        >>> found = estimate((x, y), estimator="gaussian")
        >>> abs(found.nats - 0.3466) < 3 * found.stderr
        True
    """
    path, source = source_of(data)
    if source is not None and isinstance(data, tuple):
        x, y = source.sides(x, y)
    place = {"path": path, "reader": reader, "x": selector_of("x", x), "y": selector_of("y", y)}
    place["given"] = selector_of("given", given)
    resolved = _resolved(place, estimator, critic, seed, registry, options)
    with Relay(listener or Listener()) as relay:
        found = run(resolved.config, resolved.registry, source=source, listener=relay, should_stop=should_stop).estimate
        relay.finish(complete=found.complete, result=found.to_dict())
    return found


def estimate_many(  # noqa: PLR0913
    data: Any,
    pairs: Sequence[tuple[Selector, Selector]],
    *,
    estimator: str = "auto",
    critic: str | None = None,
    seed: int = 0,
    reader: str = "",
    registry: Registry | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> list[Estimate]:
    """Estimate the mutual information of several pairs of groups of columns, in one training.

    Pairs of as many columns and rows are trained together, as one stack of fits; each result is that of `estimate` for
    the pair alone, within rounding. On one CPU core this takes about as long as one pair after the other.

    Arguments:
        data: The path of a file, a DataFrame, or a mapping of names to arrays of shape (N,).
        pairs: The columns of x and of y of each estimate: selectors as on the command line, or lists of names.
        estimator: The name of the estimator.
        critic: The name of the critic; the estimator's own choice by default.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        registry: Where names are looked up; everything that is installed by default.
        listener: Is told what happens, event by event, in all fits together.
        should_stop: Is asked after every training step whether to stop.
        **options: As for `estimate`.

    Returns:
        The estimates, in the order of `pairs`.

    Raises:
        MistError: As `estimate` does; what is wrong with one pair stops all.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> table = dict(zip("abc", rng.standard_normal((3, 500))))
        >>> [found.y for found in estimate_many(table, [("a", "b"), ("a", "c")], estimator="gaussian")]
        [('b',), ('c',)]
    """
    sides = [_pair(number, pair) for number, pair in enumerate(pairs)]
    if not sides:
        raise ConfigError("expected at least one pair of groups of columns; got none.")
    path, source = source_of(data)
    place = {"path": path, "reader": reader, "x": sides[0][0], "y": sides[0][1]}
    resolved = _resolved(place, estimator, critic, seed, registry, options)
    first = resolved.config
    configs = [replace(first, data=replace(first.data, x=x, y=y)) for x, y in sides]
    with Relay(listener or Listener()) as relay:
        outcomes = run_all(configs, resolved.registry, source=source, listener=relay, should_stop=should_stop)
        found = [outcome.estimate for outcome in outcomes]
        complete = all(one.complete for one in found)
        relay.finish(complete=complete, result={"estimates": [one.to_dict() for one in found]})
    return found


def estimate_lags(  # noqa: PLR0913
    data: Any,
    *,
    lags: str | Iterable[int],
    x: Selector | None = None,
    y: Selector | None = None,
    given_past: int = 0,
    estimator: str = "auto",
    critic: str | None = None,
    seed: int = 0,
    reader: str = "",
    registry: Registry | None = None,
    listener: Listener | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> LagProfile:
    """Estimate the mutual information of x and of y some rows later, lag by lag, in one training.

    Arguments:
        data: A time series, a row a moment: the path of a file, a DataFrame, a mapping of names to arrays of shape
            (N,), or a pair `(x, y)` of arrays or tensors of shape (N,) or (N, D).
        lags: The lags: integers, or text as on the command line, such as `"1:50"`; y comes first at a negative one.
        x: The columns on one side: a selector as on the command line, or a list of names. Not needed for a pair.
        y: The same for the other side; the same column may be on both, unless 0 is among the lags.
        given_past: The rows of the past of y that the information is conditional on: the estimates are then transfer
            entropies, their bias removed by shifted surrogates, and each has a p-value. Needs an estimator without
            training, `mixed_ksg` in the place of `auto`.
        estimator: The name of the estimator.
        critic: The name of the critic; the estimator's own choice by default.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        registry: Where names are looked up; everything that is installed by default.
        listener: Is told what happens, event by event, in all fits together.
        should_stop: Is asked after every training step whether to stop.
        **options: As for `estimate`.

    Raises:
        MistError: As `estimate` does; also if a lag is no whole number, or the series is too short for the lags.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).standard_normal(500)
        >>> estimate_lags((x, np.roll(x, 3) + 0.5 * np.roll(x, 2)), lags=range(1, 6), estimator="gaussian").peak
        3
    """
    path, source = source_of(data)
    if source is not None and isinstance(data, tuple):
        x, y = source.sides(x, y)
    place = {"path": path, "reader": reader, "x": selector_of("x", x), "y": selector_of("y", y)}
    resolved = _resolved(place, estimator, critic, seed, registry, options)
    with Relay(listener or Listener()) as relay:
        common: dict[str, Any] = {"source": source, "listener": relay, "should_stop": should_stop}
        if given_past:
            found = run_transfer(resolved.config, resolved.registry, lags_of(lags), given_past, **common)
        else:
            found = run_lags(resolved.config, resolved.registry, lags_of(lags), **common)
        relay.finish(complete=found.complete, result=found.to_dict())
    return found


def independence_test(  # noqa: PLR0913
    data: Any,
    *,
    x: Selector | None = None,
    y: Selector | None = None,
    given: Selector = "",
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    reader: str = "",
    registry: Registry | None = None,
    nulls: RankNulls | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> IndependenceTest:
    """Test whether two groups of columns are independent, or independent given others.

    Several statistics are computed: kernels on ranks of different bandwidths on each side, normal scores, common
    neighbours, and scores of successive rows; with several columns also distance covariance and Gaussian kernels. The
    smallest of their p-values is corrected for their number on the same permutations. Given continuous columns, rows
    are permuted within small cells of these, which is approximate; given discrete columns only, the test is exact.

    Arguments:
        data: The path of a file, a DataFrame, a mapping of names to arrays of shape (N,), or a pair `(x, y)` of
            arrays or tensors of shape (N,) or (N, D).
        x: The columns on one side: a selector as on the command line, or a list of names. Not needed for a pair.
        y: The same for the other side.
        given: The columns that the test is conditional on, of a table; none by default.
        permutations: The number of permutations.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        registry: Where names are looked up; everything that is installed by default.
        nulls: Null distributions that are shared by tests of one continuous column a side; their number of permutations
            counts, and `permutations` has to be the same.
        should_stop: Is asked between batches of permutations whether to stop; the result is then not `complete`.
        **options: Options of cleaning (`missing="error"`), and `block` or `group` for rows that are not independent.

    Returns:
        The p-value, the statistic with the smallest p-value of its own, its name, and the mutual information in nats.

    Raises:
        ConfigError: If an option or a selector is wrong, or there are fewer than 19 permutations.
        DataError: If the data do not allow a test.

    References:
        | Discovering and deciphering relationships across disparate data modalities (Vogelstein et al., 2019)
        | https://arxiv.org/abs/1609.05148

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> angle = rng.uniform(0, 2 * np.pi, 200)
        >>> found = independence_test((np.cos(angle), np.sin(angle)), permutations=199)
        >>> found.p_value
        0.005
    """
    known = {*_names(CleaningConfig), "block", "group"}
    unknown = sorted(options.keys() - known)
    if unknown:
        raise ConfigError(f"a test has no option {unknown[0]!r}; there are {', '.join(sorted(known))}.")
    if isinstance(permutations, bool) or not isinstance(permutations, int) or permutations < 1:
        raise ConfigError(f"expected a positive whole number of permutations; got {permutations!r}.")
    if nulls is not None and nulls.permutations != permutations:
        raise ConfigError(
            f"expected nulls of {permutations} permutations, as many as asked for; got {nulls.permutations}."
        )
    path, source = source_of(data)
    if source is not None and isinstance(data, tuple):
        x, y = source.sides(x, y)
    place = {"path": path, "reader": reader, "x": selector_of("x", x), "y": selector_of("y", y)}
    place["given"] = selector_of("given", given)
    resolved = _resolved(place, "auto", None, seed, registry, {**options, "permutations": permutations})
    return run_test(resolved.config, resolved.registry, source=source, nulls=nulls, should_stop=should_stop)


def _resolved(
    place: Mapping[str, str],
    estimator: str,
    critic: str | None,
    seed: int,
    registry: Registry | None,
    options: dict[str, Any],
) -> Resolved:
    """Return the configuration that the arguments amount to; those of `options` belong to any of its parts."""
    values: dict[str, Any] = {"data": dict(place), "estimator": estimator, "seed": seed}
    if critic is not None:
        values["critic"] = critic
    own = {name: section for section, cls in SECTIONS.items() if section != "data" for name in _names(cls)}
    for name in [name for name in options if name in own]:
        values.setdefault(own[name], {})[name] = options.pop(name)
    return resolve([Layer("argument", values, options)], registry or Registry.from_environment())


def _pair(number: int, pair: Any) -> tuple[str, str]:
    """Return both selectors of a pair."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ConfigError(f"expected pairs (x, y) of selectors or lists of names; pair {number} is {pair!r}.")
    return selector_of("x", pair[0]), selector_of("y", pair[1])


@dataclass(frozen=True)
class _Memory:
    """Columns in memory, as a source."""

    table: Table
    names: Sequence[str]

    def columns(self) -> list[Column]:
        return [Column(name, str(self.table[name].dtype)) for name in self.names]

    def read(self, names: Sequence[str]) -> Table:
        return {name: self.table[name] for name in names}

    def describe(self) -> Mapping[str, Any]:
        return {"reader": "memory"}

    def sides(self, x: Selector | None, y: Selector | None) -> tuple[list[str], list[str]]:
        """Return the columns of the sides of a pair, which need no names."""
        if x is not None or y is not None:
            raise ConfigError("expected no x= and y= beside a pair (x, y) of arrays; leave them out.")
        first = [name for name in self.names if name == "x" or name.startswith("x_")]
        return first, [name for name in self.names if name not in first]


def source_of(data: Any) -> tuple[str, _Memory | None]:
    """Return the path of a file, or columns in memory."""
    if isinstance(data, str | PathLike):
        return str(Path(fspath(data))), None
    if isinstance(data, tuple) and len(data) == 2:
        table = pair_table(*data)
        return "", _Memory(table, list(table))
    return "", _Memory(*table_from(data))


def selector_of(side: str, columns: Selector | None) -> str:
    """Return the selector of columns that are given as one, or as a list of names.

    Raises:
        ConfigError: If there are none; the message calls them `side`.
    """
    if columns is None:
        raise ConfigError(
            f"expected the columns of {side}: pass {side}='name', a list of names, or a pair of arrays as data."
        )
    if isinstance(columns, str):
        return columns
    names = columns if isinstance(columns, Iterable) else [columns]  # a label such as 0
    return ",".join(quote(str(name)) for name in names)


def _names(section: type) -> list[str]:
    return [item.name for item in fields(section)]
