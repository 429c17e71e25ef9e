"""What is done with pairs that the screen does not settle: nearest neighbours, then the estimator `auto`.

The work is plain data and can go to another process; the tasks name pairs of units by their places.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mistcli.api import estimate
from mistcli.config.schema import CleaningConfig
from mistcli.data.cleaning import Kind
from mistcli.data.selection import quote
from mistcli.errors import MistError
from mistcli.executors.base import Done, Executor, Task
from mistcli.matrix.columns import Unit
from mistcli.matrix.neighbours import class_neighbours, continuous_neighbours
from mistcli.matrix.ranks import ranks_within
from mistcli.persistence.result_store import Progress, Store
from mistcli.plugin.options import fields
from mistcli.plugin.registry import Registry
from mistcli.readers.base import Table

__all__ = ["Item", "PairWork", "finished"]

MOST_ROWS = 20_000
"""The most rows for nearest neighbours. With as many, the error is below 0.01 nats; of larger tables a random subset
is used."""

LEFT_OUT = ("transform", "max_missing")
"""Settings of cleaning that the estimator decides, or that do not hold for pairs."""


@dataclass(frozen=True)
class Item:
    """One side of a pair: a column, or a group of columns.

    Arguments:
        name: Its name.
        columns: The places of its columns among the units.
    """

    name: str
    columns: tuple[int, ...]


@dataclass(frozen=True)
class PairWork:
    """Estimates pairs; it can be sent to another process.

    Arguments:
        items: The sides of pairs.
        units: The columns, as ranks or codes.
        table: The columns as they were read; only those that the estimator `auto` or groups need.
        cleaning: How columns are cleaned.
        registry: Where estimators are looked up.
        seed: The seed of every random choice.
    """

    items: Sequence[Item]
    units: Sequence[Unit]
    table: Table
    cleaning: CleaningConfig
    registry: Registry
    seed: int

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the mutual information and its standard error of each pair of a task, in nats, as `values`."""
        return {"values": [self._value(x, y, data["level"]) for x, y in data["pairs"]]}

    def _value(self, x: int, y: int, level: str) -> tuple[float, float] | None:
        """Return the mutual information and its error of a pair; None where it cannot be had."""
        sides = self.items[x], self.items[y]
        if level == "neighbours" and all(len(side.columns) == 1 for side in sides):
            return self._neighbours(self.units[sides[0].columns[0]], self.units[sides[1].columns[0]])
        try:
            return self._estimated(sides, level)
        except MistError:  # one that the screen took may be refused for its rows: the value of the screen stays
            return None

    def _neighbours(self, x: Unit, y: Unit) -> tuple[float, float]:
        rows = np.ones(len(x.codes), dtype=bool)
        for present in (x.present, y.present):
            if present is not None:
                rows &= present
        if rows.sum() > MOST_ROWS:
            chosen = np.random.default_rng([self.seed, 2]).choice(np.flatnonzero(rows), MOST_ROWS, replace=False)
            rows = np.zeros_like(rows)
            rows[chosen] = True
        if x.levels or y.levels:
            classes, ranked = (x, y) if x.levels else (y, x)
            return class_neighbours(classes.codes[rows], ranks_within(ranked.codes, rows))
        return continuous_neighbours(ranks_within(x.codes, rows), ranks_within(y.codes, rows))

    def _estimated(self, sides: tuple[Item, Item], level: str) -> tuple[float, float]:
        units = [[self.units[place] for place in side.columns] for side in sides]
        kinds = {unit.name: unit.kind for side in units for unit in side}
        options: dict[str, Any] = {item.name: getattr(self.cleaning, item.name) for item in fields(CleaningConfig)}
        options |= {kind: _selector(kinds, kind) for kind in ("discrete", "continuous")}
        found = estimate(
            {name: self.table[name] for name in kinds},
            x=[unit.name for unit in units[0]],
            y=[unit.name for unit in units[1]],
            estimator=_estimator(list(kinds.values())) if level == "neighbours" else "auto",
            seed=self.seed,
            registry=self.registry,
            max_missing=1.0,
            **{name: value for name, value in options.items() if name not in LEFT_OUT},
        )
        return found.nats, found.stderr


def finished(
    tasks: Sequence[Task],
    work: PairWork,
    executor: Executor,
    *,
    store: Store | None = None,
    deadline: float = float("inf"),
    told: Progress = lambda task, done: None,
) -> Iterator[tuple[Task, Done]]:
    """Do what is not done yet, and yield each task that ends before the deadline, in any order.

    No task is begun anew where the mean time of those that have ended would not leave enough for it.

    Arguments:
        tasks: The tasks, the most important first.
        work: What is done with each.
        executor: Who does it.
        store: Where results are kept, and looked for; nowhere if None.
        deadline: When to stop, on the clock of `time.monotonic`.
        told: A callback for each task that ends.
    """
    kept = store.read() if store else {}
    waiting = {task.key: task for task in tasks}
    for task in tasks:
        if task.key in kept and kept[task.key].result is not None:
            told(task, kept[task.key])
            yield waiting.pop(task.key), kept[task.key]
    began = time.monotonic()
    if not waiting or began >= deadline:
        return
    for number, done in enumerate(executor.run(work, list(waiting.values())), 1):
        if store:
            store.append(done)
        told(waiting[done.key], done)
        yield waiting[done.key], done
        now = time.monotonic()
        if now + (now - began) / number >= deadline:
            return


def _estimator(kinds: Sequence[Kind]) -> str:
    """Return the estimator by neighbours, or by a table, for columns of these kinds."""
    if "discrete" not in kinds:
        return "ksg"
    return "mixed_ksg" if "continuous" in kinds else "plugin"


def _selector(kinds: Mapping[str, Kind], kind: Kind) -> str:
    """Return the selector of the columns of one kind."""
    return ",".join(quote(name) for name, found in kinds.items() if found == kind)
