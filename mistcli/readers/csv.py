"""Reads text with a header and a row a line.

The header is read by the standard library, so that listing the columns imports nothing. The rows are read by
Apache Arrow, a block at a time: as texts, which become numbers only if all of a column are.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistcli.errors import ConfigError, DataError
from mistcli.readers.base import Column, Reader, Table
from mistcli.readers.decoding import encoding_of, open_utf8
from mistcli.text import listed, printable

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CsvReader"]

DELIMITERS = (",", ";", "\t", "|")
WORDS = {"tab": "\t", "\\t": "\t", "space": " "}
LONGEST_LINE = 1 << 24
MOST_COLUMNS = 100_000
MISSING = (
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "<NA>",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "None",
    "n/a",
    "nan",
    "null",
)
"""The texts that pandas takes for a missing value too."""


@dataclass(frozen=True)
class _Header:
    """What the first row says: the names, what stands between them, and on how many lines they are."""

    names: tuple[str, ...]
    delimiter: str
    lines: int


class CsvReader(Reader):
    """Reads CSV, TSV and the like, gzipped or not.

    Space around names and values is no part of them; a column without a name is named by its position, `[3]`.

    Arguments:
        delimiter: What stands between two values; found in the header if empty.
        encoding: The encoding; by the byte order mark, and UTF-8 without one, if empty.
        decimal: The decimal mark of numbers.
        header: Whether the first row holds the names of the columns.
        missing: Texts that mean a missing value, besides the usual ones.
        text: Columns to read as texts even if they hold numbers.
    """

    def __init__(
        self,
        *,
        delimiter: str = "",
        encoding: str = "",
        decimal: str = ".",
        header: bool = True,
        missing: Sequence[str] = (),
        text: Sequence[str] = (),
    ) -> None:
        delimiter = WORDS.get(delimiter, delimiter)
        if len(delimiter) > 1 or not delimiter.isascii() or delimiter in ('"', "\n", "\r", "\0"):
            raise ConfigError(
                f"expected one character, tab or space as the delimiter of csv, got '{printable(delimiter)}'."
            )
        self._delimiter = delimiter
        self._encoding = encoding
        self._decimal = decimal
        self._header = header
        self._missing = [*MISSING, *missing]
        self._text = frozenset(text)
        self._decided: dict[str, Any] = {}

    def columns(self, path: Path) -> Sequence[Column]:
        """Return the columns that the header names."""
        return [Column(name) for name in self._scan(path).names]

    def read(self, path: Path, names: Sequence[str]) -> Table:
        """Return the named columns."""
        from mistcli.readers.arrow import from_arrow
        from mistcli.readers.parsing import odd_one_out, parse

        header = self._scan(path)
        table: Table = {}
        texts = self._texts(path, header, names)
        for name in names:
            column = texts.pop(name)
            if name in self._text:
                table[name] = from_arrow(column, name)
                continue
            table[name] = parse(column, name, self._decimal)
            if table[name].dtype == object and (odd := odd_one_out(column, self._decimal)):
                raise self._odd(path, header, name, *odd)
        return table

    def describe(self) -> dict[str, Any]:
        """Return the delimiter and the encoding of the file that was read last."""
        return dict(self._decided)

    def _scan(self, path: Path) -> _Header:
        marks = [self._delimiter] if self._delimiter else [m for m in DELIMITERS if m != self._decimal]
        with open_utf8(path, self._encoding) as stream:
            fields, count, delimiter = _first_row(_Lines(stream, path), marks, path)
        self._decided = {"delimiter": delimiter, "encoding": self._encoding or encoding_of(path)}
        if not self._header:
            return _Header(tuple(f"[{index}]" for index in range(len(fields))), delimiter, 0)
        names = tuple(name.strip() or f"[{index}]" for index, name in enumerate(fields))
        _check_names(names, path)
        return _Header(names, delimiter, count)

    def _texts(self, path: Path, header: _Header, names: Sequence[str]) -> dict[str, pa.Array]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        from mistcli.readers.memory import available

        free = available()
        batches, size = [], 0
        with open_utf8(path, self._encoding) as stream:
            for _ in range(header.lines):
                stream.readline()
            try:
                for batch in arrow_csv.open_csv(stream, **self._arrow_options(header, names)):
                    batches.append(batch)
                    size += batch.nbytes
                    if size > free:
                        raise DataError(
                            f"'{printable(path.name)}' needs more than the {free / 1e9:,.1f} GB of memory "
                            "that are free; select fewer columns or bring a smaller file."
                        )
            except pa.ArrowInvalid as error:
                raise self._unreadable(path, header, error) from error
        if not sum(batch.num_rows for batch in batches):
            raise DataError(f"'{printable(path.name)}' has a header and no rows.")
        table = pa.Table.from_batches(batches)
        return {name: table.column(name).combine_chunks() for name in names}

    def _arrow_options(self, header: _Header, names: Sequence[str]) -> dict[str, Any]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        return {
            "read_options": arrow_csv.ReadOptions(
                use_threads=False, block_size=LONGEST_LINE, column_names=header.names
            ),
            "parse_options": arrow_csv.ParseOptions(delimiter=header.delimiter, newlines_in_values=True),
            "convert_options": arrow_csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=list(names),
                null_values=self._missing,
                strings_can_be_null=True,
            ),
        }

    def _unreadable(self, path: Path, header: _Header, error: Exception) -> DataError:
        """Read the file again, slowly, to say in which line it is wrong."""
        name, expected, line = printable(path.name), len(header.names), 0
        for line, fields in self._rows(path, header):
            if len(fields) != expected:
                return DataError(
                    f"'{name}' is ragged: expected {expected} values a row, got {len(fields)} in line {line}."
                )
        if not line:
            return DataError(f"'{name}' has a header and no rows.")
        return DataError(f"'{name}' cannot be read as CSV: {printable(str(error), limit=200)}.")

    def _odd(self, path: Path, header: _Header, name: str, row: int, text: str, count: int) -> DataError:
        lines = (line for line, _ in self._rows(path, header))
        line = next((line for index, line in enumerate(lines) if index == row), None)
        where = f"in line {line}" if line else f"in row {row + 1}"
        others = f", and {count - 1} more like it" if count > 1 else ""
        shown = printable(text)
        return DataError(
            f"column '{printable(name)}' holds numbers, but '{shown}' {where}{others}; correct it, or pass "
            f"--reader 'csv:missing={shown}' if that means a missing value, or "
            f"'csv:text={printable(name)}' if all of them are texts."
        )

    def _rows(self, path: Path, header: _Header) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows after the header, each with the number of its last line."""
        with open_utf8(path, self._encoding) as stream:
            for _ in range(header.lines):
                stream.readline()
            reader = csv.reader(iter(_Lines(stream, path, keep=False)), delimiter=header.delimiter)
            try:
                for fields in reader:
                    if fields:
                        yield header.lines + reader.line_num, fields
            except csv.Error:
                return


