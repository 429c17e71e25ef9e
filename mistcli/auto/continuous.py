r"""Two continuous sides of few columns or rows: a copula, kernel densities, and nearest neighbours.

.. math:: \hat I = I_0 + \frac1N \sum_i \sum_h w_h g_h(x_i, y_i) + s(\Delta)

with the copula's value :math:`I_0`, kernel densities' log ratios beyond it, :math:`g_h`, weighed on rows they have not
seen, and what nearest neighbours find beyond both, :math:`\Delta`, as far as it is not noise:

.. math:: s(\Delta) = \max\big(0, \min(\Delta, \; 2 (\Delta - \lambda \, \mathrm{SE}(\Delta)))\big)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mistcli.auto.constants import CONSTANTS as C
from mistcli.auto.copula import Base, fit_base
from mistcli.auto.features import scores
from mistcli.auto.found import Found, firm
from mistcli.auto.kernel import kernel_ratios
from mistcli.auto.ranks import broken_ties
from mistcli.auto.weights import Weighed, weigh
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import Fold
from mistcli.estimators.base import shifts
from mistcli.estimators.ksg import KSG

__all__ = ["continuous", "partners"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def continuous(x: Variable, y: Variable, folds: Sequence[Fold], seed: int, *, independent: bool) -> Found:
    """Estimate from continuous columns alone.

    Arguments:
        x: One side, (N, Dx).
        y: The other side, (N, Dy).
        folds: The folds.
        seed: The seed of every random choice.
        independent: Whether rows are independent, so that neighbours may be asked.
    """
    n, columns = len(x.values), x.values.shape[1] + y.values.shape[1]
    rng = np.random.default_rng([seed, n])
    x, y = (_untied(side, rng) for side in (x, y))
    base = fit_base(x, y, seed) if n >= 8 else None
    log_ratio = base.log_ratio.copy() if base else np.zeros(n)
    told = {"copula": {"nu": base.nu, "mi": float(log_ratio.mean())} if base else None}
    weighed: Weighed | None = None
    if columns <= C.kernel_columns and (columns == 2 or n <= C.kernel_rows) and n >= 20:
        added, weighed = _kernels(x, y, base, folds)
        believed = firm(weighed.gain, weighed.error, C.kernel_doubt) / weighed.gain if weighed.gain > 0 else 0.0
        log_ratio = log_ratio + believed * added
        told["kernels"] = {
            "weights": weighed.weights.round(3).tolist(),
            "mi": float(log_ratio.mean()),
            "gain": weighed.gain,
            "error": weighed.error,
        }
    free = x.values.shape[1] * y.values.shape[1]
    if not independent or columns > C.neighbour_columns or n > C.neighbour_rows or n < 12:
        return Found(log_ratio, free=free, explanation=told)
    return _with_neighbours(x, y, Found(log_ratio, free=free, explanation=told), weighed, rng)


def _with_neighbours(x: Variable, y: Variable, best: Found, weighed: Weighed | None, rng: np.random.Generator) -> Found:
    """Return an estimate with what nearest neighbours find beyond it.

    Neighbours are believed the more, the surer kernel densities are that there is more than the copula tells: alone
    they vary by much more than a copula does where there is nothing to find.
    """
    n = len(x.values)
    zx, zy = (broken_ties(side.values, rng) for side in (x, y))
    local, scale = _scaled(zx, zy)
    gap = local - best.log_ratio
    more, error = float(gap.mean()), C.shared * float(gap.std()) / n**0.5
    sure = weighed.sure if weighed else 0.0
    doubt = C.shrink * min(1.0, max(0.0, (C.sure_at - sure) / (C.sure_at - C.sure_from)))
    taken = firm(more, error, doubt)
    share = taken / more if taken else 0.0
    told = {"mi": float(local.mean()), "scale": scale, "beyond": more, "error": error, "share": share}
    growth = 0.0
    if share and n >= C.halved_rows:
        order = rng.permutation(n)
        halves = [order[: n // 2], order[n // 2 :]]
        less = [_neighbours(broken_ties(zx[part], rng), broken_ties(zy[part], rng), scale).mean() for part in halves]
        told["halves"] = float(np.mean(less))
        growth = share * max(0.0, float(local.mean() - np.mean(less)))
    return replace(
        best,
        log_ratio=best.log_ratio + share * gap + C.growing * growth,
        apart=max(0.0, (1 - share) * more),
        growth=growth,
        explanation={**best.explanation, "neighbours": told},
    )


def _scaled(x: Floats, y: Floats) -> tuple[Floats, float]:
    """Return the local terms of neighbours, and by how much x is stretched: as much as surely tells more.

    Mutual information does not depend on the scales of columns, but the shape of neighbourhoods does. Of a steep curve
    they should be narrow.
    """
    best, chosen = _neighbours(x, y), 1.0
    if x.shape[1] > 1 or y.shape[1] > 1:
        return best, chosen
    for scale in C.scales:
        other = _neighbours(x, y, scale)
        gap = other - best
        if gap.mean() > C.scale_doubt * C.shared * gap.std() / len(gap) ** 0.5:
            best, chosen = other, scale
    return best, chosen


def _untied(side: Variable, rng: np.random.Generator) -> Variable:
    """Return a side whose columns of many ties are normal scores with ties broken at random.

    A copula of mean ranks is no density where many ranks are equal, and may tell more than there is.
    """
    values = side.values.copy()
    for place, column in enumerate(values.T):
        if np.unique(column, return_counts=True)[1].max() > C.tied * len(column):
            values[:, place] = broken_ties(column[:, None], rng)[:, 0]
    return replace(side, values=values)


def partners(folds: Sequence[Fold], n: int, count: int) -> Rows:
    """Return the rows that make negatives with each row, other rows of its fold, (N, M); its own where it is alone."""
    found = np.repeat(np.arange(n)[:, None], count, 1)
    for fold in folds:
        m = len(fold.test)
        if m > 1:
            by = np.resize(np.array([int(s) for s in shifts(m, min(count, m - 1))]), count)
            found[fold.test] = fold.test[(np.arange(m)[:, None] + by) % m]
    return found


def _kernels(x: Variable, y: Variable, base: Base | None, folds: Sequence[Fold]) -> tuple[Floats, Weighed]:
    n, columns = len(x.values), x.values.shape[1] + y.values.shape[1]
    count = int(np.clip(C.negative_pairs // n, C.negatives, C.most_negatives))
    other = partners(folds, n, count)
    rows = np.arange(n)
    base_pos = base.score(rows, rows) if base else np.zeros(n)
    base_neg = base.score(rows[:, None], other) if base else np.zeros(other.shape)
    widths = [factor * n ** (-1 / (columns + 4)) for factor in C.widths]
    found = kernel_ratios(scores(x, "normal"), scores(y, "normal"), folds, other, widths)
    pos = np.stack([one - base_pos for one, _ in found], -1)
    neg = np.stack([one - base_neg for _, one in found], -1)
    weighed = weigh(base_pos, base_neg, pos, neg)
    return pos @ weighed.weights, weighed


def _neighbours(x: Floats, y: Floats, scale: float = 1.0) -> Floats:
    """Return the local terms of nearest neighbours, with x stretched by a factor, (N,)."""
    sides = torch.from_numpy(scale * x), torch.from_numpy(y)
    terms = KSG(k=C.k).fit_log_ratio(*sides, generator=torch.Generator().manual_seed(len(x)))
    local: Floats = terms.double().numpy()
    return local
