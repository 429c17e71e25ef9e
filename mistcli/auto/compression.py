r"""Linear compression of a wide side: principal components, rotated until they are independent of each other.

Nothing here looks at the other side. A function of x alone cannot create information about y,

.. math:: I(f(X); g(Y)) \leq I(X; Y)

and pairs that were permuted are compressed as before, so that all rows may be used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable

__all__ = [
    "Principal",
    "correlated_columns",
    "independent_components",
    "matrix",
    "principal_components",
    "sharpened",
    "spectral_gaps",
    "varimax",
]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Rows = NDArray[np.int64]

MOST_COMPONENTS = 256
"""The most principal components: their products in tables of two sides then take some seconds."""

ROWS_A_COMPONENT = 16
"""The rows a component, so that their covariance is known: its condition number is then below 3 for white noise."""

EXACT = 1024
"""The columns up to which the covariance is decomposed, rather than sketched."""

POWERS, OVERSAMPLING = 4, 10
"""Power iterations and extra directions of the sketch (Halko et al., 2011, section 4.5)."""

RELATIVE_VARIANCE = 1e-6
"""The variance, as a share of the largest, below which a component is rounding of float32 values."""

CLIPPED = 0.005
"""The share of values on either side whose quantile sets the limit of a column, at twice its distance from the
median."""

QUANTILE_ROWS = 2_000
CHUNK = 256
"""The columns that are prepared at a time."""

MOST_LEVELS = 20
"""The most frequent levels of a discrete column that get an indicator."""

GAPS, FALL, FIRST = 3, 0.1, 64
"""The falls of a spectrum that are tried, the least fall of its logarithm, and the number of components that is tried
besides. The standard error of the logarithm of a variance is 0.045 in 1,000 rows."""

SHARPENINGS = 3
SLOPE = 2.0
"""The rounds of `sharpened`, after which patches of images change by less than a hundredth of a bit, and the slope of
its sign function."""

LEVEL = 0.001
"""The chance that any two columns of independent sides are taken for correlated."""

PRODUCTS = 2e11
MOST_COLUMNS = 256
"""The multiplications spent on correlations of columns, some seconds of one core, and the most columns of a side."""

ROTATIONS, ROTATED = 50, 1e-4
UNMIXINGS, UNMIXED = 60, 1e-3
"""The most rounds of a rotation, and the change at which it ends."""


@dataclass(frozen=True)
class Principal:
    """Principal components of a side.

    Arguments:
        scores: The components of all rows, (N, K), of mean 0 and variance 1, the largest first.
        loadings: The orthonormal directions, (D, K).
        variances: The variance along each, (K,).
    """

    scores: Singles
    loadings: Singles
    variances: Floats

    def first(self, k: int) -> Principal:
        """Return the first `k` components."""
        return Principal(self.scores[:, :k], self.loadings[:, :k], self.variances[:k])


def matrix(variable: Variable) -> Singles:
    r"""Return the columns of a side as one standardised matrix, (N, D').

    Continuous columns are clipped at twice the distance from the median of the quantiles 0.005 and 0.995, so that
    single values do not make a direction. Discrete columns become an indicator for each of their most frequent levels.
    Columns without variance are left out.

    Arguments:
        variable: The side, (N, D).

    Returns:
        The matrix, of mean 0 and variance 1.

    Example:
        >>> side = Variable(("a", "b"), np.array([[1.0, 0], [2, 1], [3, 1]]), (None, ("u", "v")))
        >>> matrix(side).shape
        (3, 3)
    """
    continuous = np.flatnonzero([levels is None for levels in variable.levels])
    parts = [
        _standardized(_clipped(variable.values[:, continuous[first : first + CHUNK]]))
        for first in range(0, len(continuous), CHUNK)
    ]
    for place, levels in enumerate(variable.levels):
        if levels is not None:
            codes, counts = np.unique(variable.values[:, place], return_counts=True)
            often = codes[np.argsort(-counts, kind="stable")[:MOST_LEVELS]]
            parts.append(_standardized((variable.values[:, [place]] == often).astype(np.float64)))
    return np.concatenate(parts, axis=1)


def principal_components(columns: Singles, seed: int) -> Principal:
    r"""Return the leading principal components of standardised columns.

    Up to `EXACT` columns, or rows, the covariance is decomposed; beyond, a randomised sketch with power iterations is,

    .. math:: Q = \mathrm{orth}\big((X X^\top)^q X \Omega\big), \qquad X \approx Q Q^\top X

    There are at most `MOST_COMPONENTS`, and one for `ROWS_A_COMPONENT` rows. There may be more columns than rows.

    References:
        | Finding structure with randomness (Halko, Martinsson and Tropp, 2011)
        | https://arxiv.org/abs/0909.4061

    Arguments:
        columns: The columns, (N, D), of mean 0.
        seed: Draws the sketch.

    Example:
        >>> latent = np.random.default_rng(0).standard_normal((500, 2))
        >>> columns = (latent @ np.random.default_rng(1).standard_normal((2, 60))).astype(np.float32)
        >>> principal_components(columns, 0).scores.shape
        (500, 2)
    """
    n, d = columns.shape
    k = min(MOST_COMPONENTS, max(1, n // ROWS_A_COMPONENT), d)
    if min(n, d) > EXACT:
        omega = np.random.default_rng(seed).standard_normal((d, k + OVERSAMPLING), dtype=np.float32)
        basis = np.linalg.qr(columns @ omega)[0]
        for _ in range(POWERS):
            basis = np.linalg.qr(columns @ (columns.T @ basis))[0]
        inner = basis.T @ columns
        variance, axes = np.linalg.eigh((inner @ inner.T).astype(np.float64) / n)
        scores, loadings = basis @ axes.astype(np.float32), inner.T @ axes.astype(np.float32)
    elif d <= n:
        variance, axes = np.linalg.eigh((columns.T @ columns).astype(np.float64) / n)
        loadings = axes.astype(np.float32)
        scores = columns @ loadings
    else:
        variance, axes = np.linalg.eigh((columns @ columns.T).astype(np.float64) / n)
        scores = axes.astype(np.float32)
        loadings = columns.T @ scores
    order = np.argsort(-variance)[:k]
    order = order[variance[order] > RELATIVE_VARIANCE * variance[order[0]]]
    return Principal(_standardized(scores[:, order]), _unit(loadings[:, order]), variance[order])


def spectral_gaps(variances: Floats) -> list[int]:
    r"""Return after how many components the spectrum falls most, and 64, in increasing order.

    Sides made of many alike parts, such as patches of an image, have as many large variances as parts.

    Arguments:
        variances: The variances, (K,), in decreasing order.

    Example:
        >>> spectral_gaps(np.array([9.0, 8.0, 7.0, 1.0, 0.9, 0.8]))
        [1, 2, 3, 6]
    """
    falls = np.log(variances[:-1] / variances[1:])
    return sorted(
        {*(int(k) + 1 for k in np.argsort(-falls, kind="stable")[:GAPS] if falls[k] > FALL), min(FIRST, len(variances))}
    )


def independent_components(principal: Principal) -> Singles:
    r"""Rotate components until they are as independent of each other as a rotation can make them, (N, K).

    The loadings are made sparse first (`varimax`), which parts groups of columns that go together. From there the
    fixed-point iteration for :math:`\log \cosh` goes on,

    .. math:: w \leftarrow \mathbb{E}[z \tanh(w^\top z)] - \mathbb{E}[1 - \tanh^2(w^\top z)] \, w

    with all :math:`w` made orthogonal after each round. The start matters: of 128 components of which 100 are binary,
    the iteration from a random start finds 2 in 10,000 rows, that from sparse loadings 100.

    References:
        | Fast and robust fixed-point algorithms for independent component analysis (Hyvärinen, 1999)
        | https://doi.org/10.1109/72.761722

    Example:
        >>> source = np.random.default_rng(0).choice([-1.0, 1.0], (2000, 2))
        >>> columns = (source @ np.array([[1.0, 0.4], [-0.4, 1.0]])).astype(np.float32)
        >>> found = independent_components(principal_components(columns - columns.mean(0), 0))
        >>> np.abs(np.corrcoef(source.T, found.T)[:2, 2:]).max(1).round(1)
        array([1., 1.])
    """
    z = principal.scores
    w = varimax(principal.loadings).T
    for _ in range(UNMIXINGS):
        s = np.tanh(z @ w.T)
        before, w = w, _orthogonal(s.T @ z / len(z) - (1 - s * s).mean(0)[:, None] * w)
        if np.abs(np.abs((w * before).sum(1)) - 1).max() < UNMIXED:
            break
    return _standardized(z @ w.T)


def sharpened(principal: Principal, components: Singles) -> Singles:
    r"""Return components whose two modes are further apart, (N, K), as linear combinations of all principal ones.

    .. math:: w \leftarrow \mathbb{E}[z \tanh(2 \, w^\top z)]

    is Fisher's linear discriminant of the two classes that the sign of a component makes, where :math:`z` are
    uncorrelated and of variance 1; three rounds follow, each with the classes of the round before. Binary sources that
    the first few principal components tell with errors are told nearly without them.

    References:
        | The use of multiple measurements in taxonomic problems (Fisher, 1936)
        | https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Arguments:
        principal: All principal components.
        components: The components to start from, (N, K), of mean 0 and variance 1.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> label = rng.choice([-1.0, 1.0], 2000)
        >>> noise = rng.standard_normal((2, 2000))
        >>> columns = np.stack([label + 0.6 * noise[0] + 0.6 * noise[1], 0.6 * noise[1]], 1).astype(np.float32)
        >>> principal = principal_components(columns - columns.mean(0), 0)
        >>> found = sharpened(principal, principal.scores[:, :1])
        >>> bool(abs(np.corrcoef(label, found[:, 0])[0, 1]) > abs(np.corrcoef(label, columns[:, 0])[0, 1]) + 0.05)
        True
    """
    for _ in range(SHARPENINGS):
        side = np.tanh(SLOPE * components)
        components = _standardized(principal.scores @ (principal.scores.T @ (side - side.mean(0))))
    return components


def correlated_columns(x: Singles, y: Singles, seed: int) -> tuple[Rows, Rows]:
    r"""Return the places of columns of x and y that are surely correlated with one of the other side.

    .. math:: |r_{ij}| > \Phi^{-1}\Big(1 - \frac{\alpha}{2 D_x D_y}\Big) \Big/ \sqrt{N}, \qquad \alpha = 0.001

    For very many columns some of the rows are used, so that it takes seconds. The 256 most correlated are returned at
    most; under independence there are none, but with probability 0.001.

    Arguments:
        x: Standardised columns, (N, P).
        y: Standardised columns, (N, Q).
        seed: Draws the rows.

    Example:
        >>> x, y = np.random.default_rng(0).standard_normal((2, 1000, 40)).astype(np.float32)
        >>> y[:, 3] += x[:, 7]
        >>> [places.tolist() for places in correlated_columns(x, y, 0)]
        [[7], [3]]
    """
    from scipy.special import ndtri

    pairs = x.shape[1] * y.shape[1]
    n = min(len(x), max(int(PRODUCTS / pairs), 2 * ROWS_A_COMPONENT))
    rows = np.sort(np.random.default_rng(seed).permutation(len(x))[:n])
    x, y = x[rows], y[rows]
    limit = -float(ndtri(LEVEL / (2 * pairs))) / math.sqrt(n)
    best_x, best_y = np.zeros(x.shape[1]), np.zeros(y.shape[1])
    for first in range(0, x.shape[1], CHUNK):
        part = slice(first, first + CHUNK)
        r = np.abs(x[:, part].T @ y) / n
        best_x[part] = r.max(1)
        best_y = np.maximum(best_y, r.max(0))
    places = [
        np.argsort(-best, kind="stable")[: min(MOST_COLUMNS, int((best > limit).sum()))] for best in (best_x, best_y)
    ]
    return np.sort(places[0]), np.sort(places[1])


def varimax(loadings: Singles) -> Singles:
    r"""Return the rotation R (K, K) that makes orthonormal loadings V (D, K) sparse.

    .. math:: \max_{R^\top R = 1} \sum_{d k} (V R)_{dk}^4, \qquad
              R \leftarrow \mathrm{orth}\big(V^\top (V R)^{\circ 3}\big)

    where orth is the orthogonal factor of the polar decomposition. The criterion is convex, so that no round lowers it.

    References:
        | The varimax criterion for analytic rotation in factor analysis (Kaiser, 1958)
        | https://doi.org/10.1007/BF02289233

    Example:
        >>> sparse = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=np.float32).T / 2**0.5
        >>> mixed = sparse @ np.array([[0.8, 0.6], [-0.6, 0.8]], dtype=np.float32)
        >>> bool(np.allclose(np.abs(mixed @ varimax(mixed)).max(1), 2**-0.5, atol=1e-3))
        True
    """
    v = loadings * np.float32(math.sqrt(len(loadings)))
    rotation = np.eye(v.shape[1], dtype=np.float32)
    best = 0.0
    for _ in range(ROTATIONS):
        rotated = v @ rotation
        square = rotated * rotated
        rotation = _orthogonal((v.T @ (square * rotated)).astype(np.float32))
        value = float((square * square).mean(0).sum())
        if value <= best * (1 + ROTATED):
            break
        best = value
    return rotation


def _clipped(values: Floats) -> Floats:
    step = max(1, len(values) // QUANTILE_ROWS)
    low, middle, high = np.quantile(values[::step], [CLIPPED, 0.5, 1 - CLIPPED], axis=0)
    fixed = high == low  # a column of hardly more than one value: its others are all that it has
    low, high = np.where(fixed, -np.inf, 2 * low - middle), np.where(fixed, np.inf, 2 * high - middle)
    return np.clip(values, low, high)


def _standardized(values: NDArray[np.floating]) -> Singles:
    """Return columns of mean 0 and variance 1, without those that are constant."""
    centred = values - values.mean(0, dtype=np.float64)
    scale = np.abs(centred).max(0)
    centred = centred[:, scale > 0] / scale[scale > 0]
    spread = np.sqrt(np.square(centred).mean(0, dtype=np.float64))
    found: Singles = (centred / spread).astype(np.float32)
    return found


def _unit(columns: Singles) -> Singles:
    found: Singles = columns / np.linalg.norm(columns, axis=0)
    return found


def _orthogonal(square: Singles) -> Singles:
    left, _, right = np.linalg.svd(square, full_matrices=False)
    found: Singles = left @ right
    return found
