"""What the columns say of how far a number can be trusted: few rows, sides that determine each other, memory.

These are quick looks, no tests: each is rather silent than wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable
from mistcli.inference.flags import Word

__all__ = ["memory", "symptoms"]

Floats = NDArray[np.float64]

FEW = 50
"""Fewer rows than this are few, whatever the columns."""

ROWS_A_COLUMN = 5

MOST_DIMENSIONS = 3
"""The most columns of a side whose nearest rows are looked at; in more, the nearest ones are far."""

MOST_ROWS = 20_000
MOST_COLUMNS = 20

SHRINKS = 0.5
"""How much of its size the step of y between near rows keeps, at most, with four times as many rows, beside what
would be expected of a function."""

FEW_ON_A_CURVE = 100
"""The fewest rows of which neighbours tell a curve from a narrow cloud."""

CURVE_NEIGHBOURS = 6
THIN, KEPT = 0.15, 0.4
"""How thin neighbourhoods on a curve are, and the share of that which those in a quarter of the rows are at least.

Of 600 rows: 0.09 and 0.6 on a circle; 0.60 and 0.6 on a ring of noise 0.02; 0.47 and 0.35 of normals correlated by
0.9999, which 100 rows make 0.19 and 0.25.
"""

ALIKE = 0.5
"""The correlation of neighbouring rows from which on rows are taken for a series."""

SMOOTH = -0.35
"""That of their differences: about -0.5 in shuffled or sorted tables, nearer 0 where what comes depends on what was."""


def symptoms(x: Variable, y: Variable) -> Iterator[Word]:
    """Yield what the columns of both sides say.

    Example:
        >>> values = np.random.default_rng(0).standard_normal((400, 1))
        >>> x, y = Variable(("x",), values, (None,)), Variable(("y",), np.square(values), (None,))
        >>> [word for word, _ in symptoms(x, y)]
        ['deterministic']
    """
    n, columns = len(x.values), len(x.names) + len(y.names)
    if n < max(FEW, ROWS_A_COLUMN * columns):
        yield Word("too_few_rows", f"too few rows: {n} for {columns} columns, so that the number is rough")
    yield from _determined(x, y)


def memory(x: Variable, y: Variable) -> Iterator[Word]:
    """Yield that neighbouring rows are alike on both sides, as in a series, whose errors need blocks.

    Example:
        >>> walk = np.random.default_rng(0).standard_normal((2, 500, 1)).cumsum(1)
        >>> x, y = (Variable((name,), side, (None,)) for name, side in zip("xy", walk))
        >>> [word for word, _ in memory(x, y)]
        ['series']
    """
    n = len(x.values)
    if n < FEW:
        return
    alike = [max(map(_memory, side.values.T[:MOST_COLUMNS]), default=0.0) for side in (x, y)]
    if min(alike) < ALIKE:
        return
    reach = math.ceil(5 / -math.log(min(math.prod(alike), 1 - 1e-9)))
    block = max(2, min(max(math.ceil(n**0.5), reach), n // 10))
    told = " and ".join(f"{value:.2f} in {side}" for value, side in zip(alike, "xy", strict=True))
    yield Word(
        "series",
        f"neighbouring rows are alike (autocorrelation {told}), as in a series: if it is one, the error is too small "
        f"and the number may be too large; pass --block {block}",
    )


def _memory(column: Floats) -> float:
    """Return the correlation of neighbouring rows of one column (N,), or 0 where it is not that of a series."""
    if column[0] == column[-1] and (column == column[0]).all():
        return 0.0
    ranks = _ranks(column)
    steps = np.diff(ranks)
    return _lagged(ranks) if _lagged(steps) > SMOOTH else 0.0


def _lagged(values: Floats) -> float:
    """Return the correlation of values with those that follow."""
    centred = values - values.mean()
    square = float(np.square(centred).sum())
    return float(centred[1:] @ centred[:-1]) / square if square > 0 else 0.0


def _ranks(column: Floats) -> Floats:
    """Return the mean ranks of the values of a column, as shares of all, (N,)."""
    _, place, counts = np.unique(column, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - counts / 2)[place] / len(column)
    return ranks


def _determined(x: Variable, y: Variable) -> Iterator[Word]:
    """Yield that one side determines the other, or a column of it."""
    for source, target, names in ((x, y, "xy"), (y, x, "yx")):
        if None in source.levels + target.levels:
            if None in source.levels and None in target.levels and _functional(source, target):
                yield Word(
                    "deterministic",
                    f"deterministic, as far as {len(x.values)} rows tell: {names[1]} follows from {names[0]}, and of "
                    "continuous columns the mutual information is then infinite; the number only grows with the rows",
                )
                return
            if _on_a_curve(x, y):
                yield Word(
                    "deterministic",
                    f"deterministic, as far as {len(x.values)} rows tell: x and y lie on a curve, and the mutual "
                    "information is then infinite; the number only grows with the rows",
                )
                return
        elif _one_each(source.values, target.values):
            yield Word(
                "deterministic",
                f"deterministic: {names[0]} determines {names[1]} in every row, so that the number is the entropy of "
                f"{names[1]}",
            )
            return


def _one_each(source: Floats, target: Floats) -> bool:
    """Return whether every combination of source has one of target, and most occur more than once."""
    cells = len(np.unique(source, axis=0))
    return 2 * cells <= len(source) and len(np.unique(np.concatenate([source, target], 1), axis=0)) == cells


def _on_a_curve(x: Variable, y: Variable) -> bool:
    """Return whether one continuous column a side lies on a curve, such as a circle, as far as near rows tell.

    Rows near each other then lie on a line, and of more rows the more so: noise would spread them the more across it.
    """
    n = len(x.values)
    if n < FEW_ON_A_CURVE or x.levels != (None,) or y.levels != (None,):
        return False
    rows = np.linspace(0, n - 1, min(n, MOST_ROWS)).astype(np.int64)
    ranked = np.column_stack([_ranks(side.values[rows, 0]) for side in (x, y)])
    quarter = np.random.default_rng(0).permutation(len(rows))[: len(rows) // 4]
    whole = _thickness(ranked)
    return whole < THIN and _thickness(ranked[quarter]) > KEPT * whole


def _thickness(points: Floats) -> float:
    """Return the median ratio of the smaller to the larger spread of a point and its neighbours, (N, 2) -> 0 to 1."""
    from scipy.spatial import cKDTree

    _, nearest = cKDTree(points).query(points, k=CURVE_NEIGHBOURS + 1)
    near = points[nearest] - points[nearest].mean(1, keepdims=True)
    variances = np.linalg.eigvalsh(np.einsum("nki,nkj->nij", near, near))
    return float(np.median(np.sqrt(np.maximum(variances[:, 0], 0) / np.maximum(variances[:, 1], 1e-300))))


def _functional(source: Variable, target: Variable) -> bool:
    """Return whether a continuous column of target is a function of source, as far as near rows tell.

    With four times as many rows the nearest one is 4^(1/D) times as near, and so is what a function makes of it; what
    noise makes of it stays as it is.
    """
    d = source.values.shape[1]
    chosen = [place for place, levels in enumerate(target.levels) if levels is None][:MOST_COLUMNS]
    if d > MOST_DIMENSIONS or len(source.values) < FEW:
        return False
    rows = np.linspace(0, len(source.values) - 1, min(len(source.values), MOST_ROWS)).astype(np.int64)
    ranked = np.column_stack([_ranks(column) for column in source.values[rows].T])
    targets = np.column_stack([_ranks(target.values[rows, place]) for place in chosen])
    quarter = np.random.default_rng(0).permutation(len(rows))[: len(rows) // 4]
    whole, less = _steps(ranked, targets), _steps(ranked[quarter], targets[quarter])
    expected = 4 ** (-1 / d)
    shrinks = expected + SHRINKS * (1 - expected)
    return bool(((whole < 0.1) & (whole < shrinks * less)).any())


def _steps(source: Floats, target: Floats) -> Floats:
    """Return the mean step of each column of target (N, K) between nearest rows of source, beside that of any, (K,)."""
    if source.shape[1] == 1:
        steps = np.abs(np.diff(target[np.argsort(source[:, 0], kind="stable")], axis=0))
    else:
        from scipy.spatial import cKDTree

        _, nearest = cKDTree(source).query(source, k=[2])
        steps = np.abs(target - target[np.asarray(nearest)[:, 0]])
    mean: Floats = steps.mean(0) / (1 / 3)
    return mean
