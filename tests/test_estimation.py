"""The whole way, from Python: data in, a defended number out."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from problems import normal, normal_nats

import mistcli
from mistcli.errors import ConfigError, DataError, FitError, MistError, PluginError
from mistcli.estimators import CriticEstimator, DirectEstimator
from mistcli.plugin import EstimatorSpec, hookimpl
from mistcli.plugin.registry import Registry
from mistcli.training.events import Evaluated, Listener, RunFinished, RunStarted, Warned

QUICK = {"estimator": "js", "max_steps": 60, "hidden_dims": (16,), "lr": 1e-2}
TRAINED = ("js", "nwj", "infonce", "smile", "dv", "mine", "tuba", "alpha_tuba", "flo", "anchor")
ALL = (*TRAINED, "gaussian", "ksg")


@pytest.fixture(scope="module")
def pair():
    x, y = normal(2000, 0.9)
    return x[:, 0], y[:, 0]


def quick(name):
    return QUICK | {"estimator": name} if name in TRAINED else {"estimator": name}


@pytest.mark.parametrize("name", ALL)
def test_every_estimator_goes_the_whole_way(name, pair):
    found = mistcli.estimate(pair, **(quick(name) | ({"max_steps": 300} if name in TRAINED else {})))
    assert found.nats == pytest.approx(normal_nats(0.9), abs=0.12)
    assert found.interval.low < found.nats < found.interval.high
    assert (found.n, found.x, found.y, found.estimator, found.complete) == (2000, ("x",), ("y",), name, True)
    assert found.pointwise.shape == found.rows.shape == (2000,)
    assert found.pointwise.mean() == pytest.approx(found.nats)
    assert found.bits == pytest.approx(found.nats / math.log(2))
    assert json.dumps(found.to_dict(), allow_nan=False)
    assert len(found.history) > 0 or name not in TRAINED
    assert "torch" in found.versions


@pytest.mark.parametrize("name", ALL)
def test_same_seed_same_bits_and_nothing_global_is_touched(name, pair):
    torch.manual_seed(1)
    before = torch.random.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype(), pair[0].clone()
    np.random.seed(1)
    numpy_before = np.random.get_state()[1].copy()
    one, same = (mistcli.estimate(pair, seed=7, **quick(name)) for _ in range(2))
    assert one.nats == same.nats
    assert np.array_equal(one.pointwise, same.pointwise)
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert before[1:3] == (torch.get_num_threads(), torch.get_default_dtype())
    assert torch.equal(before[3], pair[0])
    assert np.array_equal(numpy_before, np.random.get_state()[1])


def test_seeds_differ(pair):
    assert mistcli.estimate(pair, seed=0, **QUICK).nats != mistcli.estimate(pair, seed=1, **QUICK).nats


def test_every_kind_of_data_gives_the_same(pair, tmp_path):
    x, y = (side.numpy() for side in pair)
    frame = pd.DataFrame({"a": x, "b": y})
    frame.to_csv(tmp_path / "t.csv", index=False)
    np.save(tmp_path / "t.npy", frame.to_numpy())
    values = {
        "pair of tensors": mistcli.estimate(pair, estimator="gaussian"),
        "pair of arrays": mistcli.estimate((x[:, None], y), estimator="gaussian"),
        "frame": mistcli.estimate(frame, x="a", y=["b"], estimator="gaussian"),
        "dict": mistcli.estimate({"a": x, "b": y}, x="a", y="b", estimator="gaussian"),
        "csv": mistcli.estimate(tmp_path / "t.csv", x="a", y="b", estimator="gaussian"),
        "npy": mistcli.estimate(str(tmp_path / "t.npy"), x="[0]", y="[1]", estimator="gaussian"),
    }
    assert len({round(v.nats, 9) for v in values.values()}) == 1


def test_options_reach_estimator_critic_and_training(pair):
    found = mistcli.estimate(
        pair, estimator="js", neg_samples=4, hidden_dims=(8,), max_epochs=1, batch_size=500, level=0.9
    )
    assert found.config["estimator"] == {"name": "js", "options": {"neg_samples": 4}}
    assert found.config["critic"] == {"name": "joint", "options": {"hidden_dims": (8,)}}
    assert found.config["training"]["max_epochs"] == 1
    assert found.interval.level == 0.9
    assert found.history["iteration"].max() == 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"neg_sampels": 16}, ConfigError, r"'neg_sampels'.*Did you mean 'neg_samples'\?"),
        ({"estimator": "infonc"}, ConfigError, r"unknown estimator 'infonc'\. Did you mean 'infonce'\?"),
        ({"critic": "joint"}, ConfigError, "'auto' takes no critic; got 'joint'.*such as js"),
        ({"valid_fraction": 0}, ConfigError, "give a --valid-fraction above 0"),
        ({"critic": "joind"}, ConfigError, r"unknown critic 'joind'\. Did you mean 'joint'\?"),
        ({"estimator": "ksg", "critic": "joint"}, ConfigError, "takes no critic"),
        ({"estimator": "ksg", "k": 0}, ConfigError, "k"),
        ({"batch_size": 1}, ConfigError, "batch_size"),
        ({"x": "x"}, ConfigError, "beside a pair"),
        ({"device": "cuda"}, ConfigError, "torch sees none here: use --device cpu"),
        ({"estimator": "js", "hidden_dims": ()}, ConfigError, "hidden"),
    ],
)
def test_wrong_options_are_told(pair, options, error, message):
    if torch.cuda.is_available() and options.get("device") == "cuda":
        pytest.skip("there is a CUDA device")
    with pytest.raises(error, match=message):
        mistcli.estimate(pair, **options)


def test_sides_are_needed_for_a_table(pair):
    with pytest.raises(ConfigError, match="expected the columns of y"):
        mistcli.estimate({"a": pair[0], "b": pair[1]}, x="a")


class TestKinds:
    def test_trained_estimators_take_discrete_columns(self):
        rng = np.random.default_rng(0)
        label = rng.choice(["a", "b"], 2000)
        value = np.where(label == "a", 4.0, -4.0) + rng.standard_normal(2000)
        found = mistcli.estimate({"l": label, "v": value}, x="v", y="l")
        assert found.nats == pytest.approx(math.log(2), abs=0.05)
        assert found.cleaning["discrete"] == ["l"]

    def test_direct_estimators_refuse_them_and_name_others(self):
        table = {"a": np.arange(100) % 3, "b": np.random.default_rng(0).standard_normal(100)}
        with pytest.raises(DataError, match=r"'ksg' takes continuous columns as x, and 'a' is not continuous.*js"):
            mistcli.estimate(table, x="a", y="b", estimator="ksg")
        assert mistcli.estimate(table, x="a", y="b", estimator="ksg", continuous="a").n == 100

    def test_both_sides_discrete(self):
        rng = np.random.default_rng(0)
        one = rng.integers(0, 3, 3000)
        found = mistcli.estimate({"a": one, "b": (one + (rng.random(3000) < 0.3)) % 3}, x="a", y="b", max_steps=200)
        truth = math.log(3) + 0.7 * math.log(0.7) + 0.3 * math.log(0.3)
        assert found.nats == pytest.approx(truth, abs=0.05)


class TestData:
    def test_a_table_that_is_repeated_says_no_more(self, pair):
        x, y = (side.numpy()[:700] for side in pair)
        once = mistcli.estimate((x, y), **(QUICK | {"max_steps": 200}))
        thrice = mistcli.estimate((np.tile(x, 3), np.tile(y, 3)), **(QUICK | {"max_steps": 200}))
        assert thrice.nats < once.nats + 0.15
        assert thrice.stderr > 0.95 * thrice.pointwise.std() / math.sqrt(700)

    def test_zeros_on_both_sides_are_no_copies(self, pair):
        x, y = (side.numpy().clip(min=0) for side in pair)  # a third of the rows are equal
        found = mistcli.estimate((x, y), **(QUICK | {"max_steps": 200}))
        assert found.nats == pytest.approx(mistcli.estimate((x, y), estimator="mixed_ksg").nats, abs=0.12)
        assert found.stderr < 0.05

    def test_fewer_rows_than_folds(self):
        with pytest.raises(DataError, match="needs at least 10 rows; got 4"):
            mistcli.estimate((np.arange(4) * 1.5, np.arange(4) * 0.7), estimator="js")
        rng = np.random.default_rng(0)
        with pytest.raises(DataError, match="12 rows for 10 folds"):
            mistcli.estimate(tuple(rng.standard_normal((2, 12))), estimator="js", folds=10)

    def test_gaps_are_dropped_and_counted(self, pair):
        x = pair[0].numpy().copy()
        x[:100] = np.nan
        found = mistcli.estimate((x, pair[1]), estimator="gaussian")
        assert (found.n, found.cleaning["dropped_missing"], found.rows[0]) == (1900, 100, 100)
        assert any("100 of 2000 rows dropped" in warning for warning in found.warnings)

    @pytest.mark.parametrize("scale", [1e300, 1e-300])
    def test_extreme_scales(self, pair, scale):
        plain = mistcli.estimate(pair, estimator="ksg")
        scaled = mistcli.estimate((pair[0] * scale, pair[1]), estimator="ksg")
        assert scaled.nats == pytest.approx(plain.nats, abs=1e-3)

    @pytest.mark.parametrize("name", TRAINED)
    def test_heavy_tails_do_not_diverge(self, name):
        rng = np.random.default_rng(0)
        x = rng.standard_cauchy(2000)
        found = mistcli.estimate((x, x + rng.standard_cauchy(2000)), **quick(name))
        assert -0.2 < found.nats < 2

    @pytest.mark.parametrize("name", ALL)
    def test_independent_columns(self, name):
        rng = np.random.default_rng(11)
        found = mistcli.estimate(tuple(rng.standard_normal((2, 2000))), **quick(name))
        assert abs(found.nats) < 0.03
        assert found.interval.low <= 0 <= found.interval.high
        assert any("not distinguishable from 0" in warning for warning in found.warnings)


class Foreign:
    """A plugin object with an estimator whose target is a class of this module."""

    MIST_API = "1.0"

    def __init__(self, target, **facts):
        self.spec = EstimatorSpec("foreign", f"test_estimation:{target}", "For tests.", **facts)

    @hookimpl
    def mist_estimators(self):
        return [self.spec]


class Raising(DirectEstimator):
    def fit_log_ratio(self, x, y, *, generator=None):
        raise ZeroDivisionError("inside")

    def log_ratio(self, x, y):
        raise NotImplementedError


class Infinite(Raising):
    def fit_log_ratio(self, x, y, *, generator=None):
        return torch.full((len(x),), float("nan"))


class Bad(CriticEstimator):
    def log_partition(self, pos, neg):
        return neg.logsumexp(-1).expand(3)


class Nothing:
    pass


@pytest.mark.parametrize(
    ("target", "facts", "error", "message"),
    [
        ("Raising", {}, PluginError, "'foreign' of plugin .* failed: ZeroDivisionError: inside"),
        ("Infinite", {}, FitError, "not finite"),
        ("Bad", {"needs_critic": True, "trained": True}, PluginError, "'foreign' of plugin .* failed"),
        ("Nothing", {}, PluginError, "neither a DirectEstimator nor a TrainableEstimator"),
        ("Missing", {}, PluginError, "Missing"),
        ("Raising", {"multivariate": False}, DataError, "takes one column as x; got 2"),
        ("Raising", {"min_samples": 5000}, DataError, "needs at least 5000 rows; got 2000"),
        ("Raising", {"x": "discrete"}, DataError, "takes discrete columns as x"),
    ],
)
def test_a_strangers_estimator_is_blamed_by_name(pair, target, facts, error, message):
    registry = Registry(discover=False, plugins=[Foreign(target, **facts)])
    x = torch.stack([pair[0], pair[0].exp()], 1) if "multivariate" in facts else pair[0]
    with pytest.raises(error, match=message):
        mistcli.estimate((x, pair[1]), estimator="foreign", registry=registry)


class Heard(Listener):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


def test_events_tell_the_run(pair):
    heard = Heard()
    found = mistcli.estimate(pair, listener=heard, **QUICK)
    assert isinstance(heard.events[0], RunStarted)
    assert heard.events[0].steps == 60
    assert heard.events[0].n == 2000
    assert any(isinstance(event, Evaluated) for event in heard.events)
    assert isinstance(heard.events[-1], RunFinished)
    assert heard.events[-1].status == "success"
    assert heard.events[-1].result["mi"] == found.nats


def test_a_failure_is_told_too(pair):
    heard = Heard()
    registry = Registry(discover=False, plugins=[Foreign("Raising")])
    with pytest.raises(PluginError):
        mistcli.estimate(pair, estimator="foreign", registry=registry, listener=heard)
    assert [type(event) for event in heard.events] == [RunStarted, RunFinished]
    assert heard.events[-1].status == "failed"
    assert "ZeroDivisionError" in heard.events[-1].error


def test_interrupted_it_keeps_what_was_learnt(pair):
    heard = Heard()
    calls = iter([False] * 20 + [True])
    found = mistcli.estimate(pair, should_stop=lambda: next(calls), listener=heard, **QUICK)
    assert not found.complete
    assert math.isfinite(found.nats)
    assert any("interrupted" in warning for warning in found.warnings)
    assert any(isinstance(event, Warned) and "interrupted" in event.message for event in heard.events)
    assert heard.events[-1].status == "interrupted"


def test_an_estimate_is_frozen_and_errors_are_one_family(pair):
    found = mistcli.estimate(pair, estimator="gaussian")
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.nats = 1.0
    with pytest.raises(mistcli.MistError):
        mistcli.estimate(pair, estimator="nope")
    assert issubclass(DataError, MistError)
