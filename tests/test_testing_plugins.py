"""The checks of plugins as a whole, and of imports, which need a plugin that is installed; and `mist plugin check`."""

from __future__ import annotations

import json
import re
import sys
import time

import pytest

from mistcli.plugin.registry import Registry
from mistcli.testing.running import run_checks

RIGHT = """
    from mistcli.plugin import ReaderSpec, hookimpl

    MIST_API = "1.0"

    @hookimpl
    def mist_readers():
        yield ReaderSpec("{name}", "foo_target:Target", "A reader.", patterns=("*.foo",))
"""
TARGET = """
    from mistcli.readers import Reader

    class Target(Reader):
        def columns(self, path):
            return []

        def read(self, path, names):
            return {}
"""
ESTIMATOR = RIGHT.replace("Reader", "Estimator").replace("reader", "estimator").replace(', patterns=("*.foo",)', "")


def install(site, *, distribution="mist-plugin-foo", before="", name="foo", source=RIGHT, target=TARGET):
    from textwrap import dedent

    site.add(distribution, dedent(before) + dedent(source).replace("{name}", name))
    (site.path / "foo_target.py").write_text(dedent(target))


def lame(name="foo", **given):
    report = run_checks(name, Registry.from_environment(), **given)
    return {o.check.id: o.message for o in report.outcomes if o.status in ("failed", "warned")}


def test_what_is_right_passes(site):
    install(site)
    assert lame() == {}


@pytest.mark.parametrize(
    ("id", "before", "message"),
    [
        (
            "P01",
            "raise RuntimeError('no')\n",
            "to load; got that it is broken: RuntimeError: no",
        ),
        ("P01", "import no_such_package_of_anybody\n", "broken: ModuleNotFoundError: No module named 'no_such"),
        ("P01", "raise SystemExit('bye')\n", "broken: SystemExit: bye"),
        ("P04", "import numpy\n", "to import no torch, pandas, numpy or scipy; got numpy; move it to a target"),
        ("P04", "import torch\n", "to import no torch, pandas, numpy or scipy; got torch"),
        ("P05", "import time; time.sleep(0.7)\n", "to take at most 0.5 s; got 0."),
        ("P06", "print('hello')\n", "the import of mist_plugin_foo to print nothing; got 'hello'"),
        (
            "P06",
            "import random; random.seed(1)\n",
            "got a change of the state of random",
        ),
        ("P06", "import os; os.chdir('/')\n", "got a change of the working directory"),
    ],
)
def test_a_hook_module_with_one_fault_trips_one_check(site, monkeypatch, id, before, message):
    monkeypatch.chdir(site.path)
    install(site, before=before)
    registry = Registry.from_environment()
    assert registry.plugins
    monkeypatch.chdir(site.path)  # it is imported in this process too
    report = run_checks("foo", registry)
    found = {o.check.id: o.message for o in report.outcomes if o.status in ("failed", "warned")}
    assert set(found) == {id}, found
    assert message in found[id]


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ('MIST_API = "1.0"', 'expected MIST_API = "1.0" in every hook module; got none in mist_plugin_foo'),
    ],
)
def test_a_version_that_is_not_said_is_a_warning(site, replaced, message):
    install(site, source=RIGHT.replace(replaced, ""))
    found = lame()
    assert set(found) == {"P03"}
    assert message in found["P03"]
    assert run_checks("foo", Registry.from_environment()).passed


def test_another_version_of_the_interface_is_found(site):
    install(site, source=RIGHT.replace("1.0", "9.0"))
    assert "got that it is incompatible: it needs plugin interface 9.0" in lame()["P01"]


def test_defaults_out_of_their_range_are_found(site):
    options = """
        from dataclasses import dataclass
        from mistcli.plugin import option

        @dataclass(frozen=True)
        class Options:
            size: int = option(0, help="A size.", min=1)
    """
    install(site, before=options, source=RIGHT.replace(", patterns", ", options=Options, patterns"))
    found = lame()
    assert set(found) == {"P01"}
    assert "option 'size' of 'foo' takes int, x >= 1; got 0" in found["P01"]


def test_a_name_that_is_not_that_of_a_plugin_is_found(site):
    install(site, distribution="foo-for-mist")
    found = lame("foo-for-mist")
    assert set(found) == {"P02"}
    assert "expected a distribution named mist-plugin-*; got 'foo-for-mist'" in found["P02"]


