"""What wandb wrote is read back from the folder of the run, record by record."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from wandb.proto.wandb_internal_pb2 import Record

import mist_plugin_wandb
from mist_plugin_wandb.logger import WandbLogger
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Saved, Warned

PARAMETERS = {
    "seed": 3,
    "critic": None,
    "estimator": {"name": "js", "options": {"neg_samples": 16, "hidden_dims": [32, 32]}},
    "loggers": [{"name": "mlflow", "options": {"uri": "http://me:secret@host"}}],
}
RESULT = {"mi": 0.82, "stderr": 0.01, "interval": {"level": 0.95, "low": 0.8, "high": 0.84}, "units": "nats"}
BLOCK, HEADER = 32768, 7


@dataclass(frozen=True)
class FromTheFuture(Event):
    kind: ClassVar[str] = "from_the_future"


def events(saved):
    return (
        RunStarted("js-1", PARAMETERS, 100, 1000),
        Evaluated(0, 0.0, "valid", {"loss": 1.5, "mi": 0.0}, {"loss": (1.0, 2.0), "mi": (0.0, 0.0)}),
        Evaluated(50, 1.5, "valid", {"mi": 0.7}, {"mi": (0.6, 0.8)}),
        Evaluated(10, 0.5, "valid", {"mi": 0.4}, {"mi": (0.3, 0.5)}),
        Warned("Too <b>few</b> rows."),
        Saved(str(saved), "result"),
        RunFinished("success", RESULT),
    )


def records(run):
    """The records of a run, from its log of blocks (LevelDB's format, after a header of its own)."""
    content = next(Path(run).glob("*.wandb")).read_bytes()
    assert content[:4] == b":W&B"
    place, parts = HEADER, b""
    while place + HEADER <= len(content):
        left = BLOCK - place % BLOCK
        if left < HEADER:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + HEADER : place + HEADER + length]
        place += HEADER + length
        if kind in (1, 4):
            yield Record.FromString(parts)
            parts = b""


@dataclass(frozen=True)
class Read:
    name: str
    config: dict
    history: list
    summary: dict
    exit_code: int | None


def read(run):
    found = list(records(run))
    config = {item.key: json.loads(item.value_json) for r in found for item in r.run.config.update}
    history = [{_key(i): json.loads(i.value_json) for i in r.history.item} for r in found if r.history.item]
    summary = {}
    for record in found:
        summary |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
    exits = [record.exit.exit_code for record in found if record.HasField("exit")]
    names = [record.run.display_name for record in found if record.HasField("run")]
    return Read(names[0], config, history, summary, exits[0] if exits else None)


def _key(item):
    return item.key or ".".join(item.nested_key)


def log(folder, told, **options):
    logger = WandbLogger(dir=str(folder), **options)
    try:
        for event in told:
            logger.emit(event)
    finally:
        logger.close()
        logger.close()
    return only_run(folder)


def only_run(folder):
    (found,) = (Path(folder) / "wandb").glob("offline-run-*")
    return found


def services(owner=None):
    """The services that a process has started, this one by default."""
    listed = subprocess.run(["ps", "-wweo", "pid,args"], capture_output=True, text=True, check=True).stdout
    started = re.compile(rf"wandb-core .*--pid {owner or os.getpid()}\b")
    return [int(line.split()[0]) for line in listed.splitlines() if started.search(line)]


