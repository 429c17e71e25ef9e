"""What nearest neighbours find, asked where they are strong: in few columns, or in blocks of few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.auto.features import continuous, mapped, scores
from mistcli.auto.ica import Blocks, blocks, unmixed
from mistcli.data.cleaning import Variable
from mistcli.estimators.ksg import KSG
from mistcli.numerics.neighbours import SHARED
from mistcli.training.composite import Context
from mistcli.training.trainer import generator

__all__ = ["SURE", "Found", "neighbours"]

Floats = NDArray[np.float64]

FEW_COLUMNS = 6
MOST_COLUMNS = 50
MANY_ROWS = 50_000
"""Neighbours are asked in blocks of up to so many columns, of sides of up to so many, and up to so many rows."""

DISTINCT = 0.9
"""The share of values that must differ in every column."""

SURE = 2.0
"""By how many standard errors one value must exceed another to be taken instead: all fall short rather than exceed."""


@dataclass(frozen=True)
class Found:
    """The local terms of nearest neighbours.

    Arguments:
        log_ratio: The sum over the blocks of each pair's term, (N,) in nats.
        stderr: The standard error of its mean.
        blocks: The blocks, of columns as they are or unmixed.
        unmixed: Whether they are unmixed.
    """

    log_ratio: Floats
    stderr: float
    blocks: Blocks
    unmixed: bool

    def told(self) -> dict[str, object]:
        """Return what was found and how, as plain values."""
        sizes = [f"{len(i)} x {len(j)}" for i, j in self.blocks.pairs]
        return {
            "columns": "unmixed" if self.unmixed else "as they are",
            "blocks": ", ".join(sizes),
            "mi": float(self.log_ratio.mean()),
        }


def neighbours(x: Variable, y: Variable, context: Context) -> Found | None:
    r"""Ask nearest neighbours of all columns, of blocks of them, and of blocks of unmixed columns and unmixed scores.

    .. math:: I(X; Y) = \sum_b I(X_b; Y_b)

    where the blocks do not depend on each other. A partition is taken instead of the one before it where its sum is
    surely larger.

    References:
        | Estimating mutual information (Kraskov, Stögbauer and Grassberger, 2004)
        | https://arxiv.org/abs/cond-mat/0305641

    Returns:
        What was found; None where neighbours are not to be trusted, or no block is small enough.
    """
    best: Found | None = None
    for parts, apart in _partitions(x, y, context):
        found = _asked(parts, context, apart=apart)
        gap = found.log_ratio - best.log_ratio if best else found.log_ratio
        if best is None or gap.mean() > SURE * context.spread(gap):
            best = found
    return best


def _partitions(x: Variable, y: Variable, context: Context) -> Iterator[tuple[Blocks, bool]]:
    """Yield the partitions into blocks that are small enough, and whether their columns are unmixed."""
    widths = [side.values.shape[1] for side in (x, y)]
    if sum(map(len, map(continuous, (x, y)))) < sum(widths) or max(widths) > MOST_COLUMNS or not context.independent:
        return
    sides = [scores(side, "normal") for side in (x, y)]
    n = len(x.values)
    if n > MANY_ROWS or any(len(np.unique(column)) < DISTINCT * n for side in sides for column in side.T):
        return
    whole = np.arange(widths[0]), np.arange(widths[1])
    if sum(widths) <= FEW_COLUMNS:
        yield Blocks(sides[0], sides[1], (whole,)), False
    if sum(widths) == 2:
        return
    parts = blocks(*sides)
    if 0 < parts.size < sum(widths) and parts.size <= FEW_COLUMNS:
        yield parts, False
    for mixed in ([scores(side, "standard") for side in (x, y)], sides):
        parts = blocks(*map(unmixed, mixed))
        if 0 < parts.size <= FEW_COLUMNS:
            yield parts, True


def _asked(parts: Blocks, context: Context, *, apart: bool) -> Found:
    total = np.zeros(len(parts.x))
    for number, (i, j) in enumerate(parts.pairs):
        sides = (torch.from_numpy(mapped(side, "normal")) for side in (parts.x[:, i], parts.y[:, j]))
        terms = KSG(k=3).fit_log_ratio(*sides, generator=generator(context.seed, "neighbours", number))
        total += terms.double().numpy()
    return Found(total, SHARED * context.spread(total), parts, apart)
