"""With twenty plugins installed, five of them broken, all is well; benchmarks/plugins.py tells what they cost."""

from __future__ import annotations

import json

import pytest
from plugin_fixtures import BROKEN, WORKING, install

MODULES = """
import sys
from mistcli.__main__ import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
DATA = ["data.csv", "--x", "f1", "--y", "f2"]
QUICK = ["--json", "--max-steps", "20", "--folds", "2"]


def of(kind):
    return [name for name, what in WORKING.items() if what == kind]


@pytest.fixture
def installed(site, tmp_path, monkeypatch):
    site.path.mkdir(exist_ok=True)
    monkeypatch.setenv("MIST_PLUGINS", ",".join(install(site.path)))
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{i % 17 / 3},{i % 17 / 3 + i % 7 / 2}\n" for i in range(300))
    (tmp_path / "data.csv").write_text("f1,f2\n" + rows)
    return site


def test_there_are_twenty():
    assert (len(WORKING), len(BROKEN)) == (15, 5)


def test_help_tells_of_all_commands_and_imports_nothing_that_works(installed):
    process = installed.python("-c", MODULES, "--help")
    told, loaded = process.stderr.splitlines()
    assert told.startswith("5 plugins failed to load: ")
    assert told.endswith(" (see `mist plugins`)")
    assert all(f"mist-plugin-{name}" in told for name in BROKEN)
    section = process.stdout.split("Plugin commands:")[1]
    assert [line.split()[0] for line in section.splitlines() if line] == of("command")
    modules = set(loaded.split())
    assert not modules & {"torch", "pandas", "numpy", "scipy"}
    hooks = {f"mist_plugin_{name.replace('-', '_')}" for name in WORKING}
    assert {name for name in modules if name.startswith("mist_plugin_") and "broken" not in name} == hooks


def test_each_broken_one_is_named_with_its_reason(mist, installed):
    result = mist("plugins", "--json")
    assert result.exit_code == 0
    found = {plugin["name"]: plugin for plugin in json.loads(result.stdout)["plugins"]}
    for name, (_, reason) in BROKEN.items():
        assert found[name]["status"] == ("incompatible" if name == "broken-version" else "broken")
        assert reason in found[name]["reason"]
    for name, kind in WORKING.items():
        assert (found[name]["status"], found[name]["provides"]) == ("ok", [f"{kind}s: {name}"])


@pytest.mark.parametrize("name", BROKEN)
def test_to_ask_for_a_broken_one_says_why(mist, installed, name):
    result = mist("estimate", *DATA, "--estimator", name)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.splitlines()[-1].startswith(
        f"error: estimator '{name}' is not available: plugin mist-plugin-{name}"
    )
    assert BROKEN[name][1] in result.stderr


def test_every_estimator_works(mist, installed):
    for name in of("estimator"):
        assert json.loads(mist("estimate", *DATA, *QUICK, "--estimator", name).stdout)["estimator"] == name


def test_every_critic_and_logger_works(mist, installed, tmp_path):
    for critic, logger in zip(of("critic"), of("logger"), strict=True):
        options = ["--critic", critic, "--logger", f"{logger}:path={logger}.txt"]
        assert json.loads(mist("estimate", *DATA, *QUICK, "-e", "js", *options).stdout)["mi"] is not None
        assert "success" in (tmp_path / f"{logger}.txt").read_text()


def test_every_reader_command_and_executor_works(mist, installed):
    for name in of("reader"):
        sample = next(installed.path.rglob(f"sample.{name.replace('-', '_')}"))
        assert [line.split()[-1] for line in mist("columns", sample).stdout.splitlines()] == ["a", "b", "c"]
    for name in of("command"):
        assert [line.split()[0] for line in mist(name, *DATA).stdout.splitlines()] == ["gaussian", "ksg"]
    bench = ["bench", "-e", "gaussian", "--tasks", "1v1-normal-0.75", "--n", "300", "--json"]
    for name in of("executor"):
        assert mist(*bench, "--executor", name).exit_code == 0
