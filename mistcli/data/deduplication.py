"""Rows that are nothing but copies: a table that was written several times, or a join that doubled rows.

Equal rows may be real: rounded numbers and categories meet by chance. They cannot be where every row of the table comes
as often, or where numbers meet in whole rows and never in one column alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Cleaned, Variable

__all__ = ["without_repeats"]

ENOUGH = 20
"""The fewest different rows that do not all come equally often by chance."""

SHARED_ROWS = 4
"""The fewest equal rows that are no copies where most rows come once: values that many rows share, such as zeros."""


def without_repeats(cleaned: Cleaned) -> Cleaned:
    """Return the columns without the rows that can only be copies of others, and say so.

    Example:
        >>> side = np.tile(np.arange(30.0), 3)[:, None]
        >>> from mistcli.data.cleaning import Cleaning
        >>> x, y = Variable(("x",), side, (None,)), Variable(("y",), -side, (None,))
        >>> cleaned = Cleaned(x, y, np.arange(90), Cleaning(90, 90, duplicate_rows=60))
        >>> len(without_repeats(cleaned).rows)
        30
    """
    if not cleaned.cleaning.duplicate_rows:
        return cleaned
    kept = _kept(cleaned)
    left_out = len(cleaned.rows) - len(kept)
    if not left_out:
        return cleaned
    told = f"{left_out} of {len(cleaned.rows)} rows left out, for they can only be copies of others"
    return Cleaned(
        _taken(cleaned.x, kept),
        _taken(cleaned.y, kept),
        cleaned.rows[kept],
        replace(cleaned.cleaning, rows_used=len(kept), repeated_rows=left_out),
        (*cleaned.warnings, told),
    )


def _kept(cleaned: Cleaned) -> NDArray[np.int64]:
    """Return the places of the rows that stay, (M,), increasing."""
    values = np.concatenate([cleaned.x.values, cleaned.y.values], axis=1) + 0.0
    _, group, counts = np.unique(values, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    levels = cleaned.x.levels + cleaned.y.levels
    numbers = [column for column, known in zip(values.T, levels, strict=True) if known is None]
    times = int(np.gcd.reduce(counts))
    if numbers and all(len(np.unique(column)) == len(counts) for column in numbers) and 10 * len(counts) >= len(values):
        few = 2 * np.count_nonzero(counts > 1) < len(counts)
        stays = np.where(few & (counts >= SHARED_ROWS), counts, 1)
    elif times > 1 and len(counts) >= ENOUGH and not _designed(values, levels, times):
        stays = counts // times
    else:
        stays = counts
    order = np.argsort(group, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.flatnonzero(rank < stays[group])


def _designed(values: NDArray[np.float64], levels: Sequence[Sequence[str] | None], times: int) -> bool:
    """Return whether rows may come equally often because somebody chose them so: each value of a column as well."""
    left = len(values) // times
    if any(known is not None and 2 * len(known) > left for known in levels):
        return True
    return all(len(set(np.unique(column, return_counts=True)[1])) == 1 for column in values.T)


def _taken(side: Variable, rows: NDArray[np.int64]) -> Variable:
    return replace(side, values=side.values[rows])
