"""A strategy, the third kind of estimator: what it is given, and where what it says goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from problems import normal, normal_nats

import mistcli
from mistcli.cli.group import mist
from mistcli.errors import ConfigError, FitError, PluginError
from mistcli.estimators import Gaussian
from mistcli.plugin import EstimatorSpec, hookimpl, option
from mistcli.plugin.registry import Registry
from mistcli.training.composite import Context, Strategy, Valuation
from mistcli.training.events import Evaluated

MODULE = __name__


@dataclass(frozen=True)
class WrappedOptions:
    """The options of `wrapped`."""

    factor: float = option(1.0, help="What log ratios are multiplied by.")


class Wrapped(Strategy):
    """A Gaussian, fitted to all rows, that keeps what it was given."""

    given: ClassVar[list[Context]] = []

    def __init__(self, *, factor: float = 1.0):
        self.factor = factor

    def value(self, x, y, context):
        self.given.append(context)
        sides = [torch.from_numpy(side.values) for side in (x, y)]
        log_ratio = self.factor * Gaussian().fit_log_ratio(*sides).numpy()
        context.listener.emit(Evaluated(1, 1.0, "valid", {"mi": 0.5}, {"mi": (0.5, 0.5)}))

        def statistic(order):
            return float(Gaussian().fit_log_ratio(sides[0], sides[1][torch.from_numpy(order)]).mean())

        taken = "gaussian" if y.names[0] != "odd" else "other"
        told = {"method": taken, "why": {"columns": x.names + y.names, "nats": float(log_ratio.mean())}}
        spread = context.spread(log_ratio)
        said, word = ("unlike estimators disagree",), ("members_disagree",)
        return Valuation(log_ratio, spread, statistic, told, said, not context.should_stop(), word)


class Raising(Strategy):
    def value(self, x, y, context):
        raise ZeroDivisionError("inside")


class Nothing(Wrapped):
    def value(self, x, y, context):
        found = super().value(x, y, context)
        return Valuation(found.log_ratio * np.nan, found.stderr, found.statistic)


class Plugin:
    MIST_API = "1.0"

    @hookimpl
    def mist_estimators(self):
        kinds = {"x": "any", "y": "any", "trained": True, "transform": "none"}
        yield EstimatorSpec("wrapped", f"{MODULE}:Wrapped", "For tests.", options=WrappedOptions, **kinds)
        yield EstimatorSpec("raising", f"{MODULE}:Raising", "For tests.")
        yield EstimatorSpec("nothing", f"{MODULE}:Nothing", "For tests.")


@pytest.fixture
def registry():
    Wrapped.given.clear()
    return Registry(discover=False, plugins=[Plugin()])


@pytest.fixture(scope="module")
def pair():
    x, y = normal(1000, 0.8)
    return x[:, 0].numpy(), y[:, 0].numpy()


def test_it_goes_the_whole_way(registry, pair):
    found = mistcli.estimate(pair, estimator="wrapped", registry=registry, seed=3, max_steps=7)
    assert found.nats == pytest.approx(mistcli.estimate(pair, estimator="gaussian").nats)
    assert found.nats == pytest.approx(normal_nats(0.8), abs=0.1)
    assert found.pointwise.shape == (1000,)
    assert "unlike estimators disagree" in found.warnings
    assert "members_disagree" in found.verdict
    assert found.explanation["method"] == "gaussian"
    assert found.explanation["columns"] == {"x": "1 continuous", "y": "1 continuous"}
    assert json.loads(json.dumps(found.to_dict()))["explanation"]["why"]["columns"] == ["x", "y"]
    assert list(found.history["value"]) == [0.5, 0.5]
    (context,) = Wrapped.given
    assert (context.seed, context.training.max_steps, context.independent, len(context.folds)) == (3, 7, True, 5)
    assert sorted(np.concatenate([fold.test for fold in context.folds])) == list(range(1000))


def test_its_options_and_its_statistic_are_its_own(registry, pair):
    found = mistcli.estimate(pair, estimator="wrapped", registry=registry, factor=2.0, permutations=39)
    assert found.nats == pytest.approx(2 * mistcli.estimate(pair, estimator="gaussian").nats)
    assert (found.p_value, found.permutations) == (1 / 40, 39)


def test_several_pairs_one_after_the_other(registry, pair):
    table = {"a": pair[0], "b": pair[1], "c": pair[1] + 1}
    found = mistcli.estimate_many(table, [("a", "b"), ("a", "c")], estimator="wrapped", registry=registry)
    assert found[0].nats == pytest.approx(found[1].nats)
    assert [one.y for one in found] == [("b",), ("c",)]


def test_series_and_groups_are_told(registry, pair):
    lags = mistcli.estimate_lags(pair, lags=[0, 1], estimator="wrapped", registry=registry)
    plain = mistcli.estimate_lags(pair, lags=[0, 1], estimator="gaussian")
    assert [one.nats for one in lags.estimates] == pytest.approx([one.nats for one in plain.estimates])
    block = mistcli.estimate(pair, estimator="wrapped", registry=registry, block=20)
    groups = {"x": pair[0], "y": pair[1], "g": np.arange(1000) // 10}
    group = mistcli.estimate(groups, x="x", y="y", group="g", estimator="wrapped", registry=registry)
    assert not any(context.independent for context in Wrapped.given)
    assert block.explanation["rows"]["sampling_design"] == "a series, in blocks of 20"
    assert group.explanation["rows"]["sampling_design"] == "100 groups by 'g'"


def test_conditional_information_says_both_terms(registry, pair):
    rng = np.random.default_rng(0)
    table = {"x": pair[0], "y": pair[1], "z": pair[0] + rng.standard_normal(1000)}
    found = mistcli.estimate(table, x="x", y="y", given="z", estimator="wrapped", registry=registry)
    assert found.explanation["I(x; y, given)"]["why"]["columns"] == ("x", "y", "z")
    assert found.explanation["I(x; given)"]["method"] == "gaussian"
    assert found.warnings.count("unlike estimators disagree") == 1
    assert found.verdict.count("members_disagree") == 1
    assert not any("in different ways" in warning for warning in found.warnings)
    table = {"x": pair[0], "z": pair[1], "odd": pair[0] + rng.standard_normal(1000)}
    found = mistcli.estimate(table, x="x", y="z", given="odd", estimator="wrapped", registry=registry)
    assert any("found in different ways" in warning for warning in found.warnings)


def test_what_cannot_apply_is_refused(registry, pair):
    with pytest.raises(ConfigError, match="'wrapped' chooses by itself how columns are prepared; leave --transform"):
        mistcli.estimate(pair, estimator="wrapped", registry=registry, transform="normal")
    with pytest.raises(ConfigError, match="'wrapped' takes no critic"):
        mistcli.estimate(pair, estimator="wrapped", registry=registry, critic="joint")
    with pytest.raises(PluginError, match=r"'raising' of plugin .* failed: ZeroDivisionError: inside"):
        mistcli.estimate(pair, estimator="raising", registry=registry)
    with pytest.raises(FitError, match="not finite"):
        mistcli.estimate(pair, estimator="nothing", registry=registry)


def test_interrupted_it_says_so(registry, pair):
    found = mistcli.estimate(pair, estimator="wrapped", registry=registry, should_stop=lambda: True)
    assert not found.complete
    assert any("interrupted" in warning for warning in found.warnings)


SOURCE = """
from mistcli.estimators import Gaussian
from mistcli.training.composite import Strategy, Valuation
from mistcli.plugin import EstimatorSpec, hookimpl
import torch

