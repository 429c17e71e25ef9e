from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from mistcli.cli.group import mist
from mistcli.errors import FitError
from mistcli.persistence.run_folder import read_run
from mistcli.result import Estimate, Interval
from mistcli.training.events import Evaluated, RunStarted

HEAVY = {"torch", "pandas", "numpy", "scipy", "rich", "yaml"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a table and nothing else."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIST_PLUGINS", "")
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    table = np.column_stack([x, 0.9 * x + 0.4 * rng.normal(size=400), rng.normal(size=400)])
    np.savetxt("data.csv", table, delimiter=",", header="f1,f2,other", comments="")
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(mist, ["estimate", *arguments])


def gaussian(*arguments):
    return call("data.csv", "--x", "f1", "--y", "f2", "-e", "gaussian", *arguments)


def estimate(**changes):
    values = {
        "nats": 0.5,
        "stderr": 0.01,
        "interval": Interval(0.95, 0.48, 0.52),
        "bound": "lower",
        "n": 400,
        "estimator": "js",
        "x": ("f1",),
        "y": ("f2",),
        "warnings": ("something [red]odd\x1b[0m.",),
    }
    return Estimate(**(values | changes))


@pytest.fixture
def fake(here, monkeypatch):
    """Replace the estimation: call what was put into `fake.during`, and give `fake.estimate`."""
    fake = SimpleNamespace(config=None, estimate=estimate(), during=lambda listener, should_stop: None)

    def run(config, registry, *, listener, should_stop):
        fake.config = config
        listener.emit(RunStarted("js-1", {}, 10, 400))
        listener.emit(Evaluated(1, 0.1, "valid", {"mi": 0.5}, {"mi": (0.5,)}))
        fake.during(listener, should_stop)
        return SimpleNamespace(estimate=fake.estimate, keep=lambda: None)

    monkeypatch.setitem(sys.modules, "mistcli.pipeline.estimation", SimpleNamespace(run=run))
    return fake


def js(*arguments):
    return call("data.csv", "--x", "f1", "--y", "f2", "-e", "js", *arguments)


# --- the result -------------------------------------------------------------------------------------------


