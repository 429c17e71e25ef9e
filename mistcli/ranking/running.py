"""From a table to a ranking: each column alone, then a greedy order, and where it stops."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mistcli.errors import DataError
from mistcli.executors.base import Executor
from mistcli.inference.interval import interval
from mistcli.matrix.result import q_values
from mistcli.plugin.registry import Registry
from mistcli.ranking.greedy import MOST_CANDIDATES, Order, greedy_order
from mistcli.ranking.marginals import Marginals, marginals
from mistcli.ranking.preparing import RankedData
from mistcli.ranking.result import RankedFeature, Ranking
from mistcli.ranking.settings import RankConfig
from mistcli.readers.base import Table
from mistcli.text import listed, printable

__all__ = ["run_marginals", "run_ranking"]

LEAKS = 0.98
"""The share of the entropy of a discrete target from which a column determines it."""


def run_marginals(table: Table, names: Sequence[str], config: RankConfig, registry: Registry) -> Marginals:
    """Return what each column, or group of columns, tells of the target alone.

    Arguments:
        table: At least the columns that `config` selects, all of one length.
        names: All columns there are.
        config: What to do.
        registry: Where estimators are looked up, for groups of columns.

    Raises:
        ConfigError: If a selector is not right.
        DataError: If the target cannot be used.
    """
    return marginals(RankedData.of(table, names, config), config, registry)


def run_ranking(
    table: Table,
    names: Sequence[str],
    config: RankConfig,
    registry: Registry,
    *,
    alone: Marginals | None = None,
    executor: Executor | None = None,
) -> Ranking:
    """Return the columns by their information about a target.

    Arguments:
        table: At least the columns that `config` selects, all of one length.
        names: All columns there are.
        config: What to do.
        registry: Where estimators are looked up, for groups of columns.
        alone: What each column tells alone; found here by default.
        executor: Who asks neighbours of pairs that the screen does not settle; this process by default.

    Raises:
        ConfigError: If a selector is not right.
        DataError: If the target, or no column at all, can be used.
    """
    began = time.monotonic()
    data = RankedData.of(table, names, config)
    if not data.items and not data.copies:
        reasons = "; ".join(f"'{printable(one.column)}': {one.reason}" for one in data.skipped[:5])
        raise DataError(f"no column is left to rank ({reasons}).")
    found = alone.of([item.name for item in data.items]) if alone else marginals(data, config, registry, executor)
    order = greedy_order(data, found.mi, config)
    return _result(data, found, order, config, began)


def _result(data: RankedData, alone: Marginals, order: Order, config: RankConfig, began: float) -> Ranking:
    q_value = q_values(alone.p_value, config.fdr)
    steps = {step.place: (number, step) for number, step in enumerate(order.steps, 1)}
    before = {step.place: earlier.total for earlier, step in zip(order.steps, order.steps[1:], strict=False)}
    ranked = []
    for item, values, q in zip(data.items, alone.values.tolist(), q_value.tolist(), strict=True):
        mi, stderr, low, high, p_value = values
        ranked.append(RankedFeature(item.name, mi, stderr, low, high, p_value, q))
    for place, (number, step) in steps.items():
        adds = step.total - before.get(place, 0.0)
        ranked[place] = replace(ranked[place], order=number, adds=adds, p_adds=step.p_value, total=step.total)
    last = len(ranked) + 1
    ranked.sort(key=lambda one: (one.order or last, -one.mi))
    total = order.steps[-1].total if order.steps else 0.0
    leaks = (*data.copies, *_leaks(data, alone))
    return Ranking(
        target=data.target.name,
        features=tuple(ranked),
        total=total,
        stderr=order.stderr,
        interval=interval(total, order.stderr, config.level),
        next_p_value=order.next_p_value,
        given=tuple(data.chosen.given),
        method=config.method,
        n=len(data.rows),
        leaks=leaks,
        skipped=data.skipped,
        fdr=config.fdr,
        seed=config.seed,
        seconds=time.monotonic() - began,
        warnings=tuple(_warnings(data, alone, leaks)),
    )


def _leaks(data: RankedData, alone: Marginals) -> list[str]:
    """Return the candidates that determine the target, as far as the rows can show."""
    n = len(data.rows)
    if data.target.levels:
        share = np.bincount(data.target.codes) / len(data.target.codes)
        limit = -LEAKS * float(np.sum(share[share > 0] * np.log(share[share > 0])))
    else:
        limit = float(np.log(n)) - 1
    return [item.name for item, mi in zip(data.items, alone.mi, strict=True) if mi >= limit]


def _warnings(data: RankedData, alone: Marginals, leaks: Sequence[str]) -> list[str]:
    told = [warning for warning in alone.warnings if "determines" not in warning]
    if leaks:
        told.append(f"{listed(leaks)} determine the target: a leak, unless this is what you look for.")
    if len(data.items) > MOST_CANDIDATES:
        told.append(
            f"the order is chosen among the {MOST_CANDIDATES} of {len(data.items)} columns that tell most alone."
        )
    if len(data.rows) < data.columns.rows:
        told.append(f"the order rests on {len(data.rows)} of {data.columns.rows} rows, chosen at random.")
    return told
