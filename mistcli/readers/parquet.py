"""Reads Apache Parquet: the schema for the names, and of the data only the columns that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mistcli.errors import MistError
from mistcli.readers.base import Column, Reader, Table
from mistcli.readers.memory import require

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["ParquetReader"]

BYTES_A_VALUE = 8


class ParquetReader(Reader):
    """Reads Parquet. Columns of lists, maps and structures are listed, but cannot be read."""

    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns of the schema."""
        from mistcli.readers.arrow import columns_of

        with _opened(path) as file:
            return columns_of(file.schema_arrow, path)

    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns."""
        from mistcli.readers.arrow import check_types, from_arrow

        with _opened(path) as file:
            check_types(file.schema_arrow, names)
            require(file.metadata.num_rows * len(names) * BYTES_A_VALUE, path)
            table = file.read(columns=list(names), use_threads=False)
            table.validate(full=True)
            return {name: from_arrow(table.column(name), name) for name in names}


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    import pyarrow.parquet as pq

    from mistcli.readers.arrow import ERRORS, damaged

    try:
        with pq.ParquetFile(path) as file:
            yield file
    except MistError:
        raise
    except ERRORS as error:
        raise damaged(path, "Parquet", error) from error