def test_a_name_that_is_built_in_is_a_warning(site):
    install(site, name="csv")
    found = lame()
    assert set(found) == {"P07"}
    assert "'csv' is built in; this one is 'foo/csv'" in found["P07"]


@pytest.mark.parametrize("order", [("foo", "bar"), ("bar", "foo")])
def test_two_plugins_with_one_name_in_both_orders(site, order):
    for plugin in order:
        install(site, distribution=f"mist-plugin-{plugin}", name="shared")
    for plugin, other in (order, order[::-1]):
        found = lame(f"mist-plugin-{plugin}", only=["P01", "P07", "S01"])
        assert set(found) == {"P07"}
        assert f"'shared' is also brought by {other}" in found["P07"]


def test_a_distribution_that_is_found_twice_is_a_warning(site, tmp_path, monkeypatch):
    install(site)
    other = tmp_path / "other"
    (other / "mist_plugin_foo-0.1.dist-info").mkdir(parents=True)
    for file in (site.path / "mist_plugin_foo-0.1.dist-info").iterdir():
        (other / "mist_plugin_foo-0.1.dist-info" / file.name).write_text(file.read_text())
    monkeypatch.syspath_prepend(str(other))
    found = lame()
    assert set(found) == {"P08"}
    assert re.search(r"expected one copy of mist-plugin-foo on sys.path; got 2: .*other", found["P08"])


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ("print('hello')\n", "the import of foo_target to print nothing; got 'hello'"),
        ("import random; random.seed(1)\n", "got a change of the state of random"),
    ],
)
def test_the_import_of_a_target_is_watched(site, before, message):
    install(site, target=before + TARGET.replace("\n    ", "\n"))
    found = lame()
    assert set(found) == {"S04"}, found
    assert message in found["S04"]


def test_a_target_that_reseeds_torch_is_found(site):
    target = """
        import torch
        from mistcli.estimators import Gaussian

        torch.manual_seed(0)

        class Target(Gaussian):
            pass
    """
    install(site, source=ESTIMATOR, target=target)
    found = lame(only=["S01", "S02", "S04"])
    assert set(found) == {"S04"}
    assert "got a change of the state of torch's generator" in found["S04"]


def test_a_missing_package_says_how_to_install_it(site):
    install(site, source=RIGHT.replace(", patterns", ', requires=("no_such_package_of_anybody",), patterns'))
    found = lame()
    assert set(found) == {"S01"}
    assert "needs no_such_package_of_anybody, which is not installed: pip install" in found["S01"]


def test_an_import_that_does_not_end_is_given_up(site):
    from mistcli.testing.check import CheckFailed
    from mistcli.testing.subprocess_import import import_fresh

    install(site, before="import time; time.sleep(3)\n")
    with pytest.raises(CheckFailed, match=r"expected the import of mist_plugin_foo to end; got nothing within 1 s"):
        import_fresh(["mist_plugin_foo"], timeout=1)


@pytest.mark.slow
def test_an_import_of_half_a_minute_is_found(mist, site):
    install(site, before="import time; time.sleep(30)\n")
    start = time.monotonic()
    result = mist("plugin", "check", "foo", "--only", "P05", "--only", "S01")
    assert result.exit_code == 3
    assert "expected the import of mist_plugin_foo to take at most 0.5 s; got 30.0 s" in result.stdout
    assert time.monotonic() - start < 75  # once to look for it, once to measure


def test_check_prints_an_outcome_a_line(mist, site):
    install(site, before="print('hello')\n")
    result = mist("plugin", "check", "foo")
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    assert lines[0] == "foo"
    assert "  P01  passed   the plugin is found, and loads" in lines
    (failed,) = [i for i, line in enumerate(lines) if "failed" in line and "P06" in line]
    assert (
        "expected the import of mist_plugin_foo to print nothing; got 'hello'. Read more: python" in lines[failed + 1]
    )
    assert re.search(r"^\d+ passed, 1 failed, \d+ skipped$", result.stdout, re.MULTILINE)
    assert "  skipped: there is no sample: name one in MIST_SAMPLES" in result.stdout


