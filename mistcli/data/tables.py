"""Tables that come from Python: a DataFrame, a mapping of columns, or a pair of arrays or tensors.

Neither pandas nor torch is imported here: data of theirs can only come from a program that has imported them. Frames
of other libraries (polars, pyarrow, DuckDB ...) come through the Arrow PyCapsule interface, which they all have.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mistcli.errors import DataError
from mistcli.readers.arrays import objects
from mistcli.readers.base import Table
from mistcli.text import listed, printable

__all__ = ["pair_table", "table_from"]

ARROW = "__arrow_c_stream__"
"""The method of frames and columns that any library of Arrow can take over, without a copy where it can."""


def table_from(data: Any) -> tuple[Table, list[str]]:
    """Return the columns of a DataFrame or of a mapping to arrays, tensors or lists, and their names.

    A DataFrame may be of pandas, or of any library with the Arrow PyCapsule interface, such as polars.

    Raises:
        DataError: If it is neither, or a column is not (N,), or two have one name.

    Example:
        >>> table_from({"a": [1, 2], "b": ["u", "v"]})[1]
        ['a', 'b']
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        pairs = [(str(name), data.iloc[:, index]) for index, name in enumerate(data.columns)]
    elif hasattr(data, ARROW):
        pairs = _arrow_columns(data)
    elif isinstance(data, Mapping):
        pairs = [(str(name), column) for name, column in data.items()]
    else:
        raise DataError(f"expected a path, a DataFrame, a mapping of columns or a pair; got {type(data).__name__}.")
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"several columns are named {listed(twice)}; rename one.")
    table = {name: _array(column, f"column '{printable(name)}'") for name, column in pairs}
    for name, array in table.items():
        if array.ndim != 1:
            raise DataError(f"column '{printable(name)}' has the shape {array.shape}; expected (N,).")
    return _equal(table), names


def pair_table(x: Any, y: Any) -> Table:
    """Return the columns of two arrays or tensors, (N,) or (N, D): `x` and `y`, or `x_1` to `x_D` and so on.

    Raises:
        DataError: If their lengths differ, or an array has another shape.

    Example:
        >>> list(pair_table([1, 2, 3], [[1, 2], [3, 4], [5, 6]]))
        ['x', 'y_1', 'y_2']
    """
    return _equal({**_side("x", x), **_side("y", y)})


def _side(name: str, data: Any) -> Table:
    array = _array(data, name)
    if array.ndim == 1:
        return {name: array}
    if array.ndim != 2 or not array.shape[1]:
        raise DataError(f"{name} has the shape {array.shape}; expected (N,) or (N, D).")
    return {f"{name}_{index + 1}": array[:, index] for index in range(array.shape[1])}


def _arrow_columns(data: Any) -> list[tuple[str, Any]]:
    """Return the columns of a frame of another library."""
    import pyarrow as pa

    from mistcli.readers.arrow import check_types, from_arrow

    table = pa.table(data)
    check_types(table.schema, list(dict.fromkeys(table.schema.names)))
    return [(name, from_arrow(table.column(place), name)) for place, name in enumerate(table.schema.names)]


def _arrow_array(data: Any, what: str) -> NDArray[Any]:
    """Return a column, or the columns of a frame beside each other, of another library."""
    import pyarrow as pa

    from mistcli.readers.arrow import from_arrow

    if hasattr(data, "columns"):
        return np.column_stack([column for _, column in _arrow_columns(data)])
    return from_arrow(pa.chunked_array(data), what)


def _array(data: Any, what: str) -> NDArray[Any]:
    """Return data of any origin as an array of NumPy, of any shape; what it holds is checked by cleaning."""
    pandas, torch = sys.modules.get("pandas"), sys.modules.get("torch")
    if torch is not None and isinstance(data, torch.Tensor):
        return _tensor(data, what)
    if pandas is not None and isinstance(data, pandas.Series):
        return _series(data)
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return np.column_stack([_series(data.iloc[:, index]) for index in range(data.shape[1])])
    if hasattr(data, ARROW):
        return _arrow_array(data, what)
    try:
        array = np.asarray(data)
        # a list of texts and numbers would become texts without a word
        return np.asarray(data, dtype=object) if array.dtype.kind == "U" and isinstance(data, list) else array
    except (ValueError, TypeError, OverflowError) as error:
        raise DataError(f"{what} is not an array of numbers or texts: {error}.") from None


def _tensor(data: Any, what: str) -> NDArray[Any]:
    try:
        tensor = data.detach().cpu().resolve_conj()
        exact = tensor.double() if tensor.is_floating_point() else tensor
        array: NDArray[Any] = exact.numpy()
    except (TypeError, RuntimeError) as error:
        raise DataError(f"{what} is not a dense tensor of numbers: {error}.") from None
    return array


def _series(series: Any) -> NDArray[Any]:
    """Return a column of pandas; categories become texts, so that they stay categories, and NA None."""
    if hasattr(series, "cat"):
        levels = objects([*map(str, series.cat.categories), None])
        coded: NDArray[Any] = levels[series.cat.codes.to_numpy()]
        return coded
    if isinstance(series.dtype, np.dtype) and series.dtype != object:
        array: NDArray[Any] = series.to_numpy()
        return array
    if str(series.dtype).startswith("datetime64"):
        return np.asarray(series.to_numpy(dtype="datetime64[ns]"))
    return np.asarray(series.to_numpy(dtype=object, na_value=None))


def _equal(table: Table) -> Table:
    lengths = {name: len(column) for name, column in table.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"'{printable(name)}' {length}" for name, length in lengths.items())
        raise DataError(f"expected columns of one length; got {told}.")
    return table
