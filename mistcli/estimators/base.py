r"""What every estimator is: something that gives each pair its log ratio.

The pivot of mist is the pointwise log ratio :math:`\log \frac{p(x, y)}{p(x) p(y)}`. Its mean over pairs is the mutual
information; its spread gives the standard error; its histogram is the PMI profile. A `DirectEstimator` finds it
in one go, a `TrainableEstimator` by descending a loss, a `CriticEstimator` from the scores of a critic.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import ClassVar, Self

import torch
from torch import Generator, Tensor, nn

from mistcli.critics.critic import Critic
from mistcli.errors import ConfigError, DataError
from mistcli.plugin import Bound

__all__ = ["CriticEstimator", "DirectEstimator", "Estimator", "TrainableEstimator", "shifts"]

CHUNK = 2**20
"""The most numbers that a layer holds at once while pairs are valued: what fits a cache. No result depends on it."""


class Estimator(nn.Module, ABC):
    """An estimator of mutual information, as in the paper that introduced it: no files, no loops, no printing.

    Attributes:
        bound: Whether its expectation is a "lower" or "upper" bound of the mutual information, or "none".
    """

    bound: ClassVar[Bound] = "none"

    @abstractmethod
    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the pointwise log ratio.

        Arguments:
            x: One side, :math:`(*, N, D_x)`.
            y: The other side, :math:`(*, N, D_y)`, row by row the partners of x.

        Returns:
            :math:`\log \frac{p(x, y)}{p(x) p(y)}` of each pair, :math:`(*, N)` in nats.
        """

    def mutual_information(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the mean log ratio, `(*,)` in nats.

        Raises:
            DataError: If x and y are not rows of columns, as many of one as of the other.
        """
        _check_rows(x, y)
        return self.log_ratio(x, y).mean(-1)

    def ceiling(self, n: int) -> float | None:
        """Return the most that the estimate from `n` pairs can be, in nats; None where nothing but `n` limits it."""
        return None


class DirectEstimator(Estimator):
    """An estimator that needs no training: it looks at the data once.

    What it learns it keeps in buffers, so that it can be saved and applied to other pairs by `log_ratio`.

    Attributes:
        x_columns: For each column of x the number of its levels, which is the number of its features; 0 for a
            continuous column, which is one feature. None where kinds are not known: all features are taken alike.
        y_columns: The same for y.
    """

    x_columns: tuple[int, ...] | None = None
    y_columns: tuple[int, ...] | None = None

    def declare_columns(self, x: Sequence[int], y: Sequence[int]) -> Self:
        """Declare which columns are discrete, before the estimator is fitted or applied.

        Arguments:
            x: The number of levels of each column of x, 0 for a continuous one.
            y: The same for y.
        """
        self.x_columns, self.y_columns = tuple(x), tuple(y)
        return self

    def diagnostics(self) -> Iterator[tuple[str, str]]:
        """Yield what the reader of the fitted estimate should know: an identifier and a sentence each; none here."""
        yield from ()

    @abstractmethod
    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        r"""Fit to the pairs and return their own log ratios.

        The mean of what it returns is the estimate, free of the bias of having been fitted to the same pairs.

        Arguments:
            x: One side, :math:`(N, D_x)` in float64.
            y: The other side, :math:`(N, D_y)` in float64.
            generator: Draws what is random in it.

        Returns:
            The log ratio of each pair, :math:`(N,)` in nats.

        Raises:
            DataError: If the pairs do not allow an estimate.
        """

    def stderr(self, log_ratio: Tensor) -> float:
        r"""Return the standard error of the mean of `fit_log_ratio`, in nats.

        The default takes the log ratios as independent: :math:`\sqrt{\mathrm{Var}(\ell) / N}`.
        """
        return float(log_ratio.std() / log_ratio.numel() ** 0.5)


class TrainableEstimator(Estimator):
    """An estimator with parameters, found by descending `loss` on training pairs.

    Attributes:
        stackable: Whether every parameter may carry a leading axis of replicas, which then meets the first axis of x
            and y. One that says nothing is trained one replica after the other, with the same results.
    """

    stackable: ClassVar[bool] = False

    @abstractmethod
    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return what training descends, :math:`(*, N, D_x), (*, N, D_y) \to (*,)`."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss, so that a training loop may call the estimator itself.

        Raises:
            DataError: If x and y are not rows of columns, as many of one as of the other.
        """
        _check_rows(x, y)
        return self.loss(x, y)

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return what is watched on validation pairs: "loss", and "mi" in nats, each `(*,)`."""
        return {"loss": self.loss(x, y), "mi": self.mutual_information(x, y)}


class CriticEstimator(TrainableEstimator):
    r"""An estimator made of the scores of a critic on pairs and on negatives.

    .. math:: \ell(x, y) = f(x, y) - \log Z(x), \qquad I(X; Y) \approx \mathbb{E}[\ell(X, Y)]

    A negative is a combination :math:`(x_i, y_j)` of rows of the same batch with :math:`j \neq i`: cyclic shifts of
    the batch, so that no pair is ever its own negative.

    Arguments:
        critic: The critic :math:`f`.
        neg_samples: The number :math:`M` of negatives a pair in training; 0 takes all others in the batch, and
            :math:`-k` all but :math:`k` others.

    Raises:
        ConfigError: If the critic is none.

    Attributes:
        value_negatives: The least number of negatives with which pairs are valued after training: more of them only
            sharpen the partition.
    """

    value_negatives: ClassVar[int] = 64

    def __init__(self, critic: Critic, *, neg_samples: int = 2) -> None:
        super().__init__()
        if not isinstance(critic, Critic):
            raise ConfigError(
                f"expected a critic, such as mistcli.critics.JointCritic(joint_net=...); got {type(critic).__name__}."
            )
        self.critic = critic
        self.neg_samples = neg_samples

    def extra_repr(self) -> str:
        """Describe the negatives."""
        return f"neg_samples={self.neg_samples}"

    @abstractmethod
    def log_partition(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return :math:`\log Z` for each pair from its score and those of its negatives.

        Arguments:
            pos: The scores of the pairs, :math:`(*, N)`.
            neg: The scores of the negatives of each pair, :math:`(*, N, M)`.

        Returns:
            The log partition, :math:`(*, N)` in nats.
        """

    def objective(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return what training ascends, :math:`(*, N), (*, N, M) \to (*,)`: the mean log ratio by default."""
        return (pos - self.log_partition(pos, neg)).mean(-1)

    def value(self, pos: Tensor, neg: Tensor) -> Tensor:
        r"""Return the log ratios of pairs from scores, :math:`(*, N), (*, N, M) \to (*, N)` in nats."""
        return pos - self.log_partition(pos, neg)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return minus the objective on a batch."""
        return -self.objective(*self.scores(x, y, self.negatives(x.shape[-2])))

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratios of pairs, with negatives from among the same pairs."""
        n = x.shape[-2]
        m = min(n - 1, max(self.neg_samples, self.value_negatives))
        return self.value(*self.scores(x, y, m))

    def measure(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        """Return "loss" and "mi" from one and the same scores."""
        pos, neg = self.scores(x, y, self.negatives(min(x.shape[-2], 256)))
        return {"loss": -self.objective(pos, neg), "mi": self.value(pos, neg).mean(-1)}

    def negatives(self, n: int) -> int:
        """Return the number of negatives a pair in a batch of `n` rows.

        Raises:
            DataError: If the batch has no row to make a negative of.
        """
        m = self.neg_samples if self.neg_samples > 0 else n - 1 + self.neg_samples
        if n < 2 or m < 1:
            raise DataError(
                f"expected a batch with at least one negative a pair; got {n} rows, neg_samples={self.neg_samples}."
            )
        return min(m, n - 1)

    def scores(self, x: Tensor, y: Tensor, m: int) -> tuple[Tensor, Tensor]:
        r"""Score each pair and `m` negatives of it.

        Arguments:
            x: One side, :math:`(*, N, D_x)`.
            y: The other side, :math:`(*, N, D_y)`.
            m: The number :math:`M < N` of negatives a pair.

        Returns:
            The scores of pairs :math:`(*, N)` and of negatives :math:`(*, N, M)`.
        """
        n = x.shape[-2]
        hx, hy = self.critic.embed(x, y)
        size = max(1, CHUNK // max(1, (m + 1) * (hx.numel() // n)))
        if size >= n:
            return _split(self.critic.pairs(hx, hy, _partners(n, m, x.device)))
        shift = _shifts_and_none(n, m).to(x.device)
        parts = [
            self.critic.pairs(hx[..., rows, :], hy, (rows[:, None] + shift) % n)
            for rows in torch.split(torch.arange(n, device=x.device), size)
        ]
        return _split(torch.cat(parts, -2))


def _check_rows(x: Tensor, y: Tensor) -> None:
    if min(x.dim(), y.dim()) < 2 or x.shape[:-1] != y.shape[:-1]:
        raise DataError(
            "expected x of shape (N, Dx) and y of shape (N, Dy), a row a pair; "
            f"got {tuple(x.shape)} and {tuple(y.shape)}; x[:, None] makes a column of numbers."
        )


def shifts(n: int, m: int) -> Tensor:
    """Return `m` distinct cyclic shifts of `n` rows, always the same ones, spread without a period.

    Shifts by 1 to M would do for shuffled rows; these do for sorted rows and series too.
    """
    if m == n - 1:
        return torch.arange(1, n, device="cpu")
    return torch.randperm(n - 1, generator=Generator().manual_seed(n), device="cpu")[:m] + 1


def _split(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the scores of pairs and of their negatives; of two views, autograd would add up the gradients."""
    pos, neg = torch.split(scores, [1, scores.shape[-1] - 1], -1)
    return pos.squeeze(-1), neg


def _shifts_and_none(n: int, m: int) -> Tensor:
    """Return no shift, then `m` shifts, (m + 1,)."""
    return torch.cat([torch.zeros(1, dtype=torch.long, device="cpu"), shifts(n, m)])


@lru_cache(maxsize=16)
def _partners(n: int, m: int, device: torch.device) -> Tensor:
    """Return the rows of y that each row of x is scored with: its own, then `m` others, (n, m + 1)."""
    with torch.inference_mode(mode=False):  # training may use what valuation made
        rows = torch.arange(n, device="cpu")
        return ((rows[:, None] + _shifts_and_none(n, m)) % n).to(device)
