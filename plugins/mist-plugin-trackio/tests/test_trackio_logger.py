"""What Trackio keeps is read back from its database."""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

WHY = "Trackio does not go with the versions in constraints.txt; `make test-plugins` runs this"
trackio = pytest.importorskip("trackio", reason=WHY)

from trackio.sqlite_storage import SQLiteStorage  # noqa: E402

import mist_plugin_trackio  # noqa: E402
from mist_plugin_trackio.logger import TrackioLogger  # noqa: E402
from mistcli.loggers.multiplexer import Hub  # noqa: E402
from mistcli.training.events import (  # noqa: E402
    Evaluated,
    Event,
    RunFinished,
    RunStarted,
    Saved,
    Warned,
)

PARAMETERS = {
    "seed": 3,
    "critic": None,
    "estimator": {"name": "js", "options": {"neg_samples": 16, "hidden_dims": [32, 32]}},
    "loggers": [{"name": "mlflow", "options": {"uri": "http://me:secret@host"}}],
}
RESULT = {"mi": 0.82, "stderr": 0.01, "interval": {"level": 0.95, "low": 0.8, "high": 0.84}, "units": "nats"}


@dataclass(frozen=True)
class FromTheFuture(Event):
    kind: ClassVar[str] = "from_the_future"


def events(saved):
    return (
        RunStarted("js-1", PARAMETERS, 100, 1000),
        Evaluated(0, 0.0, "valid", {"loss": 1.5, "mi": 0.0}, {"loss": (1.0, 2.0), "mi": (0.0, 0.0)}),
        Evaluated(50, 1.5, "valid", {"mi": 0.7}, {"mi": (0.6, 0.8)}),
        Warned("Too <b>few</b> rows."),
        Saved(str(saved), "result"),
        RunFinished("success", RESULT),
    )


def log(told, **options):
    logger = TrackioLogger(**options)
    try:
        for event in told:
            logger.emit(event)
    finally:
        logger.close()
        logger.close()


def points(project, name):
    """The (step, value) of what was logged under a name, in order."""
    return [(row["step"], row[name]) for row in SQLiteStorage.get_logs(project, "js-1") if name in row]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    saved = tmp_path_factory.mktemp("saved") / "result.json"
    saved.write_text('{"mi": 0.82}')
    log(events(saved), project="kept")
    return "kept"


def test_parameters_are_read_back(project):
    config = SQLiteStorage.get_run_config(project, "js-1")
    assert config["seed"] == 3
    assert config["estimator.name"] == "js"
    assert config["estimator.options.hidden_dims"] == "[32, 32]"
    assert "secret" not in str(config)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("loss/valid", [(0, 1.5)]),
        ("loss/valid/fit_1", [(0, 2.0)]),
        ("mi/valid", [(0, 0.0), (50, 0.7)]),
        ("mi/valid/fit_0", [(0, 0.0), (50, 0.6)]),
        ("warning", [(50, "Too <b>few</b> rows.")]),
        ("status", [(50, "success")]),
        ("result/mi", [(50, 0.82)]),
        ("result/stderr", [(50, 0.01)]),
        ("result/low", [(50, 0.8)]),
        ("result/high", [(50, 0.84)]),
    ],
)
def test_what_was_logged_is_read_back(project, name, expected):
    assert points(project, name) == expected


def test_files_are_read_back(project):
    (kept,) = SQLiteStorage.get_artifacts(project)
    assert kept["name"] == "js-1"
    blobs = Path(os.environ["TRACKIO_DIR"], "artifacts", project).rglob("*")
    assert [json.loads(blob.read_text()) for blob in blobs if blob.is_file()] == [{"mi": 0.82}]


def test_the_mean_alone():
    log(events("none"), project="means", per_fit=False)
    assert points("means", "mi/valid")
    assert not [name for row in SQLiteStorage.get_logs("means", "js-1") for name in row if "fit_" in name]


def test_a_run_that_fails():
    log((events("none")[0], FromTheFuture(), RunFinished("failed", {}, "It diverged.")), project="failed")
    assert points("failed", "status") == [(0, "failed")]
    assert points("failed", "error") == [(0, "It diverged.")]


def test_nothing_of_it_stays_behind():
    threads, handlers = set(threading.enumerate()), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    log(events("none"), project="tidy")
    assert set(threading.enumerate()) <= threads
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_database_that_breaks_is_reported_once(monkeypatch):
    def broken(**given):
        raise OSError("disk full")

    monkeypatch.setattr(SQLiteStorage, "bulk_log", broken)
    reported = []
    hub = Hub([("trackio", TrackioLogger(project="broken"))], lambda name, error: reported.append(str(error)))
    for event in events("none"):
        hub.emit(event)
    hub.close()
    (message,) = reported
    assert "disk full" in message


def test_listing_it_imports_nothing_heavy():
    code = "import sys, mist_plugin_trackio as m; list(m.mist_loggers()); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"trackio", "torch", "numpy", "huggingface_hub"} & set(run.stdout.split())


def test_it_is_installed_under_the_group_of_mist():
    found = [e for e in importlib.metadata.entry_points(group="mist") if e.name == "trackio"]
    assert [e.load() for e in found] == [mist_plugin_trackio]
    assert [spec.name for spec in mist_plugin_trackio.mist_loggers()] == ["trackio"]


def test_a_real_run_beside_another_logger_without_network(tmp_path):
    draw = random.Random(0)
    pairs = ((draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(300))
    rows = "".join(f"{a},{a + noise}\n" for a, noise in pairs)
    (tmp_path / "data.csv").write_text("a,b\n" + rows)
    flags = ["--x", "a", "--y", "b", "-e", "js", "--max-steps", "20", "--folds", "2", "--json", "--out", "out"]
    loggers = ["--logger", "trackio:project=real", "--logger", "jsonl"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")}
    with socket.create_server(("127.0.0.1", 0)) as server:  # whoever asks Hugging Face who we are asks this
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        env |= {"HF_TOKEN": "hf_" + "0" * 34, "HF_ENDPOINT": address, "HTTPS_PROXY": address, "HTTP_PROXY": address}
        command = [sys.executable, "-m", "mistcli", "estimate", "data.csv", *flags, *loggers]
        run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        with pytest.raises(BlockingIOError):
            server.accept()
    assert (run.returncode, run.stderr) == (0, "")
    ((name,),) = ([record["name"]] for record in SQLiteStorage.get_run_records("real"))
    logged = SQLiteStorage.get_logs("real", name)
    assert [row["result/mi"] for row in logged if "result/mi" in row] == [json.loads(run.stdout)["mi"]]
    assert {"loss/train", "mi/valid", "mi/valid/fit_1"} <= {key for row in logged for key in row}
    assert SQLiteStorage.get_run_config("real", name)["training.max_steps"] == 20
    (kept,) = SQLiteStorage.get_artifacts("real")
    assert kept["name"] == name
