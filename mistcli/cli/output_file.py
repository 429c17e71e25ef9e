"""Output files of commands: checked before the work begins, and replaced only when they are complete."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from mistcli.errors import ConfigError
from mistcli.text import printable

__all__ = ["check_file", "replaced"]


def check_file(out: Path, *, force: bool) -> None:
    """Check that `out` can be a file to write.

    Raises:
        ConfigError: If it is a folder or in none, or exists without `force`.
    """
    name = printable(str(out))
    if out.is_dir() or not out.parent.is_dir():
        raise ConfigError(f"expected --out to name a file in a folder that is there; got '{name}'.")
    if out.exists() and not force:
        raise ConfigError(f"'{name}' exists; pass --force to replace it, or another --out.")


@contextlib.contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """Yield a temporary path with the ending of `out`, which replaces `out` at the end, or is removed on an error."""
    partial = out.with_name(f"{out.stem}.partial-{secrets.token_hex(4)}{out.suffix}")
    try:
        yield partial
        partial.replace(out)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
