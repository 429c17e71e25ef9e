"""The ways in which columns are shown to a critic."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.data.cleaning import Variable
from mistcli.data.transforms import Encoder

__all__ = ["View", "continuous", "encoded", "features", "mapped", "radius", "scores"]

Floats = NDArray[np.float64]
View: TypeAlias = Literal["normal", "standard"]

FAR = 6.0
"""Where the squared radius of the standardised view is cut off, in units of its mean."""

FARTHEST = 3.0
"""Where that of normal scores is cut off, in units of its spread."""


def continuous(variable: Variable) -> list[int]:
    """Return the places of the continuous columns."""
    return [place for place, levels in enumerate(variable.levels) if levels is None]


def encoded(variable: Variable, view: View) -> Floats:
    """Return all columns: the continuous ones as `scores` gives them, and an indicator for each level, (N, D')."""
    return Encoder.fit(variable.values, variable.counts, view).encode(variable.values)


def scores(variable: Variable, view: View) -> Floats:
    """Return the continuous columns alone, as normal scores of their ranks or standardised, (N, Dc)."""
    return mapped(variable.values[:, continuous(variable)], view)


def mapped(columns: Floats, view: View) -> Floats:
    """Return continuous columns in a view, (N, D) -> (N, D); D may be 0."""
    return Encoder.fit(columns, (0,) * columns.shape[1], view).encode(columns) if columns.size else columns


def radius(z: Floats) -> Floats:
    """Return how far out each row of normal scores is, (N, D) -> (N, 1): the squared radius, mean 0 and spread 1."""
    d = z.shape[1]
    q: Floats = np.clip((np.square(z).sum(1, keepdims=True) - d) / np.sqrt(2 * d), -FARTHEST, FARTHEST)
    return q


def features(variable: Variable, view: View) -> Floats:
    r"""Return what a critic sees of a side: its columns, an indicator a level, and how far out the row is.

    The last is :math:`\log (1 + r^2) - \log (1 + D)` of the normal scores, so that the tails of one side are told from
    its middle whatever the direction, and :math:`r^2 / D - 1` of the standardised columns, by which a rotation that
    depends on the radius is learnt. It is left out where no column is continuous.

    Arguments:
        variable: The side, (N, D).
        view: How the continuous columns are mapped.

    Returns:
        The features, (N, D').
    """
    columns, z = encoded(variable, view), scores(variable, view)
    if not z.size:
        return columns
    square, d = np.square(z).sum(1, keepdims=True), z.shape[1]
    far = np.log1p(square) - np.log1p(d) if view == "normal" else np.minimum(square / d - 1, FAR)
    return np.concatenate([columns, far], axis=1)
