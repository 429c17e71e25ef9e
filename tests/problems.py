"""Pairs whose mutual information is known in closed form, in nats, and the log ratio of each pair."""

import math

import torch
from torch import Generator, Tensor


def normal(n: int, rho: float, *, dim: int = 1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw x and y, column by column a bivariate normal of correlation `rho`, (n, dim) each in float64."""
    generator = Generator().manual_seed(seed)
    x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    noise = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


def normal_nats(rho: float, *, dim: int = 1) -> float:
    """Return the mutual information of `normal`."""
    return -0.5 * dim * math.log(1 - rho**2)


def normal_log_ratio(x: Tensor, y: Tensor, rho: float) -> Tensor:
    """Return log p(x, y) / p(x) p(y) of `normal`, broadcasting over leading axes."""
    quadratic = (rho**2 * (x**2 + y**2) - 2 * rho * x * y) / (2 * (1 - rho**2))
    return (-0.5 * math.log(1 - rho**2) - quadratic).sum(-1)
