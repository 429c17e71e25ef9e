"""When each fit has learnt what it can."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["EarlyStopping"]


class EarlyStopping:
    """Follows the validation loss of each fit: which has improved, and which has waited long enough.

    Arguments:
        fits: The number of fits R.
        patience: The evaluations without gain after which a fit is done; 0 never stops.

    Example:
        >>> stopping = EarlyStopping(2, patience=1)
        >>> stopping.update(torch.tensor([1.0, 1.0])).tolist()
        [True, True]
        >>> stopping.update(torch.tensor([0.5, float("nan")])).tolist(), stopping.done.tolist()
        ([True, False], [False, True])
    """

    def __init__(self, fits: int, *, patience: int) -> None:
        self.best = torch.full((fits,), float("inf"))
        self.waited = torch.zeros(fits, dtype=torch.long)
        self.done = torch.zeros(fits, dtype=torch.bool)
        self.patience = patience

    def update(self, loss: Tensor) -> Tensor:
        """Take the losses of all fits, (R,), and return which are the best so far of a fit not done, (R,)."""
        improved = (loss < self.best) & ~self.done
        self.best = torch.where(improved, loss, self.best)
        self.waited = torch.where(improved, 0, self.waited + 1)
        if self.patience:
            self.done |= self.waited >= self.patience
        return improved
