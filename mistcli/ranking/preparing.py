"""The columns of a ranking: those that can be used, the target, what is given, and which rows belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mistcli.data.cleaning import column_alone, forced_kinds
from mistcli.data.encoding import as_discrete, distinct, is_missing
from mistcli.errors import DataError
from mistcli.inference.sampling_design import Apart, Design, Groups, Series
from mistcli.matrix.columns import Columns, Skipped, Unit, coded_columns
from mistcli.matrix.groups import group_items
from mistcli.matrix.ranks import Floats, Ints
from mistcli.matrix.work import Item
from mistcli.ranking.blocks import Blocks, features
from mistcli.ranking.settings import Chosen, RankConfig, chosen_columns
from mistcli.readers.arrays import plain
from mistcli.readers.base import Table
from mistcli.text import printable

__all__ = ["RankedData"]

MOST_ROWS = 20_000
"""The most rows of the greedy order; a random part of larger tables is taken, which bounds memory."""


@dataclass(frozen=True)
class RankedData:
    """Columns that are ready to be ranked.

    Arguments:
        table: The rows that have the target, and what is given.
        chosen: The columns.
        target: The target.
        columns: The others, those that are given included.
        items: The candidates.
        given: The places of what is given.
        design: Which rows belong together.
        rows: The rows of the greedy order, as positions.
        skipped: What is left out; leaks that equal the target are not.
        copies: Columns that equal the target.
    """

    table: Table
    chosen: Chosen
    target: Unit
    columns: Columns
    items: list[Item]
    given: list[int]
    design: Design
    rows: Ints
    skipped: tuple[Skipped, ...]
    copies: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, names: Sequence[str], config: RankConfig) -> RankedData:
        """Return the columns that `config` selects.

        Raises:
            ConfigError: If a selector is not right.
            DataError: If the target, or what is given, cannot be used.
        """
        chosen = chosen_columns(names, config)
        used = [chosen.target, *chosen.given, *chosen.columns]
        forced = forced_kinds(names, names, config.cleaning)
        column_alone(chosen.target, table[chosen.target], forced.get(chosen.target))  # says what is wrong with it
        keep = np.ones(len(table[chosen.target]), dtype=bool)
        for name in (chosen.target, *chosen.given):
            keep &= ~is_missing(plain(table[name], name))
        kept = {name: table[name][keep] for name in [*used, *([chosen.group] if chosen.group else [])]}
        cleaning = replace(config.cleaning, missing="drop")
        columns = coded_columns(kept, used, cleaning, columns=names, seed=config.seed)
        unusable = [one for one in columns.skipped if one.column in (chosen.target, *chosen.given)]
        if unusable:
            name, reason = unusable[0].column, unusable[0].reason
            what = "the target" if name == chosen.target else "what is given,"
            raise DataError(f"{what} '{printable(name)}' cannot be used: {reason}.")
        target = next(unit for unit in columns.units if unit.name == chosen.target)
        twin = f"duplicate: equal to '{printable(chosen.target)}' in every row"
        copies = tuple(one.column for one in columns.skipped if one.reason == twin)
        given = [place for place, unit in enumerate(columns.units) if unit.name in chosen.given]
        items = group_items(columns.units, chosen.groups, chosen.columns)
        rows = np.arange(columns.rows)
        design = _design(kept, chosen, config, columns.rows)
        if columns.rows > MOST_ROWS and design.independent:
            rows = np.sort(np.random.default_rng([config.seed, 3]).choice(rows, MOST_ROWS, replace=False))
            design = Apart(MOST_ROWS)
        skipped = tuple(one for one in columns.skipped if one.column not in copies)
        return cls(kept, chosen, target, columns, items, given, design, rows, skipped, copies)

    def features(self, item: Item) -> Floats:
        """Return the features of a candidate, (N, D)."""
        return np.column_stack([features(self.columns.units[place], self.rows) for place in item.columns])

    def given_features(self) -> list[Floats]:
        """Return the features of each column that is given, (N, D) each."""
        return [features(self.columns.units[place], self.rows) for place in self.given]

    def blocks(self, sides: Sequence[Floats]) -> Blocks:
        """Return candidates as blocks of features, with the target and what is given."""
        given = [np.empty((len(self.rows), 0)), *self.given_features()]
        target = features(self.target, self.rows)
        return Blocks(sides, target, np.column_stack(given), ordered=not self.target.levels)


def _design(table: Table, chosen: Chosen, config: RankConfig, n: int) -> Design:
    """Return which rows belong together."""
    if config.block:
        return Series.of_blocks(n, config.block)
    if not chosen.group:
        return Apart(n)
    values = plain(table[chosen.group], chosen.group)
    if count := int(is_missing(values).sum()):
        name = printable(chosen.group)
        raise DataError(f"the group '{name}' is missing in {count} of {n} rows; fill it, or drop them.")
    label = as_discrete(values, distinct(values)).values.astype(np.int64)
    return Groups(label, printable(chosen.group))