@pytest.fixture(autouse=True)
def _at_home(tmp_path, monkeypatch):
    """No key and no settings of this machine's user."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def silent_server():
    """The address of a server that nobody may talk to, and those who did."""
    callers = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen():
            with contextlib.suppress(OSError):
                while True:
                    connection, address = server.accept()
                    callers.append(address)
                    connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", callers
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    saved = folder / "result.json"
    saved.write_text('{"mi": 0.82}')
    return log(folder, events(saved))


def test_parameters_are_read_back(kept):
    config = read(kept).config
    assert config["seed"] == 3
    assert config["estimator.name"] == "js"
    assert config["estimator.options.hidden_dims"] == "[32, 32]"
    assert "secret" not in str(config)


def test_measured_values_are_read_back_though_steps_go_back(kept):
    found = read(kept)
    assert found.name == "js-1"
    assert [(row["step"], row["mi/valid"]) for row in found.history] == [(0, 0.0), (50, 0.7), (10, 0.4)]
    assert found.history[0]["loss/valid/fit_1"] == 2.0


def test_the_result_is_read_back(kept):
    found = read(kept)
    assert {name: found.summary[name] for name in ("result/mi", "result/stderr", "result/low", "result/high")} == {
        "result/mi": 0.82,
        "result/stderr": 0.01,
        "result/low": 0.8,
        "result/high": 0.84,
    }
    assert found.summary["status"] == "success"
    assert found.summary["warnings"] == ["Too <b>few</b> rows."]
    assert found.exit_code == 0
    assert json.loads((kept / "files" / "result.json").read_text()) == RESULT


def test_files_are_copies_which_a_later_sync_will_send(kept):
    copied = kept / "files" / "run" / "result.json"
    assert json.loads(copied.read_text()) == {"mi": 0.82}
    assert not copied.is_symlink()
    sent = {item.path for record in records(kept) for item in record.files.files}
    assert {"run/result.json", "result.json"} <= sent


def test_the_mean_alone(tmp_path):
    history = read(log(tmp_path, events(tmp_path / "none"), per_fit=False)).history
    assert "mi/valid" in history[0]
    assert not [name for row in history for name in row if "fit_" in name]


def test_a_run_that_fails(tmp_path):
    told = (RunStarted("js-1", {}, 0, 10), FromTheFuture(), RunFinished("failed", {}, "It diverged."))
    found = read(log(tmp_path, told))
    assert (found.exit_code, found.summary["status"], found.summary["error"]) == (1, "failed", "It diverged.")


def test_a_run_without_an_end_is_no_success(tmp_path):
    assert read(log(tmp_path, [RunStarted("js-1", {}, 0, 10)])).exit_code == 1


def test_nothing_of_it_stays_behind(tmp_path):
    before = (
        sys.exit,
        sys.excepthook,
        dict(os.environ),
        [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
    )
    threads = set(threading.enumerate())
    log(tmp_path, events(tmp_path / "none"))
    after = (sys.exit, sys.excepthook, dict(os.environ), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)])
    assert after == before
    assert not services()
    assert set(threading.enumerate()) <= threads


def test_a_place_that_cannot_be_written_is_the_callers_to_report(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        log(tmp_path / "taken", events(tmp_path / "none"))


def test_listing_it_imports_nothing_heavy():
    code = "import sys, mist_plugin_wandb as m; list(m.mist_loggers()); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"wandb", "torch", "numpy", "google.protobuf"} & set(run.stdout.split())


def test_it_is_installed_under_the_group_of_mist():
    found = [e for e in importlib.metadata.entry_points(group="mist") if e.name == "wandb"]
    assert [e.load() for e in found] == [mist_plugin_wandb]
    assert [spec.name for spec in mist_plugin_wandb.mist_loggers()] == ["wandb"]


def command(tmp_path, *flags):
    draw = random.Random(0)
    pairs = ((draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(300))
    rows = "".join(f"{a},{a + noise}\n" for a, noise in pairs)
    (tmp_path / "data.csv").write_text("a,b\n" + rows)
    return [sys.executable, "-m", "mistcli", "estimate", "data.csv", "--x", "a", "--y", "b", "-e", "js", *flags]


def environment(**changes):
    return {name: value for name, value in os.environ.items() if not name.startswith("MIST_")} | changes


def test_a_real_run_beside_another_logger_without_key_or_network(tmp_path, silent_server):
    address, callers = silent_server
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), address)
    flags = ["--max-steps", "20", "--folds", "2", "--json", "--out", "out", "--logger", "wandb", "--logger", "jsonl"]
    env = environment(WANDB_BASE_URL=address, NO_PROXY="", no_proxy="", **proxies)
    run = subprocess.run(command(tmp_path, *flags), cwd=tmp_path, env=env, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")
    result = json.loads(run.stdout)
    found = read(only_run(tmp_path))
    assert found.summary["result/mi"] == result["mi"]
    assert found.config["training.max_steps"] == 20
    assert {"loss/train", "mi/valid", "mi/valid/fit_1"} <= {name for row in found.history for name in row}
    copied = {path.name for path in (only_run(tmp_path) / "files" / "run").iterdir()}
    assert copied == {path.name for path in (tmp_path / "out").iterdir()}
    assert '"run_finished"' in (tmp_path / "mist.jsonl").read_text()
    assert not callers


@contextlib.contextmanager
def started(tmp_path, *flags):
    """A real run that has begun, with its service."""
    run = subprocess.Popen(
        command(tmp_path, "--patience", "0", "--json", "--logger", "wandb", *flags),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("wandb/offline-run-*/*.wandb")) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        yield run
    finally:
        run.kill()
        run.communicate()


def test_ctrl_c_ends_run_and_service(tmp_path):
    with started(tmp_path, "--max-steps", "100000") as run:
        assert services(run.pid)
        os.killpg(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert json.loads(out)["complete"] is False
    found = read(only_run(tmp_path))
    assert (found.summary["status"], found.exit_code) == ("interrupted", 1)
    assert not services(run.pid)


def test_a_service_that_dies_costs_a_line(tmp_path):
    with started(tmp_path, "--max-steps", "15000", "--folds", "2", "-o", "hidden_dims=8") as run:
        (service,) = services(run.pid)
        os.kill(service, signal.SIGKILL)
        out, err = run.communicate(timeout=60)
    assert run.returncode == 0, err
    assert json.loads(out)["complete"] is True
    assert err.count("logger 'wandb' failed and is switched off") == 1
    assert err.count("\n") == 1, err


def test_a_server_that_is_not_there_costs_its_timeout_and_a_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    logger = "wandb:mode=online,timeout=1"
    flags = ["--max-steps", "20", "--folds", "2", "--json", "--logger", logger]
    env = environment(WANDB_BASE_URL=f"http://127.0.0.1:{free}", WANDB_API_KEY="0" * 40)
    began = time.monotonic()
    run = subprocess.run(command(tmp_path, *flags), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert time.monotonic() - began < 45
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["complete"] is True
    assert run.stderr.count("logger 'wandb' failed and is switched off") == 1
    assert run.stderr.count("\n") == 1, run.stderr
