"""What executors are: they run many independent tasks, and nothing that a task does can end the run."""

from __future__ import annotations

import contextlib
import pickle
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mistcli.errors import ConfigError, MistError, PluginError
from mistcli.plugin.options import fields, parse, reference

if TYPE_CHECKING:
    from mistcli.plugin.registry import Registry

__all__ = ["Done", "Executor", "Task", "Work", "attempt", "open_executor", "pickled"]

Work: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""What is done with the data of a task; it must be possible to pickle it if the executor is another process."""


@dataclass(frozen=True)
class Task:
    """Something to be done, as plain data.

    Arguments:
        key: What tells it from all other tasks.
        data: What the work needs to know, as JSON knows it; a seed too, so that it does not matter who does it.
    """

    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """What became of a task.

    Arguments:
        key: The key of the task.
        result: What the work returned, as JSON knows it; None where it failed.
        error: Why it failed, in words; empty where it did not.
        attempts: How often it was begun.
    """

    key: str
    result: Mapping[str, Any] | None
    error: str = ""
    attempts: int = 1


class Executor(ABC):
    """The base of all executors. Its options reach the constructor as keyword arguments."""

    @abstractmethod
    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what became of each task, as it ends, in any order; each task once, failed or not.

        When the iterator is closed, by an interrupt for example, nothing that it began goes on.
        """


def attempt(work: Work, task: Task) -> Done:
    """Do the work of one task; whatever it raises is its failure, and what it prints goes to stderr.

    Example:
        >>> attempt(lambda data: {"double": 2 * data["x"]}, Task("a", {"x": 2})).result
        {'double': 4}
        >>> attempt(lambda data: data["x"], Task("b", {})).error
        "KeyError: 'x'"
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return Done(task.key, work(task.data))
    except MistError as error:
        return Done(task.key, None, str(error))
    except (Exception, SystemExit) as error:
        return Done(task.key, None, f"{type(error).__name__}: {error}")


def open_executor(text: str, registry: Registry) -> Executor:
    """Return the executor that `text` names, as `NAME` or `NAME:key=value`.

    Raises:
        ConfigError: If the name or an option is wrong.
        PluginError: If it cannot be loaded, or fails to start.
    """
    name, given = reference(text)
    entry = registry.get("executors", name)
    options = parse(entry.spec.options, given, owner=f"executor {name!r}")
    target = registry.load(entry)
    if not (isinstance(target, type) and issubclass(target, Executor)):
        raise PluginError(
            f"executor {name!r} of plugin {entry.distribution} is no Executor of mistcli.executors: use another."
        )
    try:
        return target(**{item.name: getattr(options, item.name) for item in fields(entry.spec.options)})
    except MistError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"executor {name!r} cannot start: {type(error).__name__}: {error}; use another or mend it."
        ) from error


def pickled(work: Work) -> bytes:
    """Return the work as bytes for another process.

    Raises:
        ConfigError: If it cannot be pickled.
    """
    try:
        return pickle.dumps(work)
    except MistError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the work cannot go to another process ({type(error).__name__}: {error}); use the executor serial."
        ) from error
