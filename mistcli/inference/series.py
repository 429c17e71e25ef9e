"""How sure we are of a mean over time, where neighbours are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["block_length", "series_stderr"]


def block_length(n: int, span: int) -> int:
    r"""Return the length of the blocks by which the spread of a mean of `n` values in time is judged.

    .. math:: b = \min(\max(\lceil \sqrt{n} \rceil, s + 1), \lfloor n / 5 \rfloor)

    with :math:`s` the `span` over which two log ratios share a value of the series. The square root is the usual
    choice (Flegal and Jones): long beside the memory of the series, short beside the series.

    Example:
        >>> block_length(10_000, 50), block_length(10_000, 300), block_length(20, 15)
        (100, 301, 4)
    """
    return max(1, min(max(int(np.ceil(np.sqrt(n))), span + 1), n // 5))


def series_stderr(
    log_ratio: NDArray[np.float64], block: int, fold: NDArray[np.int64] | None = None, *, least: float = 0.0
) -> float:
    r"""Return the standard error of the mean of log ratios in time, in nats, by overlapping batch means.

    .. math:: \mathrm{SE}^2 = \max\left(\frac{b}{(N - b)(N - b + 1)} \sum_{j=0}^{N-b} (\bar\ell_{j} - \bar\ell)^2,
              \; \frac{1}{K} \mathrm{Var}_k(\bar\ell_k)\right)

    with :math:`\bar\ell_j` the mean of the `b` values from :math:`j` on. Where neighbours are alike, means of blocks
    spread more than as many independent values would, and by just what the mean of all does. Memory much longer than a
    block is missed: SE is then too small. The second term is the spread over the folds, blocks of time themselves.

    References:
        | Batch means and spectral variance estimators in Markov chain Monte Carlo (Flegal and Jones, 2010)
        | https://arxiv.org/abs/0811.1729

    Arguments:
        log_ratio: The log ratios, (N,) in nats, in the order of time.
        block: The length :math:`b` of a block.
        fold: The fold that valued each pair, (N,); None where there is one for all.
        least: The least standard error that the data can give, in nats.

    Example:
        >>> noise = np.random.default_rng(0).standard_normal(10_000)
        >>> round(series_stderr(noise, 100), 3), round(series_stderr(np.repeat(noise, 20), 500), 3)
        (0.011, 0.01)
    """
    n = len(log_ratio)
    sums = np.cumsum(np.concatenate([[0.0], log_ratio - log_ratio.mean()]))
    means = (sums[block:] - sums[:-block]) / block
    over_time = block * float(np.square(means).sum()) / ((n - block) * (n - block + 1))
    over_folds = 0.0
    if fold is not None:
        by_fold = np.bincount(fold, weights=log_ratio) / np.bincount(fold)
        over_folds = float(by_fold.var(ddof=1)) / len(by_fold)
    return max(float(np.sqrt(max(over_time, over_folds))), least)
