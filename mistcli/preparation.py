"""From data to columns that are ready to be estimated on: read, select, clean, encode."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mistcli.config import RunConfig
from mistcli.data.cleaning import Cleaned, clean
from mistcli.data.selection import resolve as resolve_columns
from mistcli.data.transforms import Encoder
from mistcli.errors import DataError
from mistcli.estimators.building import Blueprint, blueprint
from mistcli.keeping import Encoded
from mistcli.plugin import EstimatorSpec
from mistcli.readers.base import Column, Table
from mistcli.readers.source import open_source
from mistcli.registry import Registry
from mistcli.text import printable
from mistcli.training.devices import device_of
from mistcli.training.events import Listener, Warned

__all__ = ["History", "Prepared", "Source", "prepare"]

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
        read: How they were read, for the record.
        began: When the work began, on the clock of `time.perf_counter`.
        history: What happens from here on.
    """

    config: RunConfig
    plan: Blueprint
    cleaned: Cleaned
    encoded: Encoded
    read: Mapping[str, Any]
    began: float
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
) -> Prepared:
    """Read, select, clean and encode the columns that `config` selects.

    Arguments:
        config: The resolved configuration.
        registry: Where its names are looked up.
        source: The data; the file that `config` names by default.
        choose: Returns the columns of both sides, by all names and the selectors of x and y.
    """
    began = time.perf_counter()
    plan = blueprint(config.estimator, config.critic, registry)
    source = source or open_source(Path(config.data.path), registry, config.data.reader)
    names = [column.name for column in source.columns()]
    x, y = choose(names, config.data.x, config.data.y)
    cleaned = clean(source.read(list(dict.fromkeys([*x, *y]))), x, y, config.cleaning, columns=names)
    _check_kinds(cleaned, plan.spec, registry)
    encoded = _encoded(cleaned, plan, config.cleaning.transform)
    return Prepared(config, plan, cleaned, encoded, dict(source.describe()), began)


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
