"""The search is judged by what it proposes and reports, and by whose rows it has seen."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from click.testing import CliRunner

import mist_plugin_optuna
from mist_plugin_optuna.halves import parts
from mist_plugin_optuna.search import Trial, held_out_loss, search
from mist_plugin_optuna.space import Dimension, space
from mistcli.cli.group import mist
from mistcli.config.resolve import resolve
from mistcli.config.sources import Layer
from mistcli.errors import ConfigError, FitError
from mistcli.plugin.registry import Registry
from mistcli.result import Estimate, Interval

REGISTRY = Registry.from_environment()
FLAGS = ["--x", "a", "--y", "b", "-e", "js", "--folds", "2", "--max-steps", "30"]


def given(estimator="js", **values):
    return [Layer("flag", {"estimator": estimator, **values}, {})]


def searched(*terms, layers=None):
    layers = layers or given()
    return space(terms, layers, resolve(layers, REGISTRY))


def estimate(loss, *, complete=True):
    records = [{"name": "loss", "split": "valid", "fit": 0, "value": loss}]
    return Estimate(
        0.0, 1.0, Interval(0.95, -2, 2), "none", 10, "js", ("a",), ("b",), complete=complete, records=records
    )


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    a = rng.standard_normal(400)
    rows = zip(a, a + rng.standard_normal(400), strict=True)
    (tmp_path / "data.csv").write_text("a,b\n" + "".join(f"{x:.6f},{y:.6f}\n" for x, y in rows))
    return tmp_path


def tune(*flags):
    return CliRunner().invoke(mist, ["tune", "data.csv", *FLAGS, *flags])


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("lr=1e-3:1e-1:log", Dimension("lr", "float", 1e-3, 1e-1, log=True)),
        ("lr=1:2", Dimension("lr", "float", 1, 2)),
        ("neg_samples=1:64:log", Dimension("neg_samples", "int", 1, 64, log=True)),
        ("estimator.neg_samples=1:64", Dimension("estimator.neg_samples", "int", 1, 64)),
        ("max_epochs=1:5", Dimension("max_epochs", "int", 1, 5)),
        ("hidden_dims=16|32,32", Dimension("hidden_dims", "choice", choices=("16", "32,32"))),
        ("optimizer=adam|sgd", Dimension("optimizer", "choice", choices=("adam", "sgd"))),
    ],
)
def test_a_term_is_read_by_the_type_of_its_option(term, expected):
    assert searched(term) == (expected,)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ((), "nothing to search"),
        (("lr",), "expected key=value"),
        (("lr=0.1",), "expected lr=low:high"),
        (("lr=a:b",), "expected lr=low:high"),
        (("lr=0.1:nan",), "expected lr=low:high"),
        (("lr=1e-3:1e-1:exp",), "expected lr=low:high"),
        (("lr=0.1:0.01",), "expected low < high"),
        (("lr=0:0.1:log",), "expected 0 < low < high"),
        (("lr=-1:0.1",), "lr"),
        (("batch_size=1:8",), "batch_size"),
        (("neg_samples=1.5:8",), "neg_samples"),
        (("hidden_dims=8:64",), "takes no range"),
        (("optimizer=adam|adam",), "expected different choices"),
        (("optimizer=adam|newton",), "optimizer"),
        (("neg_sample=1:8",), "neg_samples"),
        (("lr=1e-3:1e-1", "lr=1e-2:1e-1"), "twice"),
        (("folds=2:5",), "which rows the loss is of"),
        (("valid_fraction=0.1:0.2",), "which rows the loss is of"),
    ],
)
def test_a_wrong_term_is_refused(terms, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        searched(*terms)


@pytest.mark.parametrize("term", ["lr=1e-3:1e-1", "neg_samples=1:8"])
def test_what_a_flag_settles_is_not_searched(term):
    layers = [Layer("flag", {"estimator": "js", "training": {"lr": "0.1"}}, {"neg_samples": "4"})]
    with pytest.raises(ConfigError, match="by a flag and searched too"):
        searched(term, layers=layers)


def test_a_file_gives_way_to_the_search():
    layers = [*given(), Layer("mist.yaml", {"training": {"lr": 0.1}})]
    assert searched("lr=1e-3:1e-1", layers=layers)[0].key == "lr"


def test_the_loss_is_the_best_of_each_fit():
    rows = [("loss", "valid", 0, 2.0), ("loss", "valid", 0, 1.0), ("loss", "valid", 1, 3.0), ("loss", "train", 0, 0.0)]
    rows += [("mi", "valid", 0, -5.0), ("loss", "valid", 1, float("nan"))]
    names = ("name", "split", "fit", "value")
    assert held_out_loss(dict(zip(names, row, strict=True)) for row in rows) == 2.0


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_no_finite_loss_is_a_failure(loss):
    with pytest.raises(FitError, match="no finite loss"):
        held_out_loss(estimate(loss).records)


def test_it_finds_the_best_of_a_known_function_and_repeats_itself():
    dimensions = (
        Dimension("u", "float", -1, 1),
        Dimension("k", "int", 1, 9),
        Dimension("c", "choice", choices=("p", "q")),
    )

    def loss(options):
        return estimate((options["u"] - 0.3) ** 2 + abs(options["k"] - 4) + (options["c"] == "p"))

    found = [search(dimensions, loss, trials=60, seed=1, tell=lambda trial: None) for _ in range(2)]
    assert [trial.options for trial in found[0].trials] == [trial.options for trial in found[1].trials]
    best = found[0].best
    assert (best.options["k"], best.options["c"]) == (4, "q")
    assert best.options["u"] == pytest.approx(0.3, abs=0.2)
    assert best.loss == min(trial.loss for trial in found[0].trials)


def test_a_trial_that_fails_does_not_end_the_search():
    told = []

    def train(options):
        if options["u"] > 0:
            raise FitError("It diverged.")
        return estimate(options["u"] ** 2)

    found = search((Dimension("u", "float", -1, 1),), train, trials=10, seed=0, tell=told.append)
    assert found.complete
    assert tuple(told) == found.trials
    assert {trial.error for trial in found.trials} == {"", "It diverged."}
    assert found.best.options["u"] <= 0


def test_a_training_that_is_told_to_stop_ends_the_search():
    losses = iter([1.0, 2.0, 3.0])

    def train(options):
        loss = next(losses)
        return estimate(loss, complete=loss < 3)

    found = search((Dimension("u", "float", -1, 1),), train, trials=10, seed=0, tell=lambda trial: None)
    assert not found.complete
    assert [trial.loss for trial in found.trials] == [1.0, 2.0]


def test_the_value_comes_from_rows_that_the_search_has_not_seen():
    class Memory:
        def columns(self):
            return [type("C", (), {"name": name}) for name in "abc"]

        def read(self, names):
            return {name: np.arange(100) for name in names}

        def describe(self):
            return {"reader": "memory"}

    first, second = parts(Memory(), "a", "b", 0.3, 0)
    seen, valued = (part.read(["a"])["a"] for part in (first, second))
    assert (len(seen), len(valued)) == (30, 70)
    assert sorted([*seen, *valued]) == list(range(100))
    assert first.describe() == {"reader": "memory", "part": "search"}
    assert list(parts(Memory(), "a", "b", 0.3, 1)[0].rows) != list(first.rows)


def test_a_search_from_the_command_line(table):
    run = tune("--search", "lr=1e-3:1e-1:log", "--search", "neg_samples=1:8", "--trials", "3", "--json", "--seed", "5")
    assert run.exit_code == 0, run.output
    shown = json.loads(run.stdout)
    assert (shown["schema"], shown["complete"], len(shown["trials"])) == ("mist.tune/1", True, 3)
    assert shown["best"]["loss"] == min(trial["loss"] for trial in shown["trials"])
    assert shown["best"]["options"] in [trial["options"] for trial in shown["trials"]]
    assert (shown["estimate"]["n"], shown["estimate"]["seed"]) == (200, 6)
    assert shown["estimate"]["cleaning"]["source"]["part"] == "value"
    assert run.stderr == ""
    again = json.loads(
        tune(
            "--search", "lr=1e-3:1e-1:log", "--search", "neg_samples=1:8", "--trials", "3", "--json", "--seed", "5"
        ).stdout
    )
    assert again["best"] == shown["best"]
    assert again["estimate"]["mi"] == shown["estimate"]["mi"]


def test_what_a_person_sees(table):
    run = tune("--search", "lr=1e-3:1e-1:log", "--search", "hidden_dims=8|8,8", "--trials", "2", "--progress", "plain")
    assert run.exit_code == 0, run.output
    assert "best of 2 trials" in run.stdout
    assert "nats" in run.stdout
    assert re.search(r"^--lr \S+ -o hidden_dims=8(,8)?$", run.stdout, re.MULTILINE)
    assert [line.split(",")[0] for line in run.stderr.splitlines()] == ["trial 1 of 2", "trial 2 of 2"]


def test_loggers_are_told_of_the_estimate_alone(table):
    run = tune("--search", "lr=1e-3:1e-1:log", "--trials", "2", "--quiet", "--logger", "jsonl", "--json")
    assert run.exit_code == 0, run.output
    lines = [json.loads(line) for line in (table / "mist.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines].count("run_started") == 1
    assert lines[-1]["result"]["mi"] == json.loads(run.stdout)["estimate"]["mi"]
    assert lines[0]["parameters"]["training"]["lr"] == json.loads(run.stdout)["best"]["options"]["lr"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-e", "ksg", "--search", "k=1:9"], "is not trained"),
        (["--valid-fraction", "0", "--search", "lr=1e-3:1e-1"], "leaves no rows to search by"),
        (["--search", "lr=1e-3:1e-1", "--x", "zzz"], "zzz"),
        (["--search", "lr=1e-3:1e-1", "--trials", "0"], "trials"),
    ],
)
def test_what_cannot_be_searched_is_refused(table, flags, message):
    run = tune(*flags)
    assert run.exit_code in (1, 2)
    assert message in run.output
    assert run.stdout == ""


def test_all_trials_failing_is_an_error(table, monkeypatch):
    failed = Trial(0, {"lr": 0.1}, None, 0.0, "It diverged.")
    monkeypatch.setattr("mist_plugin_optuna.search._tried", lambda number, options, train: failed)
    run = tune("--search", "lr=1e-3:1e-1", "--trials", "2")
    assert run.exit_code == 1
    assert "all 2 trials failed; the last: It diverged." in run.output


def test_ctrl_c_reports_the_best_so_far(table):
    flags = [*FLAGS, "--search", "lr=1e-3:1e-1:log", "--trials", "100000", "--json", "--progress", "plain"]
    run = subprocess.Popen(
        [sys.executable, "-m", "mistcli", "tune", "data.csv", *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("MIST_")},
    )
    try:
        assert run.stderr.readline().startswith("trial 1 of")
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 130, err
    shown = json.loads(out)
    assert (shown["complete"], shown["estimate"]) == (False, None)
    assert shown["best"]["loss"] == min(trial["loss"] for trial in shown["trials"])


def test_listing_it_imports_nothing_heavy():
    code = "import sys, mist_plugin_optuna as m; list(m.mist_commands()); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"optuna", "torch", "numpy", "sqlalchemy"} & set(run.stdout.split())


def test_its_help_imports_nothing_heavy():
    code = "import sys, mist_plugin_optuna.command; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"optuna", "torch", "numpy", "sqlalchemy"} & set(run.stdout.split())


def test_it_is_installed_under_the_group_of_mist():
    found = [e for e in importlib.metadata.entry_points(group="mist") if e.name == "optuna"]
    assert [e.load() for e in found] == [mist_plugin_optuna]
    assert [spec.name for spec in mist_plugin_optuna.mist_commands()] == ["tune"]
