"""The one interface of all readers.

It imports nothing heavy: naming the columns of a CSV must not cost a second.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table: TypeAlias = dict[str, NDArray[np.generic]]
else:
    Table = dict

__all__ = ["Column", "Reader", "Table"]


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Arguments:
        name: Its name, unique in the file.
        dtype: What the file says of its type, in the file format's own words; None where it says nothing.
    """

    name: str
    dtype: str | None = None


class Reader(ABC):
    """Reads one kind of file.

    A reader is made with the options of its spec as keyword arguments. It raises `DataError` for every file
    that it cannot read, in one sentence that names the file.
    """

    @abstractmethod
    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns of the file in file order, from its header alone."""

    @abstractmethod
    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns, in the order of `names`, each an array of shape (N,).

        Numbers come as float64 or as the integer type of the file, with NaN where a number is missing (or as
        objects, `int` and None, where float64 cannot hold them); truth values as bool; dates as datetime64;
        everything else as an object array of `str`, with None where it is missing.
        """

    def describe(self) -> dict[str, Any]:
        """Return what the reader decided by itself when it read (separator, encoding ...), for the record."""
        return {}
