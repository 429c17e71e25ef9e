"""The conformance kit: right things pass it, and each wrong thing trips its own check and no other."""

from __future__ import annotations

import functools
import pydoc
import re
import sys

import faulty_plugins
import pytest
import torch

from mistcli.errors import ConfigError, UnknownNameError
from mistcli.plugin.registry import Registry
from mistcli.testing import all_checks, checks_for, problems, spec_checks, subject
from mistcli.testing.check import Subject
from mistcli.testing.subprocess_import import import_fresh

WORDS = "a b c\n0.5 1 u\n1.5 - v\n2.5 3 -\n3.5 4 w\n"
TABLE = {"a": [0.5, 1.5, 2.5, 3.5], "b": [1.0, None, 3.0, 4.0], "c": ["u", "v", None, "w"]}
TRAINED = {"max_steps": 150, "lr": 0.05, "folds": 2}
BEYOND = {
    "P": "a plugin as a whole; see test_testing_plugins.py",
    "S04": "the import of a module; see test_testing_plugins.py",
}
"""The checks that nothing in faulty_plugins.py could trip, and why."""

registry = Registry(discover=False, plugins=[faulty_plugins.Plugin()])


@pytest.fixture(scope="module", autouse=True)
def _imported_once():
    """Import the module of wrong things in a fresh process once, and not once for each of them."""
    once = functools.cache(lambda names, preload: import_fresh(names, preload=preload))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spec_checks, "import_fresh", lambda names, preload=(): once(tuple(names), tuple(preload)))
        yield


@pytest.fixture(autouse=True)
def _default_dtype():
    yield
    torch.set_default_dtype(torch.float32)


def outcomes(kind, name, tmp_path):
    spec = next(spec for spec in faulty_plugins.SPECS[kind] if spec.name == name)
    given = {}
    if kind == "readers":
        sample = tmp_path / f"sample.{name}"
        sample.write_text(WORDS)
        given = {"sample": sample, "expected": TABLE}
    elif kind == "critics" or getattr(spec, "trained", False):
        given = {"options": TRAINED}
    found = subject(kind, name, registry, **given)
    known = {check.id: check for check in checks_for(kind)}
    return {id: found.run(check, known) for id, check in known.items()}


@pytest.mark.parametrize(("kind", "name"), faulty_plugins.FAULTS, ids=lambda value: value)
def test_each_trips_its_own_check_and_no_other(kind, name, tmp_path):
    found = outcomes(kind, name, tmp_path)
    lame = {id: outcome for id, outcome in found.items() if outcome.status in ("failed", "warned")}
    told = {id: outcome.message for id, outcome in lame.items()}
    assert set(lame) == faulty_plugins.FAULTS[kind, name], told
    for id, outcome in lame.items():
        assert re.fullmatch(r"expected .+; got .+\. Read more: python -m pydoc [\w.]+", told[id], re.DOTALL), told[id]
        assert outcome.status == ("failed" if outcome.check.level == "required" else "warned")


def test_every_check_is_tripped():
    tripped = set().union(*faulty_plugins.FAULTS.values())
    untested = {check.id for check in all_checks()} - tripped
    assert {id for id in untested if id not in BEYOND and id[0] not in BEYOND} == set()


def test_what_is_right_passes_nearly_all(tmp_path):
    found = outcomes("estimators", "right", tmp_path)
    skipped = {id for id, outcome in found.items() if outcome.status == "skipped"}
    assert skipped == {"E12", "E15", "E17"}
    found = outcomes("estimators", "righttrained", tmp_path)
    assert {id for id, outcome in found.items() if outcome.status == "skipped"} == {"E17", "E18", "E19"}


def test_checks_are_documented():
    checks = all_checks()
    assert len({check.id for check in checks}) == len(checks)
    assert len({check.title for check in checks}) > len(checks) - 8
    for check in checks:
        assert re.fullmatch(r"[A-Z]\d\d", check.id)
        assert check.fn.__doc__
        assert not check.title.endswith(".")
        assert pydoc.locate(check.see) is not None
        assert pydoc.locate(check.see).__doc__
        assert {other.id for other in checks} >= set(check.needs)


@pytest.mark.parametrize("kind", ["estimators", "critics", "readers", "loggers", "executors", "commands"])
def test_a_check_comes_after_those_it_needs_or_runs_them_itself(kind):
    known = {check.id: check for check in checks_for(kind)}
    for check in known.values():
        assert set(check.needs) <= set(known)


def test_what_needs_a_check_that_failed_is_skipped(tmp_path):
    found = outcomes("estimators", "notfinite", tmp_path)
    assert found["E04"].status == "skipped"
    assert found["E04"].message == "it would only repeat the failure of E03"
    assert found["E03"].message == "it would only repeat the failure of E02"


def test_the_messages_say_what_came(tmp_path):
    assert "expected 0.867 nats; got 1.252, as many bits." in outcomes("estimators", "bits", tmp_path)["E03"].message
    lacking = outcomes("estimators", "lacking", tmp_path)["S01"].message
    assert "needs no_such_package_of_anybody, which is not installed: pip install" in lacking
    assert "got max_steps" in outcomes("estimators", "colliding", tmp_path)["S03"].message


def test_fast_leaves_out_what_trains_to_its_end():
    found = subject("estimators", "js", registry, fast=True)
    known = {check.id: check for check in checks_for("estimators")}
    assert found.run(known["E04"], known).status == "skipped"
    assert found.run(known["E02"], known).status == "passed"


def test_a_name_must_be_known():
    with pytest.raises(UnknownNameError, match="unknown estimator 'nothing'"):
        subject("estimators", "nothing", registry)
    with pytest.raises(ConfigError, match="expected a kind, one of plugin, estimators"):
        checks_for("flavours")


def test_a_plugin_that_is_not_installed_skips_what_needs_that():
    (record,) = [plugin for plugin in registry.plugins if plugin.distribution == "Plugin"]
    found = Subject(record, registry)
    known = {check.id: check for check in checks_for("plugin")}
    assert found.run(known["P01"], known).status == "passed"
    assert found.run(known["P04"], known).message.startswith("the plugin is not installed")
    assert found.run(checks_for("loggers")[0]).status == "skipped"


@pytest.mark.parametrize(
    "pairs",
    [
        problems.normal(200_000, 0.4, dim=2),
        problems.discrete(200_000, 0.5),
        problems.mixed(200_000, 1.0, side="y"),
    ],
)
def test_the_problems_have_the_log_ratios_that_they_say(pairs):
    """Shuffled, E[exp(log ratio)] is 1: checked for the pairs with a plug-in of their own log ratio."""
    ratio = torch.from_numpy(pairs.log_ratio)
    inverse = (-ratio).exp().mean().item()  # the expectation of p(x)p(y)/p(x,y) under p(x,y)
    assert inverse == pytest.approx(1, abs=0.05)
    assert pairs.nats > 0.1


def test_the_kit_without_pytest_imports_no_pytest():
    import subprocess

    code = (
        "import sys, mistcli.testing.running, mistcli.testing as t; t.all_checks(); "
        "assert 'pytest' not in sys.modules; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