def test_json_is_the_estimate_and_nothing_else(here):
    done = gaussian("--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert list(found) == list(estimate().to_dict())
    assert found["schema"] == "mist.estimate/2"
    assert found["mi"] == pytest.approx(0.9, abs=0.15)
    assert found["units"] == "nats"
    assert done.stderr == ""


def test_people_get_text(here):
    done = gaussian("--units", "bits")
    assert done.exit_code == 0
    assert " bits\n95 % interval" in done.stdout
    assert "estimator  gaussian" in done.stdout


def test_warnings_go_to_stderr_beside_json(fake):
    done = js("--json")
    assert done.stderr == "warning: something [red]odd\\x1b[0m.\n"
    assert json.loads(done.stdout)["warnings"] == ["something [red]odd\x1b[0m."]
    assert js("--json", "--quiet").stderr == ""


def test_the_same_seed_gives_the_same_output(here):
    first, second = (json.loads(gaussian("--json", "--seed", "3").stdout) for _ in range(2))
    assert {**first, "seconds": 0} == {**second, "seconds": 0}
    assert first["seed"] == 3


def test_numbers_that_are_not_finite_are_null(fake):
    fake.estimate = estimate(stderr=float("nan"), interval=Interval(0.95, float("-inf"), float("inf")))
    found = json.loads(js("--json").stdout, parse_constant=pytest.fail)
    assert found["stderr"] is None
    assert found["interval"]["high"] is None


def test_the_flags_reach_the_configuration(fake):
    done = js(
        *("--critic", "separable", "-o", "neg_samples=8", "-o", "hidden_dims=32,32", "-o", "embedding_dim=4"),
        *("--batch-size", "128", "--max-epochs", "5", "--lr", "1e-3", "--missing", "error", "--level", "0.9"),
        *("--logger", "csv:path=a.csv", "--seed", "7", "--reader", "csv:delimiter=;"),
    )
    assert done.exit_code == 2  # the header has no semicolons, and is looked at first
    done = js("-o", "neg_samples=8", "--batch-size", "128", "--lr", "1e-3", "--missing", "error", "--seed", "7")
    assert done.exit_code == 0, done.output
    assert fake.config.estimator.options == {"neg_samples": 8}
    assert (fake.config.training.batch_size, fake.config.training.lr) == (128, 1e-3)
    assert (fake.config.cleaning.missing, fake.config.seed) == ("error", 7)


def test_everything_may_come_from_a_file(fake, here):
    (here / "run.yaml").write_text("data: {path: data.csv, x: f1, y: f2}\nestimator: nwj\n")
    (here / "mist.yaml").write_text("estimator: smile\ntraining: {folds: 3}\n")
    assert call("--config", "run.yaml", "--y", "other").exit_code == 0
    assert (fake.config.estimator.name, fake.config.training.folds) == ("nwj", 3)
    assert (fake.config.data.x, fake.config.data.y) == ("f1", "other")


# --- what is wrong is said before anything is computed ----------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no file is given; say FILE"),
        (["data.csv"], 2, "no x is given; say --x"),
        (["data.csv", "--x", "f1"], 2, "no y is given; say --y"),
        (["nothing.csv", "--x", "f1", "--y", "f2"], 1, "there is no file 'nothing.csv'"),
        ([".", "--x", "f1", "--y", "f2"], 1, "is a directory"),
        (["data.csv", "--x", "f1", "--y", "f3"], 2, "no column matches 'f3'; nearest: 'f2'"),
        (["data.csv", "--x", "f1,f2", "--y", "f2"], 2, "x and y share 'f2'"),
        (
            ["data.csv", "--x", "f1", "--y", "f2", "-e", "jss"],
            2,
            "unknown estimator 'jss'. Did you mean 'js'?",
        ),
        (["data.csv", "--x", "f1", "--y", "f2", "--critic", "jiont"], 2, "Did you mean 'joint'?"),
        (["data.csv", "--x", "f1", "--y", "f2", "--logger", "cvs"], 2, "Did you mean 'csv'?"),
        (
            ["data.csv", "--x", "f1", "--y", "f2", "--logger", "csv:file=a"],
            2,
            "'file' is not an option of logger",
        ),
        (["data.csv", "--x", "f1", "--y", "f2", "--logger", "csv:path=no/a.csv"], 2, "cannot write the log"),
        (["data.csv", "--x", "f1", "--y", "f2", "-e", "ksg", "-o", "lr=1"], 2, "use --lr"),
        (["data.csv", "--x", "f1", "--y", "f2", "-e", "ksg", "-o", "k=0"], 2, "takes int, x >= 1; got '0'"),
        (["data.csv", "--x", "f1", "--y", "f2", "-e", "ksg", "-o", "k"], 2, "expected key=value, got 'k'"),
        (
            ["data.csv", "--x", "f1", "--y", "f2", "-o", "k=1", "-o", "k=2"],
            2,
            "'k' is given twice: '1' and '2'",
        ),
        (["data.csv", "--x", "f1", "--y", "f2", "--lr", "fast"], 2, "'lr' of training takes float"),
        (["data.csv", "--x", "f1", "--y", "f2", "--folds", "1"], 2, "2 <= x <= 100"),
        (["data.csv", "--x", "f1", "--y", "f2", "--optimizer", "lion"], 2, "is not one of 'adam'"),
        (["data.csv", "--x", "f1", "--y", "f2", "-e", "ksg", "--critic", "joint"], 2, "takes no critic"),
        (["data.csv", "--x", "f1", "--y", "f2", "--config", "no.yaml"], 2, "cannot read the configuration"),
        (["data.csv", "--x", "f1", "--y", "f2", "--out", "no/run"], 2, "there is no folder"),
        (["data.csv", "--x", "f1", "--y", "f2", "--out", "data.csv", "--force"], 2, "'data.csv' is a file"),
        (["data.csv", "--x", "f1", "--y", "f2", "--out", "there"], 2, "replace it with --force"),
        (
            ["data.csv", "--x", "f1", "--y", "f2", "--out", "there", "--force"],
            2,
            "is not a run that mist kept",
        ),
    ],
)
def test_bad_input(here, monkeypatch, arguments, code, message):
    monkeypatch.setitem(sys.modules, "mistcli.pipeline.estimation", None)  # importing it now is an error
    (here / "there").mkdir()
    (here / "there" / "file").touch()
    before = sorted(here.rglob("*"))
    done = call(*arguments)
    assert message in " ".join(done.stderr.split())
    assert done.exit_code == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert sorted(here.rglob("*")) == before


