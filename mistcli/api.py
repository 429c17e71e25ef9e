"""`mistcli.estimate`: the whole way from data to an estimate, for Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeAlias

from mistcli.data.selection import quote
from mistcli.data.tables import pair_table, table_from
from mistcli.errors import ConfigError
from mistcli.estimation import run
from mistcli.layers import SECTIONS, Layer
from mistcli.options import fields
from mistcli.readers.base import Column, Table
from mistcli.registry import Registry
from mistcli.resolve import resolve
from mistcli.result import Estimate
from mistcli.training.events import Listener, Relay

__all__ = ["estimate"]

Selector: TypeAlias = str | Sequence[str]


def estimate(  # noqa: PLR0913 - what is beside the options is what every estimation has
    data: Any,
    *,
    x: Selector | None = None,
    y: Selector | None = None,
    estimator: str = "js",
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
        estimator: The name of the estimator.
        critic: The name of the critic; the estimator's own choice by default.
        seed: The seed of every random choice.
        reader: The reader of the file, as `NAME` or `NAME:key=value`; found by the file by default.
        registry: Where names are looked up; everything that is installed by default.
        listener: Is told what happens, event by event.
        should_stop: Is asked after every training step whether to stop; the estimate is then not `complete`.
        **options: Options of the estimator and its critic (`neg_samples=16`), and of cleaning, training and inference
            (`missing="error"`, `max_epochs=5`, `level=0.9`). One that nobody knows is an error.

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
    path, source = _source(data)
    if source is not None and isinstance(data, tuple):
        x, y = source.sides(x, y)
    values: dict[str, Any] = {
        "data": {"path": path, "reader": reader, "x": _selector("x", x), "y": _selector("y", y)},
        "estimator": estimator,
        "seed": seed,
    }
    if critic is not None:
        values["critic"] = critic
    own = {name: section for section, cls in SECTIONS.items() if section != "data" for name in _names(cls)}
    for name in [name for name in options if name in own]:
        values.setdefault(own[name], {})[name] = options.pop(name)
    resolved = resolve([Layer("argument", values, options)], registry or Registry.from_environment())
    with Relay(listener or Listener()) as relay:
        found = run(resolved.config, resolved.registry, source=source, listener=relay, should_stop=should_stop).estimate
        relay.finish(complete=found.complete, result=found.to_dict())
    return found


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


def _source(data: Any) -> tuple[str, _Memory | None]:
    """Return the path of a file, or columns in memory."""
    if isinstance(data, str | PathLike):
        return str(Path(fspath(data))), None
    if isinstance(data, tuple) and len(data) == 2:
        table = pair_table(*data)
        return "", _Memory(table, list(table))
    return "", _Memory(*table_from(data))


def _selector(side: str, columns: Selector | None) -> str:
    if columns is None:
        raise ConfigError(
            f"expected the columns of {side}: pass {side}='name', a list of names, or a pair of arrays as data."
        )
    return columns if isinstance(columns, str) else ",".join(quote(str(name)) for name in columns)


def _names(section: type) -> list[str]:
    return [item.name for item in fields(section)]
