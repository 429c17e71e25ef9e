"""Nearest neighbours for any mixture of atoms and densities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator
from mistcli.numerics.contingency import cell_codes
from mistcli.numerics.mixed_columns import MixedSide, mixed_side
from mistcli.numerics.neighbours import (
    SHARED,
    Floats,
    beyond,
    count_within,
    far_neighbours,
    joined,
    nearest,
    psi,
    within,
)

__all__ = ["MixedKSG"]


class MixedKSG(DirectEstimator):
    r"""Nearest-neighbour estimator for discrete-continuous mixtures.

    .. math:: I(X; Y) \approx \psi(N) + \langle \psi(\tilde k) - \psi(n_x) - \psi(n_y) \rangle

    Where the :math:`k`-th neighbour of a row is the only one at its distance, the term is that of `KSG`. Where it is
    at no distance, :math:`\tilde k`, :math:`n_x` and :math:`n_y` count the rows that are equal to this one in both, in
    x, and in y, itself included, as in a table. Where it is tied with the next, they count the rows that are as near
    as it, :math:`\tilde k` without this one. No noise is added, so that atoms are taken for what they are; but columns
    that are rounded about as finely as neighbours are far are taken for more: `KSG` breaks their ties.

    Distances are those of the maximum norm. Rows of different levels of a discrete column are infinitely far apart: a
    class of at most :math:`k` rows takes those there are, and the term of a row that is alone in its class is 0. Where
    kinds of columns are not declared, by `declare_columns`, all features are taken as continuous. Where the paper has
    :math:`\log`, the digamma function stands here: on continuous columns the value is that of `KSG`, and on discrete
    ones that of `PlugIn` with the correction of Miller and Madow, to first order.

    References:
        | Estimating mutual information for discrete-continuous mixtures (Gao, Kannan, Oh and Viswanath, 2017)
        | https://arxiv.org/abs/1709.06212

    Arguments:
        k: The number of neighbours.

    Raises:
        DataError: If there are not more than `k` rows.

    Example:
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

    def diagnostics(self) -> Iterator[tuple[str, str]]:
        """Yield that neighbours are too far away, as they are in many columns."""
        pairs = ((self.x.numpy(), self.x_columns), (self.y.numpy(), self.y_columns))
        sides = [mixed_side(side, side[:0], columns) for side, columns in pairs]
        classes = cell_codes(np.stack([side.fitted_class for side in sides], 1)).max() + 1
        yield from far_neighbours(joined(*(side.fitted_points for side in sides)), self.k * int(classes))

    def stderr(self, log_ratio: Tensor) -> float:
        """Return the standard error of the mean local term, in nats, with allowance for shared neighbours."""
        return SHARED * super().stderr(log_ratio)

    def _local(self, x: Tensor, y: Tensor, *, own: int) -> Tensor:
        pairs = ((self.x, x, self.x_columns), (self.y, y, self.y_columns))
        sides = [mixed_side(fitted.numpy(), at.double().numpy(), columns) for fitted, at, columns in pairs]
        both = MixedSide(
            cell_codes(np.stack([side.fitted_class for side in sides], 1)),
            joined(sides[0].fitted_points, sides[1].fitted_points),
            np.empty(0, dtype=np.int64),
            joined(sides[0].points, sides[1].points),
        )
        k, reach = (np.zeros(len(x)) for _ in range(2))
        for number in range(int(both.fitted_class.max()) + 1):
            members = both.fitted_class == number
            first = int(members.argmax())
            rows = np.logical_and(*(side.classes == side.fitted_class[first] for side in sides))
            take = min(self.k, int(members.sum()) - own)
            if take and rows.any():
                k[rows], reach[rows] = _reach(both.fitted_points[members], both.points[rows], take, own)
        told = k > 0
        counts = [_count(side, told, reach) + 1 - own for side in sides]
        term = torch.zeros(len(x), dtype=torch.float64)
        n = psi(float(len(self.x) + 1 - own))
        term[torch.from_numpy(told)] = n + psi(k[told]) - psi(counts[0]) - psi(counts[1])
        return term


def _reach(reference: Floats, points: Floats, k: int, own: int) -> tuple[Floats, Floats]:
    """Return the number of neighbours that count, and the reach within which others do, (M,) each."""
    if not reference.shape[1]:  # equal in all there is, as in a table
        return np.full(len(points), len(reference) + 1.0 - own), np.zeros(len(points))
    distances, _ = nearest(reference, points, min(k + own + 1, len(reference)))
    radius = distances[:, k + own - 1]
    atom, beside = radius == 0, distances.shape[1] > k + own
    tied = atom | (beside & (distances[:, -1] <= beyond(radius)))
    reach = np.where(tied, beyond(radius), within(radius))
    counted = np.full(len(radius), float(k))
    if tied.any():
        counted[tied] = count_within(reference, points[tied], reach[tied]) - own + atom[tied]
    return counted, reach


def _count(side: MixedSide, told: NDArray[np.bool_], reach: Floats) -> Floats:
    """Count the fitted rows of the same class within the reach of each row that is told something, (M',)."""
    count = np.zeros(len(reach))
    for number in np.unique(side.classes[told]):
        members, rows = side.fitted_class == number, told & (side.classes == number)
        reference = side.fitted_points[members]
        wide = reference.shape[1] > 0
        count[rows] = count_within(reference, side.points[rows], reach[rows]) if wide else len(reference)
    return count[told]
