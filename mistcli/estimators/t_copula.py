"""The mutual information of a Student copula."""

from __future__ import annotations

import math
from typing import ClassVar

from mistcli.estimators.copula import EllipticalCopula

__all__ = ["TCopula"]


class TCopula(EllipticalCopula):
    r"""Mutual information of a Student copula, of which the normal one is a special case.

    .. math:: I(X; Y) = \frac{1}{2} \log \frac{|R_x| |R_y|}{|R|}
              + \Omega(\nu) + \Omega(\nu + D) - \Omega(\nu + D_x) - \Omega(\nu + D_y), \qquad
              \Omega(a) = \log \Gamma\left(\frac{a}{2}\right) - \frac{a}{2} \psi\left(\frac{a}{2}\right)

    in expectation, where :math:`D = D_x + D_y`. The degrees of freedom :math:`\nu` are the likeliest of a small grid,
    and the correlation :math:`R` the likeliest for them. Columns that are large together, if not of one sign, share
    information, which a normal copula cannot see. Bias and few rows are dealt with as by `GaussianCopula`, but
    that sides of more than 50 columns with less than 16 rows a column are refused.

    References:
        | The t copula and related copulas (Demarta and McNeil, 2005)
        | https://doi.org/10.1111/j.1751-5823.2005.tb00254.x
        | Shannon entropy and mutual information for multivariate skew-elliptical distributions
          (Arellano-Valle, Contreras-Reyes and Genton, 2013)
        | https://doi.org/10.1111/j.1467-9469.2011.00774.x

    Example:
        >>> import torch
        >>> g = torch.Generator().manual_seed(0)
        >>> scale = torch.randn(10_000, 3, generator=g, dtype=torch.float64).square().sum(1, keepdim=True).sqrt()
        >>> x, y = torch.randn(2, 10_000, 1, generator=g, dtype=torch.float64) / scale  # Student, nu = 3
        >>> estimator = TCopula()
        >>> _ = estimator.fit_log_ratio(x, y)
        >>> float(estimator.nu)
        3.0
    """

    degrees: ClassVar[tuple[float, ...]] = (math.inf, 30.0, 15.0, 10.0, 7.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0)
