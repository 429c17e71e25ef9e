from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import executor_tasks
import pytest
import torch

from mistcli.errors import ConfigError, PluginError, UnknownNameError
from mistcli.executors import Task, open_executor, process
from mistcli.executors.process import ProcessExecutor
from mistcli.executors.serial import SerialExecutor
from mistcli.plugin import ExecutorSpec, hookimpl
from mistcli.plugin.registry import Registry

DOUBLES = [Task(str(x), {"x": x}) for x in range(6)]
BOTH = pytest.mark.parametrize("executor", [SerialExecutor(), ProcessExecutor(workers=2)], ids=["serial", "process"])


def results(executor, work, tasks):
    return {done.key: done for done in executor.run(work, tasks)}


@BOTH
def test_each_task_is_done_once(executor):
    done = list(executor.run(executor_tasks.double, DOUBLES))
    assert sorted(one.key for one in done) == [task.key for task in DOUBLES]
    assert all(one.result["double"] == 2 * int(one.key) and one.attempts == 1 for one in done)
    assert list(executor.run(executor_tasks.double, [])) == []


@BOTH
def test_what_a_task_raises_is_its_failure(executor, capfd):
    tasks = [Task(do, {"do": do, "x": 1}) for do in ("raise", "exit", "print", "double")]
    done = results(executor, executor_tasks.misbehave, tasks)
    assert done["raise"].error == "ValueError: boom"
    assert done["exit"].error == "SystemExit: 3"
    assert done["raise"].result is None
    assert done["double"].result == {"double": 2}
    assert capfd.readouterr().out == ""


def test_processes_are_kept_and_are_not_this_one():
    done = results(ProcessExecutor(workers=2), executor_tasks.double, DOUBLES)
    pids = {one.result["pid"] for one in done.values()}
    assert len(pids) <= 2
    assert os.getpid() not in pids


def test_there_are_never_more_workers_than_tasks(monkeypatch):
    started = []
    plain = process._Worker.__init__

    def counted(worker, *arguments):
        started.append(worker)
        plain(worker, *arguments)

    monkeypatch.setattr(process._Worker, "__init__", counted)
    assert len(results(ProcessExecutor(workers=1000), executor_tasks.double, DOUBLES[:2])) == 2
    assert len(started) == 2


@pytest.mark.parametrize("text", ["process:workers=1000000000", "process:threads=100000", "serial:threads=100000"])
def test_more_workers_or_threads_than_a_machine_has_are_refused(text):
    with pytest.raises(ConfigError, match="1024"):
        open_executor(text, Registry(discover=False))


def test_a_worker_has_the_threads_it_is_given_and_this_process_keeps_its_own():
    before, omp = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
    (done,) = ProcessExecutor(workers=1, threads=1).run(executor_tasks.environment, [Task("a", {})])
    assert done.result == {"omp": "1", "threads": 1}
    torch.set_num_threads(2)
    (done,) = SerialExecutor(threads=1).run(executor_tasks.environment, [Task("a", {})])
    assert done.result["threads"] == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    assert os.environ.get("OMP_NUM_THREADS") == omp


def test_a_killed_worker_costs_only_its_own_task(tmp_path):
    tasks = [
        Task("always", {"do": "die", "x": 1}),
        Task("once", {"do": "die once", "mark": str(tmp_path / "once"), "x": 2}),
        *(Task(str(x), {"do": "double", "x": x}) for x in range(4)),
    ]
    done = results(ProcessExecutor(workers=2), executor_tasks.misbehave, tasks)
    assert done["always"].result is None
    assert done["always"].attempts == 3
    assert done["always"].error == "its process died, with exit code -9, at each of 3 attempts"
    assert done["once"].result == {"double": 4}
    assert done["once"].attempts == 2
    assert all(done[str(x)].result == {"double": 2 * x} and done[str(x)].attempts == 1 for x in range(4))


def test_a_task_that_hangs_is_given_up(tmp_path):
    tasks = [Task("slow", {"do": "sleep", "mark": str(tmp_path / "a"), "x": 1}), Task("quick", {"do": "", "x": 1})]
    done = results(ProcessExecutor(workers=1, timeout=3), executor_tasks.misbehave, tasks)
    assert done["slow"].error == "it took more than 3 seconds"
    assert done["quick"].result == {"double": 2}


def test_closing_ends_the_workers():
    running = ProcessExecutor(workers=1).run(executor_tasks.double, DOUBLES)
    pid = next(running).result["pid"]
    running.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


RUN = """
import executor_tasks
from mistcli.executors import Task
from mistcli.executors.process import ProcessExecutor
if __name__ == "__main__":
    tasks = [Task(mark, {"do": "sleep", "mark": mark, "x": 1}) for mark in ("a", "b")]
    list(ProcessExecutor(workers=2).run(executor_tasks.misbehave, tasks))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_no_worker_outlives_the_run(tmp_path, number):
    (tmp_path / "run.py").write_text(RUN)
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    run = subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "a").exists() or not (tmp_path / "b").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if number == signal.SIGINT:
        os.killpg(run.pid, number)  # as a terminal does it: to the workers too
    else:
        run.send_signal(number)
    _, told = run.communicate(timeout=20)  # ends only when nobody holds the other end of stderr
    assert run.returncode == (-2 if number == signal.SIGINT else -9)
    assert told.count("KeyboardInterrupt") <= 1


def test_work_that_cannot_go_elsewhere_is_refused():
    with pytest.raises(ConfigError, match=r"cannot go to another process \(TypeError: no\); use the executor serial"):
        list(ProcessExecutor(workers=1).run(executor_tasks.Unpicklable(), DOUBLES))


class Wrong:
    """A plugin whose executor is none."""

    @hookimpl
    def mist_executors(self):
        yield ExecutorSpec("wrong", "executor_tasks:double", "Not an executor.")


def test_executors_are_found_by_name():
    registry = Registry(discover=False, plugins=[Wrong()])
    assert isinstance(open_executor("serial", registry), SerialExecutor)
    assert isinstance(open_executor("process:workers=3,timeout=5", registry), ProcessExecutor)
    with pytest.raises(UnknownNameError, match="proces"):
        open_executor("proces", registry)
    with pytest.raises(ConfigError, match="'worker' is not an option of executor 'process'"):
        open_executor("process:worker=3", registry)
    with pytest.raises(PluginError, match="is no Executor"):
        open_executor("wrong", registry)
