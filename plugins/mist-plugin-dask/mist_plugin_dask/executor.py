"""Tasks on a cluster of Dask, in batches of about a second."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from typing import Any

from distributed import Client, Future, KilledWorker, LocalCluster, as_completed

from mist_plugin_dask.remote import WorkPlugin, installed, run_batch
from mistcli.errors import ConfigError, PluginError
from mistcli.executors.base import Done, Executor, Task, Work, pickled

__all__ = ["DaskExecutor"]

MOST_BATCH = 1000
"""The most tasks of a batch: those of a worker that dies are all done again."""

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class DaskExecutor(Executor):
    """Runs tasks on the workers of a Dask cluster.

    The work is sent once to each worker, and tasks in batches that take about as long as `batch` says; a worker has one
    batch at a time, so that a worker that dies costs the tasks of its batch only. They are done again one by one.

    Arguments:
        workers: The processes of a cluster on this machine; 0 for one a core. Never more than there are tasks.
        scheduler: The address of a scheduler that runs; none makes a cluster on this machine.
        threads: The threads of each fit.
        attempts: How often a task is begun before it is given up, where its worker dies.
        batch: The seconds of work that are sent at once.
        timeout: The seconds in which a scheduler has to answer.

    Raises:
        ConfigError: If both `workers` and `scheduler` are given.
    """

    def __init__(
        self,
        *,
        workers: int = 0,
        scheduler: str = "",
        threads: int = 1,
        attempts: int = 3,
        batch: float = 1.0,
        timeout: float = 5.0,
    ) -> None:
        if workers and scheduler:
            raise ConfigError("expected either workers, of a cluster on this machine, or a scheduler; got both.")
        self._workers, self._scheduler, self._threads = workers or os.cpu_count() or 1, scheduler, threads
        self._attempts, self._batch, self._timeout = attempts, batch, timeout

    def run(self, work: Work, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what became of each task, as batches end.

        Raises:
            ConfigError: If the scheduler does not answer, a worker has other versions or lacks a plugin, or the work
                cannot be sent.
            PluginError: If the scheduler goes away.
        """
        if not tasks:
            return
        message = pickled(work)
        with contextlib.ExitStack() as stack:
            client = stack.enter_context(self._connected(len(tasks)))
            _check_workers(client, work)
            run = _Run(client, f"mist-{uuid.uuid4().hex}", self._batch, self._attempts)
            stack.callback(run.stop)
            client.register_plugin(WorkPlugin(run.name, message, self._threads), name=run.name)
            yield from run.results(tasks)

    @contextlib.contextmanager
    def _connected(self, tasks: int) -> Iterator[Client]:
        """Connect to the scheduler, or start a cluster on this machine that ends with the run."""
        with contextlib.ExitStack() as stack:
            address: Any = self._scheduler
            if not address:
                address = stack.enter_context(self._local(min(self._workers, tasks)))
            try:
                client = Client(address, timeout=self._timeout, set_as_default=False)
            except (OSError, ValueError, TypeError) as error:
                raise ConfigError(
                    f"no scheduler of Dask answers at {self._scheduler!r} within {self._timeout:g} s "
                    f"({type(error).__name__}); start one with `dask scheduler`, or leave scheduler out."
                ) from None
            stack.callback(client.close, timeout=2)
            try:
                client.wait_for_workers(1, timeout=self._timeout)
            except TimeoutError:
                raise ConfigError(
                    f"the scheduler at {self._scheduler!r} has no worker; start some with `dask worker`."
                ) from None
            yield client

    @contextlib.contextmanager
    def _local(self, workers: int) -> Iterator[LocalCluster]:
        with _uninterrupted():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                scheduler_kwargs={"allowed_failures": 0},
                env=dict.fromkeys(THREADS, str(self._threads)),
            )
        try:
            yield cluster
        finally:
            cluster.close(timeout=5)


@dataclass(frozen=True)
class _Try:
    """A task, and how often it has been begun, this time included."""

    task: Task
    number: int = 1