def test_check_prints_json(mist, site):
    install(site)
    result = mist("plugin", "check", "foo", "--json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert (data["schema"], data["name"], data["passed"]) == ("mist.plugin-check/1", "foo", True)
    first = data["checks"][0]
    assert first.pop("seconds") >= 0
    assert first == {
        "id": "P01",
        "kind": "plugin",
        "level": "required",
        "title": "the plugin is found, and loads",
        "of": "foo",
        "status": "passed",
        "message": "",
    }
    assert {check["of"] for check in data["checks"]} == {"foo", "foo/foo"}


@pytest.mark.parametrize("name", ["mist-plugin-foo", "foo", "foo/foo"])
def test_a_plugin_is_reached_by_all_its_names(site, name):
    install(site)
    report = run_checks(name, Registry.from_environment(), only=["P01", "S01"])
    assert [(o.check.id, o.of, o.status) for o in report.outcomes] == [
        ("P01", "foo", "passed"),
        ("S01", "foo/foo", "passed"),
    ]


def test_a_sample_is_taken_from_the_hook_module(site):
    samples = 'MIST_SAMPLES = {"foo": {"file": "sample.foo", "table": {"a": [1.0]}}}\n'
    target = """
        import numpy as np
        from mistcli.errors import DataError
        from mistcli.readers import Column, Reader

        class Target(Reader):
            def columns(self, path):
                if path.read_text(errors="replace") != "1":
                    raise DataError("no")
                return [Column("a")]

            def read(self, path, names):
                return {name: np.array([1.0]) for name in names}
    """
    install(site, before=samples, target=target)
    (site.path / "sample.foo").write_text("1")
    assert lame() == {}
    statuses = {o.check.id: o.status for o in run_checks("foo", Registry.from_environment()).outcomes}
    assert statuses["R04"] == "passed"


def test_a_folder_is_checked_as_it_is_installed(mist, site, tmp_path):
    source = tmp_path / "mist-plugin-foo"
    source.mkdir()
    project = '[project]\nname = "mist-plugin-foo"\n[project.entry-points.mist]\nfoo = "mist_plugin_foo"\n'
    (source / "pyproject.toml").write_text(project)
    result = mist("plugin", "check", source)
    assert result.exit_code == 2
    assert "mist-plugin-foo is not installed, and it is checked as it is installed: pip install --edit" in result.stderr
    install(site)
    (source / "mist_plugin_foo.py").write_text((site.path / "mist_plugin_foo.py").read_text())
    assert mist("plugin", "check", source, "--only", "P01").exit_code == 0
    (source / "mist_plugin_foo.py").write_text("# changed\n")
    result = mist("plugin", "check", source)
    assert result.exit_code == 2
    assert "the mist-plugin-foo that is installed is not what is in" in result.stderr


@pytest.mark.parametrize("project", [None, "[project\n", '[project]\nname = "x"\n', "project = 1\n"])
def test_a_folder_of_no_plugin_is_refused(mist, tmp_path, project):
    if project:
        (tmp_path / "pyproject.toml").write_text(project)
    result = mist("plugin", "check", f"{tmp_path}/")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "expected the folder of a plugin, with a pyproject.toml" in result.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing"], "unknown name 'nothing'."),
        (["csv", "--only", "Z99"], "there is no check 'Z99' of this; there are L01, "),
        (["csv", "-o", "colour=red"], "'colour' is no option of what is checked; there are "),
        (["csv", "-o", "path"], "expected key=value, got 'path'."),
    ],
)
def test_wrong_usage_is_told(mist, args, message):
    result = mist("plugin", "check", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_built_in_thing_of_several_kinds_is_checked_in_all(mist):
    result = mist("plugin", "check", "csv", "--only", "S01")
    assert result.exit_code == 0
    assert result.stdout.count("S01  passed") == 2


def test_options_reach_what_is_checked(mist):
    result = mist("plugin", "check", "jsonl", "--only", "L01", "-o", "path=elsewhere.jsonl")
    assert result.exit_code == 0
    assert "L01  passed" in result.stdout


def test_help_imports_nothing_heavy(site):
    code = (
        "import sys; from mistcli.__main__ import main\n"
        "try: main()\nfinally: print('HEAVY', *{'torch', 'numpy', 'pandas', 'pytest'} & set(sys.modules))"
    )
    for args in (["--help"], ["new", "--help"], ["check", "--help"]):
        assert site.python("-c", code, "plugin", *args).stdout.splitlines()[-1] == "HEAVY"


def test_check_imports_no_pytest(site):
    install(site)
    code = (
        "import sys; from mistcli.__main__ import main\n"
        "try: main()\nfinally: print('HEAVY', *{'torch', 'pandas', 'pytest'} & set(sys.modules))"
    )
    run = site.python("-c", code, "plugin", "check", "foo", "--only", "P01", "--only", "P04")
    assert run.stdout.splitlines()[-1] == "HEAVY"
    assert sys.modules["pytest"]
