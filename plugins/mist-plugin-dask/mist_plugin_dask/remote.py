"""What runs on a worker of Dask."""

from __future__ import annotations

import ctypes
import importlib.metadata
import pickle
import platform
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from distributed import Worker, WorkerPlugin, get_worker

from mistcli.__about__ import __version__
from mistcli.errors import PluginError
from mistcli.executors.base import Done, Task, Work, attempt

__all__ = ["WorkPlugin", "installed", "run_batch", "stop_batches"]


class Stopped(BaseException):
    """Raised in the thread of a batch that is to stop; no Exception, so that no task takes it for a failure."""


class WorkPlugin(WorkerPlugin):
    """Holds the work of a run on a worker: it is sent once to each worker, those that join later included.

    Arguments:
        name: The name of the run.
        message: The pickled work.
        threads: The threads of each fit.
    """

    def __init__(self, name: str, message: bytes, threads: int) -> None:
        self.name, self.message, self.threads = name, message, threads
        self.running: set[int] = set()
        self._work: Work | None = None

    def setup(self, worker: Worker) -> None:
        """Do nothing: the work is unpickled when it is needed, so that an error is that of a task."""

    def work(self) -> Work:
        """Return the work."""
        if self._work is None:
            try:
                self._work = pickle.loads(self.message)  # noqa: S301 - Dask unpickles what its scheduler sends
            except Exception as error:
                raise PluginError(f"the work cannot be had on a worker ({type(error).__name__}: {error})") from error
        return self._work

    def teardown(self, worker: Worker) -> None:
        """Stop the batches of the run on this worker."""
        stop_batches(self)


def run_batch(name: str, tasks: Sequence[Task]) -> tuple[list[Done], float]:
    """Do the tasks of a batch, and return what became of each and the seconds that all took.

    Arguments:
        name: The name of the run, whose work the worker holds.
        tasks: The tasks.
    """
    plugin: WorkPlugin = get_worker().plugins[name]
    own = threading.get_ident()
    plugin.running.add(own)
    done: list[Done] = []
    began = time.perf_counter()
    try:
        work = _with_threads(plugin)
        for task in tasks:
            done.append(attempt(work, task))
    except Stopped:
        pass
    finally:
        plugin.running.discard(own)
    return done, time.perf_counter() - began


def _with_threads(plugin: WorkPlugin) -> Work:
    try:
        work = plugin.work()
    except PluginError as error:
        told = str(error)

        def complain(data: Mapping[str, Any]) -> Mapping[str, Any]:
            raise PluginError(told)

        return complain
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(plugin.threads)
    return work


def stop_batches(plugin: WorkPlugin) -> None:
    """Raise `Stopped` in each thread that is at a batch of the run, at its next line of Python."""
    for thread in tuple(plugin.running):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Stopped))


def installed(distributions: Sequence[str]) -> dict[str, str]:
    """Return the versions of this process: those of mist, of what it computes with, and of some distributions.

    Arguments:
        distributions: The names of distributions; one that is not installed has the version "".
    """
    major, minor, _ = platform.python_version_tuple()  # what is pickled is understood by all of a minor version
    found = {"python": f"{major}.{minor}", "mistcli": __version__}
    for name in ("torch", "numpy", "mist-plugin-dask", *distributions):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return found
