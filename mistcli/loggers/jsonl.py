"""A log of everything that happens, one JSON object a line, for programs to read while a run goes on."""

from __future__ import annotations

import time
from pathlib import Path

from mistcli.loggers.append_file import AppendedFile
from mistcli.loggers.base import Logger
from mistcli.text.json import plain_json, to_json
from mistcli.training.events import Event

__all__ = ["JsonlLogger"]


class JsonlLogger(Logger):
    """Appends a line an event: its kind, the time in seconds since 1970, and what it says.

    Arguments:
        path: The file; what is in it already is kept.
    """

    def __init__(self, path: str | Path = "mist.jsonl") -> None:
        self._file = AppendedFile(path)

    def emit(self, event: Event) -> None:
        """Append `event`."""
        self._file.write(to_json({"kind": event.kind, "time": time.time(), **plain_json(event)}) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()
