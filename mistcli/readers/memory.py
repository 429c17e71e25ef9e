"""How much memory there is, so that a file which does not fit is refused before it is loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mistcli.errors import DataError
from mistcli.text import printable

__all__ = ["available", "require"]

UNKNOWN = 8 * 1024**3


def available() -> int:
    """Return the number of bytes that this process can still take, as far as the system tells."""
    return min(_of_machine(), _of_group())


def require(needed: int, path: Path) -> None:
    """Refuse to load what needs more memory than there is.

    Raises:
        DataError: If `needed` bytes are not available.
    """
    free = available()
    if needed > free:
        raise DataError(
            f"'{printable(path.name)}' needs {needed / 1e9:,.1f} GB of memory for the columns that are asked "
            f"for, and {free / 1e9:,.1f} GB are free; select fewer columns or bring a smaller file."
        )


def _of_machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (OSError, ValueError, AttributeError):
        return UNKNOWN


def _of_group() -> int:
    """Return the limit of this control group (of a container, most often)."""
    try:
        return int(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):
        return sys.maxsize
