"""The statistics that a test computes, chosen by the kinds and numbers of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mistcli.independence.features import (
    BANDWIDTHS,
    MOST_FREQUENCIES,
    Block,
    column_blocks,
    frequencies,
    kernel_blocks,
    random_ranks,
    standardized,
)
from mistcli.independence.neighbours import nearest_by_distance, nearest_by_rank
from mistcli.independence.orders import Residual
from mistcli.independence.ranks import FEWEST_ROWS, NEIGHBOURS
from mistcli.independence.statistics import CommonNeighbours, Covariances, Statistic, Successors

__all__ = ["Side", "statistics"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

SUCCESSORS = 2
"""The neighbours whose scores are multiplied: one on each side, in one column."""

MODULATED = (("linear", "linear"), ("coarse", "coarse"), ("medium", "medium"))
"""The pairs of scales at which a dependence may change with what is given."""

MODULATED_FEATURES = 9
"""The score of a column and as many cosines as the medium bandwidth needs: the weight of the next is below 0.02."""

SCORED_LEVELS = 20
"""The most levels of a discrete column whose indicators are scores of successors; all count in the covariances."""

KERNELS = ("distance", "gaussian", "local")


@dataclass(frozen=True)
class Side:
    """One side of a test.

    Arguments:
        values: Numbers, and codes 0, 1, ... of levels, (N, D).
        counts: The levels of each column; 0 for a continuous one.
    """

    values: Floats
    counts: Sequence[int]

    @property
    def single(self) -> bool:
        """Whether it is one continuous column."""
        return len(self.counts) == 1 and not self.counts[0]

    @property
    def discrete(self) -> bool:
        """Whether all columns are discrete."""
        return all(self.counts)


@dataclass
class _Features:
    """What the statistics need of one side."""

    side: Side
    points: Floats
    blocks: list[Block]
    kernels: dict[str, Block] = field(default_factory=dict)

    @property
    def scores(self) -> Floats:
        """Scores of the columns: normal scores, and indicators of levels, (N, D')."""
        parts = [
            one.features[:, 1 : 1 + SCORED_LEVELS] if levels else one.features[:, :1]
            for one, levels in zip(self.blocks, (*self.side.counts, *[0] * len(self.blocks)), strict=False)
        ]
        return np.concatenate(parts, 1)

    def neighbours(self, k: int) -> tuple[Rows, Floats]:
        if self.side.single:
            return nearest_by_rank(self.points[:, 0].astype(np.int64), k // 2), np.full(len(self.points), k / 2)
        return nearest_by_distance(self.points, k)


def statistics(
    x: Side, y: Side, rng: np.random.Generator, residual: Residual | None = None, *, one_to_one: bool = True
) -> list[Statistic]:
    """Return the statistics of dependence of two sides.

    For one continuous column a side all depend on the ranks alone. With several columns there are also kernels on the
    whole side, and the distance of the rows from their mean counts as one more column.

    Arguments:
        x: One side.
        y: The other side.
        rng: Breaks ties, and chooses the rows that span kernels.
        residual: Removes from features what is explained by the columns that are given.
        one_to_one: Whether each order has each row once, which those of groups of different sizes do not.
    """
    many = len(x.counts) * len(y.counts) > 1
    columns = (len(side.counts) + (len(side.counts) > 1) for side in (x, y))
    count = frequencies(int(np.prod(list(columns))))
    first, second = (_features(side, count, rng, kernels=many) for side in (x, y))
    found: list[Statistic] = []
    if residual is None:
        found += _neighbours(first, second)
    else:
        first, second = _residual(first, residual), _residual(second, residual)
        if residual.modulators is not None:
            modulated = [_modulated(one, residual.modulators) for one in first.blocks]
            found.append(Covariances(modulated, second.blocks, MODULATED, "changing with given,"))
    scales = list(BANDWIDTHS) if count == MOST_FREQUENCIES else ["coarse", "medium"]
    pairs = [("linear", "linear"), *product(scales, scales)]
    found.append(Covariances(first.blocks, second.blocks, pairs, "ranks"))
    for name in KERNELS if many else ():
        found.append(Covariances([first.kernels[name]], [second.kernels[name]], [("all", "all")], name))
    return found + _successors(first, second, one_to_one=one_to_one)


def _features(side: Side, count: int, rng: np.random.Generator, *, kernels: bool) -> _Features:
    if side.single:
        points = random_ranks(side.values[:, 0], rng)[:, None].astype(np.float64)
        blocks = column_blocks(points, side.counts, count, rng)
    else:
        points = standardized(side.values, side.counts)
        blocks = column_blocks(side.values, side.counts, count, rng)
        if len(side.counts) > 1:
            radius = np.linalg.norm(points - points.mean(0), axis=1)[:, None]
            blocks += column_blocks(radius, [0], count, rng)
    return _Features(side, points, blocks, kernel_blocks(points, rng) if kernels else {})


def _residual(side: _Features, residual: Residual) -> _Features:
    def of(block: Block) -> Block:
        features, left = residual(block.features)
        return replace(block, features=features, left=left)

    return replace(
        side, blocks=list(map(of, side.blocks)), kernels={name: of(one) for name, one in side.kernels.items()}
    )


def _modulated(block: Block, modulators: Floats) -> Block:
    """Return products of the features of a block with indicators of what is given.

    What is left of features has the mean 0 at each value of what is given, and so have the products: a covariance with
    them is large where the dependence changes its sign with what is given, where that with the features is small.
    """
    features = block.features[:, :MODULATED_FEATURES]
    products = (features[:, :, None] * modulators[:, None, :]).reshape(len(features), -1)
    weights = {
        name: np.repeat(weight[:MODULATED_FEATURES], modulators.shape[1]) for name, weight in block.weights.items()
    }
    return replace(block, features=products, weights=weights)


def _neighbours(x: _Features, y: _Features) -> list[Statistic]:
    """Return the numbers of common neighbours; there are none among rows of few different values."""
    if x.side.discrete or y.side.discrete:
        return []
    found: list[Statistic] = []
    for k in NEIGHBOURS:
        if len(x.points) >= FEWEST_ROWS * k:
            found.append(CommonNeighbours(x.neighbours(k)[0], y.points, y.neighbours(k)[1], f"neighbours k={k}"))
    return found


def _successors(x: _Features, y: _Features, *, one_to_one: bool) -> list[Statistic]:
    found: list[Statistic] = []
    if not x.side.discrete:
        found.append(Successors(x.neighbours(SUCCESSORS)[0], y.scores, "successors in x"))
    if one_to_one and not y.side.discrete:
        found.append(Successors(y.neighbours(SUCCESSORS)[0], x.scores, "successors in y", reverse=True))
    return found
