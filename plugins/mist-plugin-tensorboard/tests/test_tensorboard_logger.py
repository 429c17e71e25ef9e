"""Event files are read back with TensorBoard's own reader."""

from __future__ import annotations

import importlib.metadata
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata
from tensorboard.util import tensor_util

import mist_plugin_tensorboard
from mist_plugin_tensorboard.logger import TensorBoardLogger
from mistcli.training.events import Evaluated, Event, RunFinished, RunStarted, Saved, Warned

PARAMETERS = {
    "seed": 3,
    "critic": None,
    "estimator": {"name": "js", "options": {"neg_samples": 16, "hidden_dims": [32, 32], "clip": True}},
}
RESULT = {"mi": 0.82, "stderr": 0.01, "interval": {"level": 0.95, "low": 0.8, "high": 0.84}, "units": "nats"}
EVENTS = (
    RunStarted("js-1", PARAMETERS, 100, 1000),
    Evaluated(0, 0.0, "train", {"loss": 1.5, "mi": 0.0}, {"loss": (1.0, 2.0), "mi": (0.0, 0.0)}),
    Evaluated(50, 1.5, "valid", {"mi": 0.7}, {"mi": (0.6, 0.8)}),
    Warned("Too <b>few</b> rows."),
    Saved("out/result.json", "result"),
    RunFinished("success", RESULT),
)


@dataclass(frozen=True)
class FromTheFuture(Event):
    kind: ClassVar[str] = "from_the_future"


def log(directory, events=EVENTS, **options):
    logger = TensorBoardLogger(dir=str(directory), **options)
    for event in events:
        logger.emit(event)
    logger.close()
    logger.close()


def read(directory):
    return EventAccumulator(str(directory), size_guidance={"tensors": 0}).Reload()


def scalars(accumulator, tag):
    return [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in accumulator.Tensors(tag)]


def texts(accumulator, tag):
    return [tensor_util.make_ndarray(e.tensor_proto).item().decode() for e in accumulator.Tensors(tag)]


def hparams(accumulator, tag):
    content = accumulator.SummaryMetadata(tag).plugin_data.content
    return metadata.parse_session_start_info_plugin_data(content)


@pytest.mark.parametrize(
    ("tag", "points"),
    [
        ("loss/train", [(0, 1.5)]),
        ("loss/train/fit_0", [(0, 1.0)]),
        ("loss/train/fit_1", [(0, 2.0)]),
        ("mi/valid", [(50, 0.7)]),
        ("mi/valid/fit_1", [(50, 0.8)]),
        ("result/mi", [(50, 0.82)]),
        ("result/stderr", [(50, 0.01)]),
        ("result/low", [(50, 0.8)]),
        ("result/high", [(50, 0.84)]),
    ],
)
def test_scalars_are_read_back(tmp_path, tag, points):
    log(tmp_path)
    read_back = scalars(read(tmp_path / "js-1"), tag)
    assert [step for step, _ in read_back] == [step for step, _ in points]
    assert [value for _, value in read_back] == pytest.approx([value for _, value in points])


def test_parameters_reach_the_hparams_page(tmp_path):
    log(tmp_path)
    session = hparams(read(tmp_path / "js-1"), metadata.SESSION_START_INFO_TAG).hparams
    assert session["seed"].number_value == 3
    assert session["estimator.name"].string_value == "js"
    assert session["estimator.options.clip"].bool_value is True
    assert session["estimator.options.hidden_dims"].string_value == "[32, 32]"
    assert session["critic"].string_value == "null"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("success", api_pb2.STATUS_SUCCESS),
        ("interrupted", api_pb2.STATUS_UNKNOWN),
        ("failed", api_pb2.STATUS_FAILURE),
    ],
)
def test_the_end_of_a_run_reaches_the_hparams_page(tmp_path, status, expected):
    log(tmp_path, (EVENTS[0], RunFinished(status, {}, "" if status != "failed" else "It diverged.")))
    accumulator = read(tmp_path / "js-1")
    content = accumulator.SummaryMetadata(metadata.SESSION_END_INFO_TAG).plugin_data.content
    assert metadata.parse_session_end_info_plugin_data(content).status == expected
    assert ("error" in accumulator.Tags()["tensors"]) == (status == "failed")


