"""What is special to it: schedulers that run, versions, batches, and what dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="needs Dask; `make install` installs it")

from distributed import Client, LocalCluster

import mist_plugin_dask.executor
from mist_plugin_dask.executor import DaskExecutor
from mist_plugin_dask.remote import WorkPlugin, installed
from mistcli.errors import ConfigError, PluginError
from mistcli.executors import Task, open_executor
from mistcli.plugin.registry import Registry

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def double(data):
    return {"double": 2 * data["x"], "pid": os.getpid()}


def misbehave(data):
    """Be killed, wait, or raise, as the data say."""
    if data["do"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if data["do"] == "die once" and not Path(data["mark"]).exists():
        Path(data["mark"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if data["do"] == "raise":
        raise ValueError("boom")
    if data["do"] == "wait":
        Path(data["mark"]).touch()
        try:
            for _ in range(6000):
                time.sleep(0.01)
        except BaseException:
            Path(data["mark"]).unlink()
            raise
    return {"double": 2 * data["x"]}


class Unpicklable:
    def __reduce__(self):
        raise TypeError("no")


class Elsewhere:
    """Work that only the process which sends it can make."""

    def __init__(self, pid):
        if pid != os.getpid():
            raise ImportError("no such module")
        self.pid = pid

    def __reduce__(self):
        return Broken, ()


class Broken:
    def __init__(self):
        raise ImportError("no such module")


QUIET = {"processes": False, "protocol": "tcp", "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
DOUBLES = [Task(str(x), {"x": x}) for x in range(40)]


@pytest.fixture(scope="module")
def cluster():
    """A scheduler with two workers, threads of this process."""
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    ) as cluster:
        yield cluster


@pytest.fixture
def executor(cluster):
    return DaskExecutor(scheduler=cluster.scheduler_address)


def results(executor, work, tasks):
    return {done.key: done for done in executor.run(work, tasks)}


def test_a_scheduler_that_runs_does_each_task_once_and_is_left_as_it_was(executor, cluster):
    done = list(executor.run(double, DOUBLES))
    assert sorted(int(one.key) for one in done) == list(range(40))
    assert all(one.result["double"] == 2 * int(one.key) and one.attempts == 1 for one in done)
    assert not any(isinstance(p, WorkPlugin) for worker in cluster.workers.values() for p in worker.plugins.values())
    assert not cluster.scheduler.tasks
    assert list(executor.run(double, [])) == []


def test_short_tasks_are_sent_in_batches_and_the_work_once(executor, cluster, monkeypatch):
    sent = []

    def submit(client, work, name, tasks, plain=Client.submit, **options):
        sent.append(len(tasks))
        return plain(client, work, name, tasks, **options)

    monkeypatch.setattr(Client, "submit", submit)
    loads = []
    monkeypatch.setattr(
        WorkPlugin, "work", lambda self, plain=WorkPlugin.work: (loads.append(self._work is None), plain(self))[1]
    )
    assert len(results(executor, double, DOUBLES)) == 40
    assert sum(sent) == 40
    assert max(sent) > 3
    assert sum(loads) == 2


def test_a_task_that_raises_is_told_and_ends_nothing(executor):
    done = results(executor, misbehave, [Task("bad", {"do": "raise"}), Task("good", {"do": "", "x": 1})])
    assert done["bad"].error == "ValueError: boom"
    assert done["good"].result == {"double": 2}


def test_closing_stops_what_runs_and_what_waits(executor, cluster, tmp_path):
    marks = [tmp_path / name for name in "abcd"]
    tasks = [Task("quick", {"do": "", "x": 1}), *(Task(m.name, {"do": "wait", "mark": str(m), "x": 1}) for m in marks)]
    running = executor.run(misbehave, tasks)
    assert next(running).key == "quick"
    wait_for(lambda: any(mark.exists() for mark in marks))
    running.close()
    wait_for(lambda: not any(mark.exists() for mark in marks))
    wait_for(lambda: not cluster.scheduler.tasks)
    assert results(executor, double, DOUBLES[:2])["1"].result["double"] == 2


def wait_for(true, seconds=20):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_work_that_workers_cannot_have_is_told_of_each_task(executor):
    done = results(executor, Elsewhere(os.getpid()), DOUBLES[:2])
    assert [one.error for one in done.values()] == [
        "the work cannot be had on a worker (ImportError: no such module)"
    ] * 2
    with pytest.raises(ConfigError, match=r"cannot go to another process \(TypeError: no\); use the executor serial"):
        list(executor.run(Unpicklable(), DOUBLES))


@pytest.mark.parametrize(
    ("name", "version", "sentence"),
    [
        ("torch", "1.0", r"worker tcp://\S+ has torch \S+, and here it is 1.0; install that there"),
        ("mist-plugin-foo", "0.3", "worker tcp://\\S+ lacks mist-plugin-foo, and here it is 0.3; install that there"),
    ],
)
def test_a_worker_of_other_versions_or_without_a_plugin_is_named(executor, monkeypatch, name, version, sentence):
    main = threading.get_ident()

    def other(distributions):
        here = threading.get_ident() == main
        return {**installed(distributions), name: version if here else installed([name])[name]}

    monkeypatch.setattr(mist_plugin_dask.executor, "installed", other)
    with pytest.raises(ConfigError, match=sentence):
        list(executor.run(double, DOUBLES))


def test_a_scheduler_that_does_not_answer_is_one_sentence():
    began = time.monotonic()
    with pytest.raises(ConfigError, match=r"no scheduler of Dask answers at 'tcp://127\.0\.0\.1:9' within 1 s"):
        list(DaskExecutor(scheduler="tcp://127.0.0.1:9", timeout=1).run(double, DOUBLES))
    assert time.monotonic() - began < 10
    with pytest.raises(ConfigError, match="no scheduler of Dask answers at 'nonsense://x'"):
        list(DaskExecutor(scheduler="nonsense://x", timeout=1).run(double, DOUBLES))
    with pytest.raises(ConfigError, match=r"expected either workers, of a cluster on this machine, or a scheduler"):
        DaskExecutor(workers=2, scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_without_workers_is_told():
    with (
        LocalCluster(n_workers=0, **QUIET) as empty,
        pytest.raises(ConfigError, match="has no worker; start some with `dask worker`"),
    ):
        list(DaskExecutor(scheduler=empty.scheduler_address, timeout=0.5).run(double, DOUBLES))


def test_a_scheduler_that_goes_away_ends_the_run(tmp_path):
    cluster = LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
    )
    running = DaskExecutor(scheduler=cluster.scheduler_address, timeout=2).run(
        misbehave,
        [Task("quick", {"do": "", "x": 1}), Task("slow", {"do": "wait", "mark": str(tmp_path / "a"), "x": 1})],
    )
    assert next(running).result == {"double": 2}
    threading.Timer(0.5, cluster.close).start()
    with pytest.raises(PluginError, match="the scheduler of Dask"):
        next(running)


def test_a_killed_worker_costs_only_its_own_task(tmp_path):
    tasks = [
        Task("always", {"do": "die", "x": 1}),
        Task("once", {"do": "die once", "mark": str(tmp_path / "once"), "x": 2}),
        *(Task(str(x), {"do": "", "x": x}) for x in range(4)),
    ]
    done = results(DaskExecutor(workers=2, attempts=2), misbehave, tasks)
    assert done["always"].error == "its worker died at each of 2 attempts"
    assert (done["once"].result, done["once"].attempts) == ({"double": 4}, 2)
    assert all(done[str(x)].result == {"double": 2 * x} for x in range(4))


def test_a_cluster_on_this_machine_is_gone_with_the_run():
    running = DaskExecutor(workers=8).run(double, DOUBLES[:2])
    pids = {one.result["pid"] for one in running}
    assert 1 <= len(pids) <= 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_options_reach_it():
    registry = Registry(plugins=(__import__("mist_plugin_dask"),), discover=False)
    opened = open_executor("dask:scheduler=tcp://host:8786", registry)
    assert opened._scheduler == "tcp://host:8786"
    with pytest.raises(ConfigError, match="1024"):
        open_executor("dask:workers=1000000000", registry)
