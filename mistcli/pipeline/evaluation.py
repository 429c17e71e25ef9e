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
from mistcli.inference.flags import bounded, verdict
from mistcli.inference.interval import held_out_resolution, interval, stderr
from mistcli.numerics.torch_state import own_state
from mistcli.persistence.checkpoint import Applied, fingerprint, restore
from mistcli.persistence.run_folder import read_run
from mistcli.pipeline.versions import versions
from mistcli.plugin.registry import Registry
from mistcli.readers.source import Source, open_source
from mistcli.result import Estimate
from mistcli.text import printable

__all__ = ["evaluate"]

Floats: TypeAlias = NDArray[np.float64]
Levels: TypeAlias = Mapping[str, Sequence[str] | None]


@own_state()
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
        made = "a difference of two estimates" if run.result.get("given") else "made of several estimators"
        raise DataError(
            f"the run in '{printable(str(folder))}' kept no estimator to apply, for its number is {made}; keep a run "
            "of a single one, such as js, without --given."
        )
    applied = restore(run.kept, registry)
    x, y, rows, read = _features(applied, open_source(data, registry, reader))
    log_ratio = applied.log_ratio(x, y)
    nats = float(log_ratio.mean())
    error = stderr(log_ratio, least=held_out_resolution(x.shape[1], y.shape[1], len(rows)))
    if not np.isfinite([nats, error]).all():
        raise FitError("the kept estimator gives log ratios that are not finite on these data.")
    reach = interval(nats, error, level)
    words = list(verdict(nats, reach, len(rows), applied.fits[0].ceiling(len(rows))))
    warnings = [sentence for _, sentence in words]
    bound = applied.blueprint.target.bound
    if fingerprint(x, y) == applied.fitted_to:
        warnings.insert(0, "these are the rows that the estimator was fitted to, on which it says too much")
    return Estimate(
        nats=nats,
        stderr=error,
        interval=reach,
        bound=bound,
        n=len(rows),
        estimator=applied.blueprint.entry.label,
        x=tuple(applied.x),
        y=tuple(applied.y),
        seed=_seed(run.result),
        seconds=time.perf_counter() - started,
        cleaning={"rows_read": read, "rows_used": len(rows), "dropped_missing": read - len(rows)},
        verdict=tuple(word for word, _ in (*bounded(bound), *words)),
        warnings=tuple(warnings),
        versions=versions(),
        config=run.config,
        pointwise=log_ratio,
        rows=rows,
    )


def _features(applied: Applied, source: Source) -> tuple[Floats, Floats, NDArray[np.int64], int]:
    """Return the features of both sides, the rows that lack no value, and how many rows were read."""
    levels: Levels = {**applied.x, **applied.y}
    _check_columns(levels, [column.name for column in source.columns()])
    table = source.read(list(levels))
    values, rows = known_values(table, levels)
    x = applied.x_encoder.encode(values[:, : len(applied.x)])
    y = applied.y_encoder.encode(values[:, len(applied.x) :])
    return x, y, rows, len(table[next(iter(levels))])


def _check_columns(levels: Levels, columns: Sequence[str]) -> None:
    for name in levels:
        if name not in columns:
            hint = did_you_mean(name, columns)
            raise ConfigError(
                f"expected the column {printable(name)!r}, which the estimator was fitted to; it is not there.{hint}"
            )


def _seed(result: Mapping[str, Any]) -> int:
    """Return the seed of the run, as far as its result tells."""
    seed = result.get("seed")
    return seed if isinstance(seed, int) else 0
