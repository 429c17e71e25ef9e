"""The screen: all pairs of columns at once, in blocks of matrix products; the first level of a matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.matrix.columns import FEWEST_ROWS, Unit, patterns
from mistcli.matrix.counts import blocks, counts
from mistcli.matrix.discrete import tabled
from mistcli.matrix.estimates import Values, class_statistics, class_values, continuous_values
from mistcli.matrix.null import Null, permutation_null, random_columns
from mistcli.matrix.ranks import Floats, Ints, cells_for, normal_scores, ranks_within

__all__ = ["METHODS", "Screen", "null_rows", "screen"]

METHODS = ("copula", "cells", "table")
"""What settles a pair in the screen: the closed form, cells of ranks, or a table of levels."""

ALIKE = 4096
"""The rows above which the null distribution no longer changes by more than the noise of its table."""

ENOUGH = 20
"""The rows of a class from which the limit of many rows holds; with fewer, the variance is found by permutation."""


@dataclass(frozen=True)
class Screen:
    """What the screen says of each pair.

    Arguments:
        x: The place of one column of each pair, (M,).
        y: The place of the other, (M,).
        n: The number of rows that the pair has, (M,).
        mi: The mutual information, in nats, (M,).
        stderr: Its standard error, in nats, (M,).
        p_value: The p-value of independence, (M,).
        method: The place in `METHODS` of what settled it, (M,).
        gain: What the last halving of the cells added, in nats, where neighbours should be asked; 0 elsewhere, (M,).
        least_entropy: The smaller entropy of two discrete columns, in nats; NaN for others, (M,).
        too_few: The number of pairs that are left out, having too few rows in common.
    """

    x: Ints
    y: Ints
    n: Ints
    mi: Floats
    stderr: Floats
    p_value: Floats
    method: Ints
    gain: Floats
    least_entropy: Floats
    too_few: int = 0

    @classmethod
    def of(cls, parts: Sequence[Sequence[NDArray[Any]]], too_few: int) -> Screen:
        """Return the pairs of all parts, each its arrays in the order above, sorted with the earlier column as x."""
        kinds = (np.int64, np.int64, np.int64, float, float, float, np.int64, float, float)
        columns = [
            np.concatenate([part[place] for part in parts]).astype(kind) if parts else np.empty(0, kind)
            for place, kind in enumerate(kinds)
        ]
        x, y = np.minimum(columns[0], columns[1]), np.maximum(columns[0], columns[1])
        order = np.lexsort((y, x))
        n, mi, stderr, p_value, method, gain, entropy = (column[order] for column in columns[2:])
        return cls(x[order], y[order], n, mi, stderr, p_value, method, gain, entropy, too_few)


@dataclass
class _Found:
    """Values of blocks, as they are found."""

    parts: list[tuple[NDArray[Any], ...]] = field(default_factory=list)

    def add(self, x: Ints, y: Ints, n: int, values: Values, wanted: NDArray[np.bool_], method: Ints) -> None:
        """Keep the wanted pairs of a block."""
        i, j = np.nonzero(wanted)
        at = (i, j)
        count, none = np.full(len(i), n), np.full(len(i), np.nan)
        part = (x[i], y[j], count, values.mi[at], values.stderr[at], values.p_value[at])
        self.parts.append((*part, method[at], values.gain[at], none))


@dataclass(frozen=True)
class _Side:
    """Columns of one kind and pattern, on the rows of a pair of patterns.

    Arguments:
        places: The places of the columns.
        codes: Their ranks among these rows, or codes of levels, (N, P).
        sizes: The number of levels of each, 0 for continuous ones.
    """

    places: Ints
    codes: Ints
    sizes: Ints


def screen(units: Sequence[Unit], wanted: Callable[[Ints, Ints], NDArray[np.bool_]]) -> Screen:
    """Return the mutual information, standard error and p-value of all wanted pairs of columns.

    Arguments:
        units: The columns.
        wanted: Returns which pairs of places (P, 1) and (1, Q) are wanted, (P, Q); it is symmetric.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> units = [Unit(name, rng.permutation(500), 0) for name in "ab"]
        >>> found = screen(units, lambda i, j: i != j)
        >>> len(found.mi), bool(abs(found.mi[0]) < 0.02)
        (1, True)
    """
    found, too_few = _Found(), 0
    groups = list(patterns(units))
    for first, (x_present, x_places) in enumerate(groups):
        for second, (y_present, y_places) in enumerate(groups[first:], first):
            rows = _both(x_present, y_present)
            n = len(units[0].codes) if rows is None else int(rows.sum())
            same = first == second
            if n < FEWEST_ROWS:
                asked = wanted(x_places[:, None], y_places[None])
                too_few += int(np.triu(asked, 1).sum() if same else asked.sum())
                continue
            sides = [_sides(units, places, rows) for places in (x_places, y_places)]
            null = permutation_null(min(n, ALIKE) if rows is None else null_rows(n))
            _screen_pattern(found, sides[0], sides[1], n, null, wanted, same=same)
    return Screen.of(found.parts, too_few)


def null_rows(n: int) -> int:
    """Return the number of rows whose null distribution stands for that of `n`: within 9 %, and with the same cells.

    The statistics are standardised for the true number of rows; what is left of their distribution changes so slowly
    that a few tables serve columns with gaps of every size.

    Example:
        >>> null_rows(1000), null_rows(1020)
        (1024, 1024)
    """
    near = round(2 ** (round(4 * np.log2(min(n, ALIKE))) / 4))
    return near if cells_for(near) == cells_for(n) else min(n, ALIKE)


def _both(x: NDArray[np.bool_] | None, y: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if x is None or y is None:
        return y if x is None else x
    return x & y


def _sides(units: Sequence[Unit], places: Ints, rows: NDArray[np.bool_] | None) -> tuple[_Side, _Side]:
    """Return the continuous and the discrete ones of these columns."""
    found = []
    for discrete in (False, True):
        chosen = np.array([p for p in places if bool(units[p].levels) == discrete], dtype=np.int64)
        codes = [_on_rows(units[p], rows) for p in chosen]
        stacked = np.stack(codes, 1) if codes else np.empty((0, 0), dtype=np.int64)
        found.append(_Side(chosen, stacked, np.array([units[p].levels for p in chosen], dtype=np.int64)))
    return found[0], found[1]


def _on_rows(unit: Unit, rows: NDArray[np.bool_] | None) -> Ints:
    if rows is None:
        return unit.codes
    return unit.codes[rows] if unit.levels else ranks_within(unit.codes, rows)


def _screen_pattern(
    found: _Found,
    x: tuple[_Side, _Side],
    y: tuple[_Side, _Side],
    n: int,
    null: Null,
    wanted: Callable[[Ints, Ints], NDArray[np.bool_]],
    *,
    same: bool,
) -> None:
    """Screen the pairs of columns of two patterns, each pair once."""

    def asked(first: Ints, second: Ints, *, once: bool) -> NDArray[np.bool_]:
        pairs = wanted(first[:, None], second[None])
        return pairs & (first[:, None] < second[None]) if once else pairs

    for rows, columns in _pairs_of_blocks(x[0], y[0], cells_for(n), same=same):
        pairs = asked(rows.places, columns.places, once=same)
        if pairs.any():
            values = _continuous(rows.codes, columns.codes, n, null)
            found.add(rows.places, columns.places, n, values, pairs, np.where(values.closed, 0, 1))
    for classes, continuous in ((x[1], y[0]), *([] if same else [(y[1], x[0])])):
        _screen_classes(found, classes, continuous, n, asked)
    pairs = asked(x[1].places, y[1].places, once=same)
    for i, j in zip(*np.nonzero(pairs), strict=True):
        one = tabled(x[1].codes[:, i], y[1].codes[:, j])
        at = np.array([x[1].places[i]]), np.array([y[1].places[j]])
        row = (one.mi, one.stderr, one.p_value, METHODS.index("table"), 0.0, one.least_entropy)
        found.parts.append((*at, np.array([n]), *(np.array([value]) for value in row)))


def _screen_classes(
    found: _Found, classes: _Side, continuous: _Side, n: int, asked: Callable[..., NDArray[np.bool_]]
) -> None:
    """Screen the pairs of discrete columns with continuous ones, those of a like number of levels together."""
    if not len(classes.places) or not len(continuous.places):
        return
    cells = cells_for(n)
    width = 2 ** np.ceil(np.log2(np.maximum(classes.sizes, 2))).astype(np.int64)
    for size in np.unique(width):
        members = np.flatnonzero(width == size)
        for part in blocks(len(members), int(size)):
            side = _part(classes, members[part])
            variance = _class_variance(side.codes, int(size), n)
            for columns in blocks(len(continuous.places), cells):
                other = _part(continuous, np.arange(len(continuous.places))[columns])
                pairs = asked(side.places, other.places, once=False)
                if pairs.any():
                    table = counts(side.codes, int(size), other.codes * cells // n, cells)
                    values = class_values(table, n, variance)
                    found.add(side.places, other.places, n, values, pairs, np.ones(pairs.shape, np.int64))


def _pairs_of_blocks(x: _Side, y: _Side, cells: int, *, same: bool) -> Iterator[tuple[_Side, _Side]]:
    for rows in blocks(len(x.places), cells):
        for columns in blocks(len(y.places), cells):
            if not same or columns.start >= rows.start:
                yield (_part(x, np.arange(len(x.places))[rows]), _part(y, np.arange(len(y.places))[columns]))


def _part(side: _Side, chosen: Ints) -> _Side:
    return _Side(side.places[chosen], side.codes[:, chosen], side.sizes[chosen])


def _continuous(x: Ints, y: Ints, n: int, null: Null) -> Values:
    cells, scores = cells_for(n), normal_scores(n)
    table = counts(x * cells // n, cells, y * cells // n, cells)
    return continuous_values(np.clip(scores[x].T @ scores[y] / n, -1, 1), table, n, null)


def _class_variance(codes: Ints, size: int, n: int) -> Floats:
    """Return the variance of the statistics of columns of classes beside independent continuous ones, (P, S)."""
    cells = cells_for(n)
    held = np.stack([np.bincount(column, minlength=size) for column in codes.T])
    mean = ((held > 0).sum(1) - 1)[:, None] * np.array((1, 2, 4, 8))
    variance = 2.0 * mean
    small = np.where(held > 0, held, ENOUGH).min(1) < ENOUGH
    if small.any():
        random = random_columns(n) * cells // n
        variance[small] = class_statistics(counts(codes[:, small], size, random, cells), n).var(1)
    return np.asarray(np.maximum(variance, 1e-12))
