"""From a table to its matrix: the screen, then neighbours, then the estimator `auto` while there is time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.executors.base import Executor, Task
from mistcli.executors.serial import SerialExecutor
from mistcli.matrix.columns import Columns, coded_columns
from mistcli.matrix.groups import group_items, screen_groups
from mistcli.matrix.ranks import Floats, Ints
from mistcli.matrix.result import MutualInformationMatrix, ends, listed_methods, q_values
from mistcli.matrix.screen import METHODS, Screen, screen
from mistcli.matrix.settings import MatrixConfig, check_cost, columns_of, pair_count
from mistcli.matrix.work import Item, PairWork, finished
from mistcli.persistence.result_store import Progress, Store, make_task
from mistcli.plugin.registry import Registry
from mistcli.readers.base import Table
from mistcli.text import listed

__all__ = ["run_matrix"]

SURE = 2.0
"""By how many standard errors the screen must exceed neighbours to be taken instead: both fall short, not exceed."""

ASKED = 0.1
"""The false discovery rate of the pairs of which neighbours are asked: the others are as good as independent."""

UNSEEN = 0.03
"""The standard error of what cells and neighbours may miss, as a share of the value: intervals then hold 89 % of true
values on 45 families with 2,000 rows, and 76 % without it."""

WORTH = 0.01
"""The error, or disagreement of two levels, in nats, above which a pair is worth an estimate by `auto`."""

BATCH = 400_000
"""The rows times pairs of one task of neighbours, about one second of work."""


def run_matrix(
    table: Table,
    names: Sequence[str],
    config: MatrixConfig,
    registry: Registry,
    *,
    executor: Executor | None = None,
    store: Store | None = None,
    fingerprint: str = "",
    told: Progress = lambda task, done: None,
) -> MutualInformationMatrix:
    """Return the mutual information of all pairs of columns.

    Arguments:
        table: At least the columns that `config` selects, all of one length.
        names: All columns there are.
        config: What to do.
        registry: Where the estimators of the third level are looked up.
        executor: Who estimates the pairs that the screen does not settle; this process by default.
        store: Where their values are kept, and looked for before anything is done anew.
        fingerprint: What tells the data from other data in the store.
        told: A callback for each batch of pairs that ends.

    Raises:
        ConfigError: If a selector is not right, or the matrix would take too long.
        DataError: If fewer than two columns can be used.
    """
    began = time.monotonic()
    chosen, rows, groups = columns_of(names, config)
    every = list(dict.fromkeys([*rows, *chosen]))
    check_cost(pair_count(len(chosen), len(rows)), len(table[every[0]]), config.budget)
    columns = coded_columns(table, every, config.cleaning, columns=names, seed=config.seed)
    items = _items(columns, groups, chosen, every)
    if len(items) < 2:
        reasons = "; ".join(f"'{one.column}': {one.reason}" for one in columns.skipped[:5])
        raise DataError(f"fewer than two columns can be used ({reasons}).")
    found = _screened(columns, items, groups, set(chosen), set(rows))
    work = PairWork(
        items, columns.units, _needed(table, columns, found, config, groups), config.cleaning, registry, config.seed
    )
    settled = _Settled.of(found)
    runner = _Runner(work, executor or SerialExecutor(), store, told, fingerprint, config)
    _neighbours(settled, runner)
    _auto(settled, runner, began)
    return _result(items, columns, settled, runner, began)


@dataclass
class _Settled:
    """The values of pairs, as level after level settles them."""

    screen: Screen
    mi: Floats
    stderr: Floats
    method: NDArray[Any]
    gap: Floats

    @classmethod
    def of(cls, found: Screen) -> _Settled:
        method = np.array(METHODS, dtype=object)[found.method]
        missed = np.where(method == "cells", np.hypot(UNSEEN * found.mi, found.gain / 2), 0.0)
        return cls(found, found.mi.copy(), np.hypot(found.stderr, missed), method, np.zeros(len(found.mi)))


@dataclass(frozen=True)
class _Runner:
    """Runs tasks of pairs."""

    work: PairWork
    executor: Executor
    store: Store | None
    told: Progress
    fingerprint: str
    config: MatrixConfig
    failures: list[str] = field(default_factory=list)

    def values(
        self, settled: _Settled, level: str, batches: Sequence[Ints], deadline: float = float("inf")
    ) -> list[tuple[int, float, float]]:
        """Return the place, the mutual information and the error of each pair that was estimated."""
        of_task: dict[str, Ints] = {}
        tasks: list[Task] = []
        facts = {**asdict(self.config.cleaning), "seed": self.config.seed, "data": self.fingerprint}
        for places in batches:
            pairs = [[int(settled.screen.x[p]), int(settled.screen.y[p])] for p in places]
            named = [[self.work.items[i].name, self.work.items[j].name] for i, j in pairs]
            task = make_task(level=level, pairs=pairs, named=named, **facts)
            of_task[task.key] = places
            tasks.append(task)
        found = []
        for task, done in finished(
            tasks, self.work, self.executor, store=self.store, deadline=deadline, told=self.told
        ):
            if done.result is None:
                self.failures.append(done.error)
            values = done.result["values"] if done.result else []
            for place, value in zip(of_task[task.key], values, strict=False):
                if value is not None:
                    found.append((int(place), float(value[0]), float(value[1])))
        return found

    def told_failures(self) -> list[str]:
        """Return a sentence if tasks failed; their pairs keep the value of the level before."""
        if not self.failures:
            return []
        count = f"{len(self.failures)} batches" if len(self.failures) > 1 else "1 batch"
        return [f"{count} of pairs failed ({self.failures[0]}): they keep the value of the screen."]


def _screened(
    columns: Columns, items: list[Item], groups: dict[str, list[str]], chosen: set[str], rows: set[str]
) -> Screen:
    """Return the screen of all pairs of items."""
    names = [unit.name for unit in columns.units]
    on_rows = np.array([name in rows if rows else name in chosen for name in names])
    on_columns = np.array([name in chosen for name in names])
    side = np.full(len(names), -1)
    for number, item in enumerate(items):
        side[list(item.columns)] = number

    def wanted(i: Ints, j: Ints) -> NDArray[np.bool_]:
        across = (on_rows[i] & on_columns[j]) | (on_rows[j] & on_columns[i])
        return np.asarray(across & (side[i] != side[j]) & (side[i] >= 0) & (side[j] >= 0))

    each = screen(columns.units, wanted)
    if not groups:
        return each
    row_side, column_side = ([bool(on[list(item.columns)].any()) for item in items] for on in (on_rows, on_columns))
    pairs = [
        (i, j)
        for i in range(len(items))
        for j in range(i + 1, len(items))
        if (row_side[i] and column_side[j]) or (row_side[j] and column_side[i])
    ]
    return screen_groups(columns.units, items, pairs, each)


def _items(columns: Columns, groups: dict[str, list[str]], chosen: list[str], every: list[str]) -> list[Item]:
    if groups:
        return group_items(columns.units, groups, every)
    return [Item(unit.name, (place,)) for place, unit in enumerate(columns.units)]


def _needed(table: Table, columns: Columns, found: Screen, config: MatrixConfig, groups: dict[str, list[str]]) -> Table:
    """Return the columns, as they were read, that later levels need."""
    if config.budget is None and not groups:
        return {}
    if groups:
        return {unit.name: table[unit.name] for unit in columns.units}
    used = np.unique(np.concatenate([found.x[found.gain > 0], found.y[found.gain > 0]]))
    return {columns.units[place].name: table[columns.units[place].name] for place in used}


def _neighbours(settled: _Settled, runner: _Runner) -> None:
    r"""Ask neighbours of the pairs whose cells may be too coarse, and weigh both values.

    The weights are :math:`1 / \mathrm{SE}^2` of neighbours and :math:`1 / (\mathrm{SE}^2 + g^2)` of cells, with what
    the last halving added, :math:`g`, for what cells may still miss. Where cells surely tell more, they count alone:
    neighbours fall short of the truth rather than exceed it.
    """
    places = np.flatnonzero((settled.screen.gain > 0) & (q_values(settled.screen.p_value, "bh") <= ASKED))
    if not len(places):
        return
    size = max(1, BATCH // max(1, int(settled.screen.n[places].max())))
    batches = [places[start : start + size] for start in range(0, len(places), size)]
    for place, mi, stderr in runner.values(settled, "neighbours", batches):
        cells, error = settled.mi[place], settled.stderr[place]
        settled.gap[place] = abs(cells - mi)
        if cells - mi > SURE * np.hypot(stderr, error):
            continue
        missed = np.square(error) + np.square(settled.screen.gain[place])
        weight = missed / (missed + np.square(stderr))
        settled.mi[place] = weight * mi + (1 - weight) * cells
        settled.stderr[place] = weight * np.hypot(stderr, UNSEEN * mi) + (1 - weight) * error
        if weight > 0.5:
            settled.method[place] = "neighbours"


def _auto(settled: _Settled, runner: _Runner, began: float) -> None:
    """Estimate pairs by `auto` while there is time: those first where neighbours and the screen differ most."""
    budget = runner.config.budget
    if budget is None:
        return
    doubt = np.maximum(settled.gap, settled.stderr)
    asked = q_values(settled.screen.p_value, "bh") <= ASKED
    places = np.flatnonzero((settled.screen.gain > 0) & asked & (doubt > WORTH))
    order = places[np.argsort(-doubt[places], kind="stable")]
    for place, mi, stderr in runner.values(settled, "auto", [np.array([p]) for p in order], began + budget):
        settled.mi[place], settled.stderr[place], settled.method[place] = mi, stderr, "auto"


def _result(
    items: Sequence[Item], columns: Columns, settled: _Settled, runner: _Runner, began: float
) -> MutualInformationMatrix:
    found, config = settled.screen, runner.config
    low, high = ends(settled.mi, settled.stderr, settled.method == "copula", found.n, config.level)
    normalised = np.clip(settled.mi / np.where(found.least_entropy > 0, found.least_entropy, np.nan), 0, 1)
    return MutualInformationMatrix(
        names=tuple(item.name for item in items),
        x=found.x,
        y=found.y,
        mi=settled.mi,
        stderr=settled.stderr,
        low=low,
        high=high,
        p_value=found.p_value,
        q_value=q_values(found.p_value, config.fdr),
        method=settled.method,
        n=found.n,
        normalised=normalised,
        skipped=columns.skipped,
        level=config.level,
        fdr=config.fdr,
        seed=config.seed,
        seconds=time.monotonic() - began,
        warnings=tuple([*_warnings(items, columns, settled), *runner.told_failures()]),
        levels=listed_methods(settled.method),
    )


def _warnings(items: Sequence[Item], columns: Columns, settled: _Settled) -> list[str]:
    found, told = settled.screen, []
    if columns.missing:
        lacking = sorted(columns.missing.items(), key=lambda item: -item[1])
        shown = ", ".join(f"'{name}' {count}" for name, count in lacking[:8])
        more = f" and {len(lacking) - 8} more columns" if len(lacking) > 8 else ""
        told.append(f"values are missing ({shown}{more}): each pair rests on the rows that have both, counted as n.")
    if found.too_few:
        told.append(f"{found.too_few} pairs have too few rows in common, and are left out.")
    ceiling = np.log(np.maximum(found.n, 1)) - 1
    tight = np.flatnonzero((settled.mi > ceiling) & ~np.isfinite(found.least_entropy))
    if len(tight):
        more = f" and {len(tight) - 8} more" if len(tight) > 8 else ""
        pairs = [f"{items[found.x[p]].name} and {items[found.y[p]].name}" for p in tight[:8]]
        told.append(
            f"one column of {listed(pairs)}{more} all but determines "
            "the other: the rows cannot show how much more information there is than the value."
        )
    return told
