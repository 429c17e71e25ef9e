from __future__ import annotations

import time

import numpy as np
import pytest

from mistcli.errors import ConfigError, DataError
from mistcli.executors.serial import SerialExecutor
from mistcli.plugin.registry import Registry
from mistcli.sweeping import MAX_POINTS, expand, run, sweep_tasks, to_dict
from mistcli.sweeping.selection import select


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x, noise = np.random.default_rng(0).standard_normal((2, 400))
    np.savetxt("data.csv", np.column_stack([x, 0.9 * x + 0.4 * noise]), delimiter=",", header="f1,f2", comments="")
    return tmp_path


def sweep(**parts):
    data = {"path": "data.csv", "x": "f1", "y": "f2"}
    return {"data": data, "estimator": "js", "training": {"max_steps": "10", "folds": "3"}} | parts


def tasks(**parts):
    return sweep_tasks(sweep(**parts), Registry(discover=False))


# --- points -----------------------------------------------------------------------------------------------


def test_the_parts_of_a_sweep_are_combined():
    points = expand(
        {
            "grid": {"a": ["1", "2"], "b": ["x"]},
            "zip": {"c": ["3", "4"], "d": ["5", "6"]},
            "random": {"n": "3", "over": {"e": ["7", "8"]}},
        }
    )
    assert len(points) == 2 * 2 * 3
    assert points[0] == {"a": "1", "b": "x", "c": "3", "d": "5", "e": points[0]["e"]}
    assert {point["e"] for point in points} <= {"7", "8"}


def test_draws_depend_on_the_seed_alone_and_keep_to_their_range():
    def drawn(seed, **what):
        return [float(point["a"]) for point in expand({"random": {"n": 200, "seed": seed, "over": {"a": what}}})]

    values = drawn("1", low="1e-4", high="1e-1", log="true")
    assert values == drawn("1", low="1e-4", high="1e-1", log="true") != drawn("2", low="1e-4", high="1e-1", log="true")
    assert all(1e-4 <= value <= 1e-1 for value in values)
    assert sum(value < 10**-2.5 for value in values) == pytest.approx(100, abs=25)
    assert all(value.is_integer() for value in drawn("1", low="8", high="64"))


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({}, "varies nothing"),
        ({"grid": {"a": "1"}}, "grid.a takes a list of values; got '1'"),
        ({"grid": {"a": []}}, "grid.a takes a list of values"),
        ({"grid": ["a"]}, "grid takes a mapping"),
        ({"grid": {"a": ["1"]}, "zip": {"a": ["2"]}}, "varies 'a' in more than one"),
        ({"zip": {"a": ["1"], "b": ["1", "2"]}}, "as many values of each option; got a 1, b 2"),
        ({"random": {"n": "3"}}, "random takes n, the number of draws, and over"),
        ({"random": {"n": "x", "over": {"a": ["1"]}}}, "random.n takes a number; got 'x'"),
        ({"random": {"n": "0", "over": {"a": ["1"]}}}, "random.n takes a whole number from 1"),
        ({"random": {"m": "3"}}, "random takes n, seed and over; got 'm'"),
        ({"random": {"n": "1", "over": {"a": {"low": "1"}}}}, "takes a list, or low and high"),
        ({"random": {"n": "1", "over": {"a": {"low": "2", "high": "1"}}}}, "takes low < high"),
        ({"random": {"n": "1", "over": {"a": {"low": "0", "high": "1", "log": "yes"}}}}, "takes low < high, positive"),
    ],
)
def test_what_is_no_sweep_is_refused(parts, told):
    with pytest.raises(ConfigError, match=told):
        expand(parts)


def test_too_many_points_are_refused_at_once():
    began = time.perf_counter()
    with pytest.raises(ConfigError, match=r"has 1,000,000,000 points, more than 10,000"):
        expand({"grid": {key: [str(value) for value in range(10)] for key in "abcdefghi"}})
    with pytest.raises(ConfigError, match=rf"has 1,000,000,000 points, more than {MAX_POINTS:,}"):
        expand({"random": {"n": "1000000000", "over": {"a": ["1", "2"]}}})
    assert time.perf_counter() - began < 1


# --- tasks ------------------------------------------------------------------------------------------------


