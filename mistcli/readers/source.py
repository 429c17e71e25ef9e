"""Opens a path: finds out whether there is a file to read, and who reads it."""

from __future__ import annotations

import dataclasses
import stat
from collections.abc import Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mistcli.errors import ConfigError, DataError, MistError, PluginError, did_you_mean
from mistcli.plugin import ReaderSpec, Spec
from mistcli.plugin.options import parse, plain, reference
from mistcli.readers.base import Column, Reader, Table
from mistcli.text import printable

if TYPE_CHECKING:
    from mistcli.plugin.registry import Entry, Registry

__all__ = ["Source", "open_source"]

BUILTIN = "mist"
LONGEST_MAGIC = 64
MOST_SIBLINGS = 1000


class Source:
    """A file and the reader that reads it.

    Arguments:
        path: The file.
        reader: The reader.
        name: What the reader is called.
        options: The options with which the reader was made.
    """

    def __init__(self, path: Path, reader: Reader, name: str, options: dict[str, Any]) -> None:
        self._path = path
        self._reader = reader
        self._name = name
        self._options = options

    def columns(self) -> list[Column]:
        """Return the columns of the file, in its order, from its header alone."""
        columns = self._guarded(self._reader.columns, self._path)
        if not columns:
            raise DataError(f"'{printable(self._path.name)}' has no columns.")
        return list(columns)

    def read(self, names: Sequence[str]) -> Table:
        """Return the named columns, all of the same length."""
        table: Table = self._guarded(self._reader.read, self._path, list(dict.fromkeys(names)))
        lengths = {name: len(values) for name, values in table.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"'{printable(name)}' {length}" for name, length in lengths.items())
            raise DataError(f"expected columns of one length; got {told}.")
        return table

    def describe(self) -> dict[str, Any]:
        """Return the name of the reader, its options, and what it decided by itself."""
        return {"name": self._name, "options": self._options, **self._reader.describe()}

    def _guarded(self, method: Any, *arguments: Any) -> Any:
        try:
            return method(*arguments)
        except MistError:
            raise
        except Exception as error:
            raise PluginError(
                f"reader {self._name!r} failed on '{printable(self._path.name)}': {type(error).__name__}: {error}."
            ) from error


def open_source(path: Path, registry: Registry, reader: str = "") -> Source:
    """Return the source at `path`.

    Arguments:
        path: A file.
        registry: Where readers are looked up.
        reader: NAME or NAME:key=value,...; found by the file's name, then by how it begins, if empty.

    Raises:
        DataError: If there is no file that can be read, or nobody reads it.
        ConfigError: If `reader` is not right.
    """
    _check(path)
    name, given = reference(reader) if reader else ("", {})
    entry = registry.get("readers", name) if name else _found(path, registry)
    options = parse(entry.spec.options, given, owner=f"reader {entry.label!r}")
    target = registry.load(entry)
    return Source(path, target(**_keywords(options)), entry.label, plain(options))


def _keywords(options: Any) -> dict[str, Any]:
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}


def _check(path: Path) -> None:
    shown = printable(str(path), limit=200)
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            with path.open("rb"):
                pass
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"there is no file '{shown}'.{_sibling(path)}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"'{shown}' cannot be read: {reason}.") from None
    if stat.S_ISDIR(status.st_mode):
        raise DataError(f"'{shown}' is a directory; name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"'{shown}' is not a regular file; save it as one, since it is read more than once.")
    if not status.st_size:
        raise DataError(f"'{shown}' is empty.")


def _sibling(path: Path) -> str:
    try:
        return did_you_mean(path.name, [file.name for file in islice(path.parent.iterdir(), MOST_SIBLINGS)])
    except OSError:
        return ""


def _found(path: Path, registry: Registry) -> Entry:
    name = path.name.lower()
    entries = registry.entries("readers")
    lengths = [_matched(entry.spec, name) for entry in entries]
    longest = max(lengths, default=0)
    if not longest:
        return _by_magic(path, entries, registry)
    found = [entry for entry, length in zip(entries, lengths, strict=True) if length == longest]
    return _only(found, path, registry)


def _matched(spec: Spec, name: str) -> int:
    """Return the length of the longest pattern of a reader that the name of a file matches, or 0."""
    patterns = spec.patterns if isinstance(spec, ReaderSpec) else ()
    return max((len(pattern) for pattern in patterns if fnmatchcase(name, pattern.lower())), default=0)


def _by_magic(path: Path, entries: Sequence[Entry], registry: Registry) -> Entry:
    with path.open("rb") as file:
        start = file.read(LONGEST_MAGIC)
    found = [
        entry
        for entry in entries
        if isinstance(entry.spec, ReaderSpec) and any(map(start.startswith, filter(None, entry.spec.magic)))
    ]
    if not found:
        known = ", ".join(entry.label for entry in entries)
        raise ConfigError(
            f"no reader knows '{printable(path.name)}' by its name or its first bytes; "
            f"say how to read it with --reader, one of: {known}."
        )
    return _only(found, path, registry)


def _only(found: Sequence[Entry], path: Path, registry: Registry) -> Entry:
    """Return the one reader to take: a built-in one before others, which must not be several."""
    if len(found) > 1 and found[0].plugin != BUILTIN:
        choices = ", ".join(entry.label for entry in found)
        raise ConfigError(f"several readers know '{printable(path.name)}'; choose with --reader, one of: {choices}.")
    return registry.get("readers", found[0].label)
