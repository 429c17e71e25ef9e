"""Tasks in several processes of this machine, any of which may die without harm to more than its own task.

The pool of `concurrent.futures` breaks as a whole when one of its processes dies, and does not say which task was to
blame. So each worker here has a pipe of its own: the death of a worker is the end of its pipe.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from mistcli.errors import PluginError
from mistcli.executors.base import Done, Executor, Task, Work, attempt, pickled

__all__ = ["ProcessExecutor"]

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class ProcessExecutor(Executor):
    """Runs tasks in several fresh processes of this machine.

    A task whose worker dies is begun anew in another; the tasks of the other workers go on.

    Arguments:
        workers: The most processes; 0 for one a core. Never more are started than there are tasks.
        threads: The threads that each of them uses.
        attempts: How often a task is begun before it is given up, where its worker dies.
        timeout: The seconds after which a task is given up and its worker killed, its start included; None for never.
    """

    def __init__(self, *, workers: int = 0, threads: int = 1, attempts: int = 3, timeout: float | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._threads = threads
        self._attempts = attempts
        self._timeout = timeout

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what became of each task, as it ends.

        Raises:
            ConfigError: If the work cannot go to another process.
        """
        message = pickled(work)
        waiting = deque(_Try(task) for task in tasks)
        workers: list[_Worker] = []
        try:
            while waiting or workers:
                idle = sum(worker.current is None for worker in workers)
                while idle < len(waiting) and len(workers) < self._workers:
                    workers.append(_Worker(message, self._threads))
                    idle += 1
                for worker in workers:
                    if worker.current is None and waiting:
                        worker.give(waiting.popleft(), self._timeout)
                for worker in _ready(workers):
                    yield from self._taken(worker, waiting)
                    if not worker.alive or not waiting:
                        worker.kill()
                        workers.remove(worker)
        finally:
            for worker in workers:
                worker.kill()

    def _taken(self, worker: _Worker, waiting: deque[_Try]) -> Iterator[Done]:
        """Yield what a worker has to say of its task; one that has died says nothing, and its task waits again."""
        current = worker.current
        if current is None:
            return
        done = worker.take()
        if done is not None:
            yield replace(done, attempts=current.number)
        elif worker.late:
            yield Done(current.task.key, None, f"it took more than {self._timeout:g} seconds", current.number)
        elif current.number < self._attempts:
            waiting.append(replace(current, number=current.number + 1))
        else:
            told = f"its process died, with exit code {worker.exit_code()}, at each of {current.number} attempts"
            yield Done(current.task.key, None, told, current.number)


@dataclass(frozen=True)
class _Try:
    """A task, and how often it has been begun, this time included."""

    task: Task
    number: int = 1


class _Worker:
    """A process, the pipe to it, and the task that it is at."""

    def __init__(self, message: bytes, threads: int) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, threads), daemon=True)
        with _uninterrupted():
            self._process.start()
        other.close()
        self.current: _Try | None = None
        self.alive = True
        self._deadline = float("inf")
        with contextlib.suppress(OSError):  # a worker that has died is found out when its answer is waited for
            self._pipe.send_bytes(message)

    @property
    def pipe(self) -> Connection:
        return self._pipe

    @property
    def left(self) -> float:
        """The seconds that its task has left."""
        return self._deadline - time.monotonic()

    @property
    def late(self) -> bool:
        return self.left <= 0

    def give(self, current: _Try, timeout: float | None) -> None:
        self.current = current
        self._deadline = float("inf") if timeout is None else time.monotonic() + timeout
        with contextlib.suppress(OSError):
            self._pipe.send(current.task)

    def take(self) -> Done | None:
        """Return what became of its task; None where it has died, or is late and dies now."""
        try:
            if self._pipe.poll():
                self.current, done = None, self._pipe.recv()
                return done if isinstance(done, Done) else None
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
        self.alive = False
        return None

    def exit_code(self) -> int | None:
        self._process.join(5)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _ready(workers: Sequence[_Worker]) -> list[_Worker]:
    """Wait until a worker has something to say, has died or is late, and return those; the idle ones too."""
    busy = {worker.pipe: worker for worker in workers if worker.current is not None}
    left = min((worker.left for worker in busy.values()), default=0.0)
    spoken = wait(list(busy), None if left == float("inf") else max(0.0, left))
    idle = [worker for worker in workers if worker.current is None]
    return idle + [worker for pipe, worker in busy.items() if pipe in spoken or worker.late]


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold back SIGINT: a process started here never gets it, and it is for this one to end the other."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(pipe: Connection, threads: int) -> None:
    """Do the tasks that come through `pipe`, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    os.environ.update(dict.fromkeys(THREADS, str(threads)))  # before anything that reads them is imported
    work = _received(pipe)
    if "torch" in sys.modules:  # the program that began the run has imported it in this process as well
        sys.modules["torch"].set_num_threads(threads)
    with contextlib.suppress(EOFError, OSError):
        while True:
            pipe.send(attempt(work, pipe.recv()))


def _received(pipe: Connection) -> Work:
    """Return the work; where it cannot be had in this process, work that says why."""
    try:
        work: Work = pipe.recv()
        return work
    except Exception as error:
        told = f"the work cannot be had in another process ({type(error).__name__}: {error})"

    def complain(data: Mapping[str, Any]) -> Mapping[str, Any]:
        raise PluginError(told)

    return complain


def _follow() -> None:
    """End this process with the one that started it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