def test_flags_without_effect_are_told(here):
    done = gaussian("--lr", "1")
    assert done.stderr == "warning: estimator 'gaussian' is not trained, so that lr has no effect\n"
    assert gaussian("--lr", "1", "-q").stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["nothing.csv", "--x", "f1", "--y", "f2"],
        ["data.csv", "--x", "f1", "--y", "nothing"],
        ["data.csv", "--x", "f1", "--y", "f2", "-e", "nothing"],
    ],
)
def test_nothing_heavy_is_imported_to_help_or_to_refuse(here, arguments):
    program = (
        "import sys\nfrom mistcli.__main__ import main\n"
        "sys.argv = ['mist', 'estimate', *sys.argv[1:]]\n"
        "try:\n    main()\nfinally:\n"
        f"    print('HEAVY', {HEAVY!r} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert "HEAVY set()" in done.stderr


def test_help_is_in_sections_and_shows_defaults(here):
    text = call("--help").stdout
    order = [text.index(f"\n{title}:") for title in ("Data", "Estimator", "Training", "Output", "Configuration")]
    assert order == sorted(order)
    flat = " ".join(text.split())
    assert "--batch-size INT Pairs a training step. [default:" in flat
    assert "--lr FLOAT The learning rate at its highest. [default: 0.015; x > 0]" in flat


# --- loggers and progress ---------------------------------------------------------------------------------


def test_several_loggers_at_once(fake, here):
    done = js("--logger", "csv:path=a.csv", "--logger", "jsonl", "--logger", "jsonl:path=b.jsonl")
    assert done.exit_code == 0
    assert (here / "a.csv").read_text().splitlines()[1] == "mi,valid,0,0.1,1,0.5"
    kinds = [json.loads(line)["kind"] for line in (here / "mist.jsonl").read_text().splitlines()]
    assert kinds == ["run_started", "evaluated", "run_finished"]
    assert len((here / "b.jsonl").read_text().splitlines()) == 3


def test_a_logger_that_fails_is_told_of_once_and_the_run_goes_on(fake, monkeypatch):
    def fail(self, event):
        raise SystemExit("no\nserver")

    monkeypatch.setattr("mistcli.loggers.csv.CsvLogger.emit", fail)
    done = js("--logger", "csv", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["mi"] == 0.5
    assert done.stderr.splitlines()[0] == ("warning: logger 'csv' failed and is switched off: SystemExit: no\\nserver")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "progress"),
    [
        (["--progress", "plain"], True),
        (["--logger", "console:style=plain"], True),
        ([], False),
        (["--progress", "none", "--logger", "console:style=plain"], False),
        (["--quiet", "--progress", "plain"], False),
    ],
)
def test_progress_goes_to_stderr_when_asked(fake, arguments, progress):
    done = js(*arguments)
    assert done.exit_code == 0
    assert ("js-1: 400 rows" in done.stderr) is progress
    assert "js-1" not in done.stdout


# --- the run folder ---------------------------------------------------------------------------------------


def test_a_run_is_kept_and_its_configuration_runs_again(here):
    first = gaussian("--json", "--out", "run", "--seed", "5")
    assert first.exit_code == 0, first.output
    run = read_run(here / "run")
    assert run.result == json.loads(first.stdout)
    assert sorted(item.name for item in here.iterdir()) == ["data.csv", "run"]
    again = call("--config", "run/config.yaml", "--json")
    assert again.stderr == ""
    assert {**json.loads(again.stdout), "seconds": 0} == {**run.result, "seconds": 0}


def test_loggers_hear_of_the_files(fake, here):
    assert js("--out", "run", "--logger", "jsonl").exit_code == 0
    events = [json.loads(line) for line in (here / "mist.jsonl").read_text().splitlines()]
    saved = {event["role"]: event["path"] for event in events if event["kind"] == "saved"}
    assert saved["result"] == str(here / "run" / "result.json")
    assert events[-1]["kind"] == "run_finished"
    assert events[-1]["result"]["mi"] == 0.5


def test_an_error_leaves_nothing_and_loggers_hear_of_it(fake, here):
    def fail(*_):
        raise FitError("it diverged.")

    fake.during = fail
    done = js("--out", "run", "--logger", "jsonl")
    assert (done.exit_code, done.stderr) == (1, "error: it diverged.\n")
    assert sorted(item.name for item in here.iterdir()) == ["data.csv", "mist.jsonl"]
    last = json.loads((here / "mist.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["status"], last["error"]) == ("run_finished", "failed", "it diverged.")


# --- Ctrl-C -----------------------------------------------------------------------------------------------


def test_the_first_interrupt_keeps_the_partial_result(fake, here):
    def interrupted(listener, should_stop):
        assert not should_stop()
        signal.raise_signal(signal.SIGINT)
        assert should_stop()

    fake.during, fake.estimate = interrupted, estimate(complete=False, warnings=())
    done = js("--json", "--out", "run", "--logger", "jsonl")
    assert done.exit_code == 130
    assert done.stderr == "stopping after this step; Ctrl-C again to quit now\n"
    assert json.loads(done.stdout)["complete"] is False
    assert read_run(here / "run").result["complete"] is False
    assert json.loads((here / "mist.jsonl").read_text().splitlines()[-1])["status"] == "interrupted"


def test_the_second_interrupt_quits(fake, here):
    def interrupted(listener, should_stop):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("still running")

    fake.during = interrupted
    before = signal.getsignal(signal.SIGINT)
    done = js("--json", "--out", "run")
    assert done.exit_code == 130
    assert done.stdout == ""
    assert sorted(item.name for item in here.iterdir()) == ["data.csv"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_real_interrupt(here):
    command = [sys.executable, "-m", "mistcli", "estimate", "data.csv", "--x", "f1", "--y", "f2"]
    command += ["--estimator", "js", "--json"]
    command += [
        "--out",
        "run",
        "--max-steps",
        "1000000",
        "--patience",
        "0",
        "--logger",
        "jsonl:path=log.jsonl",
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    deadline = time.monotonic() + 60
    while '"evaluated"' not in (here / "log.jsonl").read_text() if (here / "log.jsonl").exists() else True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.startswith("stopping after this step")
    assert json.loads(stdout)["complete"] is False
    assert read_run(here / "run").result == json.loads(stdout)
