"""All problems of the benchmark, and how they are found by name."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType

from mistcli.benchmark.beyond_normal import beyond_normal
from mistcli.benchmark.families import further
from mistcli.benchmark.problem import Problem
from mistcli.errors import UnknownNameError, did_you_mean

__all__ = ["SUITES", "find", "problems"]

SUITES = ("beyond-normal", "further", "all")


@cache
def problems() -> Mapping[str, Problem]:
    """Return all problems, by name: the 40 tasks of "Beyond Normal", then the further families."""
    return MappingProxyType({problem.name: problem for problem in (*beyond_normal(), *further())})


def find(pattern: str) -> list[Problem]:
    """Return the problems that a comma list of names, globs and suites stands for, each once.

    Raises:
        UnknownNameError: If a part of it stands for none.

    Example:
        >>> [problem.name for problem in find("clayton-1v1-*")]
        ['clayton-1v1-0.5', 'clayton-1v1-4']
        >>> len(find("beyond-normal"))
        40
    """
    chosen: dict[str, Problem] = {}
    for part in filter(None, map(str.strip, pattern.split(","))):
        found = {
            problem.name: problem
            for problem in problems().values()
            if part in ("all", problem.suite) or fnmatchcase(problem.name, part)
        }
        if not found:
            hint = did_you_mean(part, [*problems(), *SUITES])
            raise UnknownNameError(f"no task is named {part!r}.{hint} `mist bench --list` lists them all.")
        chosen |= found
    if not chosen:
        raise UnknownNameError(f"no task is named in {pattern!r}; `mist bench --list` lists them all.")
    return list(chosen.values())
