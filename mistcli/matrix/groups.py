"""Pairs of groups of columns: a closed form of all columns together, and the p-values of the columns pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from mistcli.errors import ConfigError
from mistcli.matrix.columns import FEWEST_ROWS, Unit
from mistcli.matrix.estimates import DEPENDENT
from mistcli.matrix.ranks import Floats, normal_scores, ranks_within
from mistcli.matrix.screen import Screen
from mistcli.matrix.work import Item
from mistcli.text import printable

__all__ = ["group_items", "screen_groups"]

FEWEST_A_COLUMN = 3
"""The fewest rows a column of both groups for the closed form; with fewer, only pairs of columns count."""

ASKED = 1.0
"""The most nats by which the closed form may underestimate two groups: dependent groups get nearest neighbours."""

TINY = 1e-300


def group_items(units: Sequence[Unit], groups: dict[str, list[str]], single: Sequence[str]) -> list[Item]:
    """Return the sides of pairs: the groups, and the columns in `single` that no group takes.

    Columns that were left out are left out of their group; a group that has lost all is left out itself.

    Raises:
        ConfigError: If a column is in two groups.
    """
    place = {unit.name: number for number, unit in enumerate(units)}
    taken: dict[str, str] = {}
    items = []
    for group, names in groups.items():
        for name in names:
            if taken.setdefault(name, group) != group:
                raise ConfigError(f"column '{printable(name)}' is in the groups '{taken[name]}' and '{group}'.")
        columns = tuple(place[name] for name in names if name in place)
        if columns:
            items.append(Item(group, columns))
    return items + [Item(name, (place[name],)) for name in single if name in place and name not in taken]


@dataclass(frozen=True)
class _Closed:
    """The closed form of two groups of columns.

    Arguments:
        n: The number of rows.
        mi: The mutual information, in nats.
        stderr: Its standard error.
        p_value: The p-value of independence.
    """

    n: int
    mi: float
    stderr: float
    p_value: float


def screen_groups(
    units: Sequence[Unit], items: Sequence[Item], pairs: Sequence[tuple[int, int]], each: Screen
) -> Screen:
    r"""Return what the closed form says of pairs of groups, and the smallest p-value that any test gives.

    .. math:: p = \min\Big(1, 2 \min\big(p_{\text{closed}}, m \min_{ij} p_{ij}\big)\Big)

    with the p-value :math:`p_{\text{closed}}` of Bartlett's test of independence of normal scores and indicators of
    levels, and those of the :math:`m` pairs of a column of one group and one of the other. It is never too small, and
    too large by up to the factor 2.

    References:
        | The statistical significance of canonical correlations (Bartlett, 1941)
        | https://doi.org/10.1093/biomet/32.1.29

    Arguments:
        units: The columns.
        items: The sides of pairs.
        pairs: The places in `items` of the pairs.
        each: The screen of all pairs of columns of two different items.
    """
    smallest = {(int(i), int(j)): float(p) for i, j, p in zip(each.x, each.y, each.p_value, strict=True)}
    value = {(int(i), int(j)): k for k, (i, j) in enumerate(zip(each.x, each.y, strict=True))}
    found, too_few = [], 0
    for x, y in pairs:
        between = [tuple(sorted((i, j))) for i in items[x].columns for j in items[y].columns]
        known = [pair for pair in between if pair in smallest]
        if len(between) == len(known) == 1:
            k = value[known[0]]
            row = (each.n[k], each.mi[k], each.stderr[k], each.p_value[k], each.method[k], each.gain[k])
            found.append((x, y, *row, each.least_entropy[k]))
            continue
        closed = _closed(units, items[x].columns, items[y].columns)
        if closed is None or not known:
            too_few += 1
            continue
        p_value = min(1.0, 2 * min(closed.p_value, len(known) * min(smallest[pair] for pair in known)))
        found.append((x, y, closed.n, closed.mi, closed.stderr, p_value, 0, ASKED * (p_value < DEPENDENT), np.nan))
    return Screen.of([[np.array([value]) for value in row] for row in found], too_few)


def _closed(units: Sequence[Unit], x: Sequence[int], y: Sequence[int]) -> _Closed | None:
    """Return the closed form of two groups; None where too few rows have a value in every column."""
    chosen = [units[place] for place in (*x, *y)]
    rows = np.ones(len(chosen[0].codes), dtype=bool)
    for unit in chosen:
        if unit.present is not None:
            rows &= unit.present
    n = int(rows.sum())
    if n < FEWEST_ROWS:
        return None
    sides = [_orthonormal(np.column_stack([_features(units[place], rows, n) for place in side])) for side in (x, y)]
    widths = [side.shape[1] for side in sides]
    if 0 in widths or n < FEWEST_A_COLUMN * sum(widths):
        return _Closed(n, 0.0, 1.0, 1.0)
    square = np.clip(np.linalg.svd(sides[0].T @ sides[1], compute_uv=False) ** 2, 0, 1 - 1e-12)
    value, freedom = float(-0.5 * np.log1p(-square).sum()), widths[0] * widths[1]
    # Bartlett's factor makes 2 N I a chi-square, and its mean the bias
    factor = (n - 1 - (sum(widths) + 1) / 2) / n
    p_value = float(gammaincc(freedom / 2, factor * n * value))
    error = np.sqrt(max(float(square.sum()) / n, freedom / 2 / n**2))
    return _Closed(n, value - freedom / (2 * factor * n) * float(np.prod(1 - square)), float(error), max(p_value, TINY))


def _features(unit: Unit, rows: NDArray[np.bool_], n: int) -> Floats:
    """Return normal scores of a continuous column, or an indicator a level but one, (n, D)."""
    if not unit.levels:
        return normal_scores(n)[ranks_within(unit.codes, rows)][:, None]
    return np.asarray(unit.codes[rows][:, None] == np.arange(1, unit.levels), dtype=np.float64)


def _orthonormal(features: Floats) -> Floats:
    """Return an orthonormal basis of the centred features, without those that the others determine, (n, D')."""
    left, size, _ = np.linalg.svd(features - features.mean(0), full_matrices=False)
    return np.asarray(left[:, size > 1e-9 * max(float(size.max(initial=0.0)), TINY)], dtype=np.float64)
