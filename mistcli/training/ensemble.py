"""Many fits as one: a leading axis of replicas where the estimator takes it, a loop where it does not."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from mistcli.errors import PluginError
from mistcli.estimators.base import CriticEstimator, TrainableEstimator

__all__ = ["Stack"]


class Stack:
    """A stack of R fits of one estimator, that only differ in their weights and rows.

    Arguments:
        estimators: The fits, of the same class and sizes.
    """

    def __init__(self, estimators: Sequence[TrainableEstimator]) -> None:
        self.size = len(estimators)
        self._single = estimators[0]
        # a part, such as a critic made of a network of the user's own, may be unstackable where the whole is not
        self._batched = self.size > 1 and all(getattr(part, "stackable", True) for part in self._single.modules())
        self._modules = [_stacked(estimators)] if self._batched else list(estimators)
        self._best = [[t.detach().clone() for t in _state(module)] for module in self._modules]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Yield all parameters of all fits."""
        for module in self._modules:
            yield from module.parameters()

    def numbers(self, rows: int) -> int:
        """Return about how many numbers the widest layer holds in a step of so many rows a fit."""
        parts = [part for part in self._single.modules() if isinstance(part, CriticEstimator)]
        pairs = 1 + max((part.neg_samples if part.neg_samples > 0 else rows for part in parts), default=0)
        widest = max((p.shape[-1] for p in self._single.parameters() if p.dim()), default=1)
        return self.size * rows * pairs * widest

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the loss of each fit on its own rows, (R, B, Dx), (R, B, Dy) -> (R,)."""
        if self._batched:
            return _checked(self._modules[0].loss(x, y), self.size)
        return torch.stack([_checked(m.loss(a, b), 0) for m, a, b in zip(self._modules, x, y, strict=True)])

    def measure(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
        """Return what is watched of each fit on its own pairs, [(N, Dx), (N, Dy)] -> (R,) each."""
        if self._batched and len({x.shape for x, _ in pairs}) == 1:
            x, y = (torch.stack(side) for side in zip(*pairs, strict=True))
            return {key: _checked(value, self.size) for key, value in self._modules[0].measure(x, y).items()}
        measured = [self[r].measure(x, y) for r, (x, y) in enumerate(pairs)]
        return {key: torch.stack([_checked(m[key], 0) for m in measured]) for key in measured[0]}

    def keep(self, which: Tensor) -> None:
        """Copy the weights and buffers of those fits, (R,), as their best."""
        with torch.no_grad():
            for r, (module, best) in enumerate(zip(self._modules, self._best, strict=True)):
                for tensor, kept in zip(_state(module), best, strict=True):
                    if self._batched:
                        kept[which] = tensor[which]
                    elif which[r]:
                        kept.copy_(tensor)

    def restore(self) -> None:
        """Go back to the best weights and buffers of each fit."""
        with torch.no_grad():
            for module, best in zip(self._modules, self._best, strict=True):
                for tensor, kept in zip(_state(module), best, strict=True):
                    tensor.copy_(kept)

    def __getitem__(self, r: int) -> TrainableEstimator:
        """Return fit `r` as an estimator of its own."""
        if not self._batched:
            return self._modules[r]
        single = copy.deepcopy(self._single)
        with torch.no_grad():
            for own, stacked in zip(_state(single), _state(self._modules[0]), strict=True):
                own.copy_(stacked[r])
        return single


def _stacked(estimators: Sequence[TrainableEstimator]) -> TrainableEstimator:
    """Return one estimator whose parameters and buffers hold those of all, along a leading axis."""
    whole = copy.deepcopy(estimators[0])
    for tensor, *parts in zip(_state(whole), *map(_state, estimators), strict=True):
        tensor.data = torch.stack([part.detach() for part in parts])
    return whole


def _state(module: nn.Module) -> list[Tensor]:
    """Return the parameters of a module, and its buffers, which are learnt too: a moving average, say."""
    return [*module.parameters(), *module.buffers()]


def _checked(value: Tensor, size: int) -> Tensor:
    """Return `value` if it is one number a replica."""
    expected = (size,) if size else ()
    if value.shape != expected:
        raise PluginError(f"expected a loss of shape {expected}, one number a fit; got {tuple(value.shape)}.")
    return value
