"""Reads an archive of arrays of NumPy.

What the archive claims is checked against its size before anything is unpacked.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mistcli.errors import DataError, MistError
from mistcli.readers.base import Column, Reader, Table
from mistcli.readers.memory import require
from mistcli.text import listed, printable

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NpzReader"]

MOST_COLUMNS = 100_000
MOST_RATIO = 500
RATIO_MATTERS = 1 << 28
VERSIONS = ((1, 0), (2, 0))


@dataclass(frozen=True)
class _Member:
    """An array of the archive, as its header describes it."""

    name: str
    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    header: int

    @property
    def columns(self) -> list[str]:
        """The names of its columns: its own, or numbered from 1; other shapes are listed, but not read."""
        if len(self.shape) != 2:
            return [self.name]
        return [f"{self.name}_{index + 1}" for index in range(min(self.shape[1], MOST_COLUMNS + 1))]

    @property
    def told(self) -> str:
        """Its type, and its shape where that is not of a column or several."""
        return f"{self.dtype}" if len(self.shape) in (1, 2) else f"{self.dtype} {self.shape}"


class NpzReader(Reader):
    """Reads arrays (N,), each a column of its name, and (N, D), each the columns `name_1` to `name_D`."""

    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns of all arrays, from their headers."""
        with _opened(path) as archive:
            members = _members(archive)
        columns = [Column(name, member.told) for member in members for name in member.columns]
        if len(columns) > MOST_COLUMNS:
            raise DataError(f"'{printable(path.name)}' has more than {MOST_COLUMNS:,} columns.")
        twice = [name for name, count in Counter(column.name for column in columns).items() if count > 1]
        if twice:
            raise DataError(f"'{printable(path.name)}' has several columns named {listed(twice)}; rename one.")
        return columns

    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns."""
        from mistcli.readers.arrays import plain

        table: Table = {}
        with _opened(path) as archive:
            found = {name: member for member in _members(archive) for name in member.columns}
            wanted = {found[name].name: found[name] for name in names}
            require(sum(member.info.file_size for member in wanted.values()), path)
            arrays = {key: _unpacked(archive, member, path) for key, member in wanted.items()}
        for name in names:
            member = found[name]
            array = arrays[member.name]
            column = array if array.ndim == 1 else array[:, int(name.rpartition("_")[2]) - 1]
            table[name] = plain(column, name)
        return table


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield archive
    except MistError:
        raise
    except Exception as error:  # a hostile archive or header raises nearly anything
        detail = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(
            f"'{printable(path.name)}' is not a complete NPZ file: {printable(detail, limit=200)}."
        ) from error


def _members(archive: zipfile.ZipFile) -> list[_Member]:
    members = []
    for info in archive.infolist():
        with archive.open(info) as stream:
            shape, dtype = _header(stream)
            members.append(_Member(info.filename.removesuffix(".npy"), info, shape, dtype, stream.tell()))
    return members


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    from numpy.lib import format as npy

    version = npy.read_magic(stream)
    if version not in VERSIONS:
        raise ValueError(f"version {version} of the format is for records, which have no place here")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(stream)
    return shape, dtype


def _unpacked(archive: zipfile.ZipFile, member: _Member, path: Path) -> np.ndarray[Any, np.dtype[Any]]:
    from numpy.lib import format as npy

    name = f"array '{printable(member.name)}' of '{printable(path.name)}'"
    if member.dtype.hasobject:
        raise DataError(f"{name} holds Python objects, which are never loaded; save numbers or texts.")
    if len(member.shape) not in (1, 2) or member.dtype.names:
        raise DataError(f"{name} is {member.told}; expected an array (N,) or (N, D) of numbers or texts.")
    size = member.header + math.prod(member.shape) * member.dtype.itemsize
    if size != member.info.file_size or not member.dtype.itemsize:
        raise DataError(f"{name} is damaged: its header promises {size} bytes, it has {member.info.file_size}.")
    if size > max(RATIO_MATTERS, MOST_RATIO * member.info.compress_size):
        raise DataError(
            f"{name} unpacks to more than {MOST_RATIO} times its size, which no data does; "
            "unpack it yourself if you trust it."
        )
    with archive.open(member.info) as stream:
        return npy.read_array(stream, allow_pickle=False)
