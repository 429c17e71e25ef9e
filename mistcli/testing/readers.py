"""The checks of readers, with a file that they read and what is in it.

A test gives both; for `mist plugin check` the hook module names them, next to its hooks:

.. code-block:: python

    MIST_SAMPLES = {"foo": {"file": "sample.foo", "table": {"a": [1.0, 2.5, None], "b": ["u", None, "w"]}}}

where the file lies beside the module, and None stands for what is missing.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import math
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mistcli.errors import MistError, PluginError
from mistcli.readers import Reader
from mistcli.readers.source import Source, open_source
from mistcli.testing.check import CheckFailed, CheckSkipped, Subject, check, expect
from mistcli.testing.plugins import modules

__all__ = ["CHECKS"]

BASE = "mistcli.readers.Reader"


def _sample(subject: Subject) -> tuple[Path, Mapping[str, Sequence[Any]]]:
    """Return a file, and what is in it.

    Raises:
        CheckSkipped: If nobody said.
    """
    if subject.sample is not None and subject.expected is not None:
        return subject.sample, subject.expected
    for name in modules(subject):
        module = importlib.import_module(name)
        declared = getattr(module, "MIST_SAMPLES", {}).get(subject.spec.name)
        if declared is not None and module.__file__ is not None:
            return Path(module.__file__).parent / declared["file"], declared["table"]
    raise CheckSkipped("there is no sample: name one in MIST_SAMPLES of the hook module (see mistcli.testing.readers)")


def _reader(subject: Subject) -> Reader:
    reader: Reader = subject.target(**subject.keywords())
    return reader


def _source(subject: Subject, path: Path) -> Source:
    given = ",".join(f"{key}={value}" for key, value in subject.options.items())
    return open_source(path, subject.registry, subject.brought.qualified + (f":{given}" if given else ""))


@check("R01", "readers", "its files are found by their names", see="mistcli.plugin.ReaderSpec", needs=("S02",))
def found(subject: Subject) -> None:
    """Without `--reader`, by a pattern or by how they begin."""
    path, _ = _sample(subject)
    reader = open_source(path, subject.registry).describe()["name"]
    known = (subject.brought.label, subject.brought.qualified)
    expect(reader in known, f"{path.name} to be read by {known[0]}", f"{reader}; mend patterns= or magic= of the spec")


@check("R02", "readers", "it names the columns of a file", see=BASE, needs=("S02",))
def columns(subject: Subject) -> None:
    """In file order, each once."""
    path, table = _sample(subject)
    names = [column.name for column in _source(subject, path).columns()]
    expect(names == list(table), f"the columns {', '.join(table)}", ", ".join(names) or "none")


@check("R03", "readers", "naming the columns takes the header alone", see=BASE, needs=("R02",))
def header_only(subject: Subject) -> None:
    """`columns` does not read the rows to throw them away."""
    path, _ = _sample(subject)
    target: type[Reader] = subject.target
    reading = type("Reading", (target,), {"read": _refuse})
    reader: Reader = reading(**subject.keywords())
    try:
        reader.columns(path)
    except _ReadError as error:
        raise CheckFailed("expected columns() to look at the header alone; got a call of read()") from error


@check("R04", "readers", "it reads what is in a file", see=BASE, needs=("R02",))
def table(subject: Subject) -> None:
    """Numbers as numbers, texts as texts, gaps as NaN or None; the columns that are asked for, in that order."""
    path, wanted = _sample(subject)
    for names in (list(wanted), list(wanted)[::-1], list(wanted)[:1]):
        got = _source(subject, path).read(names)
        expect(list(got) == names, f"the columns {', '.join(names)}, as they were asked for", ", ".join(got))
    for name, values in _source(subject, path).read(list(wanted)).items():
        _expect_column(name, values, wanted[name])


@check("R05", "readers", "a file that it cannot read is refused", see="mistcli.errors.DataError", needs=("R02",))
def refuses(subject: Subject) -> None:
    """Missing, empty, or holding noise: a `DataError`; cut off: that, or what is left."""
    path, _ = _sample(subject)
    noise = bytes(random.Random(0).randrange(256) for _ in range(2000))  # noqa: S311 - bytes that mean nothing
    whole = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / path.name
        _expect_refusal(subject, file, "that is missing")
        for what, content, lenient in (
            ("that is empty", b"", False),
            ("of noise", noise, False),
            ("that is cut off", whole[: len(whole) // 2], True),
        ):
            file.write_bytes(content)
            _expect_refusal(subject, file, what, lenient=lenient)


@check("R06", "readers", "it prints nothing", see="mistcli.training.events", needs=("S02",))
def quiet(subject: Subject) -> None:
    """Stdout is for the result alone."""
    path, wanted = _sample(subject)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(MistError):
        source = _source(subject, path)
        source.columns()
        source.read(list(wanted))
    expect(not said.getvalue(), "nothing on stdout", repr(said.getvalue()[:200]))


@check("R07", "readers", "what it decided by itself can be written down", see=BASE, needs=("R02", "R04"))
def described(subject: Subject) -> None:
    """As JSON, for the record of a run."""
    path, wanted = _sample(subject)
    reader = _reader(subject)
    reader.read(path, list(wanted))
    told = reader.describe()
    try:
        json.dumps(told, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckFailed(f"expected describe() to return what JSON knows; got {told!r} ({error})") from error


class _ReadError(Exception):
    """Tells that `read` was called."""


def _refuse(*_: object) -> None:
    raise _ReadError


def _expect_refusal(subject: Subject, path: Path, what: str, *, lenient: bool = False) -> None:
    try:
        source = _source(subject, path)
        source.read([column.name for column in source.columns()])
    except PluginError as error:
        raise CheckFailed(f"expected a DataError from a file {what}; got a failure of its own: {error}") from error
    except MistError:
        return
    expect(lenient, f"a DataError from a file {what}", "a table")


def _expect_column(name: str, values: Any, wanted: Sequence[Any]) -> None:
    got = [_plain(value) for value in values.tolist()]
    same = len(got) == len(wanted) and all(map(_same, got, wanted))
    expect(same, f"column {name!r} to hold {list(wanted)!r}", repr(got))
    numbers = not any(isinstance(value, str) for value in wanted)
    kinds = "biufMO" if numbers else "O"
    expect(values.dtype.kind in kinds, f"column {name!r} as {'numbers' if numbers else 'objects'}", values.dtype)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _same(got: Any, wanted: Any) -> bool:
    if isinstance(got, float | int) and isinstance(wanted, float | int):
        return math.isclose(got, wanted, rel_tol=1e-6)
    return bool(got == wanted)


CHECKS = (found, columns, header_only, table, refuses, quiet, described)
"""The checks of readers."""
