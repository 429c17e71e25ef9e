"""From an array of any type to one of the few that a `Table` holds: numbers, truth values, dates, texts."""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.text import printable

__all__ = ["EXACT", "objects", "plain"]

EXACT = 2**53
"""Up to here, float64 tells all integers apart."""


def plain(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return a column, (N,), as float64, integers, bool, datetime64, or objects that are str or None.

    The objects are integers where no integer type of NumPy holds them all.

    Raises:
        DataError: If it is none of these; the message calls it `name`.
    """
    kind = array.dtype.kind
    if kind in "bO":
        return array if kind == "b" else _from_objects(array, name)
    if kind in "iu":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if kind == "f":
        with np.errstate(over="ignore"):
            return array.astype(np.float64, copy=False)
    if kind in "UTS":
        return _texts(array, name)
    if kind in "mM":
        return _time(array, name)
    raise DataError(_refusal(name, f"values of type {array.dtype}"))


def objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return an array of the objects in `values`, (N,), whatever they are.

    Example:
        >>> objects(["a", None, [1, 2]]).shape
        (3,)
    """
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_objects(array: NDArray[Any], name: str) -> NDArray[Any]:
    values = [None if _is_nan(value) else value for value in array.tolist()]
    types = set(map(type, values)) - {type(None)}
    if all(issubclass(kind, str) for kind in types):
        return objects(values)
    if all(issubclass(kind, bool | np.bool_) for kind in types):
        if None in values:
            return objects([None if value is None else str(value) for value in values])
        return np.array(values, dtype=bool)
    real = all(issubclass(kind, numbers.Real) and not issubclass(kind, bool) for kind in types)
    if not real:
        found = ", ".join(sorted(kind.__name__ for kind in types))
        raise DataError(_refusal(name, f"objects of type {found}"))
    if all(issubclass(kind, numbers.Integral) for kind in types):
        return _integers(values)
    try:
        return np.array([math.nan if value is None else float(value) for value in values])
    except OverflowError:
        raise DataError(_refusal(name, "numbers that are too large")) from None


def _is_nan(value: Any) -> bool:
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _integers(values: list[Any]) -> NDArray[Any]:
    known = [int(value) for value in values if value is not None]
    if len(known) < len(values):
        if all(-EXACT <= value <= EXACT for value in known):
            return np.array([math.nan if value is None else float(value) for value in values])
        return objects(values)
    for dtype in (np.int64, np.uint64):
        if np.iinfo(dtype).min <= min(known) and max(known) <= np.iinfo(dtype).max:
            return np.array(known, dtype=dtype)
    return objects(known)


def _texts(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError:
            raise DataError(_refusal(name, "bytes that are not UTF-8")) from None
    if array.dtype.kind == "U" and array.size:
        # NumPy makes broken strings of numbers that are no characters, which a file may well hold
        native = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        if native.view(np.uint32).max() > sys.maxunicode:
            raise DataError(_refusal(name, "texts of what are no characters"))
    return array.astype(object)


def _time(array: NDArray[Any], name: str) -> NDArray[Any]:
    unit, _ = np.datetime_data(array.dtype)
    if unit == "generic":
        raise DataError(_refusal(name, f"values of type {array.dtype}, which has no unit"))
    if array.dtype.kind == "M":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    if unit in ("Y", "M"):
        raise DataError(_refusal(name, "spans of months or years, which differ in length"))
    return array / np.timedelta64(1, "s")


def _refusal(name: str, found: str) -> str:
    return f"column '{printable(name)}' holds {found}; expected numbers, truth values, dates or texts."