def test_any_option_can_be_varied(here):
    found = tasks(
        grid={"estimator": ["js", "nwj"], "critic.hidden_dims": [["8", "8"], "4"], "neg_samples": ["2"]},
        zip={"lr": ["1e-3"], "training.batch_size": ["64"], "seed": ["7"], "cleaning.missing": ["error"]},
    )
    assert len(found) == 4
    config = found[-1].data["config"]
    assert config["estimator"] == {"name": "nwj", "options": {"neg_samples": 2}}
    assert config["critic"]["options"]["hidden_dims"] == [4]
    assert config["training"]["lr"] == 0.001
    assert (config["training"]["batch_size"], config["seed"], config["cleaning"]["missing"]) == (64, 7, "error")


def test_the_data_are_part_of_the_key(here):
    first = tasks(grid={"neg_samples": ["1"]})[0].key
    assert first == tasks(grid={"neg_samples": ["1"]})[0].key
    (here / "data.csv").write_text((here / "data.csv").read_text() + "0,0\n")
    assert first != tasks(grid={"neg_samples": ["1"]})[0].key


def test_a_point_that_is_drawn_twice_is_run_once(here):
    assert len(tasks(random={"n": "20", "over": {"neg_samples": ["1", "2"]}})) == 2


@pytest.mark.parametrize(
    ("parts", "kind", "told"),
    [
        ({"grid": {"neg_sample": ["1"]}}, ConfigError, "'neg_sample' is not an option of estimator 'js'"),
        (
            {"grid": {"training.learning": ["1"]}},
            ConfigError,
            "the point training.learning=1 of the sweep: unknown key",
        ),
        ({"grid": {"lr": ["-1"]}}, ConfigError, "option 'lr' of training takes float, x > 0; got '-1'"),
        ({"grid": {"estimator": ["js", "jss"]}}, ConfigError, "unknown estimator 'jss'"),
        ({"grid": {"data.x": ["f3"]}}, ConfigError, "f3"),
        ({"grid": {"lr": ["1"]}, "loggers": ["csv"]}, ConfigError, "a sweep has no loggers"),
        ({"grud": {"lr": ["1"]}}, ConfigError, "unknown key 'grud'"),
        ({"grid": {"lr": ["1"]}, "data": {"x": "f1"}}, ConfigError, "does not say data.path"),
        ({"grid": {"lr": ["1"]}, "data": {"path": "no.csv", "x": "f1", "y": "f2"}}, DataError, "no.csv"),
    ],
)
def test_what_is_wrong_is_found_before_anything_runs(here, parts, kind, told):
    with pytest.raises(kind) as error:
        tasks(**parts)
    assert told in str(error.value)


# --- running ----------------------------------------------------------------------------------------------


def test_a_sweep_is_run_and_the_choice_valued(here):
    found = tasks(grid={"estimator": ["js", "gaussian"], "lr": ["1e-5", "2e-2"]})
    swept = run(found, Registry(discover=False), SerialExecutor())
    assert [bool(done.error) for done in swept.done] == [False] * 4
    (choice,) = swept.selected  # gaussian is not trained, and has nothing to choose by
    assert (choice.estimator, choice.among, choice.best) == ("js", (0, 1), 1)
    assert set(choice.chosen) == {1}
    assert choice.mi == pytest.approx(swept.done[1].result["mi"])
    assert choice.stderr >= swept.done[1].result["stderr"]
    told = to_dict(swept)
    assert told["schema"] == "mist.sweep/1"
    assert told["points"][0]["point"] == {"estimator": "js", "lr": "1e-5"}


def test_each_fold_chooses_by_its_own_validation_rows():
    def config(name, **changes):
        return {"estimator": {"name": name}, "training": {"folds": 2, "valid_fraction": 0.1}, "seed": 0} | changes

    def result(*folds):
        keys = ("valid_loss", "n", "mi")
        return {"folds": [dict(zip(keys, fold, strict=True)) for fold in folds], "stderr": 0.01, "level": 0.95}

    configs = [config("a"), config("a"), config("b"), config("a", seed=1), config("a")]
    results = [
        result((1.0, 10, 0.5), (3.0, 30, 0.7)),
        result((2.0, 10, 0.9), (1.0, 30, 0.6)),
        result((0.1, 10, 9.0), (0.1, 30, 9.0)),
        result((0.0, 10, 0.1), (0.0, 30, 0.1)),
        None,
    ]
    first, other, seeded = select(configs, results)
    assert (first.among, first.chosen, first.best) == ((0, 1), (0, 1), 1)
    assert first.mi == pytest.approx((10 * 0.5 + 30 * 0.6) / 40)
    assert first.stderr == pytest.approx(0.05)  # the folds differ more than the rows tell
    assert first.low == pytest.approx(first.mi - 1.96 * 0.05, abs=1e-3)
    assert (other.among, seeded.among) == ((2,), (3,))
