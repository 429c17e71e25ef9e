"""Which rows belong together, and all that follows from it: folds, the error of a mean, and a fair shuffle."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import Fold, blocked, cross_fitting
from mistcli.errors import DataError
from mistcli.inference.interval import stderr
from mistcli.inference.series import series_stderr

__all__ = ["Apart", "Design", "Groups", "Series"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

FEWEST = 10
"""The fewest blocks of a series, so that their spread says something."""

FEWEST_GROUPS = 5


class Design(ABC):
    """What is known of which rows belong together.

    Attributes:
        independent: Whether the rows are independent of each other.
    """

    independent: ClassVar[bool] = True

    @abstractmethod
    def folds(self, training: TrainingConfig, seed: int) -> list[Fold]:
        """Return the folds of cross-fitting, none of which parts what belongs together."""

    @abstractmethod
    def spread(self, log_ratio: Floats, fold: Rows | None = None, *, least: float = 0.0) -> float:
        """Return the standard error of the mean of `log_ratio`, (N,), in nats, and at least `least`."""

    @abstractmethod
    def order(self, parts: Sequence[Rows], rng: np.random.Generator) -> Rows:
        """Return a random order of the rows, (N,), under which independent sides look as they did before.

        Arguments:
            parts: Rows that may change places with each other, part by part; together they are all rows.
            rng: Draws the order; that which changes nothing is as likely as any other.
        """

    @abstractmethod
    def __str__(self) -> str:
        """Say in words what the rows are taken for."""


class Apart(Design):
    """Rows that are independent of each other, but for copies of a row.

    Arguments:
        n: The number of rows.
        copies: The group of each row, from 0, equal rows being one group; None where all differ.
    """

    def __init__(self, n: int, copies: Rows | None = None) -> None:
        self.n, self.label = n, copies

    def folds(self, training: TrainingConfig, seed: int) -> list[Fold]:
        """Return the folds of cross-fitting, into which copies fall as a whole."""
        rng = np.random.default_rng([seed, 0])
        return cross_fitting(self.n, training.folds, training.valid_fraction, rng, self.label)

    def spread(self, log_ratio: Floats, fold: Rows | None = None, *, least: float = 0.0) -> float:
        """Return the standard error of the mean of `log_ratio`, (N,), in nats: that of a mean of rows."""
        return stderr(log_ratio, fold, self.label, least=least)

    def order(self, parts: Sequence[Rows], rng: np.random.Generator) -> Rows:
        """Return the rows in a random order: equal rows too, which may be equal by chance, and are not afterwards."""
        order = np.arange(self.n)
        for rows in parts:
            order[rows] = rng.permutation(rows)
        return order

    def __str__(self) -> str:
        return "independent" if self.label is None else "independent, but for copies, which are not parted"


class Groups(Design):
    """Rows that belong together by the value of a column, as those of one subject do.

    Arguments:
        label: The group of each row, (N,), from 0.
        name: The column.

    Raises:
        DataError: If there are too few groups to tell how far they differ.
    """

    independent: ClassVar[bool] = False

    def __init__(self, label: Rows, name: str) -> None:
        self.label, self.name, self.count = label, name, int(label.max()) + 1
        if self.count < FEWEST_GROUPS:
            raise DataError(
                f"expected at least {FEWEST_GROUPS} groups in '{name}', for the error is that of a mean over groups; "
                f"got {self.count}: leave --group out, or bring more of them."
            )

    def folds(self, training: TrainingConfig, seed: int) -> list[Fold]:
        """Return the folds of cross-fitting, into which groups fall as a whole."""
        if self.count < 2 * training.folds:
            raise DataError(
                f"expected at least two groups of '{self.name}' a fold; got {self.count} for {training.folds} folds: "
                "pass fewer --folds, or bring more groups."
            )
        rng = np.random.default_rng([seed, 0])
        return cross_fitting(len(self.label), training.folds, training.valid_fraction, rng, self.label)

    def spread(self, log_ratio: Floats, fold: Rows | None = None, *, least: float = 0.0) -> float:
        """Return the standard error of the mean of `log_ratio`, (N,), in nats: that of a mean of groups."""
        return math.sqrt(self.count / (self.count - 1)) * stderr(log_ratio, fold, self.label, least=least)

    def order(self, parts: Sequence[Rows], rng: np.random.Generator) -> Rows:
        """Return the rows with their groups in the place of others of their part."""
        order = np.arange(len(self.label))
        for rows in parts:
            order[rows] = _exchanged(rows, self.label[rows], rng)
        return order

    def __str__(self) -> str:
        return f"{self.count} groups by '{self.name}'"


class Series(Design):
    """Rows that are moments in order, where those near each other are alike.

    Arguments:
        n: The number of rows.
        block: The length of the blocks of time whose means are taken for independent.
        gap: The rows left out between those that a fit is trained on and those that it values.
        unit: The ends of folds are multiples of it.
    """

    independent: ClassVar[bool] = False

    def __init__(self, n: int, block: int, gap: int, *, unit: int = 1) -> None:
        self.n, self.block, self.gap, self.unit = n, block, gap, unit

    @classmethod
    def of_blocks(cls, n: int, block: int) -> Series:
        """Return the design of a series that is cut into blocks of `block` rows.

        Raises:
            DataError: If there are too few blocks to tell how far they differ.
        """
        if block * FEWEST > n:
            raise DataError(
                f"expected a --block of at most a tenth of the rows, {n // FEWEST}, for the error is that of a mean "
                f"over blocks; got {block}."
            )
        return cls(n, block, gap=block, unit=block)

    def folds(self, training: TrainingConfig, seed: int) -> list[Fold]:
        """Return folds that are blocks of time, with gaps around them."""
        return blocked(self.n, training.folds, training.valid_fraction, self.gap, unit=self.unit)

    def spread(self, log_ratio: Floats, fold: Rows | None = None, *, least: float = 0.0) -> float:
        """Return the standard error of the mean of `log_ratio`, (N,), in nats: that of a mean of blocks of time."""
        return series_stderr(log_ratio, self.block, fold, least=least)

    def order(self, parts: Sequence[Rows], rng: np.random.Generator) -> Rows:
        """Return the rows shifted in time, part by part and cyclically, which keeps the memory of the series."""
        order = np.arange(self.n)
        for rows in parts:
            order[rows] = np.roll(rows, rng.integers(len(rows)))
        return order

    def __str__(self) -> str:
        return f"a series, in blocks of {self.block}"


def _exchanged(rows: Rows, label: Rows, rng: np.random.Generator) -> Rows:
    """Return the rows with their groups in the place of others.

    A group takes the rows of another in their order, the first ones again where it is longer: so that what is alike
    within a group stays alike, which it would not if groups were cut to fit.

    Example:
        >>> rows, label = np.arange(6), np.array([0, 0, 1, 1, 2, 2])
        >>> exchanged = _exchanged(rows, label, np.random.default_rng(0))
        >>> exchanged.tolist()
        [4, 5, 0, 1, 2, 3]
    """
    by_group = np.argsort(label, kind="stable")
    _, starts, sizes = np.unique(label[by_group], return_index=True, return_counts=True)
    group = np.repeat(np.arange(len(sizes)), sizes)
    within = np.arange(len(rows)) - starts[group]
    other = rng.permutation(len(sizes))[group]
    exchanged = np.empty_like(rows)
    exchanged[by_group] = rows[by_group][starts[other] + within % sizes[other]]
    return exchanged
