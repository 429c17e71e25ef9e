"""From one column without gaps to float64: numbers as they are, categories as the codes of their levels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.readers.arrays import EXACT
from mistcli.text import printable

__all__ = ["Coded", "as_continuous", "as_discrete", "distinct", "is_missing", "is_text"]


@dataclass(frozen=True)
class Coded:
    """A column as float64.

    Arguments:
        values: The numbers or codes, (N,).
        levels: What the codes 0, 1, ... stand for, in sorted order; None for numbers.
        shifted: Whether the smallest value was subtracted, to keep all values apart.
    """

    values: NDArray[np.float64]
    levels: tuple[str, ...] | None = None
    shifted: bool = False


def is_missing(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a column of a `Table` lacks a value, (N,)."""
    if array.dtype.kind == "O":
        return np.array([value is None for value in array.tolist()], dtype=bool)
    if array.dtype.kind in "fM":
        unequal: NDArray[np.bool_] = array != array  # NaN and NaT are the values that differ from themselves
        return unequal
    return np.zeros(len(array), dtype=bool)


def is_text(array: NDArray[Any]) -> bool:
    """Return whether a column holds texts; all of a column are, or none is."""
    return array.dtype.kind == "O" and any(isinstance(value, str) for value in array)


def distinct(array: NDArray[Any]) -> NDArray[Any]:
    """Return the different values of a column, sorted."""
    if array.dtype.kind == "O":
        values = sorted(set(array.tolist()))
        return np.array(values, dtype=object)
    return np.unique(array)


def as_discrete(array: NDArray[Any], levels: NDArray[Any]) -> Coded:
    """Return the codes of a column whose different values, sorted, are `levels`."""
    if array.dtype.kind == "O":
        code = {level: float(index) for index, level in enumerate(levels)}
        values = np.fromiter(map(code.__getitem__, array.tolist()), np.float64, len(array))
    else:
        values = np.searchsorted(levels, array).astype(np.float64)
    told = map(repr, levels.tolist()) if array.dtype.kind == "f" else map(str, levels)
    return Coded(values, tuple(told))


def as_continuous(array: NDArray[Any], name: str) -> Coded:
    """Return the numbers of a column, so that values that differ still do; dates become seconds.

    Raises:
        DataError: If float64 cannot hold them.
    """
    if array.dtype.kind == "M":
        return _seconds(array, name)
    if array.dtype.kind in "fb":
        return Coded(array.astype(np.float64))
    low, high = int(array.min()), int(array.max())
    if max(-low, high) <= EXACT:
        return Coded(array.astype(np.float64))
    different = len(distinct(array))
    for offset in (0, low):
        values = _minus(array, offset)
        if len(np.unique(values)) == different:
            return Coded(values, shifted=offset != 0)
    raise DataError(
        f"column '{printable(name)}' holds integers beyond 2^53 that float64 cannot tell apart; "
        f"divide them, or pass --discrete '{printable(name)}' if they are categories."
    )


def _minus(array: NDArray[Any], offset: int) -> NDArray[np.float64]:
    """Return integers less `offset`, subtracted before they are rounded."""
    if array.dtype.kind == "O":
        return np.array([_rounded(value - offset) for value in array])
    if not offset:
        return array.astype(np.float64)
    # differences of 64-bit integers fit into 64 bits without a sign, and wrap to the right value
    return (array.astype(np.uint64) - np.uint64(offset % 2**64)).astype(np.float64)


def _rounded(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _seconds(array: NDArray[Any], name: str) -> Coded:
    """Return dates as seconds since 1970, or since the first where float64 needs it to tell them apart."""
    if np.datetime_data(array.dtype)[0] in ("Y", "M"):
        array = array.astype("datetime64[D]")
    unit, count = np.datetime_data(array.dtype)
    tick = np.ones(1, dtype=f"timedelta64[{count}{unit}]") / np.timedelta64(1, "s")
    ticks = as_continuous(array.view(np.int64), name)
    return Coded(ticks.values * tick, shifted=ticks.shifted)