def test_texts_are_read_back(tmp_path):
    log(tmp_path)
    accumulator = read(tmp_path / "js-1")
    assert texts(accumulator, "warnings") == ["Too <b>few</b> rows."]
    assert '"hidden_dims"' in texts(accumulator, "parameters")[0]


def test_the_mean_alone(tmp_path):
    log(tmp_path, per_fit=False)
    tags = read(tmp_path / "js-1").Tags()["tensors"]
    assert "mi/valid" in tags
    assert not [tag for tag in tags if "fit_" in tag]


def test_what_was_written_can_be_read_while_the_run_goes_on(tmp_path):
    logger = TensorBoardLogger(dir=str(tmp_path))
    for event in EVENTS[:2]:
        logger.emit(event)
    assert scalars(read(tmp_path / "js-1"), "loss/train") == [(0, 1.5)]
    logger.close()


def test_unknown_events_and_events_after_the_end_are_ignored(tmp_path):
    log(tmp_path, (FromTheFuture(), *EVENTS[:2], FromTheFuture()))
    logger = TensorBoardLogger(dir=str(tmp_path))
    logger.emit(EVENTS[1])
    assert len(list(tmp_path.rglob("*tfevents*"))) == 1


def test_runs_of_one_name_keep_their_files(tmp_path):
    log(tmp_path)
    log(tmp_path)
    assert len(list((tmp_path / "js-1").iterdir())) == 2


@pytest.mark.parametrize(("run", "folder"), [("../../x", "x"), ("a/b c", "a-b-c"), ("..", "run"), ("é_1", "é_1")])
def test_a_run_stays_in_its_directory(tmp_path, run, folder):
    log(tmp_path / "runs", (RunStarted(run, {}, 0, 10),))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [folder]


def test_a_directory_that_cannot_be_made_is_the_callers_to_report(tmp_path):
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(OSError, match="runs"):
        log(tmp_path / "runs")


def test_listing_it_imports_nothing_heavy():
    code = "import sys, mist_plugin_tensorboard as m; list(m.mist_loggers()); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorboard", "torch", "numpy", "google.protobuf"} & set(run.stdout.split())


def test_writing_imports_neither_tensorflow_nor_torch():
    code = "import sys, mist_plugin_tensorboard.logger; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "torch"} & set(run.stdout.split())


def test_it_is_installed_under_the_group_of_mist():
    found = [e for e in importlib.metadata.entry_points(group="mist") if e.name == "tensorboard"]
    assert [e.load() for e in found] == [mist_plugin_tensorboard]
    assert [spec.name for spec in mist_plugin_tensorboard.mist_loggers()] == ["tensorboard"]


def test_a_real_run_is_read_back(tmp_path):
    draw = random.Random(0)
    pairs = ((draw.gauss(0, 1), draw.gauss(0, 1)) for _ in range(300))
    rows = "".join(f"{a},{a + noise}\n" for a, noise in pairs)
    (tmp_path / "data.csv").write_text("a,b\n" + rows)
    flags = ["--x", "a", "--y", "b", "--estimator", "js", "--max-steps", "20", "--folds", "2", "--json"]
    command = [
        sys.executable,
        "-m",
        "mistcli",
        "estimate",
        "data.csv",
        *flags,
        "--logger",
        "tensorboard:dir=tb",
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")}
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    accumulator = read(next((tmp_path / "tb").iterdir()))
    ((_, shown),) = scalars(accumulator, "result/mi")
    assert shown == pytest.approx(json.loads(run.stdout)["mi"], rel=1e-6)
    assert {"loss/train", "mi/valid", "mi/valid/fit_1", "parameters"} <= set(accumulator.Tags()["tensors"])
    session = hparams(accumulator, metadata.SESSION_START_INFO_TAG).hparams
    assert session["estimator.name"].string_value == "js"
