"""Runs estimators on problems whose answer is known, each fit on its own, and says how far each was off."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from mistcli.benchmark.problem import Problem
from mistcli.benchmark.tasks import find, find_one
from mistcli.config.resolve import resolve
from mistcli.config.sources import SECTIONS, flat_layer
from mistcli.errors import ConfigError
from mistcli.executors.base import Done, Executor, Task
from mistcli.executors.serial import SerialExecutor
from mistcli.persistence.result_store import Progress, Store, complete, make_task
from mistcli.plugin import EstimatorSpec
from mistcli.plugin.options import reference

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry
    from mistcli.result import Estimate

__all__ = ["Fitting", "Plan", "Row", "run", "tasks", "unsupported"]

RESERVED = ("data", "path", "x", "y", "reader", "estimator", "seed", "units", "level", "discrete", "continuous")


@dataclass(frozen=True)
class Plan:
    """What a benchmark is to do.

    Arguments:
        estimators: Each estimator, as `NAME` or `NAME:key=value`, with any option of it, its critic or its training.
        tasks: The problems, as a comma list of names, globs and suites.
        n: The numbers of pairs; where empty, random tables have 30 to 20,000, each its own, and other problems 10,000.
        seeds: How many seeds, from 0; each draws its own data and is the seed of the fit as well.
        level: The level of the intervals.
    """

    estimators: tuple[str, ...]
    tasks: str = "beyond-normal"
    n: tuple[int, ...] = ()
    seeds: int = 1
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not self.estimators:
            raise ConfigError("expected an estimator to measure; name one with --estimator.")
        if self.n and (min(self.n) < 2 or max(self.n) > 10**7):
            raise ConfigError(f"expected numbers of pairs between 2 and 10,000,000; got {','.join(map(str, self.n))}.")
        if not 1 <= self.seeds <= 10_000:
            raise ConfigError(f"expected between 1 and 10,000 seeds; got {self.seeds}.")
        if not 0 < self.level < 1:
            raise ConfigError(f"expected a level between 0 and 1; got {self.level}.")


@dataclass(frozen=True)
class Row:
    """One fit, beside the truth.

    Arguments:
        estimator: The estimator, as it was asked for.
        task: The name of the problem.
        n: The number of pairs.
        seed: The seed.
        true: The mutual information, in nats.
        mi: The estimate, in nats; None where it failed.
        stderr: Its standard error, in nats.
        low: The lower end of its interval, in nats.
        high: The upper end.
        seconds: The wall time of the estimation.
        error: Why it failed, in words; empty where it did not.
        warnings: What the estimate says of itself.
        pooled: Whether the number of pairs is that of a random table, and the leaderboard has one line for all numbers.
    """

    estimator: str
    task: str
    n: int
    seed: int
    true: float
    mi: float | None = None
    stderr: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()
    pooled: bool = False


@dataclass(frozen=True)
class Fitting:
    """The work of a task: draw its data, and estimate. It can be sent to another process with its registry.

    Arguments:
        registry: Where estimators are looked up.
    """

    registry: Registry

    def __call__(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the estimate and its error, in nats, as plain values."""
        from mistcli.api import estimate

        problem = find_one(data["task"])
        found: Estimate = estimate(
            problem.sample(data["n"], data["seed"]),
            estimator=data["estimator"],
            seed=data["seed"],
            registry=self.registry,
            level=data["level"],
            discrete=problem.discrete,
            **data["options"],
        )
        return {
            "mi": found.nats,
            "stderr": found.stderr,
            "low": found.interval.low,
            "high": found.interval.high,
            "seconds": found.seconds,
            "warnings": found.warnings,
        }


def run(
    plan: Plan,
    registry: Registry,
    *,
    executor: Executor | None = None,
    store: Store | None = None,
    retry: bool = False,
    told: Progress = lambda task, done: None,
) -> list[Row]:
    """Run every estimator on every problem that it takes, at every size and seed.

    Arguments:
        plan: What to do.
        registry: Where estimators are looked up.
        executor: Who does it; one after the other in this process by default.
        store: Where results are kept, and looked for before anything is done anew.
        retry: Whether fits that failed before are to be done again.
        told: Is told of each fit that ends.

    Raises:
        ConfigError: If a name or an option is wrong; nothing has been run then.

    Example:
        >>> from mistcli.plugin.registry import Registry
        >>> rows = run(Plan(("gaussian",), "1v1-normal-0.75", (1000,)), Registry.from_environment())
        >>> abs(rows[0].mi - rows[0].true) < 0.1
        True
    """
    todo = tasks(plan, registry)
    ended = complete(todo, Fitting(registry), executor or SerialExecutor(), store=store, retry=retry, told=told)
    return [_row(task, done, pooled=not plan.n) for task, done in ended]


def tasks(plan: Plan, registry: Registry) -> list[Task]:
    """Return a task for each fit of the plan, leaving out what an estimator says that it does not take.

    Raises:
        ConfigError: If a name or an option is wrong.
    """
    found = find(plan.tasks)
    sized = [(problem, n) for problem in found for n in plan.n or (problem.rows,)]
    return [
        make_task(
            estimator=name,
            options=options,
            label=label,
            plugin=[entry.distribution, entry.version],
            task=problem.name,
            n=n,
            seed=seed,
            level=plan.level,
        )
        for label, name, options in _estimators(plan, registry)
        for entry in [registry.get("estimators", name)]
        for (problem, n), seed in itertools.product(sized, range(plan.seeds))
        if _takes(cast(EstimatorSpec, entry.spec), problem)
    ]


def unsupported(plan: Plan, registry: Registry) -> dict[str, int]:
    """Return for each estimator how many of the problems it says that it does not take."""
    found = find(plan.tasks)
    specs = {
        label: cast(EstimatorSpec, registry.get("estimators", n).spec) for label, n, _ in _estimators(plan, registry)
    }
    return {label: sum(not _takes(spec, problem) for problem in found) for label, spec in specs.items()}


def _estimators(plan: Plan, registry: Registry) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield each estimator as it was asked for, its name and its options, all of which are checked first."""
    for label in dict.fromkeys(plan.estimators):
        name, given = reference(label)
        options = {_bare(key): value for key, value in given.items()}
        for key in RESERVED:
            if key in options:
                raise ConfigError(f"{key!r} is not for an estimator of a benchmark to say; got {label!r}.")
        resolve([flat_layer("argument", {"estimator": name, **options})], registry)
        yield label, name, options


def _bare(key: str) -> str:
    """Return the key as `mistcli.estimate` takes it: `lr` for `training.lr`."""
    section, _, name = key.partition(".")
    return name if section in SECTIONS else key


def _takes(spec: EstimatorSpec, problem: Problem) -> bool:
    kinds = ((spec.x, problem.x_kind), (spec.y, problem.y_kind))
    wide = max(problem.x_dim, problem.y_dim) > 1
    return all(taken in ("any", kind) for taken, kind in kinds) and (spec.multivariate or not wide)


def _row(task: Task, done: Done, *, pooled: bool) -> Row:
    data = task.data
    problem = find_one(data["task"])
    result = dict(done.result or {})
    warnings: Sequence[str] = result.pop("warnings", ())
    return Row(
        data["label"],
        data["task"],
        data["n"],
        data["seed"],
        problem.mi,
        error=done.error,
        warnings=tuple(warnings),
        pooled=pooled and problem.suite == "random",
        **result,
    )
