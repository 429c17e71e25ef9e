"""What makes scores log ratios: the partition over all levels of a side, or over rows of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.auto.features import continuous
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.estimators.base import shifts

__all__ = ["Score", "log_normaliser", "log_partition"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Score: TypeAlias = Callable[[Rows, Rows], Floats]
"""Returns the scores of N pairs of rows, each by a fit that has not seen the row of its place."""

NEGATIVES = 8
"""The negatives a pair."""

MANY_LEVELS = 30
"""The levels of a discrete side up to which scores are normalised over all of them."""


def log_partition(x: Variable, y: Variable, score: Score) -> Floats | None:
    r"""Return the log partition of each row over the levels of the other side, (N,); None unless it has few.

    .. math:: \log Z(x) = \log \sum_c p(c) \, e^{f(x, c)}

    With it a score says how much likelier x makes a level, and says so without fail: its mean is a lower bound.
    """
    rows = np.arange(len(x.values))
    for place, side in ((1, y), (0, x)):
        if continuous(side):
            continue
        _, first, counts = np.unique(side.values, axis=0, return_index=True, return_counts=True)
        if len(first) > MANY_LEVELS:
            continue
        against = [np.full_like(rows, row) for row in first]
        scores = [score(*((rows, level) if place else (level, rows))) for level in against]
        partition: Floats = np.logaddexp.reduce(np.log(counts / len(rows))[:, None] + np.stack(scores))
        return partition
    return None


def log_normaliser(score: Score, folds: Sequence[Fold]) -> tuple[float, float]:
    r"""Return the logarithm of the mean ratio of negatives, and its standard error.

    .. math:: \log \mathbb{E}_{p(x) p(y)} \, e^{f(x, y)}

    is 0 where the scores are log ratios; less it, their mean is a lower bound of the mutual information. Few large
    terms decide its error, which tells when it is too rough to be of use.

    References:
        | Asymptotic evaluation of certain Markov process expectations for large time, IV (Donsker and Varadhan, 1983)
        | https://doi.org/10.1002/cpa.3160360204

    Example:
        >>> fold = Fold(0, np.arange(0), np.arange(0), np.arange(100))
        >>> log_normaliser(lambda x, y: np.full(100, 0.5), [fold])
        (0.5, 0.0)
    """
    n, fewest = sum(len(fold.test) for fold in folds), min(len(fold.test) for fold in folds)
    partners = np.empty((min(NEGATIVES, fewest - 1), n), dtype=np.int64)
    if not len(partners):
        return 0.0, math.inf
    for fold in folds:
        partners[:, fold.test] = [np.roll(fold.test, int(s)) for s in shifts(len(fold.test), len(partners))]
    scores = np.stack([score(np.arange(n), partner) for partner in partners])
    top = float(scores.max())
    ratio = np.exp(scores - top).mean(0)
    return top + math.log(ratio.mean()), float(ratio.std() / n**0.5 / ratio.mean())
