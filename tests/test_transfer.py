"""Transfer entropy: found where x drives y, and nowhere else."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

import mistcli
from mistcli.cli.group import mist
from mistcli.errors import ConfigError, DataError
from mistcli.result import Estimate, Interval, LagProfile


def autoregression(rng, n, phi=0.9):
    series = rng.standard_normal(n)
    for t in range(1, n):
        series[t] += phi * series[t - 1]
    return series


def driven(rng, n, delay=3, weight=1.0):
    """White noise x, and y that follows its own past and x some rows before."""
    x, noise = rng.standard_normal((2, n))
    y = np.zeros(n)
    for t in range(delay, n):
        y[t] = 0.6 * y[t - 1] + weight * x[t - delay] + noise[t]
    return x, y


@pytest.mark.parametrize("estimator", ["auto", "gaussian_copula"])
def test_the_value_is_that_of_the_closed_form_at_the_delay_and_zero_elsewhere(estimator):
    pair = driven(np.random.default_rng(0), 1500)
    found = mistcli.estimate_lags(pair, lags=range(5), given_past=1, estimator=estimator, permutations=199)
    exact = 0.5 * np.log(2)  # y_t given its past is normal, half of its variance being that of x
    assert found.found == (3,)
    assert found.peak == 3
    assert found.estimates[3].nats == pytest.approx(exact, abs=4 * found.estimates[3].stderr)
    for lag in (0, 1, 2, 4):
        one = found.estimates[lag]
        assert abs(one.nats) < 4 * one.stderr
        assert one.p_value > 0.01
        assert one.given == ("y 1 earlier",)
    assert found.to_dict()["given_past"] == 1
    assert found.to_dict()["found"] == [3]


def test_y_that_drives_x_is_not_taken_for_x_that_drives_y():
    x, y = driven(np.random.default_rng(1), 1000)
    back = mistcli.estimate_lags((y, x), lags=[1, 2, 3], given_past=2, permutations=399)
    assert back.found == ()


def test_nothing_is_found_in_noise_with_memory():
    p_values, any_found = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pair = autoregression(rng, 400), autoregression(rng, 400)
        found = mistcli.estimate_lags(pair, lags=[1, 2, 3], given_past=1, permutations=99, seed=seed)
        p_values += [one.p_value for one in found.estimates]
        any_found.append(bool(found.found))
    assert np.mean(np.array(p_values) <= 0.05) <= 0.17
    assert sum(any_found) <= 3


def test_a_square_is_found_and_the_past_of_discrete_series_is_given():
    rng = np.random.default_rng(2)
    x = rng.standard_normal(800)
    y = 0.4 * np.roll(x, 2) ** 2 + rng.standard_normal(800)
    assert mistcli.estimate_lags((x, y), lags=[1, 2], given_past=1, permutations=199).found == (2,)
    state = rng.integers(0, 3, 800)
    follower = (np.roll(state, 1) + (rng.random(800) < 0.3)) % 3
    found = mistcli.estimate_lags(
        {"a": state, "b": follower}, x="a", y="b", lags=[1, 2], given_past=2, permutations=199
    )
    assert found.found == (1,)
    assert found.estimates[0].given == ("b 1 earlier", "b 2 earlier")


def test_rows_are_those_that_have_all_their_past():
    x, y = driven(np.random.default_rng(3), 300)
    y[100] = np.nan
    found = mistcli.estimate_lags((x, y), lags=[1, 4], given_past=2, permutations=99, estimator="gaussian")
    times = set(found.estimates[0].rows.tolist())
    assert times.isdisjoint(100 - offset for offset in (-1, 0, 1, 2, 3, 4))
    assert {one.n for one in found.estimates} == {len(times)}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"given_past": 101, "lags": [1]}, "expected 1 to 100 rows of the past of y; got 101"),
        ({"given_past": -1, "lags": [1]}, "expected 1 to 100 rows of the past of y; got -1"),
        ({"given_past": 1, "lags": [-2, 1]}, "expected lags of at least 0 beside --given-past"),
        ({"given_past": 1, "lags": [1], "estimator": "js"}, "expected an estimator without training"),
        ({"given_past": 1, "lags": [1], "group": "y"}, "at lags neither --given nor --group is known"),
    ],
)
def test_what_is_refused(options, sentence):
    pair = dict(zip("xy", driven(np.random.default_rng(0), 200), strict=True))
    with pytest.raises(ConfigError, match=sentence):
        mistcli.estimate_lags(pair, x="x", y="y", **options)


def test_the_own_past_is_given_once():
    x = {"a": autoregression(np.random.default_rng(0), 300)}
    with pytest.raises(ConfigError, match="at lags up to 2 x is among the past of y that is given"):
        mistcli.estimate_lags(x, x="a", y="a", lags=[2, 3], given_past=2)
    assert mistcli.estimate_lags(x, x="a", y="a", lags=[3], given_past=2, permutations=99).estimates[0].p_value > 0.01
    with pytest.raises(DataError):
        mistcli.estimate_lags(x, x="a", y="a", lags=[300], given_past=2)


def test_lags_are_found_by_the_correction_of_holm():
    one = Estimate(0.1, 0.1, Interval(0.95, 0, 0.2), "none", 10, "ksg", ("a",), ("b",))
    p_values = (0.001, 0.02, 0.02, 0.5)
    estimates = tuple(Estimate(**{**vars(one), "p_value": p}) for p in p_values)
    assert LagProfile((1, 2, 3, 4), estimates, 0, 5).found == (1,)
    assert LagProfile((1, 2), estimates[:2], 0, 5).found == (1, 2)
    assert LagProfile((1,), (one,), 0, 5).found == ()


def test_it_stops_between_lags():
    pair = driven(np.random.default_rng(0), 200)
    options = {"given_past": 1, "permutations": 99, "should_stop": lambda: True}
    found = mistcli.estimate_lags(pair, lags=[1, 2], **options)
    assert (found.lags, found.complete) == ((1,), False)


def test_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = np.column_stack(driven(np.random.default_rng(0), 400))
    np.savetxt("data.csv", table, delimiter=",", header="a,b", comments="")
    arguments = ["lag", "data.csv", "--x", "a", "--y", "b", "--lags", "2:4", "--given-past", "1", "-q"]
    shown = CliRunner().invoke(mist, [*arguments, "--permutations", "199", "--out", "lags.csv"])
    assert shown.exit_code == 0, shown.output
    assert "transfer entropy, given 1 rows of the past of y; bias removed by shifted surrogates" in shown.output
    assert "lags with a p-value below 0.05 after Holm's correction: 3" in shown.output
    assert [row["lag"] for row in csv.DictReader((tmp_path / "lags.csv").read_text().splitlines())] == ["2", "3", "4"]
    told = json.loads(CliRunner().invoke(mist, [*arguments, "--permutations", "199", "--json"]).stdout)
    assert (told["given_past"], told["found"], told["peak"]) == (1, [3], 3)
    assert CliRunner().invoke(mist, [*arguments[:-2], "0"]).exit_code == 2
