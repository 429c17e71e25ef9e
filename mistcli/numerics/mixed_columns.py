"""Sides with discrete and continuous columns: a class for each combination of levels, and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mistcli.numerics.contingency import cell_codes

__all__ = ["MixedSide", "mixed_side"]

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class MixedSide:
    """One side of the fitted rows and of the rows to be valued.

    Attributes:
        fitted_class: The class of each fitted row, (N,).
        fitted_points: The continuous features of each fitted row, (N, D).
        classes: The class of each row to be valued, (M,); one that no fitted row has where it is new.
        points: The continuous features of each row to be valued, (M, D).
    """

    fitted_class: Codes
    fitted_points: Floats
    classes: Codes
    points: Floats


def mixed_side(fitted: Floats, valued: Floats, columns: Sequence[int] | None) -> MixedSide:
    """Split the features of a side into classes and points.

    Arguments:
        fitted: The features of the fitted rows, (N, P).
        valued: The features of the rows to be valued, (M, P).
        columns: The number of levels, and of features, of each column; 0 for a continuous one. None where all are.

    Example:
        >>> features = np.array([[1.0, 0.0, 5.0], [0.0, 1.0, 6.0]])
        >>> side = mixed_side(features, features, (2, 0))
        >>> side.classes, side.points[:, 0]
        (array([1, 0]), array([5., 6.]))
    """
    widths = [count or 1 for count in columns or [0] * fitted.shape[1]]
    discrete = np.repeat([count > 0 for count in columns or [0] * fitted.shape[1]], widths)
    codes = cell_codes(np.concatenate([fitted[:, discrete], valued[:, discrete]]))
    n = len(fitted)
    return MixedSide(codes[:n], fitted[:, ~discrete], codes[n:], valued[:, ~discrete])
