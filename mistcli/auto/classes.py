r"""One side of levels, and any other side: classifiers, weighed by their log score on rows they have not seen.

.. math:: \ell(z, c) = \sum_k w_k a_k(z, c) - \log \sum_{c'} \hat p(c') \, e^{\sum_k w_k a_k(z, c')}, \qquad
          \min_{w \geq 0} \; -\frac1N \sum_i \ell(z_i, c_i)

with the classifiers :math:`a_k` of `mistcli.auto.discriminant`. For every choice of weights the mean of :math:`\ell`
over rows that the classifiers have not seen is at most the mutual information, in expectation. Fits to n rows fall
short by :math:`p / 2n` on other rows, with p parameters, and exceed by as much on their own: the estimate is between
the two,

.. math:: \hat I = \frac{\bar\ell_{\mathrm{seen}} + s \, \bar\ell_{\mathrm{unseen}}}{1 + s}

where s is the share of rows that a fold's fit has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.discriminant import Classified, classifiers
from mistcli.auto.found import Found, better
from mistcli.auto.ranks import broken_ties
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.data.transforms import Encoder
from mistcli.estimators.ross import Ross

__all__ = ["Combined", "classes", "combine"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def classes(codes: Rows, other: Variable, folds: Sequence[Fold], seed: int, *, independent: bool) -> Found:
    """Estimate from a discrete side and another one.

    Arguments:
        codes: The level of each row, (N,).
        other: The other side, (N, D).
        folds: The folds.
        seed: The seed of every random choice.
        independent: Whether the rows are independent of each other, so that neighbours may be asked.
    """
    known, codes = np.unique(codes, return_inverse=True)
    n, levels = len(codes), len(known)
    raw, ranked = (
        Encoder.fit(other.values, other.counts, view).encode(other.values) for view in ("standard", "normal")
    )
    found = combine(classifiers(raw, ranked, codes, folds), codes)
    share = float(np.mean([len(fold.train) + len(fold.valid) for fold in folds])) / n
    seen, unseen = float(found.seen.mean()), float(found.unseen.mean())
    told: dict[str, Any] = {
        "classifiers": {"weights": found.weights, "mi": found.values, "seen": seen, "unseen": unseen}
    }
    best = Found(
        (found.seen + share * found.unseen) / (1 + share),
        learnt=abs(seen - unseen),
        free=ranked.shape[1] * (levels - 1),
        explanation=told,
    )
    few = other.values.shape[1] <= C.kernel_columns and all(known is None for known in other.levels)
    if not (independent and few and n <= C.neighbour_rows and C.rows_a_level * levels <= n):
        return best
    z = broken_ties(other.values, np.random.default_rng([seed, n]))
    sides = torch.from_numpy(codes).double()[:, None], torch.from_numpy(z)
    local = Ross(k=C.k).fit_log_ratio(*sides, generator=torch.Generator().manual_seed(seed)).numpy()
    told["ross"] = float(local.mean())
    return replace(better(best, Found(local, free=best.free), C.ross_doubt), explanation=told)


@dataclass(frozen=True)
class Combined:
    """The log ratios of classifiers together.

    Arguments:
        unseen: The log ratio of each row by fits that have not seen it, (N,) in nats.
        seen: That by fits to all rows, where classifiers have one, (N,) in nats.
        weights: The weight of each classifier, by its name.
        values: The mean log ratio of each classifier alone, normalised, by its name.
    """

    unseen: Floats
    seen: Floats
    weights: dict[str, float]
    values: dict[str, float]


def combine(found: Sequence[Classified], codes: Rows) -> Combined:
    """Weigh classifiers by the log score of the levels that rows have.

    Arguments:
        found: The classifiers.
        codes: The level of each row, (N,), from 0.
    """
    from scipy.optimize import minimize

    n, levels = found[0].unseen.shape
    log_share = np.log(np.bincount(codes, minlength=levels) / n)
    table = np.stack([one.unseen for one in found], -1)
    table = table - table.max(1, keepdims=True)
    own = table[np.arange(n), codes]

    def loss(w: Floats) -> tuple[float, Floats]:
        scores = table @ w + log_share
        top = scores.max(1, keepdims=True)
        parts = np.exp(scores - top)
        total = parts.sum(1, keepdims=True)
        expected = np.einsum("nl,nlk->nk", parts / total, table)
        value = (np.log(total) + top).mean() - (own @ w).mean() + w @ w / (2 * n)
        return float(value), (expected - own).mean(0) + w / n

    bounds = [(0.0, None)] * len(found)
    w = np.asarray(minimize(loss, np.full(len(found), 1 / len(found)), jac=True, method="L-BFGS-B", bounds=bounds).x)
    seen = np.stack([one.unseen if one.seen is None else one.seen for one in found], -1)
    return Combined(
        _normalised(table @ w, log_share, codes),
        _normalised(seen @ w, log_share, codes),
        {one.name: round(float(weight), 3) for one, weight in zip(found, w, strict=True)},
        {one.name: float(_normalised(one.unseen, log_share, codes).mean()) for one in found},
    )


def _normalised(scores: Floats, log_share: Floats, codes: Rows) -> Floats:
    """Return the log ratio of each row and its level, from scores of all levels, (N, L) -> (N,)."""
    log_ratio: Floats = scores[np.arange(len(codes)), codes] - np.logaddexp.reduce(scores + log_share, 1)
    return log_ratio
