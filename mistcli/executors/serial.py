"""One task after the other, in this process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from mistcli.executors.base import Done, Executor, Task, Work, attempt

__all__ = ["SerialExecutor"]


class SerialExecutor(Executor):
    """Runs one task after the other, in this process.

    Arguments:
        threads: The threads that torch uses meanwhile; as in a worker of `process`, so that results are the same.

    Example:
        >>> tasks = [Task("a", {"x": 1}), Task("b", {"x": 2})]
        >>> [done.result["double"] for done in SerialExecutor().run(lambda data: {"double": 2 * data["x"]}, tasks)]
        [2, 4]
    """

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what became of each task, in order."""
        for task in tasks:
            with _threads(self._threads):
                done = attempt(work, task)
            yield done


@contextlib.contextmanager
def _threads(number: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
