"""From columns of Apache Arrow to arrays of NumPy, without pandas, which `to_numpy` of pyarrow imports."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.readers.arrays import EXACT, objects
from mistcli.readers.base import Column
from mistcli.text import listed, printable

__all__ = ["ERRORS", "check_types", "columns_of", "damaged", "from_arrow"]

ERRORS = (pa.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError)
"""What pyarrow raises for a file that is not as it should be."""


def damaged(path: Path, kind: str, error: BaseException) -> DataError:
    """Return the error that says that a file is not a good file of its kind."""
    detail = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
    return DataError(
        f"'{printable(path.name)}' is not a complete {kind} file: {printable(detail, limit=200)}; "
        "write it again or fetch it anew."
    )


def columns_of(schema: pa.Schema, path: Path) -> list[Column]:
    """Return the columns of a schema, whose names must differ."""
    twice = [name for name, count in Counter(schema.names).items() if count > 1]
    if twice:
        raise DataError(f"'{printable(path.name)}' has several columns named {listed(twice)}; rename one.")
    return [Column(field.name, str(field.type)) for field in schema]


def check_types(schema: pa.Schema, names: Sequence[str]) -> None:
    """Refuse columns that hold no single values, before any of them is read."""
    for name in names:
        kind = schema.field(name).type
        if pa.types.is_nested(kind):
            raise DataError(_refusal(name, kind))


def from_arrow(column: pa.Array | pa.ChunkedArray, name: str) -> NDArray[Any]:
    """Return a column as a `Table` holds it.

    Raises:
        DataError: If it is nested, or otherwise nothing that can be estimated on.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return from_arrow(array.storage, name)
    if pa.types.is_dictionary(kind):
        # levels first: views of texts, as polars has them, cannot be taken by their places
        levels = array.dictionary.cast(pa.large_string())
        return from_arrow(pa.DictionaryArray.from_arrays(array.indices, levels).dictionary_decode(), name)
    if pa.types.is_run_end_encoded(kind):
        return from_arrow(pc.run_end_decode(array), name)
    if pa.types.is_null(kind):
        return np.full(len(array), math.nan)
    if pa.types.is_boolean(kind):
        return _truths(array)
    if pa.types.is_integer(kind):
        return _integers(array)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(array.cast(pa.float64()))
    if pa.types.is_temporal(kind) and not pa.types.is_interval(kind):
        return _times(array)
    return _texts(array, name)


def _values(array: pa.Array) -> NDArray[Any]:
    """Return the values of an array of numbers of fixed width, with anything where one is missing."""
    dtype = np.dtype("float64" if array.type == pa.float64() else str(array.type))
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.empty(0, dtype)
    return np.frombuffer(buffer, dtype, count=len(array), offset=array.offset * dtype.itemsize)


def _missing(array: pa.Array) -> NDArray[np.bool_]:
    return _values(array.is_null().cast(pa.uint8())).astype(bool)


def _truths(array: pa.Array) -> NDArray[Any]:
    if array.null_count:
        return objects([None if value is None else str(value) for value in array.to_pylist()])
    return _values(array.cast(pa.uint8())).astype(bool)


def _integers(array: pa.Array) -> NDArray[Any]:
    values = _values(array)
    if not array.null_count:
        return values
    missing = _missing(array)
    known = values[~missing]
    if known.size and (int(known.max()) > EXACT or int(known.min()) < -EXACT):
        return objects(array.to_pylist())
    return np.where(missing, math.nan, values.astype(np.float64))


def _floats(array: pa.Array) -> NDArray[np.float64]:
    values = _values(array)
    return np.where(_missing(array), math.nan, values) if array.null_count else values


def _times(array: pa.Array) -> NDArray[Any]:
    """Return dates and times as datetime64, and times of day and spans as seconds."""
    kind = array.type
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    unit = array.type.unit
    ticks = array.cast(pa.int32()).cast(pa.int64()) if pa.types.is_time32(kind) else array.cast(pa.int64())
    absolute = pa.types.is_timestamp(array.type)
    values = _values(ticks).astype(f"datetime64[{unit}]" if absolute else f"timedelta64[{unit}]")
    if array.null_count:
        values[_missing(array)] = "NaT"
    return values if absolute else values / np.timedelta64(1, "s")


def _texts(array: pa.Array, name: str) -> NDArray[Any]:
    try:
        return objects(array.cast(pa.large_string()).to_pylist())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError):
        raise DataError(_refusal(name, array.type)) from None


def _refusal(name: str, kind: pa.DataType) -> str:
    return (
        f"column '{printable(name)}' holds values of type {printable(str(kind))}; "
        "expected numbers, truth values, dates or texts."
    )
