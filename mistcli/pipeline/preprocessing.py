"""From data to columns that are ready to be estimated on: read, select, clean, encode."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mistcli.config.schema import RunConfig
from mistcli.data.cleaning import Cleaned, Variable, clean
from mistcli.data.deduplication import without_repeats
from mistcli.data.encoding import as_discrete, distinct, is_missing
from mistcli.data.selection import beside
from mistcli.data.selection import resolve as resolve_columns
from mistcli.data.splitting import copies
from mistcli.data.transforms import Encoder
from mistcli.errors import ConfigError, DataError
from mistcli.inference.sampling_design import Apart, Design, Groups, Series
from mistcli.persistence.checkpoint import Encoded
from mistcli.plugin import EstimatorSpec
from mistcli.plugin.registry import Registry
from mistcli.readers.arrays import plain
from mistcli.readers.base import Column, Table
from mistcli.readers.source import open_source
from mistcli.text import printable
from mistcli.training.devices import device_of
from mistcli.training.estimator_factory import Blueprint, blueprint
from mistcli.training.events import Listener, Warned

__all__ = ["History", "Prepared", "Source", "only", "prepare", "restricted"]

Floats = NDArray[np.float64]


class Source(Protocol):
    """Where columns come from: a file, or tables in memory."""

    def columns(self) -> Sequence[Column]:
        """Return the columns there are."""

    def read(self, names: Sequence[str]) -> Table:
        """Return the named columns."""

    def describe(self) -> Mapping[str, Any]:
        """Return how the columns were read, for the record."""


@dataclass
class History:
    """What was measured and warned of on the way to one estimate."""

    records: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def tell(self, listener: Listener, warnings: Iterable[str]) -> None:
        """Keep the warnings, and pass them on."""
        for warning in warnings:
            self.warnings.append(warning)
            listener.emit(Warned(warning))


@dataclass(frozen=True)
class Prepared:
    """Columns that are ready to be estimated on.

    Arguments:
        config: The configuration.
        plan: The estimator.
        cleaned: The columns.
        encoded: Their features.
        design: Which rows belong together.
        read: How they were read, for the record.
        began: When the work began, on the clock of `time.perf_counter`.
        given: Those columns of y that the information is conditional on.
        history: What happens from here on.
    """

    config: RunConfig
    plan: Blueprint
    cleaned: Cleaned
    encoded: Encoded
    design: Design
    read: Mapping[str, Any]
    began: float
    given: tuple[str, ...] = ()
    history: History = field(default_factory=History)

    @property
    def x(self) -> Tensor:
        """One side, (N, Dx), in the precision of the estimator and on its device."""
        return self._tensor(self.encoded.x)

    @property
    def y(self) -> Tensor:
        """The other side, (N, Dy)."""
        return self._tensor(self.encoded.y)

    def _tensor(self, side: Floats) -> Tensor:
        tensor = torch.from_numpy(side)
        return tensor.float().to(device_of(self.config.training.device)) if self.plan.trained else tensor


def prepare(
    config: RunConfig,
    registry: Registry,
    source: Source | None = None,
    *,
    choose: Callable[[Sequence[str], str, str], tuple[list[str], list[str]]] = resolve_columns,
    series: bool = False,
) -> Prepared:
    """Read, select, clean and encode the columns that `config` selects.

    Arguments:
        config: The resolved configuration.
        registry: Where its names are looked up.
        source: The data; the file that `config` names by default.
        choose: Returns the columns of both sides, by all names and the selectors of x and y.
        series: Whether the rows are moments, all of which are needed.
    """
    began = time.perf_counter()
    plan = blueprint(config.estimator, config.critic, registry)
    if plan.chooses and config.cleaning.transform != "auto":
        raise ConfigError(
            f"estimator {config.estimator.name!r} chooses by itself how columns are prepared; leave --transform out, "
            "or name a single estimator."
        )
    source = source or open_source(Path(config.data.path), registry, config.data.reader)
    names = [column.name for column in source.columns()]
    x, y = choose(names, config.data.x, config.data.y)
    given, group = _others(names, x, y, config)
    table = source.read(list(dict.fromkeys([*x, *y, *given, *group])))
    cleaned = clean(table, x, [*y, *given], config.cleaning, columns=names)
    if not (series or group or config.inference.block):
        cleaned = without_repeats(cleaned)
    _check_kinds(cleaned, plan.spec, registry)
    encoded = _encoded(cleaned, plan, config.cleaning.transform)
    plan = plan.rescaled(lambda: _log_volume(cleaned, encoded, given))
    design = _design(config, cleaned, encoded, table, group)
    kept = tuple(name for name in cleaned.y.names if name in given)
    if given:
        _check_given(cleaned.y, y, kept)
    return Prepared(config, plan, cleaned, encoded, design, dict(source.describe()), began, kept)


def only(prepared: Prepared, names: Sequence[str]) -> Prepared:
    """Return the same rows with these columns of y alone, prepared in the same way."""
    y, encoder = prepared.cleaned.y, prepared.encoded.y_encoder
    places = [place for place, name in enumerate(y.names) if name in names]
    levels = tuple(encoder.levels[place] for place in places)
    side = restricted(y, names)
    part = Encoder(levels, tuple(encoder.states[place] for place in places), encoder.transform)
    encoded = replace(prepared.encoded, y=part.encode(side.values), y_encoder=part)
    return replace(prepared, cleaned=replace(prepared.cleaned, y=side), encoded=encoded, history=History())


def restricted(side: Variable, names: Sequence[str]) -> Variable:
    """Return some of the columns of a side."""
    places = [place for place, name in enumerate(side.names) if name in names]
    levels = tuple(side.levels[place] for place in places)
    return Variable(tuple(side.names[place] for place in places), side.values[:, places], levels)


def _others(names: Sequence[str], x: list[str], y: list[str], config: RunConfig) -> tuple[list[str], list[str]]:
    """Return the columns that are given, and the one that tells which rows belong together."""
    inference = config.inference
    if inference.block and inference.group:
        raise ConfigError("rows are either a series or belong together by a column; pass --block or --group, not both.")
    sides = {"x": x, "y": y}
    given = beside(names, config.data.given, sides, side="given") if config.data.given else []
    if not inference.group:
        return given, []
    group = beside(names, inference.group, {**sides, "given": given}, side="group")
    if len(group) > 1:
        raise ConfigError(f"--group takes one column; got {len(group)}: {', '.join(map(printable, group[:5]))}.")
    return given, group


def _check_given(side: Variable, y: Sequence[str], given: Sequence[str]) -> None:
    if not given:
        raise DataError("what is given is constant, and changes nothing; leave --given out.")
    if not any(name in y for name in side.names):
        raise DataError("y is constant, so nothing can depend on it.")


def _log_volume(cleaned: Cleaned, encoded: Encoded, given: Sequence[str]) -> float:
    """Return how much more entropy the features of y have than its columns, in nats."""
    if given:
        raise ConfigError(
            "expected no entropy of y beside --given, where that of what is given is needed too; leave it out."
        )
    return encoded.y_encoder.log_volume(cleaned.y.values)


def _design(config: RunConfig, cleaned: Cleaned, encoded: Encoded, table: Table, group: Sequence[str]) -> Design:
    """Return which rows belong together."""
    n = len(cleaned.rows)
    if config.inference.block:
        return Series.of_blocks(n, config.inference.block)
    if group:
        return Groups(_labels(table, group[0], cleaned.rows), printable(group[0]))
    return Apart(n, copies(np.concatenate([encoded.x, encoded.y], 1)) if encoded.continuous else None)


def _labels(table: Table, name: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the group of each row that is used, from 0."""
    values = plain(table[name], name)[rows]
    if count := int(is_missing(values).sum()):
        raise DataError(
            f"the group '{printable(name)}' is missing in {count} of {len(rows)} rows; fill it, or drop them."
        )
    return as_discrete(values, distinct(values)).values.astype(np.int64)


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
    encoders = [Encoder.fit(side.values, side.counts, chosen) for side in (cleaned.x, cleaned.y)]
    x, y = (e.encode(side.values) for e, side in zip(encoders, (cleaned.x, cleaned.y), strict=True))
    return Encoded(x, y, *encoders)
