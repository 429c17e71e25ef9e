"""The mutual information of two jointly normal vectors, in closed form."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from mistcli.errors import DataError
from mistcli.estimators.base import DirectEstimator

__all__ = [
    "MANY_COLUMNS",
    "ROWS_A_COLUMN",
    "Gaussian",
    "leading",
    "refuse_singular",
    "refuse_two_modes",
    "too_wide",
    "wishart_bias",
]

MANY_COLUMNS = 50
ROWS_A_COLUMN = 16
"""The columns of a side beyond which its covariance is that of leading components, where there are less than so many
rows a column: the eigenvalues of white noise are then known within a factor of (1 + 1/4)^2 / (1 - 1/4)^2 = 2.8
(Marchenko and Pastur, 1967), and the standard error under independence is at most 1 / (16 sqrt 2) = 0.044 nats."""

STRONG, TWO_MODES = 0.5, -0.75
"""The canonical correlation and the excess kurtosis that mislead; see `refuse_two_modes`."""

RELATIVE_VARIANCE = 1e-10
"""The variance, as a share of the largest, below which a component follows from others."""


class Gaussian(DirectEstimator):
    r"""Mutual information of a multivariate normal with the covariance of the data.

    .. math:: I(X; Y) = \frac{1}{2} \log \frac{|\Sigma_x| |\Sigma_y|}{|\Sigma|}

    less the bias that the sample covariance brings, which is known exactly for normal data,

    .. math:: \frac{1}{2} [b(D_x) + b(D_y) - b(D_x + D_y)], \qquad b(d) = \sum_{i=1}^d \psi\left(\frac{N - i}{2}\right)

    Sides of more than 50 columns with less than 16 rows a column are represented by their leading principal components
    (of standardised columns), one for 16 rows. What the others tell is lost, so that the value then is a lower bound
    for normal data; there may be more columns than rows.

    For data that are not normal it is neither a bound nor consistent: it sees linear dependence only.

    References:
        | Elements of Information Theory, section 8.5 (Cover and Thomas, 2006)
        | https://doi.org/10.1002/047174882X
        | Entropy expressions and their estimators for multivariate distributions (Ahmed and Gokhale, 1989)
        | https://doi.org/10.1109/18.30996

    Example:
        >>> g = Generator().manual_seed(0)
        >>> x = torch.randn(10_000, 1, generator=g, dtype=torch.float64)
        >>> y = 0.9 * x + 0.19**0.5 * torch.randn(10_000, 1, generator=g, dtype=torch.float64)
        >>> abs(Gaussian().fit_log_ratio(x, y).mean().item() - 0.8304) < 0.02
        True
    """

    mean: Tensor
    covariance: Tensor
    offset: Tensor

    def fit_log_ratio(self, x: Tensor, y: Tensor, *, generator: Generator | None = None) -> Tensor:
        """Fit the covariance and return the log ratios under it, (N,) in nats.

        Raises:
            DataError: If there are not more rows than columns, columns are linear combinations of others, or many
                columns have a dependence between two modes a side.
        """
        n = len(x)
        if too_wide(n, x.shape[-1], y.shape[-1]):
            for name, side in (("x_directions", x), ("y_directions", y)):
                self.register_buffer(name, leading(side))
            x, y = self._compressed(x, y)
            refuse_two_modes(torch.cat([x, y], -1), x.shape[-1])
        dx, dy = x.shape[-1], y.shape[-1]
        if n < dx + dy + 2:
            raise DataError(
                f"expected more rows than columns for a covariance; got {n} rows and {dx + dy} columns: "
                "select fewer columns, or bring more rows."
            )
        z = torch.cat([x, y], -1)
        covariance = z.mT.cov().reshape(dx + dy, dx + dy)
        refuse_singular(covariance, dx)
        self.register_buffer("mean", z.mean(0))
        self.register_buffer("covariance", covariance)
        self.register_buffer("offset", 0.5 * (wishart_bias(dx, n) + wishart_bias(dy, n) - wishart_bias(dx + dy, n)))
        self.register_buffer("floor", torch.tensor((dx * dy / 2) ** 0.5 / n))
        return self._log_ratio(x, y)

    def log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        r"""Return the log ratio of the fitted normal densities less the bias, :math:`(*, N)` in nats."""
        return self._log_ratio(*self._compressed(x, y))

    def _compressed(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        directions = dict(self.named_buffers())
        if "x_directions" not in directions:
            return x, y
        return x @ directions["x_directions"], y @ directions["y_directions"]

    def _log_ratio(self, x: Tensor, y: Tensor) -> Tensor:
        dx = x.shape[-1]
        z = torch.cat([x, y], -1) - self.mean
        joint = _log_density(z, self.covariance)
        x_part = _log_density(z[..., :dx], self.covariance[:dx, :dx])
        y_part = _log_density(z[..., dx:], self.covariance[dx:, dx:])
        return joint - x_part - y_part - self.offset

    def stderr(self, log_ratio: Tensor) -> float:
        r"""Return the standard error, in nats.

        The log ratios are the influence function of the estimate; :math:`D_x D_y / 2 N^2` is the variance that remains
        under independence, where they vanish.
        """
        return float((log_ratio.var() / log_ratio.numel() + self.get_buffer("floor") ** 2).sqrt())


def too_wide(n: int, dx: int, dy: int) -> bool:
    """Return whether the covariance of a side of so many columns is not known from `n` rows."""
    return max(dx, dy) > MANY_COLUMNS and n < ROWS_A_COLUMN * max(dx, dy)


def leading(side: Tensor) -> Tensor:
    r"""Return the directions of the leading principal components of standardised columns, one for 16 rows.

    References:
        | Principal component analysis (Jolliffe, 2002)
        | https://doi.org/10.1007/b98835

    Arguments:
        side: The columns, (N, D); D may exceed N.

    Returns:
        The directions (D, K), such that the components have variance 1.

    Example:
        >>> side = torch.randn(160, 300, generator=Generator().manual_seed(0), dtype=torch.float64)
        >>> leading(side).shape
        torch.Size([300, 10])
    """
    n, d = side.shape
    scale = side.std(0, correction=0)
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    z = (side - side.mean(0)) / scale
    k = min(d, max(1, n // ROWS_A_COLUMN))
    if d <= n:
        variance, axes = torch.linalg.eigh(z.mT @ z / n)
    else:
        variance, axes = torch.linalg.eigh(z @ z.mT / n)
        axes = z.mT @ axes / (n * variance.clamp(min=RELATIVE_VARIANCE * variance[-1])).sqrt()
    kept = variance[-k:] > RELATIVE_VARIANCE * variance[-1]
    directions: Tensor = axes[:, -k:][:, kept] / variance[-k:][kept].sqrt() / scale[:, None]
    return directions


def wishart_bias(d: int, n: int) -> Tensor:
    """Return the bias of the log determinant of a sample covariance, up to terms that cancel."""
    i = torch.arange(1, d + 1, dtype=torch.float64)
    bias: Tensor = torch.digamma((n - i) / 2).sum()
    return bias


def _log_density(z: Tensor, covariance: Tensor) -> Tensor:
    """Return the log density of a centred normal, up to the constant that cancels in a ratio."""
    factor = torch.linalg.cholesky(covariance)
    white = torch.linalg.solve_triangular(factor, z.mT, upper=False)
    density: Tensor = -0.5 * white.square().sum(-2) - factor.diagonal().log().sum()
    return density


def refuse_two_modes(z: Tensor, dx: int) -> None:
    """Raise where the strongest canonical variates of both sides have two modes, so that normals mislead.

    Two binary variables of correlation 1 share 0.69 nats, two normals infinitely much. A variate of uniform
    distribution has an excess kurtosis of -1.2, one of two narrow modes -2; the limit is nearer to the normal.
    """
    sides = [torch.linalg.qr(side - side.mean(0)).Q for side in (z[:, :dx], z[:, dx:])]
    left, s, right = torch.linalg.svd(sides[0].mT @ sides[1], full_matrices=False)
    variates = torch.stack([sides[0] @ left[:, 0], sides[1] @ right[0]], -1) * len(z) ** 0.5
    if s[0] > STRONG and bool((variates.pow(4).mean(0) - 3 < TWO_MODES).all()):
        raise DataError(
            "expected columns that normals describe; the directions of x and y that depend on each other most have two "
            "modes each, of which normals would tell too much: use auto, js or ksg."
        )


def refuse_singular(covariance: Tensor, dx: int) -> None:
    """Raise where a side, or both together, span fewer dimensions than they have columns."""
    scale = covariance.diagonal().sqrt()
    correlation = covariance / scale.outer(scale)
    for side, block in (("x", correlation[:dx, :dx]), ("y", correlation[dx:, dx:])):
        if torch.linalg.eigvalsh(block)[0] < 1e-10:
            raise DataError(
                f"expected columns of {side} that are not linear combinations of each other; some are: select fewer."
            )
    if torch.linalg.eigvalsh(correlation)[0] < 1e-10:
        raise DataError(
            "a linear combination of x determines one of y, so their mutual information is infinite: "
            "select other columns, or ask for a discrete version of them."
        )
