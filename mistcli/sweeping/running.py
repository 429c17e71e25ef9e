"""Runs the points of a sweep, each a fit of its own, and puts them beside each other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistcli.config.resolve import Resolved, resolve
from mistcli.config.sources import Layer, flat_layer
from mistcli.data.selection import resolve as resolve_columns
from mistcli.errors import ConfigError
from mistcli.executors.base import Done, Executor, Task
from mistcli.persistence.result_store import Progress, Store, complete, fingerprint, make_task
from mistcli.readers.source import open_source
from mistcli.sweeping.grid import PARTS, Point, expand
from mistcli.sweeping.selection import Selected, select

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry
    from mistcli.result import Estimate

__all__ = ["SCHEMA", "Fitting", "Swept", "run", "sweep_tasks", "to_dict"]

SCHEMA = "mist.sweep/1"


@dataclass(frozen=True)
class Swept:
    """A sweep that has been run.

    Arguments:
        points: The values of the options that it varies, point by point.
        done: What became of each.
        selected: The choice among the points of each estimator.
    """

    points: tuple[Point, ...]
    done: tuple[Done, ...]
    selected: tuple[Selected, ...]


@dataclass(frozen=True)
class Fitting:
    """The work of a task: one estimate, with all that a choice between points needs.

    Arguments:
        registry: Where names are looked up.
    """

    registry: Registry

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the estimate, in nats, and the validation loss and estimate of each fold, as plain values."""
        from mistcli.pipeline.estimation import run as estimate

        resolved = resolve([Layer("the sweep", data["config"])], self.registry)
        found = estimate(resolved.config, resolved.registry).estimate
        return {
            "mi": found.nats,
            "stderr": found.stderr,
            "low": found.interval.low,
            "high": found.interval.high,
            "level": found.interval.level,
            "bound": found.bound,
            "n": found.n,
            "seconds": found.seconds,
            "warnings": found.warnings,
            "folds": _folds(found),
        }


def sweep_tasks(values: Mapping[str, Any], registry: Registry) -> list[Task]:
    """Return a task for each point of a sweep, after all of them have been checked.

    Arguments:
        values: What the sweep file says.
        registry: Where names are looked up.

    Raises:
        ConfigError: If a point has an option that nobody knows, or a value that is not right.
        DataError: If the data cannot be read.
    """
    if "loggers" in values:
        raise ConfigError("a sweep has no loggers; leave `loggers` out, and read the results in its folder.")
    base = Layer("the sweep", {key: value for key, value in values.items() if key not in PARTS})
    if not any(values.get(part) for part in PARTS):
        resolve([base], registry)  # to name a misspelt part, before it is said that there is none
    tasks, seen = [], {}
    for point in expand({key: value for key, value in values.items() if key in PARTS}):
        told = ", ".join(f"{key}={_shown(value)}" for key, value in point.items())
        resolved = resolve([flat_layer(f"the point {told} of the sweep", point), base], registry)
        data = resolved.config.data
        columns = (data.path, data.reader, data.x, data.y)
        if columns not in seen:
            seen[columns] = _checked(resolved)
        entry = resolved.registry.get("estimators", resolved.config.estimator.name)
        plugin = [entry.distribution, entry.version]
        tasks.append(make_task(point=point, config=resolved.values(), plugin=plugin, data=seen[columns]))
    return list({task.key: task for task in tasks}.values())  # a point that is drawn twice is one


def run(
    tasks: Sequence[Task],
    registry: Registry,
    executor: Executor,
    *,
    store: Store | None = None,
    retry: bool = False,
    told: Progress = lambda task, done: None,
) -> Swept:
    """Run the points of a sweep, and choose among them.

    Arguments:
        tasks: The points, as `sweep_tasks` gives them.
        registry: Where names are looked up.
        executor: Who does it.
        store: Where results are kept, and looked for before anything is done anew.
        retry: Whether points that failed before are to be done again.
        told: Is told of each point that ends.
    """
    ended = complete(tasks, Fitting(registry), executor, store=store, retry=retry, told=told)
    done = tuple(one for _, one in ended)
    selected = select([task.data["config"] for task in tasks], [one.result for one in done])
    return Swept(tuple(dict(task.data["point"]) for task in tasks), done, tuple(selected))


def to_dict(swept: Swept) -> dict[str, Any]:
    """Return a sweep as plain values, in the schema `mist.sweep/1`, with no NaN in it."""
    return {
        "schema": SCHEMA,
        "units": "nats",
        "points": [
            {"point": point, "error": done.error, **(done.result or {})}
            for point, done in zip(swept.points, swept.done, strict=True)
        ],
        "selected": [dataclasses.asdict(one) for one in swept.selected],
    }


def _checked(resolved: Resolved) -> str:
    """Find out whether the columns are there, and return the fingerprint of their file."""
    data = resolved.config.data
    for name, value in (("path", data.path), ("x", data.x), ("y", data.y)):
        if not value:
            raise ConfigError(f"the sweep does not say data.{name}; give it under `data`, as in a configuration.")
    source = open_source(Path(data.path), resolved.registry, data.reader)
    resolve_columns([column.name for column in source.columns()], data.x, data.y)
    return fingerprint(Path(data.path))


def _folds(found: Estimate) -> list[dict[str, Any]]:
    """Return, fold by fold, the lowest validation loss, and the estimate on the rows that the fold values."""
    if found.folds is None or found.pointwise is None:
        return []
    lowest: dict[int, float] = {}
    for record in found.records:
        if record["name"] == "loss" and record["split"] == "valid" and math.isfinite(record["value"]):
            lowest[record["fit"]] = min(record["value"], lowest.get(record["fit"], math.inf))
    parts = [found.pointwise[found.folds == fold] for fold in sorted(lowest)]
    return [
        {"valid_loss": lowest[fold], "n": len(part), "mi": float(part.mean())}
        for fold, part in zip(sorted(lowest), parts, strict=True)
    ]


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
