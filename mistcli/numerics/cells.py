"""From rows to cells: rows of equal features are one cell."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["cells_of", "lookup"]


def cells_of(side: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the different rows of a side, which of them each row is, and how many rows each has.

    Arguments:
        side: The rows, (N, D).

    Returns:
        The different rows (K, D), the cells (N,) and the counts (K,) in float64.

    Example:
        >>> levels, cells, counts = cells_of(torch.tensor([[2.0], [1.0], [2.0]]))
        >>> levels.flatten(), cells, counts.int()
        (tensor([1., 2.]), tensor([1, 0, 1]), tensor([1, 2], dtype=torch.int32))
    """
    levels, cells, counts = torch.unique(side, dim=0, return_inverse=True, return_counts=True)
    return levels, cells, counts.double()


def lookup(levels: Tensor, side: Tensor) -> Tensor:
    """Return which of the different rows `levels` (K, D) each row of `side` (N, D) is, (N,); -1 for one that is none.

    Example:
        >>> lookup(torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [7.0]]))
        tensor([ 1, -1])
    """
    known = len(levels)
    _, cells = torch.unique(torch.cat([levels, side.to(levels.dtype)]), dim=0, return_inverse=True)
    place = cells.new_full((known + len(side),), -1)
    place[cells[:known]] = torch.arange(known, device=cells.device)
    found: Tensor = place[cells[known:]]
    return found
