"""What an estimator is that is made of others: it sees the cleaned columns, and decides by itself."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import TrainingConfig
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.plugin import Bound
from mistcli.training.events import Listener

__all__ = ["Context", "Spread", "Strategy", "Valuation"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class Spread(Protocol):
    """How to find the standard error of a mean over the rows, by what is known of which rows belong together."""

    def __call__(self, log_ratio: Floats, fold: Rows | None = None, *, least: float = 0.0) -> float:
        """Return the standard error of the mean of `log_ratio`, (N,), in nats, and at least `least`."""


@dataclass(frozen=True)
class Context:
    """What a strategy is given beside the columns.

    Arguments:
        training: How to train.
        folds: Which rows train, decide and are valued; copies, groups and blocks of time are not parted.
        spread: Finds the standard error of a mean over the rows.
        seed: The seed of every random choice.
        listener: Is told what happens.
        should_stop: Is to be asked after every training step whether to stop.
        independent: Whether the rows are independent of each other; False for series and groups.
    """

    training: TrainingConfig
    folds: Sequence[Fold]
    spread: Spread
    seed: int
    listener: Listener
    should_stop: Callable[[], bool]
    independent: bool = True


@dataclass(frozen=True)
class Valuation:
    """Pairs with their log ratios, and how they came about.

    Arguments:
        log_ratio: The log ratio of each pair, (N,) in nats; its mean is the estimate.
        stderr: The standard error of that mean, in nats.
        statistic: Returns, for an order of the rows (N,), what measures the dependence of x and `y[order]`; the larger,
            the more dependent. Nothing is trained anew for it, and rows change places within their fold only.
        explanation: What was done and why, as plain values, in the order in which it was done.
        warnings: What the reader of the number should know, in words.
        complete: False where it was told to stop early.
        verdict: The warnings in a word or two each, always the same ones, for programs.
        error_low: The standard error towards smaller values, in nats; `stderr` by default.
        error_high: That towards larger values.
        limits: What the mutual information certainly is between, in nats: the estimate and its interval are clipped.
    """

    log_ratio: Floats
    stderr: float
    statistic: Callable[[Rows], float]
    explanation: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    complete: bool = True
    verdict: tuple[str, ...] = ()
    error_low: float | None = None
    error_high: float | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)


class Strategy(ABC):
    """A way to an estimate that chooses and combines estimators."""

    bound: ClassVar[Bound] = "none"

    @abstractmethod
    def value(self, x: Variable, y: Variable, context: Context) -> Valuation:
        """Return the log ratios of the pairs, as far as they are learnt each from a fit that had no part in it.

        Arguments:
            x: One side, (N, Dx).
            y: The other side, (N, Dy).
            context: What else there is.

        Raises:
            DataError: If the columns cannot give an estimate.
            FitError: If no fit gave a finite number.
        """

    def value_given(self, x: Variable, y: Variable, z: Variable, context: Context) -> Valuation | None:
        """Return the log ratios of x and y given z, or None where they are to be the difference of two estimates.

        Arguments:
            x: One side, (N, Dx).
            y: The other side, (N, Dy).
            z: The conditioning columns, (N, Dz).
            context: What else there is.
        """
        return None
