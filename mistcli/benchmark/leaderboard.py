"""From many fits beside their truths to a table: a line an estimator and number of pairs."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mistcli.benchmark.runner import Row

__all__ = ["NEAR", "SCHEMA", "Line", "confidently_wrong", "leaderboard", "to_dict"]

SCHEMA = "mist.bench/1"
NEAR = 0.1
"""An estimate is near the truth within this many nats."""

OUTSIDE, OFF = 0.02, 0.05
"""An estimate is confidently wrong where the truth is this far outside of the interval, and the error this large."""


@dataclass(frozen=True)
class Line:
    """How well an estimator did. Errors are in nats, over the fits that did not fail.

    Arguments:
        estimator: The estimator, as it was asked for.
        n: The number of pairs; None where random tables have numbers of their own.
        fits: The number of fits, the failed ones included.
        mae: The mean absolute error; None where all fits failed, here and below.
        median: The median absolute error.
        worst: The largest absolute error.
        worst_task: Where that was.
        bias: The mean error, with its sign.
        near: The share of all fits within `NEAR` of the truth.
        coverage: The share of intervals that hold the truth.
        wrong: The share of estimates that are confidently wrong: the truth is more than 0.02 nats outside of the
            interval, and the error more than 0.05 nats.
        failed: The number of fits that failed.
        seconds: The mean wall time of a fit.
    """

    estimator: str
    n: int | None
    fits: int
    mae: float | None
    median: float | None
    worst: float | None
    worst_task: str
    bias: float | None
    near: float
    coverage: float | None
    wrong: float | None
    failed: int
    seconds: float | None


def leaderboard(rows: Iterable[Row]) -> list[Line]:
    """Return a line for each estimator and number of pairs, the best of each number first.

    Example:
        >>> rows = [Row("a", "t", 100, 0, 1.0, 1.2, 0.1, 0.9, 1.5, 0.1), Row("a", "u", 100, 0, 0.5, error="boom")]
        >>> line = leaderboard(rows)[0]
        >>> round(line.mae, 3), line.worst_task, line.coverage, line.near, line.failed
        (0.2, 't', 1.0, 0.0, 1)
    """
    groups: dict[tuple[int | None, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((None if row.pooled else row.n, row.estimator), []).append(row)
    lines = [_line(name, n, group) for (n, name), group in groups.items()]
    return sorted(lines, key=lambda line: (line.n or 0, line.mae is None, line.mae or 0.0))


def confidently_wrong(row: Row) -> bool:
    """Return whether the truth is more than 0.02 nats outside of the interval, and the error more than 0.05 nats.

    Example:
        >>> confidently_wrong(Row("a", "t", 100, 0, true=1.0, mi=0.8, low=0.7, high=0.9))
        True
        >>> confidently_wrong(Row("a", "t", 100, 0, true=1.0, mi=0.8, low=0.6, high=0.99))
        False
    """
    if row.mi is None or row.low is None or row.high is None:
        return False
    outside = max(row.low - row.true, row.true - row.high)
    return outside > OUTSIDE and abs(row.mi - row.true) > OFF


def to_dict(rows: Sequence[Row], level: float, unsupported: Mapping[str, int]) -> dict[str, Any]:
    """Return the table and all fits as plain values, in the schema `mist.bench/1`, with no NaN in it."""
    return {
        "schema": SCHEMA,
        "units": "nats",
        "level": level,
        "near": NEAR,
        "leaderboard": [
            {**dataclasses.asdict(line), "unsupported": unsupported.get(line.estimator, 0)}
            for line in leaderboard(rows)
        ],
        "fits": [dataclasses.asdict(row) for row in rows],
    }


def _line(name: str, n: int | None, rows: Sequence[Row]) -> Line:
    good = [(row, row.mi - row.true) for row in rows if row.mi is not None]
    sizes = [abs(error) for _, error in good]
    worst = max(good, key=lambda pair: abs(pair[1]), default=None)
    held = [row.low <= row.true <= row.high for row, _ in good if row.low is not None and row.high is not None]
    seconds = [row.seconds for row, _ in good if row.seconds is not None]
    return Line(
        name,
        n,
        len(rows),
        mae=_mean(sizes),
        median=statistics.median(sizes) if sizes else None,
        worst=max(sizes, default=None),
        worst_task=worst[0].task if worst else "",
        bias=_mean([error for _, error in good]),
        near=sum(size <= NEAR for size in sizes) / len(rows),
        coverage=_mean(held),
        wrong=_mean([confidently_wrong(row) for row, _ in good if row.low is not None]),
        failed=len(rows) - len(good),
        seconds=_mean(seconds),
    )


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None
