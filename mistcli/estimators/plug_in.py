"""The plug-in estimator: shares of a table in place of probabilities."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Generator, Tensor

from mistcli.errors import ConfigError
from mistcli.estimators.base import DirectEstimator
from mistcli.numerics.cells import cells_of, lookup

__all__ = ["Correction", "PlugIn"]

Correction: TypeAlias = Literal["none", "miller_madow", "shrinkage"]

UNSEEN = 0.5
"""The rows that a combination of cells counts for which was never seen."""


class PlugIn(DirectEstimator):
    r"""Plug-in estimator of discrete pairs.

    .. math:: I(X; Y) \approx \sum_{i, j} \frac{n_{ij}}{N} \log \frac{n_{ij} N}{n_i n_j}
              - \frac{K_{xy} - K_x - K_y + 1}{2 N}

    Rows of equal x are one cell, whatever the number of columns; :math:`n` counts rows, and :math:`K` the cells that
    have any. The second term is the correction of Miller and Madow. With shrinkage, the shares of all
    :math:`K_x K_y` combinations are drawn towards equality instead, as far as the noise in them suggests,

    .. math:: p_{ij} = \frac{\lambda}{K_x K_y} + (1 - \lambda) \frac{n_{ij}}{N}, \qquad
              \lambda = \frac{1 - \sum (n_{ij} / N)^2}{(N - 1) \sum (1 / K_x K_y - n_{ij} / N)^2}

    Applied to other pairs, a combination that was never seen counts as half a row, and a cell that was never seen
    tells nothing: its log ratio is 0.

    References:
        | Note on the bias of information estimates (Miller, 1955)
        | https://doi.org/10.1162/089976603321780272 (in Estimation of entropy and mutual information, Paninski, 2003)
        | Entropy inference and the James-Stein estimator (Hausser and Strimmer, 2009)
        | https://jmlr.org/papers/v10/hausser09a.html

    Arguments:
        correction: "miller_madow", "shrinkage" or "none".

    Raises:
        ConfigError: If there is no such correction.

    Example:
        >>> x = torch.tensor([[0.0], [1.0]]).repeat(50, 1)
        >>> round(PlugIn(correction="none").fit_log_ratio(x, 1 - x).mean().item(), 4)  # log 2
        0.6931
    """

    x_levels: Tensor
    y_levels: Tensor
    x_counts: Tensor
    y_counts: Tensor
    pairs: Tensor
    pair_counts: Tensor
    shrinkage: Tensor
    offset: Tensor

    def __init__(self, *, correction: Correction = "miller_madow") -> None:
        super().__init__()
        if correction not in ("none", "miller_madow", "shrinkage"):
            raise ConfigError(f"unknown correction {correction!r}; expected miller_madow, shrinkage or none.")
        self.correction = correction

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Count the rows of each combination of cells, and return the log ratio of each pair, (N,) in nats."""
        x_levels, x_cells, x_counts = cells_of(x)
        y_levels, y_cells, y_counts = cells_of(y)
        pairs, counts = torch.unique(x_cells * len(y_levels) + y_cells, return_counts=True)
        kept = {"x_levels": x_levels, "y_levels": y_levels, "x_counts": x_counts, "y_counts": y_counts}
        kept |= {"pairs": pairs, "pair_counts": counts.double()}
        for name, tensor in kept.items():
            self.register_buffer(name, tensor)
        self.register_buffer("shrinkage", self._shrinkage())
        self.register_buffer("offset", torch.zeros((), dtype=torch.float64))
        raw = self._valued(x_cells, y_cells)
        self.register_buffer("offset", raw.mean() - self._estimate(raw))
        return raw - self.offset

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratios of other pairs, (N,) in nats."""
        return self._valued(lookup(self.x_levels, x), lookup(self.y_levels, y))

    def stderr(self, log_ratio: Tensor) -> float:
        r"""Return the standard error, in nats.

        Under independence the spread of the log ratios vanishes, and :math:`\sqrt{(K_x - 1)(K_y - 1) / 2} / N` is left.
        """
        x_count, y_count = len(self.x_counts), len(self.y_counts)
        floor: float = ((x_count - 1) * (y_count - 1) / 2) ** 0.5 / log_ratio.numel()
        return max(super().stderr(log_ratio), floor)

    def _valued(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratio of each pair of cells, of which -1 is none, (N,), (N,) -> (N,)."""
        pair = x * len(self.y_counts) + y
        place = torch.searchsorted(self.pairs, pair).clamp_max(len(self.pairs) - 1)
        counts = torch.where(self.pairs[place] == pair, self.pair_counts[place], UNSEEN)
        x_share, y_share = self._shares(self.x_counts), self._shares(self.y_counts)
        joint = self._shares(counts, self._combinations)
        ratio = joint.log() - x_share[x].log() - y_share[y].log() - self.offset
        return torch.where((x < 0) | (y < 0), 0.0, ratio)

    @property
    def _combinations(self) -> int:
        return len(self.x_counts) * len(self.y_counts)

    def _shares(self, counts: Tensor, cells: int | None = None) -> Tensor:
        """Return the shares of counts in all rows, drawn towards equality among the cells."""
        return self.shrinkage / (cells or len(counts)) + (1 - self.shrinkage) * counts / self.x_counts.sum()

    def _shrinkage(self) -> Tensor:
        """Return how far shares are drawn towards equality, 0 to 1."""
        n = self.x_counts.sum()
        if self.correction != "shrinkage":
            return torch.zeros_like(n)
        square = (self.pair_counts / n).square().sum()
        return ((1 - square) / ((n - 1) * (square - 1 / self._combinations)).clamp_min(1e-300)).clamp(0, 1)

    def _estimate(self, raw: Tensor) -> Tensor:
        """Return the corrected estimate."""
        if self.correction == "none":
            return raw.mean()
        if self.correction == "miller_madow":
            excess = len(self.pairs) - len(self.x_counts) - len(self.y_counts) + 1
            return raw.mean() - excess / (2 * self.x_counts.sum())
        unseen = (self._combinations - len(self.pairs)) * _entropy(self.shrinkage[None] / self._combinations)
        joint = _entropy(self._shares(self.pair_counts, self._combinations)) + unseen
        return _entropy(self._shares(self.x_counts)) + _entropy(self._shares(self.y_counts)) - joint


def _entropy(shares: Tensor) -> Tensor:
    entropy: Tensor = torch.special.entr(shares).sum()
    return entropy
