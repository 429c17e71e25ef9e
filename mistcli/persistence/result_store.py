"""Results of many fits in a folder, so that a run which was stopped or killed goes on where it was.

| file          | what it is                                                            |
|---------------|-----------------------------------------------------------------------|
| run.json      | what kind of run it is, and its plan; written first, never changed    |
| results.jsonl | a line a task that has ended, appended as it ends                     |

The key of a task is a hash of all that its result depends on. A line that was cut off by a crash is skipped.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mistcli.__about__ import __version__
from mistcli.errors import ConfigError, DataError
from mistcli.executors.base import Done, Executor, Task, Work
from mistcli.text import printable
from mistcli.text.json import plain_json, to_json

__all__ = ["Progress", "Store", "complete", "fingerprint", "make_task"]

PLAN = "run.json"
RESULTS = "results.jsonl"
SCHEMA = "mist.run/1"
CHUNK = 2**20
MAX_PLAN = 16 * 2**20

Progress = Callable[[Task, Done], None]
"""Is told of a task that has ended."""


def make_task(**data: Any) -> Task:
    """Return the task with this data, its key made of the data and of the version of mist.

    Example:
        >>> make_task(estimator="js", seed=0).key == make_task(seed=0, estimator="js").key
        True
        >>> make_task(estimator="js", seed=0).key == make_task(estimator="js", seed=1).key
        False
    """
    plain = plain_json(data)
    text = json.dumps([__version__, plain], sort_keys=True, allow_nan=False)
    return Task(hashlib.sha256(text.encode()).hexdigest()[:32], plain)


def fingerprint(path: Path) -> str:
    """Return what tells the content of the file at `path` from that of any other.

    Raises:
        DataError: If it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"cannot read '{printable(str(path), 1000)}': {error.strerror}.") from error
    return digest.hexdigest()


@dataclass(frozen=True)
class Store:
    """The folder of a run; use `create` or `open`.

    Arguments:
        path: The folder.
        kind: What kind of run it is, such as "bench".
        version: The version of mist that began it.
        plan: What is to be done, as JSON knows it.
    """

    path: Path
    kind: str
    version: str
    plan: Mapping[str, Any]

    @classmethod
    def create(cls, path: Path, kind: str, plan: Mapping[str, Any]) -> Store:
        """Make the folder, and write down the plan.

        Raises:
            ConfigError: If there is something at `path`, or the folder cannot be made.
        """
        shown = _named(path)
        if (path / PLAN).is_file():
            raise ConfigError(f"'{shown}' holds a run; go on with it by `mist resume`, or name another folder.")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise ConfigError(f"'{shown}' exists; name another folder to keep the run in.")
        store = cls(path, kind, __version__, plain_json(plan))
        values = {"schema": SCHEMA, "kind": kind, "version": __version__, "plan": store.plan}
        try:
            path.mkdir(exist_ok=True)
            partial = path / f"{PLAN}.partial"
            partial.write_text(to_json(values, indent=2) + "\n", encoding="utf-8")
            partial.replace(path / PLAN)
        except OSError as error:
            raise ConfigError(f"cannot make the folder '{shown}': {error.strerror}.") from error
        return store

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open the folder of a run that was begun.

        Raises:
            DataError: If there is none, or its plan is damaged.
        """
        try:
            with (path / PLAN).open("rb") as file:
                values = json.loads(file.read(MAX_PLAN))
            if values["schema"] != SCHEMA:
                raise ValueError(f"its schema is {values['schema']!r}, and not {SCHEMA!r}")
            return cls(path, str(values["kind"]), str(values["version"]), dict(values["plan"]))
        except FileNotFoundError:
            raise DataError(f"'{_named(path)}' is not the folder of a run: it has no {PLAN}.") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(f"'{_named(path / PLAN)}' is damaged ({printable(str(error), 200)}).") from error

    def read(self) -> dict[str, Done]:
        """Return what has ended, by the key of the task; the last line of a key counts.

        Raises:
            DataError: If the file cannot be read.
        """
        try:
            with (self.path / RESULTS).open("rb") as file:
                return {done.key: done for line in file if (done := _done(line))}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise DataError(f"cannot read '{_named(self.path / RESULTS)}': {error.strerror}.") from error

    def append(self, done: Done) -> None:
        """Write down what became of a task; when this returns, it is on the disk.

        Raises:
            DataError: If it cannot be written.
        """
        try:
            with (self.path / RESULTS).open("a+b") as file:
                file.seek(0, os.SEEK_END)
                torn = file.tell() > 0 and file.seek(-1, os.SEEK_END) is not None and file.read(1) != b"\n"
                file.write((b"\n" if torn else b"") + to_json(done).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise DataError(f"cannot write '{_named(self.path / RESULTS)}': {error.strerror}.") from error


def complete(
    tasks: Sequence[Task],
    work: Work,
    executor: Executor,
    *,
    store: Store | None = None,
    retry: bool = False,
    told: Progress = lambda task, done: None,
) -> Iterator[tuple[Task, Done]]:
    """Do what is not done yet, and yield each task with what became of it, in the order of `tasks`.

    Arguments:
        tasks: The tasks.
        work: What is done with each.
        executor: Who does it.
        store: Where results are kept, and looked for; nowhere if None.
        retry: Whether tasks that have failed are to be done again.
        told: Is told of each task that ends; and first of those that had ended before.
    """
    by_key = {task.key: task for task in tasks}
    kept = store.read() if store else {}
    found = {key: kept[key] for key in by_key if key in kept and not (retry and kept[key].result is None)}
    for key, done in found.items():
        told(by_key[key], done)
    for done in executor.run(work, [task for key, task in by_key.items() if key not in found]):
        if store:
            store.append(done)
        found[done.key] = done
        told(by_key[done.key], done)
    return ((task, found[task.key]) for task in tasks)


def _done(line: bytes) -> Done | None:
    """Return what a line says; None if it was cut off."""
    try:
        values = json.loads(line)
        result = values["result"]
        return Done(
            str(values["key"]),
            dict(result) if result is not None else None,
            str(values["error"]),
            int(values["attempts"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _named(path: Path) -> str:
    return printable(str(path), limit=1000)
