"""Nearest neighbours between a discrete and a continuous side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Generator, Tensor

from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator
from mistcli.numerics.cells import cells_of, lookup
from mistcli.numerics.neighbours import SHARED, beyond, count_within, far_neighbours, jittered, nearest, psi

__all__ = ["Ross"]

TWO_CONTINUOUS = "two continuous ones: use ksg instead."
TWO_DISCRETE = "expected a continuous side beside the discrete one; got two discrete ones: use plugin."


class Ross(DirectEstimator):
    r"""Ross's estimator of a discrete and a continuous side.

    .. math:: I(X; Y) \approx \psi(N) - \langle \psi(N_c) \rangle + \langle \psi(k) \rangle - \langle \psi(m) \rangle

    where :math:`N_c` counts the rows of the same class, and :math:`m` the rows of any class that are as near as
    the :math:`k`-th neighbour of the same class, in the maximum norm. A class of fewer than :math:`k + 1` rows takes
    all there are; a row that is alone in its class tells nothing, and its term is 0.

    Either side may be the discrete one: as declared by `declare_columns`, or else the one with fewer different rows.
    Ties of the other are broken by noise of a relative size of 1e-10.

    References:
        | Mutual information between discrete and continuous data sets (Ross, 2014)
        | https://doi.org/10.1371/journal.pone.0087357

    Arguments:
        k: The number of neighbours.

    Raises:
        DataError: If no side is discrete, or both are, or one has columns of both kinds.

    Example:
        >>> g = Generator().manual_seed(0)
        >>> x = torch.randint(2, (1_000, 1), generator=g).double()
        >>> y = 100 * x + torch.randn(1_000, 1, generator=g, dtype=torch.float64)
        >>> round(Ross().fit_log_ratio(x, y, generator=g).mean().item(), 2)  # log 2
        0.69
    """

    levels: Tensor
    cells: Tensor
    points: Tensor
    swapped: Tensor

    def __init__(self, *, k: int = 5) -> None:
        super().__init__()
        self.k = k

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Return the local terms of the pairs, each among the others, (N,) in nats."""
        swapped = self._discrete_side(x, y) == "y"
        discrete, points = (y, x) if swapped else (x, y)
        levels, cells, _ = cells_of(discrete)
        for name, tensor in {"levels": levels, "cells": cells, "points": jittered(points, generator)}.items():
            self.register_buffer(name, tensor)
        self.register_buffer("swapped", torch.tensor(swapped))
        return self._local(self.cells, self.points, own=1)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the local terms of other pairs, each joined alone to the fitted ones, (N,) in nats.

        A class that was never seen tells nothing: 0.
        """
        discrete, points = (y, x) if self.swapped else (x, y)
        return self._local(lookup(self.levels, discrete), points, own=0)

    def diagnostics(self) -> Iterator[tuple[str, str]]:
        """Yield that neighbours are too far away, as they are in many columns."""
        yield from far_neighbours(self.points.numpy(), self.k * len(self.levels))

    def stderr(self, log_ratio: Tensor) -> float:
        """Return the standard error of the mean local term, in nats, with allowance for shared neighbours."""
        return SHARED * super().stderr(log_ratio)

    def _discrete_side(self, x: Tensor, y: Tensor) -> str:
        """Return which side is discrete: as declared, or else the one with fewer different rows."""
        if self.x_columns is not None and self.y_columns is not None:
            discrete = [name for name, columns in (("x", self.x_columns), ("y", self.y_columns)) if all(columns)]
            mixed = any(any(columns) and not all(columns) for columns in (self.x_columns, self.y_columns))
            if mixed or not discrete:
                raise DataError(
                    "expected one side of discrete columns and one of continuous ones; got "
                    + (
                        "discrete and continuous columns on one side: use mixed_ksg or auto."
                        if mixed
                        else TWO_CONTINUOUS
                    )
                )
            if len(discrete) > 1:
                raise DataError(TWO_DISCRETE)
            return discrete[0]
        counts = [len(torch.unique(side, dim=0)) for side in (x, y)]
        if min(counts) == len(x):
            raise DataError(f"expected a discrete side, whose values repeat; got {TWO_CONTINUOUS}")
        name, points = ("y", x) if counts[0] > counts[1] else ("x", y)
        if all(len(torch.unique(column)) <= 2 for column in points.T):
            raise DataError(TWO_DISCRETE)
        return name

    def _local(self, cells: Tensor, points: Tensor, *, own: int) -> Tensor:
        reference, at = self.points.numpy(), points.double().numpy()
        radius, k, size = (np.zeros(len(at)) for _ in range(3))
        for c in range(len(self.levels)):
            members, rows = reference[self.cells.numpy() == c], cells.numpy() == c
            take = min(self.k, len(members) - own)
            if take and rows.any():
                radius[rows] = nearest(members, at[rows], take + own)[0][:, -1]
                k[rows], size[rows] = take, len(members) + 1 - own
        term = torch.zeros(len(at), dtype=torch.float64)
        told = k > 0
        near = count_within(reference, at[told], beyond(radius[told])) - own
        n = float(len(reference) + 1 - own)
        term[torch.from_numpy(told)] = psi(n) + psi(k[told]) - psi(size[told]) - psi(near)
        return term
