"""The greedy order: the next column by what it adds, its p-value, and what all chosen tell together out of fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import Fold
from mistcli.inference.sampling_design import Design
from mistcli.matrix.columns import Unit
from mistcli.matrix.ranks import Floats, Ints, normal_scores, ranks_within
from mistcli.matrix.work import Item
from mistcli.ranking.blocks import Blocks
from mistcli.ranking.criteria import JMI, MIM, MRMR, Criterion, Gain, cell_codes
from mistcli.ranking.marginals import tested
from mistcli.ranking.preparing import RankedData
from mistcli.ranking.settings import RankConfig
from mistcli.ranking.totals import out_of_fold

__all__ = ["MOST_CANDIDATES", "Order", "Step", "greedy_order"]

MOST_CANDIDATES = 500
"""The most columns of which the next one is chosen: those that tell most alone, which keeps memory below a gigabyte."""

MOST_CHOSEN = 50
"""The most columns that are chosen where no number is given."""

FEWEST_ROWS = 20
"""The rows below which there are two folds instead of five."""


@dataclass(frozen=True)
class Step:
    """One column of the greedy order.

    Arguments:
        place: The candidate.
        p_value: The p-value of what it adds.
        total: What it and those before tell of the target, in nats.
    """

    place: int
    p_value: float
    total: float


@dataclass(frozen=True)
class Order:
    """The greedy order.

    Arguments:
        steps: The columns that were chosen.
        log_ratio: The log ratio of each row, by all that are chosen, given what is given, (N,).
        stderr: The standard error of its mean.
        next_p_value: The p-value of the best one that was not chosen.
    """

    steps: tuple[Step, ...]
    log_ratio: Floats
    stderr: float
    next_p_value: float | None


def greedy_order(data: RankedData, relevance: Floats, config: RankConfig) -> Order:
    """Choose column after column until there are enough, or the next one adds no more than chance.

    That is where its p-value is above the level, or the total on rows that the fit has not seen does not grow.

    Arguments:
        data: The columns.
        relevance: What each candidate tells alone, in nats, (P,).
        config: What to do.
    """
    candidates = np.argsort(-relevance, kind="stable")[:MOST_CANDIDATES]
    items = [data.items[place] for place in candidates]
    sides = [data.features(item) for item in items]
    blocks = data.blocks(sides)
    criterion = _criterion(data, items, relevance[candidates], blocks, config)
    fit, rng = _Fit.of(data), np.random.default_rng([config.seed, 5])
    used = data.given_features()
    base = fit.log_ratio(used)
    found = Order((), np.zeros(len(data.rows)), 0.0, None)
    most = min(len(items), config.k or MOST_CHOSEN)
    taken: list[int] = []
    while len(taken) < len(items):
        scores = criterion.scores().copy()
        scores[taken] = -np.inf
        best = [
            int(place) for place in np.argsort(-scores, kind="stable")[: criterion.shortlist] if scores[place] > -np.inf
        ]
        p_value = _p_value(blocks, taken, data.design, config, rng)
        added = {place: sides[place][:, :1] if blocks.straight(place) else sides[place] for place in best}
        ratios = {place: fit.log_ratio([*used, added[place]]) - base for place in best}
        place = max(best, key=lambda place: float(ratios[place].mean()))
        log_ratio = ratios[place]
        nothing = p_value > config.stop or log_ratio.mean() <= found.log_ratio.mean()
        if len(taken) >= most or (config.k is None and nothing):
            return replace(found, next_p_value=p_value)
        taken.append(place)
        used.append(added[place])
        step = Step(int(candidates[place]), p_value, float(log_ratio.mean()))
        found = Order((*found.steps, step), log_ratio, fit.spread(log_ratio), None)
        blocks.choose(place)
        criterion.choose(place)
    return found


def _p_value(
    blocks: Blocks, taken: Sequence[int], design: Design, config: RankConfig, rng: np.random.Generator
) -> float:
    """Return how often the best of all candidates that are left adds as much by chance as it does."""
    observed, null = tested(blocks, design, config.permutations, rng)
    best = np.delete(null, taken, axis=0).max(0)
    return (1 + int((best >= np.delete(observed, taken).max() - 1e-12).sum())) / (1 + len(best))


@dataclass(frozen=True)
class _Fit:
    """Fits of the target, each row valued by one that has not seen it."""

    target: Floats
    classes: int
    design: Design
    folds: Sequence[Fold]

    @classmethod
    def of(cls, data: RankedData) -> _Fit:
        codes = data.target.codes[data.rows]
        training = TrainingConfig(folds=5 if len(codes) >= FEWEST_ROWS else 2, valid_fraction=0.0)
        target = codes.astype(np.float64)
        if not data.target.levels:
            target = normal_scores(len(codes))[ranks_within(codes, np.ones(len(codes), dtype=bool))]
        return cls(target, data.target.levels, data.design, data.design.folds(training, 0))

    def log_ratio(self, sides: Sequence[Floats]) -> Floats:
        """Return the log ratio of each row by these features, (N,) in nats."""
        if not sides:
            return np.zeros(len(self.target))
        return out_of_fold(np.column_stack(sides), self.target, self.classes, self.folds)

    def spread(self, log_ratio: Floats) -> float:
        """Return the standard error of the mean, in nats."""
        return self.design.spread(log_ratio, least=1 / len(log_ratio))


def _criterion(
    data: RankedData, items: Sequence[Item], relevance: Floats, blocks: Blocks, config: RankConfig
) -> Criterion:
    if config.method == "cmi":
        return Gain(blocks)
    if config.method == "mim":
        return MIM(relevance)
    units = [[data.columns.units[place] for place in item.columns] for item in items]
    if config.method == "mrmr":
        return MRMR(relevance, units)
    joint = [_joint(side, data.rows) for side in units]
    return JMI(relevance, np.stack(joint, 1), cell_codes(data.target, data.rows))


def _joint(units: Sequence[Unit], rows: Ints) -> Ints:
    """Return one code a row for all columns of a candidate together."""
    codes = np.stack([cell_codes(unit, rows) for unit in units], 1)
    return np.unique(codes, axis=0, return_inverse=True)[1].ravel() if len(units) > 1 else codes[:, 0]
