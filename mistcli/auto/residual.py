"""What critics learn beyond a copula: trained in one view of the columns, and read out of fold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mistcli.auto.canonical import canonical, expanded
from mistcli.auto.copula import Base
from mistcli.auto.features import View, features, radius, scores
from mistcli.config.schema import TrainingConfig
from mistcli.critics import Critic, JointCritic
from mistcli.critics.elliptical import EllipticalCritic
from mistcli.critics.residual import ResidualCritic
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.estimators.base import shifts
from mistcli.estimators.js import JS
from mistcli.plugin import Bound
from mistcli.training.composite import Context
from mistcli.training.devices import device_of
from mistcli.training.trainer import fit

__all__ = ["Classifier", "Effort", "Judged", "Residual", "Scene", "learn", "look", "look_canonical", "untrained"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

HIDDEN = (64, 64, 64)
RIDGE = 1e-3

PASSES = 150
"""The most passes over the training rows."""

WEIGHT_DECAY = 0.25
"""Strong, for a residual: what is not needed is to stay at 0."""

JUDGED_NEGATIVES = 8
"""The negatives a pair among the rows that decide."""


class Classifier(JS):
    r"""A critic trained to tell pairs from negatives, whose score is taken for the log ratio itself.

    References:
        | Noise-contrastive estimation: a new estimation principle for unnormalized statistical models
          (Gutmann and Hyvärinen, 2010)
        | https://proceedings.mlr.press/v9/gutmann10a.html
    """

    bound: ClassVar[Bound] = "none"
    value_negatives: ClassVar[int] = 1

    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        """Return 0, (*, N): at its optimum the classifier is normalised."""
        return torch.zeros_like(pos)


@dataclass(frozen=True)
class Effort:
    """How long to train, and on how much at once.

    Arguments:
        steps: The most training steps.
        batch_size: The most pairs of a batch.
    """

    steps: int
    batch_size: int

    def batch(self, rows: int) -> int:
        """Return the pairs of a batch, of so many training rows: a quarter of them at most."""
        return max(2, min(self.batch_size, rows // 4))

    def most(self, rows: int) -> int:
        """Return the training steps, with so many training rows: few rows are learnt by heart if seen too often."""
        return min(self.steps, PASSES * rows // self.batch(rows))

    def training(self, asked: TrainingConfig, rows: int) -> TrainingConfig:
        """Return how to train: as was asked for, and with this effort where nothing was asked for."""
        default = TrainingConfig()
        if asked.max_steps is None and asked.max_epochs is None:
            asked = replace(asked, max_steps=self.most(rows))
        if asked.batch_size == default.batch_size:
            asked = replace(asked, batch_size=self.batch(rows))
        if asked.optimizer == default.optimizer and asked.weight_decay is None:
            asked = replace(asked, optimizer="adamw", weight_decay=WEIGHT_DECAY)
        if asked.patience == default.patience:
            asked = replace(asked, patience=0)  # the best weights are kept in any case, and come late
        return asked


@dataclass(frozen=True)
class Judged:
    """The scores of the rows that decide, of all fits together.

    Arguments:
        base_pos: The scores of pairs under the copula, (V,).
        base_neg: Those of their negatives, (V, M).
        pos: What the critics add to pairs, (V,).
        neg: What they add to negatives, (V, M).
    """

    base_pos: Floats
    base_neg: Floats
    pos: Floats
    neg: Floats


@dataclass(frozen=True)
class Scene:
    """What the critics of a view see.

    Arguments:
        view: The name of the view.
        start: The critic that theirs add to; None for none.
        width: The columns of either side that are for it, and come first.
        sides: Both sides of all rows, (N, D) each: one pair for all folds, or one a fold.
    """

    view: str
    start: EllipticalCritic | None
    width: tuple[int, int]
    sides: Sequence[tuple[Tensor, Tensor]] = field(repr=False)

    def classifier(self, generator: Generator) -> Classifier:
        """Return a classifier that is not trained, and scores pairs as the start does."""
        (x, y), (x_width, y_width) = self.sides[0], self.width
        free = x.shape[1] - x_width, y.shape[1] - y_width
        net: Critic = JointCritic(*free, hidden_dims=HIDDEN, generator=generator)
        return Classifier(ResidualCritic(self.start, net, x_width, y_width) if self.start else net)

    def of(self, fold: int) -> tuple[Tensor, Tensor]:
        """Return both sides as the critic of a fold sees them."""
        return self.sides[fold if len(self.sides) > 1 else 0]


@dataclass(frozen=True)
class Residual:
    """Critics, one a fold, and what they add to a copula.

    Arguments:
        scene: What they see.
        critics: The critics.
        base: The copula; None for none.
        folds: The rows of each.
        steps: The training steps done.
        complete: False where training was told to stop early.
    """

    scene: Scene
    critics: Sequence[Critic] = field(repr=False)
    base: Base | None = field(repr=False)
    folds: Sequence[Fold] = field(repr=False)
    steps: int
    complete: bool

    @cached_property
    def values(self) -> Floats:
        """What the critics add to the log ratio of each pair, by the one that has not seen it, (N,) in nats."""
        rows = np.arange(len(self.scene.of(0)[0]))
        return self.out_of_fold(rows, rows)

    @cached_property
    def optimism(self) -> float:
        """By how much more the critics add on the rows that they were trained on, in nats."""
        seen = [np.subtract(*self._scores(k, fold.train, fold.train)).mean() for k, fold in enumerate(self.folds)]
        return float(np.mean(seen) - self.values.mean())

    def out_of_fold(self, x: Rows, y: Rows) -> Floats:
        """Return what critics add to the log ratios of N pairs of rows, each by the critic of its place, in nats."""
        values = np.empty(len(x))
        for place, fold in enumerate(self.folds):
            full, base = self._scores(place, x[fold.test], y[fold.test])
            values[fold.test] = full - base
        return values

    @cached_property
    def judged(self) -> Judged:
        """The scores of the rows that decide, with negatives from among them."""
        found: list[list[Floats]] = []
        for place, fold in enumerate(self.folds):
            n = len(fold.valid)
            shift = torch.cat([torch.zeros(1, dtype=torch.long), shifts(n, min(JUDGED_NEGATIVES, n - 1))]).numpy()
            partners = fold.valid[(np.arange(n)[:, None] + shift) % n]
            full, base = self._scores(place, fold.valid[:, None], partners)
            added = full - base
            found.append([base[:, 0], base[:, 1:], added[:, 0], added[:, 1:]])
        return Judged(*(np.concatenate(part) for part in zip(*found, strict=True)))

    def _scores(self, place: int, rows: Rows, partners: Rows) -> tuple[Floats, Floats]:
        """Return the scores of pairs by the critic of a fold, and by the copula."""
        x, y = self.scene.of(place)
        with torch.inference_mode():
            full = self.critics[place](x[rows], y[partners]).double().numpy()
        return full, self.base.score(rows, partners) if self.base else np.zeros_like(full)


def look(view: View, x: Variable, y: Variable, base: Base | None) -> Scene:
    """Return what there is to see in a view of the columns, with the copula to start from."""
    seen = [features(side, view) for side in (x, y)]
    if base is None:
        return Scene(view, None, (0, 0), [_tensors(*seen)])
    sides = [np.concatenate(parts, 1) for parts in zip((base.x, base.y), seen, strict=True)]
    return Scene(view, base.critic, (base.x.shape[1], base.y.shape[1]), [_tensors(*sides)])


def look_canonical(x: Variable, y: Variable, folds: Sequence[Fold]) -> Scene | None:
    """Return the canonical variates, with a normal copula of them to start from; None where none hold."""
    variates = canonical(expanded(x), expanded(y), folds)
    k = variates[0][0].shape[1]
    if not k:
        return None
    pairs = [np.concatenate(both, 1)[fold.train] for both, fold in zip(variates, folds, strict=True)]
    r = np.mean([np.corrcoef(pair.T) for pair in pairs], axis=0)
    start = EllipticalCritic(torch.from_numpy((1 - RIDGE) * r + RIDGE * np.eye(2 * k)), k, math.inf).float()
    far_x, far_y = ([radius(z)] if z.size else [] for z in (scores(x, "normal"), scores(y, "normal")))
    sides = [_tensors(np.concatenate([u, u, *far_x], 1), np.concatenate([v, v, *far_y], 1)) for u, v in variates]
    return Scene("canonical", start, (k, k), sides)


def untrained(scene: Scene, base: Base | None, context: Context) -> Residual:
    """Return what the start of a view adds to the copula, before anything is learnt."""
    critics = [scene.classifier(Generator()).critic] * len(context.folds)
    return Residual(scene, critics, base, context.folds, 0, complete=True)


def learn(scene: Scene, base: Base | None, effort: Effort, context: Context) -> Residual:
    """Train a critic a fold.

    Arguments:
        scene: What the critics see, and what they start from.
        base: The copula to which they add.
        effort: How long to train, unless the context says otherwise.
        context: The folds and the rest.
    """
    device = device_of(context.training.device)
    x, y = (torch.cat(side).to(device) for side in zip(*scene.sides, strict=True))
    n, apart = len(scene.sides[0][0]), len(scene.sides) > 1
    folds = [fold.moved(place * n if apart else 0) for place, fold in enumerate(context.folds)]
    fits = fit(
        scene.classifier,
        x,
        y,
        folds,
        effort.training(context.training, min(len(fold.train) for fold in folds)),
        seed=context.seed,
        listener=context.listener,
        should_stop=context.should_stop,
    )
    critics = [cast(Classifier, fits.stack[place]).critic.cpu() for place in range(len(folds))]
    return Residual(scene, critics, base, context.folds, fits.steps, fits.complete)


def _tensors(x: Floats, y: Floats) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(x).float(), torch.from_numpy(y).float()
