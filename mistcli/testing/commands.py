"""The checks of commands and executors, which have little in common but that there is little to say of each."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click
from click.testing import CliRunner

from mistcli.executors.base import Done, Executor, Task
from mistcli.testing.check import CheckFailed, Subject, check, expect

__all__ = ["COMMANDS", "EXECUTORS", "double"]

EXECUTOR = "mistcli.executors.Executor"
COMMAND = "mistcli.plugin.CommandSpec"


@check("K01", "commands", "it has help", see=COMMAND, needs=("S01",))
def helps(subject: Subject) -> None:
    """`mist NAME --help` ends well, and says what the command is for."""
    command: click.Command = subject.target
    expect((command.help or "").strip(), "a docstring, which is the help of a command", "none")
    result = CliRunner().invoke(command, ["--help"], prog_name=f"mist {subject.spec.name}")
    expect(result.exit_code == 0, "--help to exit with 0", f"{result.exit_code}: {result.exception or result.output}")


@check("K02", "commands", "its options have help", see=COMMAND, level="recommended", needs=("S01",))
def options_help(subject: Subject) -> None:
    """Each of them."""
    options = [p for p in subject.target.params if isinstance(p, click.Option) and not p.hidden]
    lacking = [option.opts[0] for option in options if not option.help]
    expect(not lacking, "help for every option", f"none for {', '.join(lacking)}")


@check("K03", "commands", "an unknown option is a matter of usage", see=COMMAND, needs=("S01",))
def usage(subject: Subject) -> None:
    """It exits with 2, and nothing on stdout."""
    result = CliRunner().invoke(subject.target, ["--no-such-option-of-mist"])
    got = f"{result.exit_code} and {result.stdout[:200]!r} on stdout"
    expect(result.exit_code == 2 and not result.stdout, "exit code 2 and nothing on stdout from a wrong option", got)


def double(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return twice what comes, or fail where it is negative: work that any process can import."""
    if data["x"] < 0:
        raise ValueError("a negative number")
    return {"double": 2 * data["x"]}


def sleep(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Sleep for as many seconds as the data say."""
    time.sleep(data["x"])
    return {}


def _run(subject: Subject, values: list[int]) -> list[Done]:
    executor: Executor = subject.target(**subject.keywords())
    return list(executor.run(double, [Task(f"task-{i}", {"x": x}) for i, x in enumerate(values)]))


@check("X01", "executors", "it does every task once", see=EXECUTOR, needs=("S02",))
def every_task(subject: Subject) -> None:
    """In any order, and says what came of each."""
    done = _run(subject, [3, 1, 2])
    got = {item.key: item.result for item in done}
    wanted = {"task-0": {"double": 6}, "task-1": {"double": 2}, "task-2": {"double": 4}}
    expect(got == wanted and len(done) == 3, f"the results {wanted}", [(d.key, d.result, d.error) for d in done])
    expect(_run(subject, []) == [], "nothing where there is nothing to do", "something")


@check("X02", "executors", "a task that fails does not end the run", see=EXECUTOR, needs=("X01",))
def failing_task(subject: Subject) -> None:
    """It is told in words, and the others are done."""
    by_key = {item.key: item for item in _run(subject, [1, -1, 2])}
    expect(set(by_key) == {"task-0", "task-1", "task-2"}, "all three tasks", ", ".join(by_key))
    failed = by_key["task-1"]
    expect(failed.result is None and "negative" in failed.error, "no result and the error in words", repr(failed))
    expect(by_key["task-2"].result == {"double": 4}, "the task after it to be done", repr(by_key["task-2"]))


@check("X03", "executors", "it stops when nobody listens any more", see=EXECUTOR, needs=("X01",))
def closes(subject: Subject) -> None:
    """Closing the iterator ends what was begun, soon."""
    executor: Executor = subject.target(**subject.keywords())
    results = iter(executor.run(sleep, [Task("short", {"x": 0}), *(Task(f"long-{i}", {"x": 20}) for i in range(2))]))
    next(results)
    close = getattr(results, "close", None)
    if close is None:
        raise CheckFailed(f"expected run() to return a generator, which can be closed; got {type(results).__name__}")
    start = time.perf_counter()
    close()
    seconds = time.perf_counter() - start
    expect(seconds < 10, "a run that is closed to stop within 10 s", f"{seconds:.0f} s")


COMMANDS = (helps, options_help, usage)
"""The checks of commands."""

EXECUTORS = (every_task, failing_task, closes)
"""The checks of executors."""
