"""A file that lines are appended to, so that what a run has logged is there however the run ends."""

from __future__ import annotations

from pathlib import Path

from mistcli.errors import ConfigError

__all__ = ["AppendedFile"]


class AppendedFile:
    """A text file to which whole lines are appended.

    Each call of `write` is handed to the operating system at once: a process that is killed loses nothing.

    Raises:
        ConfigError: If the file cannot be opened for writing.
    """

    def __init__(self, path: str | Path) -> None:
        try:
            self._file = Path(path).open("a", encoding="utf-8", newline="")  # noqa: SIM115 - closed by `close`
        except OSError as error:
            raise ConfigError(f"cannot write the log {str(path)!r}: {error.strerror}") from error

    @property
    def empty(self) -> bool:
        """Whether nothing is in the file yet."""
        return self._file.tell() == 0

    def write(self, lines: str) -> None:
        """Append `lines`, each of which ends with a newline."""
        self._file.write(lines)
        self._file.flush()

    def close(self) -> None:
        """Close the file; may be called more than once."""
        self._file.close()
