"""Nearest neighbours for any mixture of atoms and densities."""

from __future__ import annotations

import numpy as np
from torch import Generator, Tensor

from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator
from mistcli.numerics.neighbours import SHARED, beyond, count_within, joined, nearest, psi, within

__all__ = ["MixedKSG"]


class MixedKSG(DirectEstimator):
    r"""Nearest-neighbour estimator for discrete-continuous mixtures.

    .. math:: I(X; Y) \approx \psi(N) + \langle \psi(\tilde k) - \psi(n_x) - \psi(n_y) \rangle

    Where the :math:`k`-th neighbour of a row is the only one at its distance, the term is that of `KSG`. Where it is
    at no distance, :math:`\tilde k`, :math:`n_x` and :math:`n_y` count the rows that are equal to this one in both, in
    x, and in y, itself included, as in a table. Where it is tied with the next, they count the rows that are as near
    as it, :math:`\tilde k` without this one. No noise is added, so that atoms are taken for what they are; but columns
    that are rounded about as finely as neighbours are far are taken for more: `KSG` breaks their ties.

    Distances are those of the maximum norm, in which two different levels of a discrete column are one unit apart: a
    class should have more than :math:`k` rows. Where the paper has :math:`\log`, the digamma function
    stands here: on continuous columns the value is that of `KSG`, and on discrete ones that of `PlugIn` with
    the correction of Miller and Madow, to first order.

    References:
        | Estimating mutual information for discrete-continuous mixtures (Gao, Kannan, Oh and Viswanath, 2017)
        | https://arxiv.org/abs/1709.06212

    Arguments:
        k: The number of neighbours.

    Raises:
        DataError: If there are not more than `k` rows.

    Example:
        >>> import torch
        >>> x = torch.tensor([[0.0], [1.0]], dtype=torch.float64).repeat(500, 1)
        >>> round(MixedKSG().fit_log_ratio(x, 1 - x).mean().item(), 2)  # log 2
        0.69
    """

    x: Tensor
    y: Tensor

    def __init__(self, *, k: int = 5) -> None:
        super().__init__()
        self.k = k

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Return the local terms of the pairs, each among the others, (N,) in nats."""
        if len(x) <= self.k:
            raise DataError(f"expected more rows than neighbours; got {len(x)} rows and k={self.k}.")
        self.register_buffer("x", x)
        self.register_buffer("y", y)
        return self._local(x, y, own=1)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the local terms of other pairs, each joined alone to the fitted ones, (N,) in nats."""
        return self._local(x, y, own=0)

    def stderr(self, log_ratio: Tensor) -> float:
        """Return the standard error of the mean local term, in nats, with allowance for shared neighbours."""
        return SHARED * super().stderr(log_ratio)

    def _local(self, x: Tensor, y: Tensor, *, own: int) -> Tensor:
        sides = [(ref.numpy(), side.double().numpy()) for ref, side in ((self.x, x), (self.y, y))]
        reference, points = (joined(*both) for both in zip(*sides, strict=True))
        distances, _ = nearest(reference, points, min(self.k + own + 1, len(reference)))
        radius = distances[:, self.k + own - 1]
        atom, beside = radius == 0, distances.shape[1] > self.k + own
        tied = atom | (beside & (distances[:, -1] <= beyond(radius)))
        reach = np.where(tied, beyond(radius), within(radius))
        n_x, n_y = (count_within(*side, reach) + 1 - own for side in sides)
        k = np.full(len(radius), float(self.k))
        if tied.any():
            k[tied] = count_within(reference, points[tied], reach[tied]) - own + atom[tied]
        return psi(float(len(self.x) + 1 - own)) + psi(k) - psi(n_x) - psi(n_y)
