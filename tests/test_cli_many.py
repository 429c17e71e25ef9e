"""`mist bench`, `mist sweep` and `mist resume`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

TASK = ("--tasks", "1v1-normal-0.75", "--n", "200")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, noise = np.random.default_rng(0).standard_normal((2, 400))
    np.savetxt("data.csv", np.column_stack([x, 0.9 * x + 0.4 * noise]), delimiter=",", header="f1,f2", comments="")
    (tmp_path / "sweep.yaml").write_text(
        "data: {path: data.csv, x: f1, y: f2}\nestimator: ksg\ngrid: {k: [3, 5]}\n",
    )
    return tmp_path


def test_the_tasks_are_listed_with_their_values(mist):
    done = mist("bench", "--list")
    assert done.exit_code == 0
    assert len(done.stdout.splitlines()) > 100
    told = json.loads(mist("bench", "--list", "--tasks", "clayton-1v1-*", "--json").stdout)
    assert told["schema"] == "mist.tasks/1"
    assert [round(task["mi"], 4) for task in told["tasks"]] == [0.0721, 0.8094]


def test_a_benchmark_prints_a_table(mist):
    done = mist("bench", "-e", "gaussian", "-e", "ksg:k=3", "--tasks", "1v1-normal-0.75,discrete-1v1-2x2", "--n", "200")
    assert done.exit_code == 0
    header, *lines = done.stdout.splitlines()
    assert header.split()[:3] == ["estimator", "n", "MAE"]
    assert sorted(line.split()[0] for line in lines) == ["gaussian", "ksg:k=3"]
    assert "gaussian was not run on 1 tasks, of kinds that it does not take" in done.stderr


def test_a_benchmark_of_random_tables(mist, here):
    tasks = ("--tasks", "random:12000:3")
    done = mist("bench", "-e", "mixed_ksg", *tasks, "--out", "run", "--heatmap", "errors.png")
    assert done.exit_code == 0, done.output
    header, line = done.stdout.splitlines()
    assert "wrong" in header
    assert line.split()[:2] == ["mixed_ksg", "own"]
    assert mist("resume", "run").stdout == done.stdout
    told = json.loads(mist("bench", "--list", *tasks, "--json").stdout)["tasks"]
    assert [task["name"] for task in told] == ["random-12000-0", "random-12000-1", "random-12000-2"]
    assert all(30 <= task["rows"] <= 20_000 for task in told)
    wrong = mist("bench", "-e", "ksg", "--tasks", "random:3")
    assert wrong.exit_code == 2
    assert "random tables are written random:SEED:N" in wrong.stderr


def test_a_benchmark_prints_json_draws_and_is_kept(mist, here):
    run = ("bench", "-e", "gaussian", *TASK, "--seeds", "2", "--json", "--out", "run", "--heatmap", "errors.png")
    done = mist(*run)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["schema"] == "mist.bench/1"
    assert told["leaderboard"][0]["fits"] == 2
    assert (here / "errors.png").read_bytes()[:4] == b"\x89PNG"
    again = json.loads(mist("resume", "run", "--json").stdout)
    assert again["fits"] == told["fits"]
    refused = mist(*run)
    assert refused.exit_code == 2
    assert "'run' holds a run; go on with it by `mist resume`" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name one with --estimator"),
        (("-e", "gaussian", "--tasks", "nothing"), "no task is named 'nothing'"),
        (("-e", "gaussian", "--n", "a"), "--n takes whole numbers"),
        (("-e", "gaussian", "--heatmap", "errors.gif"), "a picture is a .png, .svg or .pdf file"),
        (("-e", "gaussian", "--executor", "threads"), "unknown executor 'threads'"),
        (("-e", "gaussian:kk=1"), "'kk' is not an option of estimator 'gaussian'"),
    ],
)
def test_what_is_wrong_is_a_sentence(mist, here, arguments, told):
    done = mist("bench", *arguments, "--out", "run")
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (here / "run").exists()


def test_a_picture_without_matplotlib_is_a_sentence(mist, here, monkeypatch):
    monkeypatch.setattr("mistcli.report.plots.find_spec", lambda name: None)
    done = mist("bench", "-e", "gaussian", *TASK, "--heatmap", "errors.png")
    assert done.exit_code == 2
    assert done.stderr == "error: a picture needs matplotlib, which is not installed: pip install 'mistcli[plot]'.\n"


def test_fits_that_fail_give_a_partial_result(mist, here):
    done = mist("bench", "-e", "gaussian", "-e", "js", "--tasks", "1v1-normal-0.75", "--n", "9", "--out", "run")
    assert done.exit_code == 4
    assert "failed on 1v1-normal-0.75, n = 9, seed 0: " in done.stderr
    assert mist("resume", "run", "-q").exit_code == 4
    assert len((here / "run" / "results.jsonl").read_text().splitlines()) == 2
    assert mist("resume", "run", "-q", "--retry").exit_code == 4
    assert len((here / "run" / "results.jsonl").read_text().splitlines()) > 2


def test_a_sweep_prints_a_table_draws_and_is_kept(mist, here):
    done = mist("sweep", "sweep.yaml", "--out", "run", "--plot", "sweep.svg")
    assert done.exit_code == 0, done.output
    header, *lines = done.stdout.splitlines()
    assert header.split() == ["point", "k", "valid", "loss", "nats", "stderr", "seconds", "best"]
    assert [line.split()[1] for line in lines[:2]] == ["3", "5"]
    assert lines[2:] == ["", "no choice: what is not trained has no loss on validation rows to choose by"]
    assert "<svg" in (here / "sweep.svg").read_text()
    told = json.loads(mist("resume", "run", "--json").stdout)
    assert told["schema"] == "mist.sweep/1"
    assert [point["point"] for point in told["points"]] == [{"k": "3"}, {"k": "5"}]


def test_a_sweep_says_what_each_estimator_chose(mist, here):
    (here / "sweep.yaml").write_text(
        "data: {path: data.csv, x: f1, y: f2}\nestimator: js\ntraining: {max_steps: 10}\ngrid: {lr: [1e-5, 2e-2]}\n"
    )
    done = mist("sweep", "sweep.yaml")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[2].endswith("*")
    assert "on rows that did not choose (the folds chose the points 1,1,1,1,1; the best of all is 1)" in done.stdout
    assert "\njs: " in done.stdout


def test_a_sweep_over_what_does_not_compare_has_a_choice_for_each(mist, here):
    (here / "sweep.yaml").write_text(
        "data: {path: data.csv, x: f1, y: f2}\nestimator: js\ntraining: {max_steps: 10, folds: 2}\n"
        "grid: {seed: [0, 1], lr: [1e-5, 2e-2]}\n"
    )
    done = mist("sweep", "sweep.yaml", "--plot", "sweep.svg")
    assert [line.split(": ")[0] for line in done.stdout.splitlines() if line.startswith("js")] == [
        "js, points 0,1",
        "js, points 2,3",
    ]
    assert "lowest loss" in (here / "sweep.svg").read_text()


def test_a_sweep_of_other_data_is_not_resumed(mist, here):
    assert mist("sweep", "sweep.yaml", "--out", "run").exit_code == 0
    (here / "data.csv").write_text((here / "data.csv").read_text() + "0,0\n")
    done = mist("resume", "run")
    assert done.exit_code == 1
    assert "the data, mist or a plugin has changed since 'run' was begun; begin a new sweep." in done.stderr


def test_a_sweep_over_an_unknown_option_or_too_many_points_is_refused(mist, here):
    (here / "sweep.yaml").write_text("data: {path: data.csv, x: f1, y: f2}\ngrid: {neg_sample: [1]}\n")
    done = mist("sweep", "sweep.yaml", "--out", "run")
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "error: sweep.yaml: 'neg_sample' is not an option of estimator 'auto'. Did you mean 'neg_samples'?"
    )
    (here / "sweep.yaml").write_text("grid:\n" + "".join(f"  k{i}: [{','.join('0123456789')}]\n" for i in range(9)))
    done = mist("sweep", "sweep.yaml", "--out", "run")
    assert done.exit_code == 2
    assert "the sweep has 1,000,000,000 points, more than 10,000" in done.stderr
    assert not (here / "run").exists()


def test_what_is_no_run_cannot_be_resumed(mist, here):
    done = mist("resume", "data.csv")
    assert done.exit_code == 1
    (here / "run").mkdir()
    assert "is not the folder of a run" in mist("resume", "run").stderr
    (here / "run" / "run.json").write_text(
        '{"schema": "mist.run/1", "kind": "dance", "version": "0", "plan": {}}',
    )
    done = mist("resume", "run")
    assert done.exit_code == 1
    assert "of the kind 'dance'" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
@pytest.mark.slow
def test_a_benchmark_that_was_stopped_goes_on(here, number):
    mist = (sys.executable, "-m", "mistcli")
    bench = ("bench", "-e", "js:max_steps=20", *TASK, "--seeds", "12", "--executor", "process:workers=2", "--json")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    whole = subprocess.run([*mist, *bench], env=environment, check=True, capture_output=True, text=True).stdout
    run = subprocess.Popen(
        [*mist, *bench, "--out", "run"],
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    results = here / "run" / "results.jsonl"
    deadline = time.monotonic() + 120
    while not results.exists() or results.read_bytes().count(b"\n") < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    run.send_signal(number)
    _, told = run.communicate(timeout=30)
    if number == signal.SIGINT:
        assert run.returncode == 130
        assert "what was finished is kept; go on with: mist resume run" in told
    kept = results.read_bytes().count(b"\n")
    assert kept < 12
    resumed = subprocess.run(
        [*mist, "resume", "run", "--json"], env=environment, check=True, capture_output=True, text=True
    ).stdout
    timeless = [[fit | {"seconds": 0} for fit in json.loads(text)["fits"]] for text in (whole, resumed)]
    assert timeless[0] == timeless[1]
