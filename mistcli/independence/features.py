"""Features of one side of a test: functions of its columns whose cross-covariances the statistics are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

__all__ = ["BANDWIDTHS", "Block", "column_blocks", "kernel_blocks", "random_ranks", "standardized"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

BANDWIDTHS: Mapping[str, float] = {"coarse": 0.4, "medium": 0.1, "fine": 0.025}
"""The bandwidths of the kernels on ranks, as shares of the rows.

A factor of four between neighbours. Chosen on simulations of `hyppo` with seeds that no reported table uses: mean power
over the 19 relationships at n = 100 is 0.925 with these three, 0.914 with two (0.2, 0.05) and 0.919 with five.
"""

MOST_LEVELS = 200
"""The most levels of a discrete column that are kept apart; the rarest others are taken as one."""

MOST_FREQUENCIES = 32
"""The most cosines of one column: the weight of the next at the finest bandwidth is below 0.04."""

LANDMARKS = 150
"""The most rows that span the features of a kernel."""

NEGLIGIBLE = 1e-6
"""The eigenvalues of a kernel below this share of the largest one are left out."""


@dataclass(frozen=True)
class Block:
    """Features of one column, or of a kernel on a whole side.

    Arguments:
        features: Centred features, (N, F).
        weights: For each scale the weights of the features, (F,).
        left: The share of variance that a regression on other columns has left in each of N directions, (N,); None
            where there was no regression.
    """

    features: Floats
    weights: Mapping[str, Floats]
    left: Floats | None = None


def random_ranks(column: Floats, rng: np.random.Generator) -> Rows:
    """Return the ranks of a column, (N,) from 0, with ties broken at random.

    Example:
        >>> random_ranks(np.array([0.3, 0.1, 0.2]), np.random.default_rng(0)).tolist()
        [2, 0, 1]
    """
    ranks = np.empty(len(column), dtype=np.int64)
    ranks[np.lexsort((rng.random(len(column)), column))] = np.arange(len(column))
    return ranks


def frequencies(pairs: int) -> int:
    """Return the number of cosines a column, fewer where there are many pairs of columns.

    Example:
        >>> [frequencies(pairs) for pairs in (1, 100, 10_000)]
        [32, 12, 4]
    """
    return int(np.clip(128 / np.sqrt(pairs), 4, MOST_FREQUENCIES))


def column_blocks(values: Floats, counts: Sequence[int], count: int, rng: np.random.Generator) -> list[Block]:
    r"""Return the features of each column.

    A continuous column with ranks :math:`r_i` has its normal scores, and the cosines
    :math:`\sqrt 2 \cos(\pi k u_i)` of :math:`u_i = (r_i + 1/2) / N`, which are orthogonal. Weighted by
    :math:`\exp(-(\pi k h)^2 / 2)` they span a Gaussian kernel of bandwidth :math:`h` on the ranks. A discrete column
    has its indicators, and the scores of the ranks of its levels.

    Arguments:
        values: Numbers, and codes of levels, (N, D).
        counts: The levels of each column; 0 for a continuous one.
        count: The number of cosines.
        rng: Breaks ties.
    """
    columns = zip(values.T, counts, strict=True)
    return [_discrete(column, levels) if levels else _continuous(column, count, rng) for column, levels in columns]


def _continuous(column: Floats, count: int, rng: np.random.Generator) -> Block:
    n = len(column)
    grid = (np.arange(n) + 0.5) / n
    count = min(count, n - 1)
    order = np.arange(1, count + 1)
    basis = np.empty((n, 1 + count))
    basis[:, 0] = ndtri(grid) / np.sqrt(np.mean(ndtri(grid) ** 2))
    basis[:, 1:] = np.sqrt(2) * np.cos(np.pi * np.outer(grid, order))
    weights = {"linear": np.append(1.0, np.zeros(count))}
    for name, bandwidth in BANDWIDTHS.items():
        weights[name] = np.append(0.0, np.exp(-0.5 * (np.pi * order * bandwidth) ** 2))
    return Block(basis[random_ranks(column, rng)], weights)


def _discrete(column: Floats, levels: int) -> Block:
    codes = column.astype(np.int64)
    sizes = np.bincount(codes, minlength=levels)
    middle = np.cumsum(sizes) - sizes / 2
    rank = middle[codes] - len(codes) / 2
    if levels > MOST_LEVELS:
        codes = _pooled(codes, sizes)
        sizes = np.bincount(codes)
    sizes = sizes[sizes > 0]
    codes = np.unique(codes, return_inverse=True)[1]
    share = sizes / len(codes)
    features = np.empty((len(codes), 1 + len(sizes)))
    features[:, 0] = rank / np.sqrt(np.mean(rank**2))
    features[:, 1:] = (codes[:, None] == np.arange(len(sizes))) / np.sqrt(share) - np.sqrt(share)
    every = np.append(0.0, np.ones(len(sizes)))
    return Block(features, {"linear": np.append(1.0, np.zeros(len(sizes))), **dict.fromkeys(BANDWIDTHS, every)})


def _pooled(codes: Rows, sizes: Rows) -> Rows:
    """Return codes in which the rarest levels are one."""
    kept = np.argsort(-sizes, kind="stable")[: MOST_LEVELS - 1]
    place = np.full(len(sizes), MOST_LEVELS - 1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return place[codes]


def standardized(values: Floats, counts: Sequence[int]) -> Floats:
    """Return the columns as points, (N, D'): continuous ones with unit variance, discrete ones as indicators.

    Example:
        >>> standardized(np.array([[0.0, 1.0], [2.0, 0.0]]), [0, 2]).tolist()
        [[-1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]
    """
    parts: list[Floats] = []
    for column, count in zip(values.T, counts, strict=True):
        levels = count
        if levels:
            codes = column.astype(np.int64)
            if levels > MOST_LEVELS:
                codes, levels = _pooled(codes, np.bincount(codes, minlength=levels)), MOST_LEVELS
            parts.append((codes[:, None] == np.arange(levels)).astype(np.float64))
        else:
            half = column / 2 - np.median(column) / 2  # the difference of two large numbers does not overflow
            half = half / (np.abs(half).max() or 1.0)
            half = half - half.mean()
            parts.append((half / (half.std() or 1.0))[:, None])
    return np.concatenate(parts, axis=1)


def kernel_blocks(points: Floats, rng: np.random.Generator) -> dict[str, Block]:
    r"""Return the features of kernels on a whole side, by the name of the kernel.

    `distance` is that of distance covariance, :math:`(|a| + |b| - |a - b|) / 2`; `gaussian` and `local` are Gaussian,
    with the median distance and a quarter of it as bandwidth. Each is spanned by its eigenvectors at up to 150 random
    rows (the Nyström method), scaled so that the trace of the centred kernel is N.

    Arguments:
        points: The columns as points, (N, D).
        rng: Chooses the rows.

    References:
        | Equivalence of distance-based and RKHS-based statistics in hypothesis testing (Sejdinovic et al., 2013)
        | https://arxiv.org/abs/1207.6076
    """
    n = len(points)
    landmarks = points if n <= LANDMARKS else points[rng.choice(n, LANDMARKS, replace=False)]
    apart = _distances(points, landmarks)
    own = _distances(landmarks, landmarks)
    typical = float(np.median(own[np.triu_indices(len(own), 1)])) or float(own.mean()) or 1.0
    norm, own_norm = (np.linalg.norm(side - points.mean(0), axis=1) for side in (points, landmarks))
    blocks = {"distance": _spanned((norm[:, None] + own_norm - apart) / 2, (own_norm[:, None] + own_norm - own) / 2)}
    for name, factor in (("gaussian", 1.0), ("local", 0.25)):
        blocks[name] = _spanned(*(np.exp(-0.5 * (d / (factor * typical)) ** 2) for d in (apart, own)))
    return blocks


def _distances(a: Floats, b: Floats) -> Floats:
    square = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    distances: Floats = np.sqrt(np.maximum(square, 0.0))
    return distances


def _spanned(cross: Floats, own: Floats) -> Block:
    """Return features whose products are the centred kernel, from the kernel with the landmarks and among them."""
    values, vectors = np.linalg.eigh(own)
    kept = values > NEGLIGIBLE * values[-1]
    features = cross @ (vectors[:, kept] / np.sqrt(values[kept]))
    features -= features.mean(0)
    features /= np.sqrt((features**2).sum() / len(features)) or 1.0
    return Block(features, {"all": np.ones(features.shape[1])})
