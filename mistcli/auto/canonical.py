"""Few features of many columns: the functions of x and of y that go together best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.features import encoded, mapped, radius, scores
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold

__all__ = ["canonical", "expanded"]

Floats = NDArray[np.float64]

MOST = 8
"""The most pairs of variates that are kept."""

SURE = 3.0
"""By how many standard errors a correlation must differ from 0, on rows that decide, to be kept."""

FEW_COLUMNS = 12
"""The columns up to which their products are features too."""

ROWS_A_FEATURE = 10
RIDGE = 1e-3


def canonical(x: Floats, y: Floats, folds: Sequence[Fold]) -> list[tuple[Floats, Floats]]:
    r"""Find canonical variates by the training rows of each fold, and keep those that hold on the rows that decide.

    .. math:: \max_{a, b} \; \mathrm{corr}\big(a^\top \phi(x), \, b^\top \psi(y)\big)

    one pair after the other, each uncorrelated with those before, where :math:`\phi` and :math:`\psi` are the features
    that `expanded` gives.

    References:
        | Relations between two sets of variates (Hotelling, 1936)
        | https://doi.org/10.1093/biomet/28.3-4.321
        | Approximating mutual information of high-dimensional variables using learned representations
          (Gowri et al., 2024)
        | https://arxiv.org/abs/2409.02732

    Arguments:
        x: The features of x, (N, P).
        y: The features of y, (N, Q).
        folds: The rows that train, and those that decide.

    Returns:
        For each fold normal scores of the variates of x and of y, of all rows, (N, K) each; K may be 0.

    Example:
        >>> x, noise = np.random.default_rng(0).standard_normal((2, 4000, 3))
        >>> y = x[:, :1] + noise[:, :1]
        >>> fold = Fold(0, np.arange(2000), np.arange(2000, 3000), np.arange(3000, 4000))
        >>> [u.shape for u, v in canonical(x, y, [fold])]
        [(4000, 1)]
    """
    found = [_held(x, y, fold) for fold in folds]
    k = min(u.shape[1] for u, _ in found)
    return [(mapped(u[:, :k], "normal"), mapped(v[:, :k], "normal")) for u, v in found]


def expanded(variable: Variable) -> Floats:
    r"""Return features of a side whose linear combinations may be canonical variates.

    They are the normal scores :math:`z`, the columns as they are and indicators of levels, the scores modulated by how
    far out the row is, :math:`q z` and :math:`(q^2 - 1) z` with :math:`q` the squared radius brought to mean 0 and
    spread 1, and :math:`q` itself; of few columns their products as well.

    Arguments:
        variable: The side, (N, D).

    Returns:
        The features, (N, P).
    """
    columns = encoded(variable, "normal")
    z = scores(variable, "normal")
    d, n = z.shape[1], len(columns)
    if not d or ROWS_A_FEATURE * 4 * d > n:
        return columns
    q = radius(z)
    parts = [columns, scores(variable, "standard"), q * z, (q**2 - 1) * z, q]
    if d <= FEW_COLUMNS and ROWS_A_FEATURE * d * d < n:
        first, second = np.triu_indices(d)
        parts.append(z[:, first] * z[:, second])
    return np.concatenate(parts, 1)


def _held(x: Floats, y: Floats, fold: Fold) -> tuple[Floats, Floats]:
    """Return the variates that hold, of all rows, strongest first."""
    a, b = _directions(x[fold.train], y[fold.train])
    u, v = x @ a, y @ b
    with np.errstate(invalid="ignore", divide="ignore"):  # one of levels may be constant: NaN, not held
        held = [float(np.corrcoef(u[fold.valid, k], v[fold.valid, k])[0, 1]) for k in range(u.shape[1])]
    kept = [k for k, r in enumerate(held) if r > SURE / len(fold.valid) ** 0.5]
    return u[:, kept], v[:, kept]


def _directions(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the directions of the strongest correlations, (P, K) and (Q, K), strongest first."""
    n, k = len(x), min(x.shape[1], y.shape[1], MOST)
    x, y = x - x.mean(0), y - y.mean(0)
    root_x, root_y = (_root(side.T @ side / n) for side in (x, y))
    cross = np.linalg.solve(root_x, np.linalg.solve(root_y, y.T @ x / n).T)
    left, _, right = np.linalg.svd(cross, full_matrices=False)
    return np.linalg.solve(root_x.T, left[:, :k]), np.linalg.solve(root_y.T, right[:k].T)


def _root(covariance: Floats) -> Floats:
    """Return the Cholesky factor of a covariance, made regular."""
    ridge = RIDGE * np.trace(covariance) / len(covariance)
    factor: Floats = np.linalg.cholesky(covariance + (ridge or RIDGE) * np.eye(len(covariance)))
    return factor
