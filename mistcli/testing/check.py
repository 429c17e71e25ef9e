"""What a check is, what is checked, and what comes of it; the checks themselves are in the modules beside this one.

Nothing here imports pytest or anything heavy: `mist plugin check` runs the same list as the tests of a plugin.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypeVar, cast

from mistcli.errors import ConfigError, UnknownNameError
from mistcli.plugin.discovery import PluginRecord
from mistcli.plugin.loading import KINDS, describe
from mistcli.plugin.options import fields, parse
from mistcli.plugin.registry import Entry, Registry

__all__ = [
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "Level",
    "Outcome",
    "Subject",
    "check",
    "expect",
    "plugin_of",
    "subject",
]

Level: TypeAlias = Literal["required", "recommended"]
Status: TypeAlias = Literal["passed", "failed", "warned", "skipped"]
T = TypeVar("T")


class CheckFailed(AssertionError):
    """What was checked does not hold; the message says what was expected and what came."""


class CheckSkipped(Exception):
    """The check says nothing here; the message says why."""


@dataclass(frozen=True)
class Check:
    """One thing that must hold of a plugin, or of one kind of what plugins bring.

    Calling a check with a subject raises what it found.

    Arguments:
        id: What it is called: a letter for its kind, and a number that never changes its meaning.
        kind: What it is about: "plugin", "any" (everything that a plugin brings), or one of `KINDS`.
        level: A "recommended" one warns where a "required" one fails.
        fn: Does the check; it raises `CheckFailed` or `CheckSkipped`.
        title: What holds, as a sentence.
        see: The object whose documentation says more, to be given to `pydoc`.
        needs: The checks without which this one would only repeat their failure.
    """

    id: str
    kind: str
    level: Level
    fn: Callable[[Subject], None]
    title: str
    see: str
    needs: tuple[str, ...] = ()

    def __call__(self, subject: Subject) -> None:
        """Do the check.

        Raises:
            CheckFailed: If what was expected did not come.
            CheckSkipped: If the check says nothing of this subject.
        """
        with redirect_stdout(sys.stderr):
            try:
                self.fn(subject)
            except (CheckFailed, CheckSkipped):
                raise
            except (Exception, SystemExit) as error:
                raise CheckFailed(f"expected that {self.title}; got {describe(error)}") from error


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Arguments:
        check: The check.
        of: What was checked: the name of the plugin, or the qualified name of what it brings.
        status: "passed", "failed", "warned" (it is only recommended), or "skipped".
        message: What was expected, what came and where to read more; or why it was skipped.
        seconds: How long it took.
    """

    check: Check
    of: str
    status: Status
    message: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values."""
        told = {"id": self.check.id, "kind": self.check.kind, "level": self.check.level, "title": self.check.title}
        return {**told, "of": self.of, "status": self.status, "message": self.message, "seconds": self.seconds}


@dataclass
class Subject:
    """What is checked: a plugin, and maybe one thing that it brings.

    Arguments:
        record: The plugin.
        registry: Where its names are looked up.
        entry: What it brings; None where only the plugin itself is checked.
        options: Options for it, as `mistcli.estimate` takes them for an estimator or a critic.
        sample: For a reader: a file that it reads.
        expected: For a reader: what is in the file, as lists by name of column.
        fast: Whether checks that train to the end are left out.
    """

    record: PluginRecord
    registry: Registry
    entry: Entry | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    sample: Path | None = None
    expected: Mapping[str, list[Any]] | None = None
    fast: bool = False
    _found: dict[Any, Any] = field(default_factory=dict, repr=False)
    _outcomes: dict[str, Outcome] = field(default_factory=dict, repr=False)

    @property
    def brought(self) -> Entry:
        """The entry that is checked."""
        if self.entry is None:
            raise CheckSkipped("this check is about something that a plugin brings")
        return self.entry

    @property
    def spec(self) -> Any:
        """What the plugin says of the entry."""
        return self.brought.spec

    @property
    def label(self) -> str:
        """The name under which the outcomes are told."""
        return self.entry.qualified if self.entry else self.record.name

    @cached_property
    def target(self) -> Any:
        """What the entry points to."""
        return self.registry.load(self.registry.get(self.brought.kind, self.brought.qualified))

    def keywords(self) -> dict[str, Any]:
        """Return the options as the constructor takes them, without those of a run."""
        options = self.options
        if self.brought.kind in ("estimators", "critics"):
            own = {item.name for item in fields(self.spec.options)}
            options = {name: value for name, value in options.items() if name in own}
        parsed = parse(self.spec.options, options, owner=self.label)
        return {name: getattr(parsed, name) for name in parsed.__dataclass_fields__}

    def once(self, key: Any, make: Callable[[], T]) -> T:
        """Return what `make` makes, made only once for all checks; what it raises is raised again."""
        if key not in self._found:
            try:
                self._found[key] = make()
            except Exception as error:
                self._found[key] = error
        found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return cast(T, found)

    def run(self, check: Check, known: Mapping[str, Check] = MappingProxyType({})) -> Outcome:
        """Do a check once, after those that it needs, and return what came of it.

        Arguments:
            check: The check.
            known: The checks by id, in which those that it needs are found.
        """
        if check.id not in self._outcomes:
            lame = next((i for i in check.needs if i in known and not self._holds(known[i], known)), None)
            self._outcomes[check.id] = self._skipped(check, lame) if lame else self._run(check)
        return self._outcomes[check.id]

    def _holds(self, check: Check, known: Mapping[str, Check]) -> bool:
        needed = (known[i] for i in check.needs if i in known)
        return self.run(check, known).status != "failed" and all(self._holds(need, known) for need in needed)

    def _skipped(self, check: Check, lame: str) -> Outcome:
        return Outcome(check, self.label, "skipped", f"it would only repeat the failure of {lame}", 0.0)

    def _run(self, check: Check) -> Outcome:
        start = time.perf_counter()
        status: Status = "passed"
        message = ""
        try:
            check(self)
        except CheckSkipped as skip:
            status, message = "skipped", str(skip)
        except CheckFailed as failure:
            status = "failed" if check.level == "required" else "warned"
            message = f"{str(failure).rstrip('.')}. Read more: python -m pydoc {check.see}"
        return Outcome(check, self.label, status, message, time.perf_counter() - start)


def check(
    id: str, kind: str, title: str, *, see: str, level: Level = "required", needs: tuple[str, ...] = ()
) -> Callable[[Callable[[Subject], None]], Check]:
    """Return a decorator that makes a function a check."""
    return lambda fn: Check(id, kind, level, fn, title, see, needs)


def expect(condition: object, expected: str, got: object) -> None:
    """Raise `CheckFailed` unless the condition holds.

    Example:
        >>> expect(1 + 1 == 3, "that 1 + 1 is 3", 2)
        Traceback (most recent call last):
            ...
        mistcli.testing.check.CheckFailed: expected that 1 + 1 is 3; got 2
    """
    if not condition:
        raise CheckFailed(f"expected {expected}; got {got}")


def subject(kind: str, name: str, registry: Registry, **given: Any) -> Subject:
    """Return what is checked: the one thing of a kind that has the name.

    Raises:
        UnknownNameError: If nothing has it.
        PluginError: If the plugin that might bring it failed to load.
    """
    found = registry.find(name, (kind,))
    reached = [entry for entry in found if name in (entry.label, entry.qualified)]
    if not reached:
        raise UnknownNameError(f"{name!r} is brought by several plugins: {', '.join(e.qualified for e in found)}.")
    return Subject(plugin_of(reached[0], registry), registry, reached[0], **given)


def plugin_of(entry: Entry, registry: Registry) -> PluginRecord:
    """Return the plugin that brings an entry."""
    for record in registry.plugins:
        if record.name == entry.plugin:
            return record
    raise ConfigError(f"expected an entry of the registry; got {entry.qualified!r} with kind in {KINDS}.")
