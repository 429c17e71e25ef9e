from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from mistcli.cli.group import mist


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with two tables of the same kind, and a run on the first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIST_PLUGINS", "")
    for seed, name in enumerate(("data.csv", "other.csv")):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=400)
        table = np.column_stack([x, 0.9 * x + 0.4 * rng.normal(size=400)])
        np.savetxt(name, table, delimiter=",", header="f1,f2", comments="")
    done = call("estimate", "data.csv", "--x", "f1", "--y", "f2", "-e", "gaussian", "--out", "run", "--seed", "3")
    assert done.exit_code == 0, done.output
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(mist, arguments)


def test_a_kept_estimator_values_other_data(here):
    done = call("evaluate", "run", "other.csv", "--json", "--level", "0.9")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    kept = json.loads((here / "run" / "result.json").read_text())
    assert found["interval"]["level"] == 0.9
    assert found["mi"] != kept["mi"]
    assert found["mi"] == pytest.approx(kept["mi"], abs=0.2)
    assert (found["estimator"], found["x"], found["y"], found["n"]) == ("gaussian", ["f1"], ["f2"], 400)


def test_units_and_text(here):
    nats = json.loads(call("evaluate", "run", "other.csv", "--json").stdout)
    bits = json.loads(call("evaluate", "run", "other.csv", "--json", "--units", "bits").stdout)
    assert bits["mi"] == pytest.approx(nats["mi"] / np.log(2))
    assert "estimator  gaussian" in call("evaluate", "run", "other.csv").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "nothing.csv"], 1, "there is no file 'nothing.csv'"),
        (["run", "other.csv", "--reader", "cvs"], 2, "unknown reader 'cvs'. Did you mean 'csv'?"),
        (["run", "other.csv", "--level", "1"], 2, "0 < x < 1; got '1'"),
    ],
)
def test_bad_input_is_refused_before_anything_heavy(here, monkeypatch, arguments, code, message):
    monkeypatch.setitem(sys.modules, "mistcli.pipeline.evaluation", None)
    done = call("evaluate", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert done.stdout == ""


def test_a_folder_that_is_no_run_and_one_that_is_damaged(here):
    done = call("evaluate", ".", "other.csv")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not the folder of a run" in done.stderr
    (here / "run" / "estimator.safetensors").write_bytes(b"PK")
    done = call("evaluate", "run", "other.csv")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is damaged" in done.stderr


def test_other_columns(here):
    (here / "wrong.csv").write_text("f1,g\n1,2\n")
    done = call("evaluate", "run", "wrong.csv")
    assert done.exit_code == 2
    assert "expected the column 'f2'" in done.stderr
