"""The built-in readers, as data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mistcli.plugin import ReaderSpec, hookimpl, option

__all__ = ["CsvOptions", "mist_readers"]


@dataclass(frozen=True)
class CsvOptions:
    """The options of `csv`."""

    delimiter: str = option("", help="What stands between two values, or tab or space; found in the header if empty.")
    encoding: str = option("", help="The encoding; UTF-8, or what a byte order mark says, if empty.")
    decimal: str = option(".", help="The decimal mark of numbers.", choices=(".", ","))
    header: bool = option(True, help="Whether the first row holds the names of the columns.")
    missing: tuple[str, ...] = option((), help="Texts that mean a missing value, besides NA, nan and the like.")
    text: tuple[str, ...] = option((), help="Columns to read as texts, even if they hold numbers.")


@hookimpl
def mist_readers() -> Iterable[ReaderSpec]:
    """Yield the built-in readers."""
    kinds = ("csv", "tsv", "tab", "txt")
    yield ReaderSpec(
        "csv",
        "mistcli.readers.csv:CsvReader",
        "Text with a header and a row a line: CSV, TSV, also gzipped.",
        options=CsvOptions,
        patterns=(*(f"*.{kind}" for kind in kinds), *(f"*.{kind}.gz" for kind in kinds)),
    )
    yield ReaderSpec(
        "npy",
        "mistcli.readers.npy:NpyReader",
        "One array of NumPy, (N,) or (N, D), mapped into memory.",
        patterns=("*.npy",),
        magic=(b"\x93NUMPY",),
    )
    yield ReaderSpec(
        "npz",
        "mistcli.readers.npz:NpzReader",
        "Several arrays of NumPy, each a column or a group of columns.",
        patterns=("*.npz",),
        magic=(b"PK\x03\x04",),
    )
    yield ReaderSpec(
        "parquet",
        "mistcli.readers.parquet:ParquetReader",
        "Apache Parquet.",
        patterns=("*.parquet", "*.pq"),
        magic=(b"PAR1",),
    )
    yield ReaderSpec(
        "feather",
        "mistcli.readers.feather:FeatherReader",
        "Feather, version 2: a file of Apache Arrow.",
        patterns=("*.feather", "*.arrow", "*.ipc"),
        magic=(b"ARROW1",),
    )
