"""All problems of the benchmark, and the search for them by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from types import MappingProxyType

from mistcli.benchmark.beyond_normal import beyond_normal
from mistcli.benchmark.families import further
from mistcli.benchmark.problem import Problem
from mistcli.benchmark.random_tables import named_task, random_tasks
from mistcli.errors import ConfigError, UnknownNameError, did_you_mean

__all__ = ["SUITES", "find", "find_one", "problems"]

SUITES = ("beyond-normal", "further", "all", "random:SEED:N")
RANDOM = re.compile(r"random:([0-9]{1,18}):([0-9]{1,18})")
MOST_RANDOM = 100_000


@cache
def problems() -> Mapping[str, Problem]:
    """Return all problems, by name: the 40 tasks of "Beyond Normal", then the further families."""
    return MappingProxyType({problem.name: problem for problem in (*beyond_normal(), *further())})


def find(pattern: str) -> list[Problem]:
    """Return the problems that a comma list of names, globs and suites stands for, each once.

    `random:SEED:N` stands for the first N random tables of that seed, `random-SEED-INDEX` for one of them.

    Raises:
        UnknownNameError: If a part of it stands for none.
        ConfigError: If a number of random tables is not between 1 and 100,000.

    Example:
        >>> [problem.name for problem in find("clayton-1v1-*")]
        ['clayton-1v1-0.5', 'clayton-1v1-4']
        >>> len(find("beyond-normal"))
        40
        >>> [problem.name for problem in find("random:5:2")]
        ['random-5-0', 'random-5-1']
    """
    chosen: dict[str, Problem] = {}
    for part in filter(None, map(str.strip, pattern.split(","))):
        found = {problem.name: problem for problem in (_random(part) if part.startswith("random") else _known(part))}
        if not found:
            hint = did_you_mean(part, [*problems(), *SUITES])
            raise UnknownNameError(f"no task is named {part!r}.{hint} `mist bench --list` lists them all.")
        chosen |= found
    if not chosen:
        raise UnknownNameError(f"no task is named in {pattern!r}; `mist bench --list` lists them all.")
    return list(chosen.values())


def find_one(name: str) -> Problem:
    """Return the problem of this name, which is that of a known problem or of a random table.

    Raises:
        UnknownNameError: If there is none.
    """
    return problems().get(name) or find(name)[0]


def _known(pattern: str) -> list[Problem]:
    return [one for one in problems().values() if pattern in ("all", one.suite) or fnmatchcase(one.name, pattern)]


def _random(pattern: str) -> Sequence[Problem]:
    """Return the random tables that `random:SEED:N` or `random-SEED-INDEX` stands for."""
    if one := named_task(pattern):
        return [one]
    found = RANDOM.fullmatch(pattern)
    if not found:
        raise ConfigError(f"random tables are written random:SEED:N, such as random:0:100; got {pattern!r}.")
    seed, count = int(found[1]), int(found[2])
    if not 1 <= count <= MOST_RANDOM:
        raise ConfigError(f"expected between 1 and {MOST_RANDOM:,} random tables; got {count} in {pattern!r}.")
    return random_tasks(seed, count)
