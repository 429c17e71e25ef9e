"""What MLflow keeps is read back with its own client, from a store in a file and from a real server."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

WHY = "MLflow does not go with the versions in constraints.txt; `make test-plugins` runs this"
mlflow = pytest.importorskip("mlflow", reason=WHY)

import mist_plugin_mlflow  # noqa: E402
from mist_plugin_mlflow.logger import MlflowLogger  # noqa: E402
from mistcli.loggers.multiplexer import Hub  # noqa: E402
from mistcli.training.events import (  # noqa: E402
    Evaluated,
    Event,
    RunFinished,
    RunStarted,
    Saved,
    Warned,
)

# MLflow still uses what SQLAlchemy 2.1 is going to remove.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")

PARAMETERS = {
    "seed": 3,
    "critic": None,
    "estimator": {"name": "js", "options": {"neg_samples": 16, "hidden_dims": [32, 32]}},
    "loggers": [{"name": "mlflow", "options": {"uri": "http://me:secret@host"}}],
}
RESULT = {"mi": 0.82, "stderr": 0.01, "interval": {"level": 0.95, "low": 0.8, "high": 0.84}, "units": "nats"}
START = RunStarted("js-1", PARAMETERS, 100, 1000)


@dataclass(frozen=True)
class FromTheFuture(Event):
    kind: ClassVar[str] = "from_the_future"


def events(saved):
    return (
        START,
        Evaluated(0, 0.0, "valid", {"loss": 1.5, "mi": 0.0}, {"loss": (1.0, 2.0), "mi": (0.0, 0.0)}),
        Evaluated(50, 1.5, "valid", {"mi": 0.7}, {"mi": (0.6, 0.8)}),
        Warned("Too <b>few</b> rows."),
        Saved(str(saved), "result"),
        RunFinished("success", RESULT),
    )


def log(uri, told, **options):
    logger = MlflowLogger(uri=uri, **options)
    try:
        for event in told:
            logger.emit(event)
    finally:
        logger.close()
        logger.close()


def client(uri):
    return mlflow.MlflowClient(tracking_uri=uri)


def runs(uri, experiment="mist"):
    found = client(uri).get_experiment_by_name(experiment)
    return [] if found is None else client(uri).search_runs([found.experiment_id])


def points(uri, run, name):
    return [(metric.step, metric.value) for metric in client(uri).get_metric_history(run.info.run_id, name)]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Artefacts go to the working directory; nothing of this machine's user counts."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store whose tables are there: to make them takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    saved = folder / "result.json"
    saved.write_text('{"mi": 0.82}')
    before = Path.cwd()
    os.chdir(folder)
    log(uri, events(saved))
    os.chdir(before)
    return uri


def test_parameters_are_read_back(store):
    (run,) = runs(store)
    assert run.info.run_name == "js-1"
    assert run.data.params["seed"] == "3"
    assert run.data.params["estimator.name"] == "js"
    assert run.data.params["estimator.options.hidden_dims"] == "[32, 32]"
    assert "secret" not in str(run.data.params)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss/valid", [(0, 1.5)]),
        ("loss/valid/fit_1", [(0, 2.0)]),
        ("mi/valid", [(0, 0.0), (50, 0.7)]),
        ("mi/valid/fit_0", [(0, 0.0), (50, 0.6)]),
        ("result/mi", [(50, 0.82)]),
        ("result/stderr", [(50, 0.01)]),
        ("result/low", [(50, 0.8)]),
        ("result/high", [(50, 0.84)]),
    ],
)
def test_measured_values_are_read_back(store, name, expected):
    (run,) = runs(store)
    assert points(store, run, name) == expected


def test_result_warnings_and_files_are_read_back(store, tmp_path):
    (run,) = runs(store)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mist.warnings"] == "Too <b>few</b> rows."
    folder = Path(client(store).download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert json.loads((folder / "result.json").read_text()) == RESULT
    assert json.loads((folder / "run" / "result.json").read_text()) == {"mi": 0.82}


def test_the_mean_alone(store):
    log(store, events("none")[:3], experiment="means", per_fit=False)
    (run,) = runs(store, "means")
    assert set(run.data.metrics) == {"loss/valid", "mi/valid"}


@pytest.mark.parametrize(("status", "shown"), [("failed", "FAILED"), ("interrupted", "KILLED")])
def test_a_run_that_ends_badly(store, status, shown):
    log(store, (START, FromTheFuture(), RunFinished(status, {}, "It diverged.")), experiment=status)
    (run,) = runs(store, status)
    assert (run.info.status, run.data.tags["mist.error"]) == (shown, "It diverged.")


def test_a_run_whose_end_nobody_tells_does_not_run_for_ever(store):
    log(store, [START], experiment="unended")
    (run,) = runs(store, "unended")
    assert run.info.status == "KILLED"


def test_more_parameters_and_fits_than_mlflow_takes_at_once(store):
    fits = tuple(float(fit) for fit in range(1200))
    many = RunStarted("many", {"options": {f"o{i}": i for i in range(250)}}, 0, 10)
    log(store, (many, Evaluated(0, 0.0, "valid", {"mi": 0.0}, {"mi": fits})), experiment="many")
    (run,) = runs(store, "many")
    assert len(run.data.params) == 250
    assert len(run.data.metrics) == 1201


def test_the_environment_and_the_threads_are_as_before(store):
    before, threads = dict(os.environ), set(threading.enumerate())
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    log(store, events("none"), experiment="tidy")
    assert dict(os.environ) == before
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert set(threading.enumerate()) <= threads
    assert mlflow.active_run() is None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize("listening", [False, True], ids=["refused", "silent"])
def test_a_server_that_does_not_answer_is_reported_once_and_soon(listening):
    reported = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if not listening:
            server.close()
        logger = MlflowLogger(uri=f"http://127.0.0.1:{port}", timeout=1)
        hub = Hub([("mlflow", logger)], lambda name, error: reported.append(name))
        began = time.monotonic()
        for event in events("none"):
            hub.emit(event)
        hub.close()
    assert time.monotonic() - began < 10
    assert reported == ["mlflow"]


def test_listing_it_imports_nothing_heavy():
    code = "import sys, mist_plugin_mlflow as m; list(m.mist_loggers()); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"mlflow", "torch", "numpy", "sqlalchemy"} & set(run.stdout.split())


def test_importing_it_starts_no_telemetry():
    code = "import mist_plugin_mlflow.logger, threading as t, mlflow.telemetry.client as c"
    code += "; print(c.get_telemetry_client(), t.active_count())"
    env = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTEST_CURRENT_TEST")}
    run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["None", "1"]


def test_it_is_installed_under_the_group_of_mist():
    found = [e for e in importlib.metadata.entry_points(group="mist") if e.name == "mlflow"]
    assert [e.load() for e in found] == [mist_plugin_mlflow]
    assert [spec.name for spec in mist_plugin_mlflow.mist_loggers()] == ["mlflow"]


def estimate(folder, *flags, **changes):
    draw = random.Random(0)
    pairs = ((draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(300))
    rows = "".join(f"{a},{a + noise}\n" for a, noise in pairs)
    (folder / "data.csv").write_text("a,b\n" + rows)
    flags = ["--x", "a", "--y", "b", "-e", "js", "--max-steps", "20", "--folds", "2", "--json", "--out", "out", *flags]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")} | changes
    command = [sys.executable, "-m", "mistcli", "estimate", "data.csv", *flags]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


def check_run(uri, shown, folder):
    """Compare what MLflow has with what the command printed and kept."""
    (run,) = runs(uri)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["result/mi"] == shown["mi"]
    assert run.data.params["training.max_steps"] == "20"
    assert {"loss/train", "loss/valid", "mi/valid", "mi/valid/fit_1"} <= set(run.data.metrics)
    kept = Path(client(uri).download_artifacts(run.info.run_id, "", str(folder)))
    assert {path.name for path in (kept / "run").iterdir()} == {path.name for path in (folder / "out").iterdir()}
    assert json.loads((kept / "result.json").read_text())["mi"] == shown["mi"]
    return kept / "run"


def test_a_real_run_into_the_store_it_takes_by_default(tmp_path):
    run = estimate(tmp_path, "--logger", "mlflow", "--logger", "tensorboard:dir=tb")
    assert (run.returncode, run.stderr) == (0, "")
    folder = check_run(f"sqlite:///{tmp_path / 'mlflow.db'}", json.loads(run.stdout), tmp_path)
    assert list(tmp_path.glob("tb/*/*tfevents*"))
    again = [sys.executable, "-m", "mistcli", "evaluate", str(folder), "data.csv"]
    assert subprocess.run(again, cwd=tmp_path, capture_output=True).returncode == 0


@contextlib.contextmanager
def server(folder):
    """A real server on this machine, with a store and artefacts of its own."""
    port = free_port()
    place = [
        "--backend-store-uri",
        f"sqlite:///{folder / 'server.db'}",
        "--artifacts-destination",
        str(folder / "files"),
    ]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([*command, *place], cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        uri = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while not _answers(uri):
            assert process.poll() is None, (folder / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.2)
        yield uri, process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def _answers(uri):
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.mark.slow
def test_a_real_server_and_its_death(tmp_path):
    (tmp_path / "server").mkdir()
    with server(tmp_path / "server") as (uri, process):
        run = estimate(tmp_path, "--logger", f"mlflow:uri={uri}", "--logger", "jsonl")
        assert (run.returncode, run.stderr) == (0, "")
        check_run(uri, json.loads(run.stdout), tmp_path)
        reported = []
        hub = Hub([("mlflow", MlflowLogger(uri=uri, timeout=2))], lambda name, error: reported.append(name))
        told = events("none")
        hub.emit(told[0])
        assert reported == []
        os.killpg(process.pid, signal.SIGKILL)
        began = time.monotonic()
        for event in told[1:]:
            hub.emit(event)
        hub.close()
        assert time.monotonic() - began < 15
        assert reported == ["mlflow"]


def test_a_server_that_is_not_there_costs_a_line(tmp_path):
    run = estimate(tmp_path, "--logger", "mlflow", MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["complete"] is True
    assert run.stderr.count("logger 'mlflow' failed and is switched off") == 1
    assert run.stderr.count("\n") == 1, run.stderr
