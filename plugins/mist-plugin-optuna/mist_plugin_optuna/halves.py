"""Two parts of the rows of a file: the search sees one, the value comes from the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.data.selection import resolve as resolve_columns
from mistcli.pipeline.preprocessing import Source
from mistcli.readers.base import Column, Table

__all__ = ["Part", "parts"]


@dataclass(frozen=True)
class Part:
    """Some of the rows of a source, as a source.

    Arguments:
        source: Where the names of all columns come from.
        table: The columns that are x or y, all rows.
        rows: The rows of this part, in order.
        role: What the part is for.
    """

    source: Source
    table: Table
    rows: NDArray[np.int64]
    role: str

    def columns(self) -> Sequence[Column]:
        """Return the columns there are."""
        return self.source.columns()

    def read(self, names: Sequence[str]) -> Table:
        """Return the named columns, of which all are x or y."""
        return {name: self.table[name][self.rows] for name in names}

    def describe(self) -> Mapping[str, Any]:
        """Return how the columns were read, and which part this is."""
        return {**self.source.describe(), "part": self.role}


def parts(source: Source, x: str, y: str, share: float, seed: int) -> tuple[Part, Part]:
    """Divide the rows of a source at random.

    Arguments:
        source: The source.
        x: The columns that are x, as a selector.
        y: The same for y.
        share: The share of the rows in the first part.
        seed: The seed of the division.
    """
    sides = resolve_columns([column.name for column in source.columns()], x, y)
    table = source.read([name for side in sides for name in side])
    n = len(next(iter(table.values())))
    order = np.random.default_rng([seed, n]).permutation(n)
    first = round(share * n)
    return (
        Part(source, table, np.sort(order[:first]), "search"),
        Part(source, table, np.sort(order[first:]), "value"),
    )
