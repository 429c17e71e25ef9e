"""Reads one array of NumPy, mapped into memory: only the columns that are asked for are ever loaded."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistcli.errors import DataError
from mistcli.readers.base import Column, Reader, Table
from mistcli.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["NpyReader"]

MOST_COLUMNS = 100_000


class NpyReader(Reader):
    """Reads an array (N,) or (N, D), with columns `[0], [1], ...`, or a structured array, by its fields."""

    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns of the array, from its header."""
        array = _mapped(path)
        if array.dtype.names:
            return [Column(name, str(array.dtype[name])) for name in array.dtype.names]
        width = array.shape[1] if array.ndim == 2 else 1
        return [Column(f"[{index}]", str(array.dtype)) for index in range(width)]

    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns."""
        from mistcli.readers.arrays import plain

        array = _mapped(path)
        if array.dtype.names:
            return {name: plain(array[name], name) for name in names}
        matrix = array if array.ndim == 2 else array[:, None]
        return {name: plain(matrix[:, int(name[1:-1])], name) for name in names}


def _refusal(path: Path, error: Exception) -> DataError:
    name, detail = printable(path.name), str(error).partition("\n")[0]
    if "Python objects" in detail:
        return DataError(f"'{name}' holds Python objects, which are never loaded; save numbers or texts.")
    if "mmap length" in detail or "too big" in detail:
        return DataError(f"'{name}' is cut off: its header promises more values than the file holds.")
    return DataError(f"'{name}' is not a file of NumPy (pickles are never loaded): {printable(detail, limit=200)}.")


def _mapped(path: Path) -> NDArray[Any]:
    """Return the array, mapped; its size is checked against that of the file, so nothing is allocated."""
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a hostile header raises nearly anything, SyntaxError and RecursionError too
        raise _refusal(path, error) from error
    if array.ndim not in (1, 2) or (array.dtype.names and array.ndim != 1):
        raise DataError(f"'{printable(path.name)}' holds an array of shape {array.shape}; expected (N,) or (N, D).")
    if array.ndim == 2 and array.shape[1] > MOST_COLUMNS:
        raise DataError(f"'{printable(path.name)}' has {array.shape[1]:,} columns; at most {MOST_COLUMNS:,} are read.")
    if not array.dtype.itemsize:
        raise DataError(f"'{printable(path.name)}' holds values of no size; expected numbers or texts.")
    return array