class _Run:
    """Batches of tasks that are on their way."""

    def __init__(self, client: Client, name: str, seconds: float, attempts: int) -> None:
        self.name = name
        self._client, self._seconds, self._attempts = client, seconds, attempts
        self._sent: dict[Future, list[_Try]] = {}
        self._mean = 0.0

    def results(self, tasks: Sequence[Task]) -> Iterator[Done]:
        """Yield what became of each task."""
        waiting = deque(map(_Try, tasks))
        ended = as_completed(loop=self._client.loop)
        while waiting or self._sent:
            places = max(1, sum(self._client.nthreads().values())) if self._answers() else 0
            while waiting and len(self._sent) < places:
                ended.add(self._send(waiting, places))
            future = next(ended)
            yield from self._taken(future, self._sent.pop(future), waiting)

    def stop(self) -> None:
        """Stop all batches on all workers, and forget the work there."""
        with contextlib.suppress(Exception):  # a cluster that is gone has nothing left to stop
            self._client.cancel(list(self._sent), force=True)
            self._client.unregister_worker_plugin(self.name)

    def _answers(self) -> bool:
        if self._client.status == "running":
            return True
        raise PluginError("the scheduler of Dask no longer answers: start it again, and go on with what is left.")

    def _send(self, waiting: deque[_Try], places: int) -> Future:
        """Send a batch: tasks that take about a second, a single one where one has cost a worker before."""
        size = 1
        if self._mean and waiting[0].number == 1:
            share = -(-len(waiting) // (2 * places))
            size = max(1, min(int(self._seconds / self._mean), share, MOST_BATCH))
        batch = [waiting.popleft()]
        while waiting and len(batch) < size and waiting[0].number == 1:
            batch.append(waiting.popleft())
        future = self._client.submit(run_batch, self.name, [one.task for one in batch], pure=False)
        self._sent[future] = batch
        return future

    def _taken(self, future: Future, batch: list[_Try], waiting: deque[_Try]) -> Iterator[Done]:
        """Yield what a batch has to say; tasks whose worker has died wait again, each in a batch of its own."""
        if future.status == "finished":
            done, seconds = future.result()
            self._mean = max(seconds / max(1, len(done)), 1e-4)
            yield from (replace(one, attempts=tried.number) for one, tried in zip(done, batch, strict=False))
            return
        if future.status == "cancelled":
            raise PluginError("the scheduler of Dask has gone away: start it again, and go on with what is left.")
        error = future.exception()
        for one in batch:
            if not isinstance(error, KilledWorker):
                yield Done(one.task.key, None, f"{type(error).__name__}: {error}", one.number)
            elif len(batch) == 1 and one.number >= self._attempts:
                yield Done(one.task.key, None, f"its worker died at each of {one.number} attempts", one.number)
            else:
                waiting.append(replace(one, number=one.number + 1))


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Block SIGINT in the threads and processes that start meanwhile: Ctrl-C is for this process, which ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it unblocks SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_workers(client: Client, work: Work) -> None:
    """Refuse workers that would not do what this process does.

    Raises:
        ConfigError: If a worker has another version of something, or lacks a plugin.
    """
    registry = getattr(work, "registry", None)
    plugins = (
        ()
        if registry is None
        else tuple(one.distribution for one in registry.plugins if one.distribution != "mistcli" and one.provides)
    )
    own = installed(plugins)
    for worker, found in client.run(installed, plugins, on_error="return").items():
        if not isinstance(found, Mapping):
            raise ConfigError(
                f"worker {worker} cannot run mist ({type(found).__name__}: {found}); install mistcli and "
                "mist-plugin-dask there, in the versions of this machine."
            )
        for name, version in own.items():
            if found[name] != version:
                has = f"has {name} {found[name]}" if found[name] else f"lacks {name}"
                raise ConfigError(f"worker {worker} {has}, and here it is {version}; install that there.")
