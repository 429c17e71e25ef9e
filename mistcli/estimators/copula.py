"""What the estimators of an elliptical copula have in common."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor

from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator
from mistcli.estimators.gaussian import (
    ROWS_A_COLUMN,
    leading,
    refuse_singular,
    refuse_two_modes,
    too_wide,
    wishart_bias,
)
from mistcli.numerics.rank_transform import normal_scores, shares

__all__ = ["EllipticalCopula"]

ROWS = 1.5
"""The rows a column below which the correlation is shrunk, since its determinant says more of noise than of it."""

NULLS = 8
"""The permutations by which the bias of a shrunk correlation is found."""

ROUNDS = 50
CHANGE = 1e-4
"""How often the dispersion of a Student copula is refined, at most, and the change at which it is good enough."""


class EllipticalCopula(DirectEstimator):
    r"""An estimator that knows the columns by the ranks of their rows, and the copula by a correlation.

    Attributes:
        degrees: The degrees of freedom among which the likelihood chooses, from the largest on until it falls; that of
            finite ones less 1 for one more parameter, by Akaike's criterion.
    """

    degrees: ClassVar[tuple[float, ...]] = (math.inf,)

    x_line: Tensor
    y_line: Tensor
    correlation: Tensor
    nu: Tensor
    offset: Tensor

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Fit the copula and return the log ratios under it, (N,) in nats.

        Raises:
            DataError: If the ranks of some columns follow from those of others, or many columns have a dependence
                between two modes a side.
        """
        self.register_buffer("x_line", x.sort(0).values)
        self.register_buffer("y_line", y.sort(0).values)
        u, n, dx = self._shares(x, y), len(x), x.shape[-1]
        if n < 4:
            raise DataError(f"expected at least 4 rows for a correlation; got {n}.")
        if too_wide(n, dx, y.shape[-1]):
            return self._fit_leading(u, dx)
        intensity = _intensity(u) if n < ROWS * u.shape[-1] else 0.0
        correlation, nu = _likeliest(u, self.degrees, intensity)
        refuse_singular(correlation, dx)
        raw = _log_ratio(_scores(u, nu), correlation, dx, nu)
        bias = _null(u, dx, nu, intensity, generator) if intensity else _bias(n, dx, y.shape[-1], nu)
        self._keep(correlation, nu, bias)
        return raw - self.offset

    def _fit_leading(self, u: Tensor, dx: int) -> Tensor:
        """Fit a normal copula to the leading components of the scores of each side, and return its log ratios."""
        n, widest = len(u), max(dx, u.shape[-1] - dx)
        if self.degrees != (math.inf,):
            raise DataError(
                f"expected at least {ROWS_A_COLUMN} rows a column for a Student copula of more than 50 columns; got "
                f"{n} rows and {widest} columns: use gaussian_copula or auto, or select fewer columns."
            )
        z = _scores(u, math.inf)
        found = []
        for side, part in (("x", z[:, :dx]), ("y", z[:, dx:])):
            directions = leading(part)
            components = part @ directions
            self.register_buffer(f"{side}_directions", directions)
            self.register_buffer(f"{side}_components", components.sort(0).values)
            found.append(components)
        kx = found[0].shape[1]
        refuse_two_modes(torch.cat(found, -1), kx)
        z = self._compressed(z, dx)
        correlation = _correlated(z)
        refuse_singular(correlation, kx)
        self._keep(correlation, math.inf, _bias(n, kx, z.shape[-1] - kx, math.inf))
        return _log_ratio(z, correlation, kx, math.inf) - self.offset

    def _keep(self, correlation: Tensor, nu: float, bias: float) -> None:
        self.register_buffer("correlation", correlation)
        self.register_buffer("nu", torch.tensor(nu, dtype=torch.float64))
        self.register_buffer("offset", torch.tensor(bias, dtype=torch.float64))

    def _compressed(self, z: Tensor, dx: int) -> Tensor:
        """Return normal scores of leading components where the copula is of these, and the scores otherwise."""
        known = dict(self.named_buffers())
        if "x_directions" not in known:
            return z
        parts = (("x", z[:, :dx]), ("y", z[:, dx:]))
        found = [normal_scores(known[f"{s}_components"], part @ known[f"{s}_directions"]) for s, part in parts]
        return torch.cat(found, -1)

    def _widths(self) -> tuple[int, int]:
        """Return the columns, or leading components, of x and of y."""
        directions = dict(self.named_buffers())
        sides = (("x_directions", self.x_line), ("y_directions", self.y_line))
        kx, ky = (int(directions.get(name, line).shape[1]) for name, line in sides)
        return kx, ky

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the log ratios of other pairs less the bias, (N,) in nats."""
        z = self._compressed(self.scores(x, y), x.shape[-1])
        return _log_ratio(z, self.correlation, self._widths()[0], float(self.nu)) - self.offset

    def stderr(self, log_ratio: Tensor) -> float:
        r"""Return the standard error, in nats: that of the mean, and :math:`D_x D_y / 2 N^2` of independent columns."""
        floor = math.prod(self._widths()) / 2 / log_ratio.numel() ** 2
        return float((log_ratio.var() / log_ratio.numel() + floor).sqrt())

    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        """Return both sides as quantiles of the copula's marginals, (N, Dx + Dy)."""
        return _scores(self._shares(x, y), float(self.nu))

    def _shares(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.cat([shares(self.x_line, x), shares(self.y_line, y)], -1)


def _scores(u: Tensor, nu: float) -> Tensor:
    """Return the quantiles of the normal or Student distribution, (N, D) -> (N, D)."""
    if math.isinf(nu):
        normal: Tensor = torch.special.ndtri(u)
        return normal
    from scipy.special import stdtrit  # a tenth of a second that a normal copula need not pay

    return torch.from_numpy(stdtrit(nu, u.numpy()))


def _log_density(z: Tensor, correlation: Tensor, nu: float) -> Tensor:
    """Return the log density of scores (N, D), (N,); that of the normal but for its constant."""
    d = z.shape[-1]
    factor = torch.linalg.cholesky(correlation)
    square: Tensor = torch.linalg.solve_triangular(factor, z.mT, upper=False).square().sum(0)
    half_log_det: Tensor = factor.diagonal().log().sum()
    if math.isinf(nu):
        return -0.5 * square - half_log_det
    constant = math.lgamma((nu + d) / 2) - math.lgamma(nu / 2) - d / 2 * math.log(nu * math.pi)
    return constant - half_log_det - (nu + d) / 2 * (square / nu).log1p()


def _log_ratio(z: Tensor, correlation: Tensor, dx: int, nu: float) -> Tensor:
    """Return the log ratios of scores, (N, D) -> (N,)."""
    joint = _log_density(z, correlation, nu)
    x_part = _log_density(z[:, :dx], correlation[:dx, :dx], nu)
    return joint - x_part - _log_density(z[:, dx:], correlation[dx:, dx:], nu)


def _correlated(z: Tensor) -> Tensor:
    """Return the correlation of scores, (N, D) -> (D, D)."""
    return z.mT.corrcoef().reshape(z.shape[-1], z.shape[-1]).clone().fill_diagonal_(1)


def _shrunk(correlation: Tensor, intensity: float) -> Tensor:
    return torch.lerp(correlation, torch.eye(len(correlation), dtype=correlation.dtype), intensity)


def _intensity(u: Tensor) -> float:
    """Return how far the correlation is drawn towards independence, 0 to 1: the share of noise in it."""
    z = _scores(u, math.inf)
    n, z = len(z), (z - z.mean(0)) / z.std(0, correction=0)
    r = z.mT @ z / n
    variance = n / (n - 1) ** 3 * (z.square().mT @ z.square() - n * r.square())
    total = r.square().sum() - r.diagonal().square().sum()
    return float(((variance.sum() - variance.diagonal().sum()) / total).clamp(0, 1))


def _likeliest(u: Tensor, degrees: tuple[float, ...], intensity: float) -> tuple[Tensor, float]:
    """Return the correlation and the degrees of freedom of the likeliest copula."""
    start = _shrunk(_correlated(_scores(u, math.inf)), intensity)
    best, found = -math.inf, (start, degrees[0])
    for nu in degrees if len(degrees) > 1 and torch.linalg.eigvalsh(start)[0] > 1e-10 else ():
        z = _scores(u, nu)
        correlation = start if intensity or math.isinf(nu) else _dispersion(z, start, nu)
        marginals = _log_density(z.reshape(-1, 1), torch.ones(1, 1, dtype=z.dtype), nu).sum()
        likelihood = float(_log_density(z, correlation, nu).sum() - marginals)
        likelihood -= not math.isinf(nu)  # one more parameter (Akaike, 1974)
        if likelihood < best:
            break
        best, found = likelihood, (correlation, nu)
    return found


def _dispersion(z: Tensor, start: Tensor, nu: float) -> Tensor:
    """Return the likeliest correlation of Student scores, each row weighed by how near to the centre it is."""
    correlation, d = start, z.shape[-1]
    for _ in range(ROUNDS):
        factor = torch.linalg.cholesky(correlation)
        square = torch.linalg.solve_triangular(factor, z.mT, upper=False).square().sum(0)
        weight = (nu + d) / (nu + square)
        scatter: Tensor = (weight[:, None] * z).mT @ z
        scale = scatter.diagonal().sqrt()
        refined = scatter / scale.outer(scale)
        if (refined - correlation).abs().max() < CHANGE:
            return refined
        correlation = refined
    return correlation


def _bias(n: int, dx: int, dy: int, nu: float) -> float:
    r"""Return by how much the mean log ratio exceeds that of the true correlation.

    That of a mean under parameters of the greatest likelihood is
    :math:`[p - \mathrm{tr}(J^{-1} J_x) - \mathrm{tr}(J^{-1} J_y)] / 2N`, with p parameters and the information J of
    both sides and of each. The exact value for normals, and what differs for Student to first order.
    """
    exact = 0.5 * float(wishart_bias(dx, n) + wishart_bias(dy, n) - wishart_bias(dx + dy, n))
    if math.isinf(nu):
        return exact

    def lost(d: int) -> float:
        joint, own = ((nu + size + 2) / (nu + size) for size in (dx + dy, d))
        return d * (d - 1) / 2 * (1 - joint / own)

    return exact + (lost(dx) + lost(dy)) / (2 * n)


def _null(u: Tensor, dx: int, nu: float, intensity: float, generator: Generator | None) -> float:
    """Return the mean log ratio where pairs are torn apart, under a correlation that is shrunk as much."""
    values = []
    for _ in range(NULLS):
        order = torch.randperm(len(u), generator=generator)
        torn = torch.cat([u[:, :dx], u[order, dx:]], -1)
        correlation = _shrunk(_correlated(_scores(torn, math.inf)), intensity)
        values.append(float(_log_ratio(_scores(torn, nu), correlation, dx, nu).mean()))
    return sum(values) / NULLS
