"""Reads Feather, version 2, which is the file format of Apache Arrow, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mistcli.errors import MistError
from mistcli.readers.base import Column, Reader, Table
from mistcli.readers.memory import available, require

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FeatherReader"]


class FeatherReader(Reader):
    """Reads Feather. Columns of lists, maps and structures are listed, but cannot be read."""

    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns of the schema."""
        from mistcli.readers.arrow import columns_of

        with _opened(path) as file:
            return columns_of(file.schema, path)

    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns."""
        import pyarrow as pa

        from mistcli.readers.arrow import check_types, from_arrow

        with _opened(path) as file:
            check_types(file.schema, names)
        with _opened(path, names) as file:
            free, size, batches = available(), 0, []
            for index in range(file.num_record_batches):
                batches.append(file.get_batch(index))
                batches[-1].validate(full=True)
                size += batches[-1].nbytes
                if size > free:
                    require(size, path)
            table = pa.Table.from_batches(batches, schema=file.schema)
            return {name: from_arrow(table.column(name), name) for name in names}


@contextmanager
def _opened(path: Path, names: Sequence[str] = ()) -> Iterator[pa.RecordBatchFileReader]:
    import pyarrow as pa

    from mistcli.readers.arrow import ERRORS, damaged

    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
            if not names:
                yield file
                return
            fields = [file.schema.get_field_index(name) for name in names]
            options = pa.ipc.IpcReadOptions(included_fields=sorted(fields), use_threads=False)
            with pa.ipc.open_file(source, options=options) as part:
                yield part
    except MistError:
        raise
    except ERRORS as error:
        raise damaged(path, "Feather", error) from error
