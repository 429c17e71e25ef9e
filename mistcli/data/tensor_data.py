"""Pairs of samples as tensors, wherever a program keeps them: arrays, tensors, a data set or a `DataLoader`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mistcli.errors import DataError

__all__ = ["LARGEST", "SampleDataset", "batch_size_of", "pairs"]

LARGEST = 2**29
"""The most numbers that are drawn from a `DataLoader`: what a loader without an end would give is not waited for."""


class SampleDataset(Dataset[dict[str, Tensor]]):
    """Samples of x and y as a torch data set: an item, or a batch of a `DataLoader`, is a dict of "x" and "y".

    Arguments:
        samples: Arrays or tensors, (N,) or (N, D) each; (N,) becomes (N, 1).

    Raises:
        DataError: If it has no x and y, or they are of other shapes, or of different lengths.

    Example:
        >>> SampleDataset({"x": torch.zeros(5), "y": torch.ones(5, 2)})[0]
        {'x': tensor([0.]), 'y': tensor([1., 1.])}
    """

    def __init__(self, samples: Mapping[str, Any]) -> None:
        self.x, self.y = _both(samples)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": self.x[index], "y": self.y[index]}


def pairs(data: Any) -> tuple[Tensor, Tensor]:
    """Return x and y, (N, Dx) and (N, Dy), row by row partners.

    What a `DataLoader` or a data set holds is drawn once and kept in memory: pairs of a few columns take little.

    Arguments:
        data: A pair `(x, y)` of arrays or tensors of shape (N,) or (N, D), a mapping with "x" and "y", a data set that
            gives such items, or a `DataLoader` that gives such batches.

    Raises:
        DataError: If it is none of these, yields nothing, or holds batches of other shapes or infinite values.

    Example:
        >>> x, y = pairs((np.zeros(5), np.ones((5, 2))))
        >>> x.shape, y.shape
        (torch.Size([5, 1]), torch.Size([5, 2]))
    """
    if isinstance(data, SampleDataset):
        x, y = data.x, data.y
    elif isinstance(data, Dataset):
        x, y = _drawn(DataLoader(data, batch_size=1024))
    elif isinstance(data, DataLoader):
        x, y = _drawn(data)
    else:
        x, y = _both(data)
    for name, side in (("x", x), ("y", y)):
        if not torch.isfinite(side).all():
            raise DataError(f"{name} holds NaN or infinite values; leave those rows out.")
    return x, y


def batch_size_of(data: Any) -> int | None:
    """Return the batch size that a `DataLoader` was made with, if there is one."""
    return data.batch_size if isinstance(data, DataLoader) else None


def _drawn(batches: Iterable[Any]) -> tuple[Tensor, Tensor]:
    """Draw every batch once."""
    xs: list[Tensor] = []
    ys: list[Tensor] = []
    numbers = 0
    for batch in batches:
        x, y = _both(batch, "a batch of the DataLoader")
        if xs and (x.shape[1], y.shape[1]) != (xs[0].shape[1], ys[0].shape[1]):
            raise DataError(
                f"expected batches of one shape from the DataLoader; got x of {xs[0].shape[1]} and y of "
                f"{ys[0].shape[1]} columns, and later x of {x.shape[1]} and y of {y.shape[1]}."
            )
        xs.append(x)
        ys.append(y)
        numbers += x.numel() + y.numel()
        if numbers > LARGEST:
            raise DataError(
                f"the DataLoader gives more than {LARGEST:,} numbers, and they are kept in memory: draw fewer, or "
                "write the loop by hand, with `loss = estimator(x, y)` on each batch."
            )
    if not xs:
        raise DataError("the DataLoader yields nothing: expected at least one batch of pairs.")
    return torch.cat(xs), torch.cat(ys)


def _both(data: Any, what: str = "data") -> tuple[Tensor, Tensor]:
    if isinstance(data, Mapping):
        if "x" not in data or "y" not in data:
            raise DataError(f"expected {what} with 'x' and 'y'; it has {', '.join(map(repr, data)) or 'nothing'}.")
        sides = data["x"], data["y"]
    elif isinstance(data, tuple | list) and len(data) == 2:
        sides = data[0], data[1]
    else:
        raise DataError(f"expected {what} to be a pair (x, y), or a mapping of 'x' and 'y'; got {type(data).__name__}.")
    x, y = (_side(name, side, what) for name, side in zip("xy", sides, strict=True))
    if len(x) != len(y):
        raise DataError(f"expected as many rows in x as in y of {what}; got {len(x)} and {len(y)}.")
    return x, y


def _side(name: str, side: Any, what: str) -> Tensor:
    try:
        tensor = side.detach() if isinstance(side, Tensor) else torch.as_tensor(np.asarray(side))
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} of {what} is not an array of numbers: {error}.") from None
    if tensor.dim() not in (1, 2) or tensor.numel() == 0 or tensor.is_complex():
        raise DataError(f"{name} of {what} has the shape {tuple(tensor.shape)}; expected numbers, (N,) or (N, D).")
    tensor = tensor if tensor.is_floating_point() else tensor.to(torch.float64)
    return tensor.unsqueeze(-1) if tensor.dim() == 1 else tensor
