"""The doors for pytest, used on what is built in, which has to pass as a stranger's has."""

from __future__ import annotations

import functools
import gzip
from typing import ClassVar

import faulty_plugins
import pytest

from mistcli.errors import ConfigError
from mistcli.plugin.registry import Registry
from mistcli.testing import (
    CommandConformance,
    CriticConformance,
    EstimatorConformance,
    ExecutorConformance,
    LoggerConformance,
    ReaderConformance,
    Subject,
    parametrize_with_checks,
    plugins,
    spec_checks,
)
from mistcli.testing.subprocess_import import import_fresh


@pytest.fixture(scope="module", autouse=True)
def _imported_once():
    """Import each module in a fresh process once, and not once for each class."""
    once = functools.cache(lambda names, preload: import_fresh(names, preload=preload))
    with pytest.MonkeyPatch.context() as patch:
        for module in (spec_checks, plugins):
            patch.setattr(module, "import_fresh", lambda names, preload=(): once(tuple(names), tuple(preload)))
        yield


registry = Registry(discover=False)
strange = Registry(discover=False, plugins=[faulty_plugins.Plugin()])
CSV = 'a,"b, c",d\n0.5,1,u\n1.5,,v\n2.5,3,\n3.5,4,w\n'


class TestGaussian(EstimatorConformance):
    name = "gaussian"
    registry = registry


class TestKSG(EstimatorConformance):
    name = "ksg"
    registry = registry


@pytest.mark.slow
class TestJS(EstimatorConformance):
    name = "js"
    registry = registry
    options: ClassVar = {"max_steps": 200, "folds": 3}


class TestJoint(CriticConformance):
    name = "joint"
    registry = registry
    options: ClassVar = {"max_steps": 100, "folds": 2}


@pytest.mark.slow
class TestSeparable(CriticConformance):
    name = "separable"
    registry = registry
    options: ClassVar = {"max_steps": 100, "folds": 2}


class TestCsvReader(ReaderConformance):
    name = "csv"
    registry = registry
    expected: ClassVar = {"a": [0.5, 1.5, 2.5, 3.5], "b, c": [1, None, 3, 4], "d": ["u", "v", None, "w"]}

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _sample(cls, tmp_path_factory):
        cls.sample = tmp_path_factory.mktemp("csv") / "data.csv.gz"
        cls.sample.write_bytes(gzip.compress(CSV.encode()))


class TestJsonl(LoggerConformance):
    name = "jsonl"
    registry = registry


class TestCsvLogger(LoggerConformance):
    name = "csv"
    registry = registry


class TestConsole(LoggerConformance):
    name = "console"
    registry = registry
    options: ClassVar = {"style": "plain"}


class TestColumns(CommandConformance):
    name = "columns"
    registry = registry


class TestSerial(ExecutorConformance):
    name = "serial"
    registry = registry


@pytest.mark.slow
class TestProcess(ExecutorConformance):
    name = "process"
    registry = registry
    options: ClassVar = {"workers": 2}


class TestOneByOne(ExecutorConformance):
    name = "onebyone"
    registry = strange


class TestBits(EstimatorConformance):
    name = "bits"
    registry = strange
    expected_failed_checks: ClassVar = {"E03": "it counts in bits"}


@parametrize_with_checks(["jsonl", "silent"], registry=strange)
def test_by_decorator(subject, check):
    assert isinstance(subject, Subject)
    check(subject)


@parametrize_with_checks(["loud"], registry=strange, expected_failed_checks={"L06": "it says what it does"})
def test_what_is_known_to_fail(subject, check):
    check(subject)


def test_a_reason_is_required():
    with pytest.raises(ConfigError, match="expected_failed_checks needs a reason for E03"):

        class Silent(EstimatorConformance):
            name = "bits"
            expected_failed_checks: ClassVar = {"E03": " "}

    with pytest.raises(ConfigError, match="expected_failed_checks names E99; there are E01, E02"):
        parametrize_with_checks(["gaussian"], registry=registry, expected_failed_checks={"E99": "a typing error"})


TESTS = """
import faulty_plugins
from mistcli.plugin.registry import Registry
from mistcli.testing import EstimatorConformance

registry = Registry(discover=False, plugins=[faulty_plugins.Plugin()])

class TestBits(EstimatorConformance):
    name = "bits"
    registry = registry

class TestRight(EstimatorConformance):
    name = "right"
    registry = registry
    expected_failed_checks = {"E03": "it is right, in fact"}
"""


def test_a_failure_is_one_sentence_and_a_pass_that_was_not_expected_fails(tmp_path, monkeypatch):
    import subprocess
    import sys
    from pathlib import Path

    (tmp_path / "test_it.py").write_text(TESTS)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    command = [sys.executable, "-m", "pytest", "-q", "-k", "E03 or E05", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "E03: expected 0.867 nats; got 1.252, as many bits. Read more: python -m pydoc mistcli" in run.stdout
    assert "Traceback" not in run.stdout
    assert "[XPASS(strict)] it is right, in fact" in run.stdout
    assert "2 failed, 2 passed" in run.stdout
