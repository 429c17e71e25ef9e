"""From columns to shares and normal scores: what is left of a column when only the order of its rows counts."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["normal_scores", "shares"]


def shares(line: Tensor, side: Tensor) -> Tensor:
    """Return the share of rows below each value, where equal values share their mean rank.

    Arguments:
        line: The fitted rows, each column sorted, (N, D).
        side: The values, (M, D).

    Returns:
        Shares in (0, 1), (M, D).

    Example:
        >>> line = torch.tensor([[1.0], [2.0], [2.0], [5.0]])
        >>> shares(line, line).flatten()
        tensor([0.1250, 0.5000, 0.5000, 0.8750])
    """
    n = len(line)
    columns, values = line.mT.contiguous(), side.to(line.dtype).mT.contiguous()
    below = torch.searchsorted(columns, values) + torch.searchsorted(columns, values, right=True)
    share: Tensor = (below.mT / (2 * n)).to(line.dtype).clamp(0.5 / n, 1 - 0.5 / n)
    return share


def normal_scores(line: Tensor, side: Tensor) -> Tensor:
    """Return the quantiles of the standard normal at `shares`, (M, D)."""
    scores: Tensor = torch.special.ndtri(shares(line, side))
    return scores
