"""The example of a plugin, as an installed package: what its `pyproject.toml` declares is what is tested."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parent.parent / "examples" / "mist-plugin-foo"


@pytest.fixture
def installed(site):
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = "\n".join(f"{name} = {target}" for name, target in project["entry-points"]["mist"].items())
    site.declare(project["name"], f"[mist]\n{points}\n", version=project["version"])
    shutil.copytree(EXAMPLE / "mist_plugin_foo", site.path / "mist_plugin_foo")
    return site


def test_it_is_listed_and_nothing_else_changes(mist, installed, monkeypatch):
    rows = mist("list-estimators").stdout.splitlines()
    summary = "Donsker-Varadhan bound, the plugin example."
    assert rows[-1].split() == ["foo", *summary.split(), "discriminative", "lower", "foo"]
    monkeypatch.setenv("MIST_PLUGINS", "")
    without = mist("list-estimators").stdout.splitlines()
    assert [row.split() for row in rows[:-1]] == [row.split() for row in without]


def test_it_is_in_order(mist, installed):
    plugins = json.loads(mist("plugins", "--json").stdout)["plugins"]
    (foo,) = [plugin for plugin in plugins if plugin["name"] == "foo"]
    assert (foo["status"], foo["reason"], foo["heavy"]) == ("ok", "", [])
    assert foo["provides"] == ["estimators: foo"]


def test_it_estimates(installed, tmp_path):
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000)
    y = 0.9 * x + np.sqrt(1 - 0.9**2) * rng.standard_normal(2000)
    np.savetxt(tmp_path / "data.csv", np.stack([x, y], 1), delimiter=",", header="x,y", comments="")
    command = ["-m", "mistcli", "estimate", str(tmp_path / "data.csv"), "--x", "x", "--y", "y"]
    process = installed.python(
        *command, "--estimator", "foo", "--folds", "2", "--max-steps", "300", "--json", OMP_NUM_THREADS="1"
    )
    assert abs(json.loads(process.stdout)["mi"] - 0.8304) < 0.1


def test_its_own_tests_pass(installed):
    process = installed.python("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"), check=False)
    assert process.returncode == 0, process.stdout
