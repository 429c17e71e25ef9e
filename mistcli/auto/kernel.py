r"""Kernel densities of few columns, as log ratios out of fold.

.. math:: \ell_h(x, y) = \log \frac{\hat f_h(x, y) + \epsilon \hat f_h(x) \hat f_h(y)}
                               {(1 + \epsilon) \hat f_h(x) \hat f_h(y)}

with a product of normal kernels of width h in normal scores, and :math:`\epsilon` of one pseudo-row, so that where no
row is near the ratio is that of independence. Of one column a side, densities are computed on a grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mistcli.data.splitting import Fold

__all__ = ["kernel_ratios"]

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

CELLS = 200
REACH = 4.5
MOST_CENTRES = 2_000


def kernel_ratios(
    x: Floats, y: Floats, folds: Sequence[Fold], partners: Rows, widths: Sequence[float]
) -> list[tuple[Floats, Floats]]:
    """Return, for each width, the log ratios of pairs (N,) and of negatives (N, M), each by the fold's density.

    Arguments:
        x: Normal scores of x, (N, Dx).
        y: Normal scores of y, (N, Dy).
        folds: The folds.
        partners: The rows of y that make negatives with each row of x, (N, M), of the same fold.
        widths: The widths of the kernels.
    """
    if x.shape[1] == y.shape[1] == 1:
        return [_on_grid(x[:, 0], y[:, 0], folds, partners, h) for h in widths]
    return [_by_rows(x, y, folds, partners, h) for h in widths]


def _on_grid(x: Floats, y: Floats, folds: Sequence[Fold], partners: Rows, h: float) -> tuple[Floats, Floats]:
    from scipy.ndimage import gaussian_filter

    step = 2 * REACH / CELLS
    place_x, place_y = (np.clip(((side + REACH) / step).astype(np.int64), 0, CELLS - 1) for side in (x, y))
    pos, neg = np.zeros(len(x)), np.zeros(partners.shape)
    for fold in folds:
        rows = np.concatenate([fold.train, fold.valid])
        if not len(rows) or not len(fold.test):
            continue
        counts = np.bincount(place_x[rows] * CELLS + place_y[rows], minlength=CELLS**2).reshape(CELLS, CELLS)
        joint = gaussian_filter(counts.astype(np.float64), h / step, mode="constant", truncate=4.0) / len(rows)
        table = _ratio(joint, joint.sum(1)[:, None] * joint.sum(0), 1 / len(rows))
        pos[fold.test] = table[place_x[fold.test], place_y[fold.test]]
        neg[fold.test] = table[place_x[fold.test, None], place_y[partners[fold.test]]]
    return pos, neg


def _by_rows(x: Floats, y: Floats, folds: Sequence[Fold], partners: Rows, h: float) -> tuple[Floats, Floats]:
    pos, neg = np.zeros(len(x)), np.zeros(partners.shape)
    place = np.empty(len(x), dtype=np.int64)
    for fold in folds:
        rows = np.concatenate([fold.train, fold.valid])
        if not len(rows) or not len(fold.test):
            continue
        rows = rows[:: -(-len(rows) // MOST_CENTRES)]
        near_x, near_y = (_kernels(side[fold.test], side[rows], h) for side in (x, y))
        ratio = _ratio(near_x @ near_y.T / len(rows), near_x.mean(1)[:, None] * near_y.mean(1), 1 / len(rows))
        place[fold.test] = np.arange(len(fold.test))
        pos[fold.test] = np.diag(ratio)
        neg[fold.test] = ratio[np.arange(len(fold.test))[:, None], place[partners[fold.test]]]
    return pos, neg


def _kernels(z: Floats, centres: Floats, h: float) -> Floats:
    """Return the kernels of rows at centres, (M, D), (T, D) -> (M, T)."""
    square = np.square(z).sum(1)[:, None] - 2 * z @ centres.T + np.square(centres).sum(1)
    kernels: Floats = np.exp(-np.maximum(square, 0) / (2 * h**2))
    return kernels


def _ratio(joint: Floats, apart: Floats, pseudo: float) -> Floats:
    apart = apart + 1e-300
    ratio: Floats = np.log((joint + pseudo * apart) / ((1 + pseudo) * apart))
    return ratio
