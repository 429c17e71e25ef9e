"""The history of training as a table, a row a measured value, for pandas or a spreadsheet to read."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from mistcli.loggers.append_file import AppendedFile
from mistcli.loggers.base import Logger
from mistcli.training.events import COLUMNS, Evaluated, Event, rows

__all__ = ["CsvLogger"]


class CsvLogger(Logger):
    """Appends the rows of each evaluation, below a header if the file is new.

    Arguments:
        path: The file; what is in it already is kept.
    """

    def __init__(self, path: str | Path = "mist.csv") -> None:
        self._file = AppendedFile(path)
        if self._file.empty:
            self._file.write(",".join(COLUMNS) + "\n")

    def emit(self, event: Event) -> None:
        """Append the values of `event` if it is an evaluation."""
        if isinstance(event, Evaluated):
            text = io.StringIO(newline="")
            csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(rows(event))
            self._file.write(text.getvalue())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
