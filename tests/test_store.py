from __future__ import annotations

import json

import pytest

from mistcli.errors import ConfigError, DataError
from mistcli.executors import Done, Executor, Task
from mistcli.executors.serial import SerialExecutor
from mistcli.persistence.result_store import Store, complete, fingerprint, make_task


def double(data):
    if data["x"] < 0:
        raise ValueError("negative")
    return {"double": 2 * data["x"]}


class Counting(SerialExecutor):
    """Remembers what it was asked to do, and stops after some tasks."""

    def __init__(self, most=1000):
        super().__init__()
        self.most = most
        self.asked = []

    def run(self, work, tasks):
        for task in tasks[: self.most]:
            self.asked.append(task.data["x"])
            yield from super().run(work, [task])
        if len(tasks) > self.most:
            raise KeyboardInterrupt


@pytest.fixture
def store(tmp_path):
    return Store.create(tmp_path / "run", "test", {"numbers": [1, 2]})


TASKS = [make_task(x=x) for x in (3, -1, 2)]


def test_a_key_holds_all_that_matters(monkeypatch):
    assert make_task(a=1, b=(2,)).key == make_task(b=[2], a=1).key
    assert len({make_task(a=value).key for value in (1, 2, "1", None, 1.5)}) == 5
    before = make_task(a=1).key
    monkeypatch.setattr("mistcli.persistence.result_store.__version__", "99")
    assert make_task(a=1).key != before


def test_results_come_in_the_order_of_the_tasks_and_failures_are_kept(store):
    found = [
        (task.data["x"], done.result, done.error) for task, done in complete(TASKS, double, Counting(), store=store)
    ]
    assert found == [(3, {"double": 6}, ""), (-1, None, "ValueError: negative"), (2, {"double": 4}, "")]
    executor = Counting()
    list(complete(TASKS, double, executor, store=store))
    assert executor.asked == []
    list(complete(TASKS, double, executor, store=store, retry=True))
    assert executor.asked == [-1]


def test_a_run_that_was_stopped_goes_on(store):
    with pytest.raises(KeyboardInterrupt):
        complete(TASKS, double, Counting(most=1), store=store)
    executor, told = Counting(), []
    again = Store.open(store.path)
    found = complete(TASKS, double, executor, store=again, told=lambda task, done: told.append(task.data["x"]))
    assert len(list(found)) == 3
    assert executor.asked == [-1, 2]
    assert told == [3, -1, 2]


def test_a_line_that_was_cut_off_is_skipped_and_stays_alone(store):
    store.append(Done("a", {"x": 1}))
    with (store.path / "results.jsonl").open("ab") as file:
        file.write(b'{"key": "b", "resu')
    store.append(Done("c", None, "boom", 3))
    assert store.read() == {"a": Done("a", {"x": 1}), "c": Done("c", None, "boom", 3)}
    assert len((store.path / "results.jsonl").read_bytes().splitlines()) == 3


def test_numbers_that_are_not_finite_are_kept_as_null(store):
    store.append(Done("a", {"x": float("nan")}))
    assert store.read()["a"].result == {"x": None}


@pytest.mark.parametrize(
    "line", [b"[1]", b'{"key": "a"}', b"\xff\xfe", b'{"key":1,"result":3,"error":"","attempts":1}']
)
def test_lines_that_mean_nothing_are_skipped(store, line):
    (store.path / "results.jsonl").write_bytes(line + b"\n")
    store.append(Done("a", {}))
    assert list(store.read()) == ["a"]


def test_a_run_is_opened_as_it_was_created(store):
    assert Store.open(store.path) == store
    assert store.plan == {"numbers": [1, 2]}


def test_a_folder_that_holds_something_is_refused(store, tmp_path):
    with pytest.raises(ConfigError, match="holds a run; go on with it by `mist resume`"):
        Store.create(store.path, "test", {})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.txt").touch()
    with pytest.raises(ConfigError, match="exists; name another folder"):
        Store.create(tmp_path / "other", "test", {})
    with pytest.raises(ConfigError, match="cannot make the folder"):
        Store.create(tmp_path / "no" / "such", "test", {})
    (tmp_path / "empty").mkdir()
    assert Store.create(tmp_path / "empty", "test", {}).kind == "test"


@pytest.mark.parametrize(
    "text", ["{", "[]", json.dumps({"schema": "mist.run/9", "kind": "a", "version": "1", "plan": {}})]
)
def test_a_damaged_plan_is_refused(store, text):
    (store.path / "run.json").write_text(text)
    with pytest.raises(DataError, match="is damaged"):
        Store.open(store.path)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(DataError, match="is not the folder of a run: it has no"):
        Store.open(tmp_path)


def test_the_fingerprint_is_of_the_content(tmp_path):
    for name, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).write_text(text)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b") != fingerprint(tmp_path / "c")
    with pytest.raises(DataError, match="cannot read"):
        fingerprint(tmp_path / "d")


def test_an_executor_may_answer_in_any_order(store):
    class Backwards(Executor):
        def run(self, work, tasks):
            for task in reversed(tasks):
                yield Done(task.key, work(task.data))

    tasks = [Task("a", {"x": 1}), Task("b", {"x": 2})]
    assert [done.result["double"] for _, done in complete(tasks, double, Backwards(), store=store)] == [2, 4]
