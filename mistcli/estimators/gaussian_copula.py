"""The mutual information of a normal copula."""

from __future__ import annotations

from mistcli.estimators.copula import EllipticalCopula

__all__ = ["GaussianCopula"]


class GaussianCopula(EllipticalCopula):
    r"""Mutual information of a normal copula, a lower bound where the copula is another one, short of sampling error.

    .. math:: I(X; Y) = \frac{1}{2} \log \frac{|R_x| |R_y|}{|R|}

    with the correlation :math:`R` of normal scores, the ranks of each column mapped to quantiles of the standard
    normal: whatever increasing function a column went through changes nothing. The bias that the correlation brings is
    removed, as by `Gaussian`. With less than three rows for two columns, the correlation is shrunk towards
    independence, and the bias is that of permuted pairs: such a value is small rather than right. Sides of more than 50
    columns with less than 16 rows a column are represented by normal scores of the leading principal components of
    their scores, one for 16 rows, with a standard error of at most 0.044 nats under independence.

    References:
        | A statistical framework for neuroimaging data analysis based on mutual information estimated via a Gaussian
          copula (Ince et al., 2017)
        | https://doi.org/10.1002/hbm.23471
        | A shrinkage approach to large-scale covariance matrix estimation (Schäfer and Strimmer, 2005)
        | https://doi.org/10.2202/1544-6115.1175

    Example:
        >>> import torch
        >>> g = torch.Generator().manual_seed(0)
        >>> x = torch.randn(10_000, 1, generator=g, dtype=torch.float64)
        >>> y = 0.9 * x + 0.19**0.5 * torch.randn(10_000, 1, generator=g, dtype=torch.float64)
        >>> abs(GaussianCopula().fit_log_ratio(x.exp(), y**3).mean().item() - 0.8304) < 0.02
        True
    """
