"""Several pairs of columns at once: the numbers of each alone, in one training."""

import numpy as np
import pandas as pd
import pytest

import mistcli
from mistcli.errors import ConfigError
from mistcli.training.events import Evaluated, Listener, RunFinished, RunStarted

QUICK = {"max_steps": 40, "hidden_dims": (8,)}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    a = rng.standard_normal(1500)
    noise = rng.standard_normal((3, 1500))
    return {"a": a, "b": a + noise[0], "c": a + 2 * noise[1], "d": noise[2]}


PAIRS = [("a", "b"), ("a", "c"), (["a"], ["b", "c"]), ("d", "a")]


class Heard(Listener):
    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event)


@pytest.mark.parametrize("estimator", ["js", "ksg"])
def test_each_is_what_it_is_alone(table, estimator):
    options = QUICK if estimator == "js" else {}
    together = mistcli.estimate_many(table, PAIRS, estimator=estimator, seed=3, **options)
    for (x, y), found in zip(PAIRS, together, strict=True):
        alone = mistcli.estimate(table, x=x, y=y, estimator=estimator, seed=3, **options)
        assert (found.x, found.y, found.n) == (alone.x, alone.y, alone.n)
        assert found.nats == pytest.approx(alone.nats, abs=1e-4)
        assert found.stderr == pytest.approx(alone.stderr, abs=1e-4)
        assert len(found.history) == len(alone.history)
        assert found.config["data"] == alone.config["data"]


def test_pairs_of_other_rows_are_trained_apart(table):
    gappy = table | {"c": np.where(np.arange(1500) % 50 == 0, np.nan, table["c"])}
    together = mistcli.estimate_many(gappy, PAIRS[:2], estimator="nwj", **QUICK)
    alone = mistcli.estimate(gappy, x="a", y="c", estimator="nwj", **QUICK)
    assert [found.n for found in together] == [1500, 1470]
    assert together[1].nats == pytest.approx(alone.nats, abs=1e-4)
    assert together[1].cleaning["dropped_missing"] == 30
    assert any("missing" in warning for warning in together[1].warnings)
    assert not any("missing" in warning for warning in together[0].warnings)


def test_it_is_one_run_to_whoever_listens(table):
    heard = Heard()
    mistcli.estimate_many(table, PAIRS[:2], estimator="js", listener=heard, folds=3, **QUICK)
    assert isinstance(heard.events[0], RunStarted)
    assert heard.events[0].parameters["data"]["y"] == ["b", "c"]
    assert [type(event) for event in heard.events].count(RunStarted) == 1
    assert isinstance(heard.events[-1], RunFinished)
    assert {len(e.per_fit["loss"]) for e in heard.events if isinstance(e, Evaluated)} == {6}


@pytest.mark.parametrize(
    ("pairs", "sentence"),
    [
        ([], "expected at least one pair"),
        (["a"], "expected pairs .* pair 0 is 'a'"),
        ([("a", "b"), ("a", None)], "expected the columns of y"),
        ([("a", "bb")], "bb"),
        ([("a", "b"), ("a", "a")], "on one side only"),
    ],
)
def test_pairs_that_are_refused(table, pairs, sentence):
    with pytest.raises(ConfigError, match=sentence):
        mistcli.estimate_many(table, pairs, estimator="gaussian")
    with pytest.raises(ConfigError, match="Did you mean 'neg_samples'"):
        mistcli.estimate_many(table, PAIRS, neg_sampels=3)


def test_integer_labels_select_columns_and_other_types_are_refused():
    x = np.random.default_rng(0).standard_normal((2, 60))
    frame = pd.DataFrame({0: x[0], 1: x[0] + x[1]})
    assert mistcli.estimate(frame, x=0, y=1, estimator="gaussian").x == ("0",)
    with pytest.raises(ConfigError, match="no column"):
        mistcli.estimate(frame, x=5, y=1, estimator="gaussian")
    with pytest.raises(ConfigError, match="expected lags as text or as integers"):
        mistcli.estimate_lags((x[0], x[1]), lags=None, estimator="gaussian")