MIST_API = "1.0"

class Chooser(Strategy):
    def value(self, x, y, context):
        sides = [torch.from_numpy(side.values) for side in (x, y)]
        log_ratio = Gaussian().fit_log_ratio(*sides).numpy()
        candidates = [{"name": "gaussian", "nats": 0.5}, {"name": "other"}]
        told = {"candidates": candidates, "why": {"rows": None}, "method": "gaussian"}
        return Valuation(log_ratio, context.spread(log_ratio), lambda order: 0.0, told)

@hookimpl
def mist_estimators():
    return [EstimatorSpec("chooser", f"{__name__}:Chooser", "For tests.")]
"""


def test_the_command_line_explains_keeps_and_refuses_to_apply(tmp_path, monkeypatch, pair):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIST_PLUGINS", "")
    (tmp_path / "chooser.py").write_text(SOURCE)
    np.savetxt("t.csv", np.column_stack(pair), delimiter=",", header="a,b", comments="")

    def call(*arguments):
        return CliRunner().invoke(mist, ["--plugin", "chooser.py", *arguments])

    run = ("estimate", "t.csv", "--x", "a", "--y", "b", "-e", "chooser")
    done = call(*run, "--explain", "--out", "run")
    assert done.exit_code == 0, done.output
    explained = done.stdout.split("\n\n")[-1]
    assert "candidates\n  name gaussian, nats 0.5\n  name other\nwhy\n  rows  none\nmethod  gaussian\n" in explained
    assert "sampling design  independent" in explained
    assert "explained" not in call(*run).stdout
    assert sorted(file.name for file in (tmp_path / "run").iterdir()) == [
        "config.yaml",
        "history.csv",
        "history.jsonl",
        "pointwise.csv",
        "result.json",
    ]
    refused = call("evaluate", "run", "t.csv")
    assert refused.exit_code == 1
    assert "kept no estimator to apply, for its number is made of several estimators; keep a run of" in refused.stderr
