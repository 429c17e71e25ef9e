"""Normal densities and mixtures of them, whose parameters are given by a network of the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor, nn
from torch.quasirandom import SobolEngine

from mistcli.critics.network import MLP
from mistcli.distributions.density import Density
from mistcli.errors import DataError

__all__ = ["Gaussian"]


class Gaussian(Density):
    r"""A mixture of normal densities; of one component unless told otherwise.

    .. math:: q(y \mid c) = \sum_k \pi_k(c) \, \mathcal{N}\left(L_k y; \, \mu_k(c), S_k(c)^2\right)

    A network of the context gives the weights :math:`\pi`, the means :math:`\mu` and the diagonal matrices :math:`S`;
    where there is no context they are parameters. The matrices :math:`L` are unit lower triangular, and parameters
    always: what y depends on changes with the context, how its columns hang together does not, which leaves few enough
    numbers to be learnt in many dimensions. The last layer starts at zero, so that an untrained density does not
    depend on the context and, with one component, is standard normal.

    References:
        | Mixture density networks (Bishop, 1994)
        | https://publications.aston.ac.uk/id/eprint/373

    Arguments:
        dim: The number :math:`D` of columns of y.
        context_dim: The number of columns of the context; 0 for a marginal.
        covariance: "full", or "diagonal", where :math:`L` is the identity.
        components: The number :math:`K` of components.
        hidden_dims: The sizes of the hidden layers of the network.
        nonlinearity: The name of the nonlinearity between them.
        generator: Draws the initial weights.

    Raises:
        DataError: If it is asked about other than D columns.

    Example:
        >>> density = Gaussian(2, 3, components=4)
        >>> density.log_prob(torch.zeros(5, 2), torch.zeros(5, 3)).shape
        torch.Size([5])
    """

    stackable: ClassVar[bool] = True

    def __init__(
        self,
        dim: int,
        context_dim: int = 0,
        *,
        covariance: Literal["full", "diagonal"] = "full",
        components: int = 1,
        hidden_dims: Sequence[int] = (32, 32),
        nonlinearity: str = "silu",
        generator: Generator | None = None,
    ) -> None:
        super().__init__(dim, context_dim)
        self.components = components
        self.sizes = [components if components > 1 else 0, components * dim, components * dim]
        start = torch.zeros(sum(self.sizes))
        if components > 1:
            # equal components would have equal gradients, and stay equal
            start[components : components * (1 + dim)] = _spread(components, dim).flatten()
        if context_dim:
            dims = [context_dim, *hidden_dims, len(start)]
            self.net = MLP(dims, nonlinearity=nonlinearity, generator=generator, zero=True)
            with torch.no_grad():
                self.net.get_parameter(f"layers.{len(hidden_dims)}.bias").copy_(start)
        else:
            self.values = nn.Parameter(start)
        self.sheared = covariance == "full" and dim > 1
        if self.sheared:
            self.below = nn.Parameter(torch.zeros(components, dim * (dim - 1) // 2))

    def prepare(self, y: Tensor) -> Tensor:
        r"""Return :math:`L_k y` of all components, :math:`(*, D) \to (*, K D)`; y itself if they are diagonal."""
        if y.shape[-1] != self.dim:
            raise DataError(f"expected y of {self.dim} columns, as the density was made; got {y.shape[-1]}.")
        return self._shear(y.unsqueeze(-2)).flatten(-2) if self.sheared else y

    def embed(self, context: Tensor) -> Tensor:
        r"""Return the parameters, :math:`(*, C) \to (*, P)`; one row of them if there is no context."""
        if self.context_dim:
            embedded: Tensor = self.net(context)
            return embedded
        shape = self.values.shape
        return self.values.view(*shape[:-1], *[1] * (context.dim() - len(shape)), shape[-1])

    def score(self, y: Tensor, embedded: Tensor) -> Tensor:
        r"""Return the log density of prepared y, :math:`(*, V), (*, P) \to (*,)` in nats."""
        logits, mean, log_scale = self._parts(embedded)
        white = (y.view(*y.shape[:-1], -1, self.dim) - mean) * log_scale.exp()
        log_prob = log_scale.sum(-1) - 0.5 * (white.square().sum(-1) + self.dim * math.log(2 * math.pi))
        return (log_prob + logits.log_softmax(-1)).logsumexp(-1) if self.components > 1 else log_prob.squeeze(-1)

    @property
    def noise_dim(self) -> int:
        """One number a column, and one more to choose the component by."""
        return self.dim + (self.components > 1)

    def draw(self, noise: Tensor, embedded: Tensor) -> Tensor:
        r"""Turn standard normal noise into samples, :math:`(*, E), (*, P) \to (*, D)`."""
        logits, mean, log_scale = self._parts(embedded)
        y = self._shear(mean + noise[..., None, : self.dim] * (-log_scale).exp(), back=True)
        if self.components == 1:
            return y.squeeze(-2)
        share = torch.special.ndtr(noise[..., -1:])
        chosen = (share > logits.softmax(-1).cumsum(-1)[..., :-1]).sum(-1)
        return torch.take_along_dim(y, chosen[..., None, None], -2).squeeze(-2)

    def _parts(self, embedded: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits (*, K), the means and the logarithms of the inverse scales, (*, K, D)."""
        logits, mean, log_scale = torch.split(embedded, self.sizes, -1)
        shape = (*embedded.shape[:-1], self.components, self.dim)
        return logits, mean.reshape(shape), log_scale.reshape(shape)

    def _shear(self, y: Tensor, *, back: bool = False) -> Tensor:
        """Return L y for each component, or y from L y, (*, K, D) -> (*, K, D)."""
        if not self.sheared:
            return y
        eye = torch.eye(self.dim, dtype=y.dtype, device=y.device)
        factor = eye.expand(*self.below.shape[:-1], -1, -1).clone()
        rows, columns = torch.tril_indices(self.dim, self.dim, -1, device=y.device)
        factor[..., rows, columns] = self.below
        if back:
            factor = torch.linalg.solve_triangular(factor, eye, upper=False, unitriangular=True)
        first = factor.dim() - 3  # the axis after that of replicas
        flat = y.flatten(first, -3)
        sheared: Tensor = torch.einsum("...nkd,...ked->...nke", flat, factor)
        return sheared.reshape(*y.shape[:-2], self.components, self.dim)


def _spread(count: int, dim: int) -> Tensor:
    """Return points that are spread as a standard normal is, the same ones always, (count, dim)."""
    points: Tensor = SobolEngine(dim).fast_forward(1).draw(count)  # type: ignore[no-untyped-call]
    scores: Tensor = torch.special.ndtri(points)
    return scores
