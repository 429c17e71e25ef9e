"""The doors for pytest: a base class for each kind of what plugins bring, and a decorator."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from mistcli.errors import ConfigError
from mistcli.plugin.registry import Registry
from mistcli.testing.check import Check, Subject, plugin_of, subject
from mistcli.testing.listing import checks_for

__all__ = [
    "CommandConformance",
    "Conformance",
    "CriticConformance",
    "EstimatorConformance",
    "ExecutorConformance",
    "LoggerConformance",
    "ReaderConformance",
    "parametrize_with_checks",
]

TestT = TypeVar("TestT", bound=Callable[..., Any])
NONE: Mapping[str, Any] = {}


class Conformance:
    """The base of all test classes of the kit; derive from the one for your kind.

    Attributes:
        name: The name of what is checked.
        options: Options for it, such as `{"max_steps": 100}`.
        expected_failed_checks: The checks that are known to fail, by id, and why; one that passes then fails.
        registry: Where the name is looked up; everything that is installed, if None.
        kind: The kind of what is checked.
    """

    kind: ClassVar[str] = ""
    name: ClassVar[str] = ""
    options: ClassVar[Mapping[str, Any]] = NONE
    expected_failed_checks: ClassVar[Mapping[str, str]] = NONE
    registry: ClassVar[Registry | None] = None
    _subject: ClassVar[Subject | None] = None

    def __init_subclass__(cls) -> None:
        """Give a class that has a name one test a check."""
        super().__init_subclass__()
        if not cls.name:
            return
        checks = (*checks_for("plugin"), *checks_for(cls.kind))
        cls._subject = None
        cls.test_conforms = _test(checks, cls.expected_failed_checks)  # type: ignore[attr-defined]

    @classmethod
    def subject(cls) -> Subject:
        """Return what is checked, the same for all tests of the class, so that they share what they compute."""
        if cls._subject is None:
            registry = cls.registry or Registry.from_environment()
            cls._subject = subject(cls.kind, cls.name, registry, options=cls.options, **cls.given())
        return cls._subject

    @classmethod
    def given(cls) -> dict[str, Any]:
        """Return what a subject of this kind needs besides."""
        return {}


class EstimatorConformance(Conformance):
    """Checks an estimator.

    Example:
        >>> class TestGaussian(EstimatorConformance):
        ...     name = "gaussian"
        >>> TestGaussian.subject().label
        'mist/gaussian'
    """

    kind: ClassVar[str] = "estimators"


class CriticConformance(Conformance):
    """Checks a critic; its options are its own, or settings of the training of C09."""

    kind: ClassVar[str] = "critics"


class ReaderConformance(Conformance):
    """Checks a reader.

    Attributes:
        sample: A file that it reads; if None, the one that the hook module names in `MIST_SAMPLES`.
        expected: What is in the file, as lists by name of column, with None for what is missing.
    """

    kind: ClassVar[str] = "readers"
    sample: ClassVar[str | Path | None] = None
    expected: ClassVar[Mapping[str, list[Any]] | None] = None

    @classmethod
    def given(cls) -> dict[str, Any]:
        """Return the sample, and what is in it."""
        return {"sample": None if cls.sample is None else Path(cls.sample), "expected": cls.expected}


class LoggerConformance(Conformance):
    """Checks a logger; one that writes to another machine needs options with which it does not."""

    kind: ClassVar[str] = "loggers"


class ExecutorConformance(Conformance):
    """Checks an executor."""

    kind: ClassVar[str] = "executors"


class CommandConformance(Conformance):
    """Checks a command."""

    kind: ClassVar[str] = "commands"


def parametrize_with_checks(
    names: Sequence[str],
    *,
    expected_failed_checks: Mapping[str, str] = NONE,
    options: Mapping[str, Any] = NONE,
    registry: Registry | None = None,
) -> Callable[[TestT], TestT]:
    """Return a decorator that calls a test with every check of everything that has one of the names.

    Arguments:
        names: Names of what plugins bring.
        expected_failed_checks: The checks that are known to fail, by id, and why.
        options: Options for what is checked.
        registry: Where the names are looked up; everything that is installed, if None.

    Example:
        >>> @parametrize_with_checks(["gaussian"], expected_failed_checks={"E18": "not symmetric yet"})
        ... def test_mine(subject, check):
        ...     check(subject)
    """
    known = registry or Registry.from_environment()
    cases, ids = [], set[str]()
    for name in names:
        for entry in known.find(name):
            found = Subject(plugin_of(entry, known), known, entry, options=options)
            checks = (*checks_for("plugin"), *checks_for(entry.kind))
            by_id = {check.id: check for check in checks}
            ids |= set(by_id)
            cases += [
                pytest.param(
                    found,
                    _Runs(check, by_id),
                    id=f"{entry.kind.removesuffix('s')}-{name}-{check.id}",
                    marks=_marks(check, expected_failed_checks),
                )
                for check in checks
            ]
    _refuse_unknown(expected_failed_checks, ids)
    return pytest.mark.parametrize(("subject", "check"), cases)


class _Runs:
    """A check, called with a subject, that passes, skips, warns or fails the test it is called in."""

    def __init__(self, check: Check, known: Mapping[str, Check]) -> None:
        self.check = check
        self.known = known

    def __call__(self, subject: Subject) -> None:
        """Do the check, after those that it needs."""
        outcome = subject.run(self.check, self.known)
        if outcome.status == "failed":
            pytest.fail(f"{self.check.id}: {outcome.message}", pytrace=False)
        if outcome.status == "skipped":
            pytest.skip(outcome.message)
        if outcome.status == "warned":
            warnings.warn(f"{self.check.id}: {outcome.message}", stacklevel=2)


def _test(checks: Sequence[Check], expected: Mapping[str, str]) -> Callable[..., None]:
    """Return a method that is a test, once a check."""
    known = {check.id: check for check in checks}
    _refuse_unknown(expected, set(known))
    cases = [pytest.param(_Runs(check, known), id=check.id, marks=_marks(check, expected)) for check in checks]

    @pytest.mark.parametrize("check", cases)
    def test_conforms(self: Conformance, check: _Runs) -> None:
        check(self.subject())

    return test_conforms


def _marks(check: Check, expected: Mapping[str, str]) -> list[pytest.MarkDecorator]:
    if check.id not in expected:
        return []
    return [pytest.mark.xfail(reason=expected[check.id], strict=True)]


def _refuse_unknown(expected: Mapping[str, str], known: set[str]) -> None:
    unknown = sorted(set(expected) - known)
    if unknown:
        raise ConfigError(f"expected_failed_checks names {', '.join(unknown)}; there are {', '.join(sorted(known))}.")
    silent = sorted(name for name, reason in expected.items() if not reason.strip())
    if silent:
        raise ConfigError(f"expected_failed_checks needs a reason for {', '.join(silent)}.")
