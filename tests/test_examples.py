"""The files in examples/ are what their README says they are."""

from __future__ import annotations

import os
import site
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri
from sklearn.datasets import load_iris

import mistcli

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def make_data(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import make_data

    return make_data


def test_the_script_makes_the_file_byte_for_byte(tmp_path):
    made = tmp_path / "data.csv"
    subprocess.run([sys.executable, EXAMPLES / "make_data.py", made], check=True, stdout=subprocess.DEVNULL)
    assert made.read_bytes() == (EXAMPLES / "data.csv").read_bytes()
    assert made.stat().st_size < 1_000_000


def test_the_true_value_is_that_of_the_normal_variables_beneath(make_data):
    # Normal scores undo any monotone map of a column; what is left is normal, with a value in closed form.
    columns = make_data.sample(200_000, seed=1).T
    ranks = columns.argsort(axis=1).argsort(axis=1)
    correlation = np.corrcoef(ndtri((ranks + 0.5) / ranks.shape[1]))
    determinants = [np.linalg.det(block) for block in (correlation[:2, :2], correlation[2:, 2:], correlation)]
    mi = 0.5 * np.log(determinants[0] * determinants[1] / determinants[2])
    assert mi == pytest.approx(make_data.TRUE_NATS, abs=0.01)


def test_iris_is_what_scikit_learn_carries():
    iris = load_iris()
    header, *lines = (EXAMPLES / "iris.csv").read_text(encoding="utf-8").splitlines()
    assert header == "sepal_length,sepal_width,petal_length,petal_width,species"
    rows = zip(iris.data, iris.target, strict=True)
    assert lines == [",".join([*map(str, x), iris.target_names[y]]) for x, y in rows]


class Environment:
    """A virtual environment that sees what is installed here, and in which more can be installed."""

    def __init__(self, home):
        venv.create(home, with_pip=False)
        self.home = home
        self.python = next(path for path in home.glob("*/python*") if path.stem == "python")
        here = [str(Path(mistcli.__file__).parent.parent), *site.getsitepackages()]
        packages = next(home.rglob("site-packages"))
        lines = [f"import site; site.addsitedir({path!r})\n" for path in here]
        (packages / "here.pth").write_text("".join(lines), encoding="utf-8")

    def run(self, *command):
        env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")}
        run = subprocess.run([self.python, *command], cwd=self.home, env=env, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run.stdout

    def pip(self, *command):
        subprocess.run([sys.executable, "-m", "pip", "--quiet", "--python", self.python, *command], check=True)

    def mist(self, *command):
        return self.run("-m", "mistcli", *command)


def first_column(table):
    return [line.split()[0] for line in table.splitlines()]


def test_the_example_plugin_comes_works_and_goes(tmp_path):
    environment = Environment(tmp_path / "venv")
    before = environment.mist("list-estimators")
    plugin = EXAMPLES / "mist-plugin-foo"
    environment.pip("install", "--no-index", "--no-deps", "--no-build-isolation", str(plugin))

    assert first_column(environment.mist("list-estimators")) == [*first_column(before), "foo"]
    data = str(EXAMPLES / "data.csv")
    shown = environment.mist("estimate", data, "--x", "f1", "--y", "f2", "--estimator", "foo", "--max-steps", "20")
    assert "foo" in shown
    environment.run("-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(plugin / "tests"))

    environment.pip("uninstall", "--yes", "mist-plugin-foo")
    assert environment.mist("list-estimators") == before
