"""A kept estimator, applied to other data: what it makes of pairs that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import known_values
from mistcli.errors import ConfigError, DataError, FitError, did_you_mean
from mistcli.inference.interval import interval, stderr
from mistcli.inference.verdict import verdict
from mistcli.keeping import fingerprint, restore
from mistcli.readers.source import open_source
from mistcli.registry import Registry
from mistcli.result import Estimate
from mistcli.runfolder import read_run
from mistcli.text import printable
from mistcli.versions import versions

__all__ = ["evaluate"]

Levels: TypeAlias = Mapping[str, Sequence[str] | None]


def evaluate(folder: Path, data: Path, registry: Registry, *, reader: str = "", level: float = 0.95) -> Estimate:
    """Apply the estimator that a run kept in `folder` to the same columns of other data.

    The log ratio of each row is the mean over the kept fits. Rows that the fits were trained on are not forbidden, but
    are warned of: on them the value is too high.

    Arguments:
        folder: The folder of the run.
        data: The file with the other data.
        registry: Where the estimator, its critic and the reader are looked up.
        reader: The reader of the file, found by the file if empty.
        level: The level of the interval.

    Raises:
        DataError: If the run kept no estimator, or the data do not have its columns and levels.
        ConfigError: If the reader, or the plugin of the estimator, is unknown.
        FitError: If the estimator gives no finite number on the data.
    """
    started = time.perf_counter()
    run = read_run(folder)
    if run.kept is None:
        raise DataError(f"the run in '{printable(str(folder))}' kept no estimator to apply.")
    applied = restore(run.kept, registry)
    source = open_source(data, registry, reader)
    columns = [column.name for column in source.columns()]
    levels: Levels = {**applied.x, **applied.y}
    _check_columns(levels, columns)
    table = source.read(list(levels))
    values, rows = known_values(table, levels)
    x, y = values[:, : len(applied.x)], values[:, len(applied.x) :]
    x, y = applied.x_encoder.encode(x), applied.y_encoder.encode(y)
    log_ratio = applied.log_ratio(x, y)
    nats, error = float(log_ratio.mean()), stderr(log_ratio)
    if not np.isfinite([nats, error]).all():
        raise FitError("the kept estimator gives log ratios that are not finite on these data.")
    reach = interval(nats, error, level)
    warnings = list(verdict(nats, reach, len(rows), applied.fits[0].ceiling(len(rows))))
    if fingerprint(x, y) == applied.fitted_to:
        warnings.insert(0, "these are the rows that the estimator was fitted to, on which it says too much")
    read = len(table[next(iter(levels))])
    return Estimate(
        nats=nats,
        stderr=error,
        interval=reach,
        bound=applied.blueprint.target.bound,
        n=len(rows),
        estimator=applied.blueprint.entry.label,
        x=tuple(applied.x),
        y=tuple(applied.y),
        seed=_seed(run.result),
        seconds=time.perf_counter() - started,
        cleaning={"rows_read": read, "rows_used": len(rows), "dropped_missing": read - len(rows)},
        warnings=tuple(warnings),
        versions=versions(),
        config=run.config,
        pointwise=log_ratio,
        rows=rows,
    )


def _check_columns(levels: Levels, columns: Sequence[str]) -> None:
    for name in levels:
        if name not in columns:
            hint = did_you_mean(name, columns)
            raise ConfigError(f"expected the column {printable(name)!r}, which the estimator was fitted to; it is not there.{hint}")


def _seed(result: Mapping[str, Any]) -> int:
    """Return the seed of the run, as far as its result tells."""
    seed = result.get("seed")
    return seed if isinstance(seed, int) else 0