class _Lines:
    """The lines of a file, of bounded length; those of the header are kept, to be read more than once."""

    def __init__(self, stream: io.BufferedReader, path: Path, *, keep: bool = True) -> None:
        self._stream = stream
        self._path = path
        self._keep = keep
        self._kept: list[str] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        yield from list(self._kept)
        while line := self._stream.readline(LONGEST_LINE + 1):
            self._size = self._size + len(line) if self._keep else len(line)
            if self._size > LONGEST_LINE:
                raise DataError(
                    f"'{printable(self._path.name)}' has a line of more than {LONGEST_LINE >> 20} MiB; "
                    "expected a row a line."
                )
            text = line.decode()
            if self._keep:
                self._kept.append(text)
            yield text


def _first_row(lines: _Lines, marks: Sequence[str], path: Path) -> tuple[list[str], int, str]:
    """Return the first row that is not empty, its last line, and the delimiter that makes most of it."""
    rows: list[tuple[list[str], int, str]] = []
    fault = ""
    for mark in marks:
        reader = csv.reader(iter(lines), delimiter=mark, skipinitialspace=True)
        try:
            fields = next((fields for fields in reader if any(map(str.strip, fields))), [])
        except csv.Error as error:  # a whole header, taken for one name, is too long
            fault = str(error).partition(" - ")[0]
        else:
            rows.append((fields, reader.line_num, mark))
    if not rows:
        raise DataError(f"'{printable(path.name)}' cannot be read as CSV: {fault} in the header.")
    best = max(rows, key=lambda row: len(row[0]))
    if not best[0]:
        raise DataError(f"'{printable(path.name)}' is empty; expected a header that names the columns.")
    return best


def _check_names(names: Sequence[str], path: Path) -> None:
    if len(names) > MOST_COLUMNS:
        raise DataError(f"'{printable(path.name)}' has {len(names):,} columns; at most {MOST_COLUMNS:,} are read.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"'{printable(path.name)}' has several columns named {listed(twice)}; rename one.")
