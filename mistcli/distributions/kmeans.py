"""Cells around centres."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mistcli.distributions.quantizer import Quantizer
from mistcli.errors import DataError

__all__ = ["KMeansQuantizer"]

DECAY = 0.9
"""The share that a memory keeps in a training step."""

TIE = 32
"""Squared distances are equal if they differ by no more than this, in roundings of that of the farthest centre."""

FLOOR = 0.05
"""The weight of a column of which nothing is told."""

ROUNDS = 50
"""The most rounds of `fit`: they end when no row changes its cell."""

CHUNK = 2**22
"""The most distances that are held at once; bounds memory, not results."""


class KMeansQuantizer(Quantizer):
    r"""The cells of the nearest of some centres.

    .. math:: Q(y) = \arg\min_k \sum_d w_d \, (y_d - c_{kd})^2

    Each centre is the mean of the rows of its cell: of all rows, by `fit`, or a moving average over the batches of
    training, by `follow`, which begins with rows of the first batch. All columns have one weight, unless `heed` is
    asked to cut where another side can tell: :math:`w_d` is then :math:`\varepsilon + R_d^2`, with the share of the
    variance of the column that the other side predicts, so that no cells are spent on columns it tells nothing of.

    References:
        | Least squares quantization in PCM (Lloyd, 1982)
        | https://doi.org/10.1109/TIT.1982.1056489
        | k-means++: the advantages of careful seeding (Arthur and Vassilvitskii, 2007)
        | https://dl.acm.org/doi/10.5555/1283383.1283494

    Arguments:
        dim: The number :math:`D` of columns of y.
        cells: The number :math:`K` of cells.

    Example:
        >>> y = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> quantizer = KMeansQuantizer(1, 2)
        >>> quantizer.fit(y, generator=Generator().manual_seed(0))
        >>> sorted(quantizer.centres.flatten().tolist())
        [0.05..., 5.05...]
    """

    sums: Tensor
    sizes: Tensor
    told: Tensor

    def __init__(self, dim: int, cells: int) -> None:
        super().__init__(dim, cells)
        self.register_buffer("sums", torch.zeros(cells, dim))
        self.register_buffer("sizes", torch.zeros(cells))
        self.register_buffer("told", torch.zeros(dim))

    @classmethod
    def around(cls, centres: Tensor) -> KMeansQuantizer:
        r"""Return the quantizer with these centres, :math:`(K, D)`."""
        cells, dim = centres.shape
        made = cls(dim, cells)
        made.sums, made.sizes, made.told = centres, centres.new_ones(cells), centres.new_zeros(dim)
        return made

    @property
    def centres(self) -> Tensor:
        r"""The centres, :math:`(*, K, D)`; all at 0 until rows are seen."""
        return self.sums / self.sizes.clamp_min(torch.finfo(self.sizes.dtype).tiny).unsqueeze(-1)

    def forward(self, y: Tensor) -> Tensor:
        r"""Return the cell of each row, :math:`(*, N, D) \to (*, N)`."""
        rows = max(1, CHUNK // (self.cells * max(1, y[..., 0, 0].numel())))
        return torch.cat([_nearest(part, self.centres, FLOOR + self.told) for part in torch.split(y, rows, -2)], -1)

    def lookup(self, cells: Tensor) -> Tensor:
        r"""Return the centre of each cell, :math:`(*, N) \to (*, N, D)`."""
        return torch.take_along_dim(self.centres, cells.unsqueeze(-1), -2)

    def fit(self, y: Tensor, *, generator: Generator | None = None) -> None:
        r"""Set the centres to the rows, :math:`(N, D)`.

        Raises:
            DataError: If there are fewer rows than cells.
        """
        self._refuse_few(y)
        self.sums, self.sizes = _seeded(y, self.cells, generator), y.new_ones(self.cells)
        before = None
        for _ in range(ROUNDS):
            cells = self(y)
            if before is not None and torch.equal(cells, before):
                break
            sums, sizes = _totals(y, cells, self.cells)
            self.sums = torch.where(sizes[:, None] > 0, sums, self.centres)  # a centre that no row is near stays
            self.sizes = sizes.clamp_min(1)
            before = cells

    @torch.no_grad()
    def follow(self, y: Tensor) -> None:
        r"""Move the centres towards the rows of a training step, :math:`(*, N, D)`.

        Raises:
            DataError: If there are fewer rows than cells.
        """
        self._refuse_few(y)
        new = (self.sizes.sum(-1) == 0)[..., None]
        self.sums.copy_(torch.where(new[..., None], y[..., : self.cells, :], self.sums))
        self.sizes.copy_(torch.where(new, 1, self.sizes))
        sums, sizes = _totals(y, self(y), self.cells)
        met = sizes > 0
        self.sums.copy_(torch.where(met[..., None], DECAY * self.sums + (1 - DECAY) * sums, self.sums))
        self.sizes.copy_(torch.where(met, DECAY * self.sizes + (1 - DECAY) * sizes, self.sizes))

    @torch.no_grad()
    def heed(self, y: Tensor, predicted: Tensor) -> None:
        r"""Move the share of the variance of each column that is told, :math:`R_d^2`, towards that of a training step.

        Arguments:
            y: The rows, :math:`(*, N, D)`.
            predicted: The probability of each cell by what the other side tells, :math:`(*, N, K)`.
        """
        told = (predicted @ self.centres).var(-2) / y.var(-2).clamp_min(torch.finfo(y.dtype).tiny)
        self.told.copy_(DECAY * self.told + (1 - DECAY) * told.clamp_max(1))

    def _refuse_few(self, y: Tensor) -> None:
        if y.shape[-2] < self.cells:
            raise DataError(
                f"expected at least as many rows as cells; got {y.shape[-2]} rows and {self.cells} cells: "
                "ask for fewer cells, or bring more rows at once."
            )


def _nearest(y: Tensor, centres: Tensor, weight: Tensor) -> Tensor:
    weighted = (weight / weight.amax(-1, keepdim=True)).unsqueeze(-2) * centres
    squares = (weighted * centres).sum(-1).unsqueeze(-2)
    distance = squares - 2 * y @ weighted.mT  # less the square of y, which is the same for all centres
    # rounding must not choose among centres in one place, as there are where y has few levels: the first is taken
    ties = TIE * torch.finfo(y.dtype).eps * squares.amax(-1, keepdim=True)
    return (distance <= distance.amin(-1, keepdim=True) + ties).int().argmax(-1)


def _totals(y: Tensor, cells: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the sum and the number of the rows of each cell, (*, K, D) and (*, K)."""
    sums = y.new_zeros(*y.shape[:-2], count, y.shape[-1])
    sizes = y.new_zeros(*y.shape[:-2], count)
    sums.scatter_add_(-2, cells.unsqueeze(-1).expand_as(y), y)
    return sums, sizes.scatter_add_(-1, cells, torch.ones_like(y[..., 0]))


def _seeded(y: Tensor, count: int, generator: Generator | None) -> Tensor:
    """Draw centres from the rows, each with a probability as the square of the distance to the nearest before it."""
    chosen = [int(torch.randint(len(y), (1,), generator=generator))]
    distance = (y - y[chosen[0]]).square().sum(-1)
    for _ in range(count - 1):
        weight = distance if distance.sum() > 0 else torch.ones_like(distance)
        line = weight.cumsum(0)
        draw = torch.rand(1, generator=generator, dtype=y.dtype) * line[-1]
        chosen.append(min(int(torch.searchsorted(line, draw)), len(y) - 1))
        distance = torch.minimum(distance, (y - y[chosen[-1]]).square().sum(-1))
    return y[chosen]
