"""What `mist plugin new` makes: refused where it cannot be, and otherwise a package that works unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

KINDS = ("estimator", "critic", "reader", "logger", "executor", "command")
FAST = "command"
"""The one kind that is installed, checked and run in the fast tests."""


class Environment:
    """A real virtual environment that also sees what this one has, so that torch is not installed again."""

    def __init__(self, path):
        venv.create(path / "env", symlinks=True)
        self.python = path / "env" / "bin" / "python"
        here = sysconfig.get_path("purelib")
        (site,) = (path / "env" / "lib").glob("python*/site-packages")
        (site / "seen.pth").write_text(f"import site; site.addsitedir({here!r})\n")

    def run(self, *args, cwd):
        env = {name: value for name, value in os.environ.items() if not name.startswith("MIST_")}
        env |= {"COLUMNS": "100", "OMP_NUM_THREADS": "1"}
        run = subprocess.run([self.python, *args], cwd=cwd, env=env, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def mist(self, *args, cwd):
        return self.run("-m", "mistcli", *args, cwd=cwd)

    def install(self, folder):
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet", "--no-index"]
        subprocess.run([*pip, "--no-deps", "--no-build-isolation", str(folder)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return Environment(tmp_path_factory.mktemp("scaffold"))


@pytest.fixture
def folder(tmp_path):
    rows = "".join(f"{i % 17 / 3},{i % 17 / 3 + i % 7 / 2}\n" for i in range(300))
    (tmp_path / "data.csv").write_text("f1,f2\n" + rows)
    return tmp_path


@pytest.mark.parametrize("kind", [pytest.param(k, marks=() if k == FAST else pytest.mark.slow) for k in KINDS])
def test_it_installs_is_listed_passes_and_runs_unchanged(environment, folder, kind):
    name = f"my-{kind}"
    environment.mist("plugin", "new", name, "--kind", kind, cwd=folder)
    made = folder / f"mist-plugin-{name}"
    environment.install(made)
    plugins = json.loads(environment.mist("plugins", "--json", cwd=folder))["plugins"]
    (record,) = [plugin for plugin in plugins if plugin["name"] == name]
    assert (record["status"], record["provides"], record["heavy"]) == ("ok", [f"{kind}s: {name}"], [])
    report = json.loads(environment.mist("plugin", "check", str(made), "--json", cwd=folder))
    assert report["passed"]
    assert [check["id"] for check in report["checks"] if check["status"] == "warned"] == []
    assert len([check for check in report["checks"] if check["status"] == "passed"]) >= 14
    environment.run("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=made)
    check_that_it_runs(environment, folder, kind, name)


def check_that_it_runs(environment, folder, kind, name):
    columns = ["data.csv", "--x", "f1", "--y", "f2"]
    quick = ["--json", "--max-steps", "20", "--folds", "2"]
    if kind == "command":
        lines = environment.mist(name, *columns, cwd=folder).splitlines()
        assert [line.split("\t")[0] for line in lines] == ["gaussian", "ksg"]
    elif kind == "estimator":
        found = json.loads(environment.mist("estimate", *columns, *quick, "--estimator", name, cwd=folder))
        assert (found["estimator"], found["bound"]) == (name, "lower")
    elif kind == "critic":
        found = json.loads(environment.mist("estimate", *columns, *quick, "-e", "js", "--critic", name, cwd=folder))
        assert found["mi"] is not None
    elif kind == "logger":
        environment.mist("estimate", *columns, *quick, "--logger", f"{name}:path=run.txt", cwd=folder)
        assert "success" in (folder / "run.txt").read_text()
    elif kind == "reader":
        (sample,) = (folder / f"mist-plugin-{name}").rglob("sample.*")
        read = ["estimate", str(sample), "--x", "a", "--y", "b", "--estimator", "gaussian", "--json"]
        assert json.loads(environment.mist(*read, cwd=folder))["cleaning"]["source"]["name"] == name
    else:
        code = (
            "from mistcli.executors import Task, open_executor; from mistcli.plugin.registry import Registry; "
            f"e = open_executor({name + ':workers=1'!r}, Registry()); "
            "print([d.result for d in e.run(dict, [Task('a', {'x': 1})])])"
        )
        assert environment.run("-c", code, cwd=folder).strip() == "[{'x': 1}]"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["foo", "a-b_c", "none", "class1"])
def test_what_is_made_is_python_that_a_linter_likes(mist, folder, kind, name):
    assert mist("plugin", "new", name, "--kind", kind, "--dir", folder / "out").exit_code == 0
    sources = sorted((folder / "out").rglob("*.py"))
    assert len(sources) == 3
    for path in sources:
        compile(path.read_text(), str(path), "exec")
    assert "$" not in "".join(path.read_text() for path in (folder / "out").rglob("*.*") if path.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_is_formatted(mist, folder, kind):
    mist("plugin", "new", "foo", "--kind", kind, "--dir", folder)
    ruff = [Path(sys.executable).with_name("ruff")]
    if not ruff[0].exists():
        pytest.skip("ruff is not installed")
    options = ["--isolated", "--line-length", "120"]
    for command in (["format", "--check"], ["check", "--select", "E,F,W,I,UP,B,D1"]):
        exempt = ["--ignore", "D1"] if command[0] == "check" else []
        run = subprocess.run([*ruff, *command, *options, *exempt, str(folder)], capture_output=True, text=True)
        assert run.returncode == 0, run.stdout


def test_what_to_do_next_is_told(mist, folder):
    result = mist("plugin", "new", "mist-plugin-foo", "--dir", folder)
    assert result.stdout.splitlines()[1:] == [
        f"  pip install --editable {folder / 'mist-plugin-foo'}",
        "  mist plugin check foo",
        f"then change {folder / 'mist-plugin-foo' / 'mist_plugin_foo' / 'estimator.py'} into yours",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("js", "estimator", "estimator 'js' is there already, from mistcli; choose another name."),
        ("joint", "critic", "critic 'joint' is there already"),
        ("csv", "reader", "reader 'csv' is there already"),
        ("estimate", "command", "command 'estimate' is there already"),
        ("mist", "estimator", "a plugin 'mist' is there already"),
        ("Foo", "estimator", "'Foo' is not a name; expected a lower-case letter"),
        ("../foo", "estimator", "'../foo' is not a name"),
        ("", "estimator", "'' is not a name"),
        ("1", "estimator", "'1' is not a name"),
        ("f\u00f6", "estimator", "is not a name"),
    ],
)
def test_names_that_cannot_be_are_refused(mist, folder, name, kind, message):
    before = sorted(folder.iterdir())
    result = mist("plugin", "new", "--kind", kind, "--dir", folder, "--", name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert sorted(folder.iterdir()) == before


def test_a_folder_that_is_there_is_left_alone(mist, folder):
    (folder / "mist-plugin-foo").mkdir()
    result = mist("plugin", "new", "foo", "--dir", folder)
    assert result.exit_code == 2
    assert "is there already; choose another name or --dir." in result.stderr
    assert list((folder / "mist-plugin-foo").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(mist, folder):
    result = mist("plugin", "new", "foo", "--dir", folder / "data.csv" / "below")
    assert result.exit_code == 2
    assert "cannot write a folder in" in result.stderr


def test_an_unknown_kind_names_those_there_are(mist, folder):
    result = mist("plugin", "new", "foo", "--kind", "flavour", "--dir", folder)
    assert result.exit_code == 2
    assert "'estimator', 'critic', 'reader', 'logger', 'executor', 'command'" in result.stderr
