"""Mixtures of normals, fitted by expectation and maximisation: several at once, each to rows of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn.functional import one_hot

from mistcli.distributions.kmeans import KMeansQuantizer

__all__ = ["Mixture", "fit_mixtures", "start_mixture"]

GAIN = 2e-5
"""The gain of the mean log likelihood, in nats, at which the rounds end."""

PRIOR = 0.01
"""The variance that each component is drawn to, with the weight of as many rows as there are columns, and two more."""


@dataclass(frozen=True)
class Mixture:
    r"""Mixtures of :math:`K` normal densities, with a leading axis of replicas.

    Arguments:
        log_weight: The log weight of each component, :math:`(R, K)`.
        mean: Their means, :math:`(R, K, D)`.
        covariance: Their covariances, :math:`(R, K, D, D)`.
    """

    log_weight: Tensor
    mean: Tensor
    covariance: Tensor

    def log_densities(self, z: Tensor) -> Tensor:
        """Return the log density of each component times its weight, (N, D) -> (R, K, N)."""
        factor = torch.linalg.cholesky(self.covariance)
        identity = torch.eye(z.shape[-1], dtype=z.dtype).expand_as(factor)
        white = torch.linalg.solve_triangular(factor, identity, upper=False)
        square: Tensor = (white @ z.mT - white @ self.mean.unsqueeze(-1)).square().sum(-2)
        half_log_det: Tensor = factor.diagonal(dim1=-2, dim2=-1).log().sum(-1) - self.log_weight
        return -0.5 * square - (half_log_det + z.shape[-1] / 2 * math.log(2 * math.pi)).unsqueeze(-1)

    def log_prob(self, z: Tensor, columns: slice = slice(None)) -> Tensor:
        """Return the log density of the mixture in some of its columns, (N, D) -> (R, N)."""
        part = Mixture(self.log_weight, self.mean[..., columns], self.covariance[..., columns, columns])
        return part.log_densities(z[:, columns]).logsumexp(-2)

    def log_ratio(self, z: Tensor, dx: int) -> Tensor:
        """Return the log ratio of the first `dx` columns and the others, (N, D) -> (R, N) in nats."""
        return self.log_prob(z) - self.log_prob(z, slice(dx)) - self.log_prob(z, slice(dx, None))


def fit_mixtures(z: Tensor, taken: Tensor, start: Mixture, rounds: int) -> Mixture:
    """Fit a mixture to the rows that each replica takes.

    Arguments:
        z: The rows, (N, D).
        taken: Whether a replica takes a row, 1 or 0, (R, N).
        start: Where all replicas begin.
        rounds: The most rounds.
    """
    mixture, before = start, -math.inf
    for _ in range(rounds):
        log_densities = mixture.log_densities(z)
        log_prob = log_densities.logsumexp(-2, keepdim=True)
        likelihood = float((log_prob.squeeze(-2) * taken).sum() / taken.sum())
        if likelihood - before < GAIN:
            break
        before = likelihood
        mixture = _maximised(z, taken.unsqueeze(-2) * (log_densities - log_prob).exp())
    return mixture


def start_mixture(z: Tensor, components: int, generator: Generator | None) -> Mixture:
    """Return a mixture with one component for each of the cells around centres, (N, D) -> R = 1."""
    quantizer = KMeansQuantizer(z.shape[1], components)
    quantizer.fit(z, generator=generator)
    return _maximised(z, one_hot(quantizer(z), components).to(z.dtype).mT.unsqueeze(0))


def _maximised(z: Tensor, share: Tensor) -> Mixture:
    """Return the mixture of which each component has these shares of the rows, (N, D), (R, K, N)."""
    d, size = z.shape[1], share.sum(-1)
    mean = (share @ z) / size.clamp_min(1e-300).unsqueeze(-1)
    square = (share.unsqueeze(-2) * z.mT) @ z
    scatter = square - size[..., None, None] * mean.unsqueeze(-1) * mean.unsqueeze(-2)
    prior = PRIOR * torch.eye(d, dtype=z.dtype)
    covariance = (scatter + (d + 2) * prior) / (size + d + 2)[..., None, None]
    return Mixture((size + 1e-6).log() - (size + 1e-6).sum(-1, keepdim=True).log(), mean, covariance)
