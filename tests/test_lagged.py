"""Mutual information against the lag, on series whose value at every lag is known in closed form."""

import csv
import errno
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mistcli
from mistcli.data.lagging import MOST, align, lags_of
from mistcli.data.splitting import blocked
from mistcli.errors import ConfigError, DataError
from mistcli.inference.interval import stderr
from mistcli.inference.series import block_length, series_stderr
from mistcli.training.events import Evaluated, Listener, RunFinished, RunStarted

PHI, DELAY, WEIGHT = 0.8, 4, 0.7
QUICK = {"max_steps": 150, "hidden_dims": (16,)}


def autoregression(n, phi, seed):
    """A normal AR(1) of variance 1: the correlation of values `lag` apart is `phi ** lag`."""
    noise = np.random.default_rng(seed).standard_normal(n)
    x = np.empty(n)
    x[0] = noise[0]
    for t in range(1, n):
        x[t] = phi * x[t - 1] + math.sqrt(1 - phi**2) * noise[t]
    return x


def delayed(n, *, seed=0, delay=DELAY):
    """An AR(1), and a noisy copy of it that comes `delay` later."""
    x = autoregression(n + delay, PHI, seed)
    noise = np.random.default_rng(seed + 1000).standard_normal(n)
    return x[delay:], WEIGHT * x[:n] + math.sqrt(1 - WEIGHT**2) * noise


def nats(lag, delay=DELAY):
    return -0.5 * math.log(1 - (WEIGHT * PHI ** abs(lag - delay)) ** 2)


@pytest.fixture(scope="module")
def pair():
    return delayed(3000)


@pytest.mark.parametrize(
    ("estimator", "options", "slack"), [("gaussian", {}, 0), ("ksg", {}, 0), ("js", {"max_steps": 400}, 0.02)]
)
def test_the_values_are_those_of_the_closed_form_and_the_peak_is_at_the_delay(pair, estimator, options, slack):
    lags = [0, 2, 4, 6, 20]
    found = mistcli.estimate_lags(pair, lags=lags, estimator=estimator, **options)
    assert found.peak == DELAY
    assert found.lags == tuple(lags)
    for lag, mi, error, low, high, _ in found.rows():
        assert abs(mi - nats(lag)) < 3 * error + slack
        assert low < mi < high
    assert {one.n for one in found.estimates} == {3000 - 20}
    assert list(found.table) == ["lag", "mi", "stderr", "low", "high", "p_value"]
    assert found.table["mi"].tolist() == [one.nats for one in found.estimates]


def test_y_comes_first_at_negative_lags():
    x, y = delayed(2000)
    found = mistcli.estimate_lags((y, x), lags="-6:6", estimator="gaussian")
    assert found.peak == -DELAY
    assert found.estimates[2].rows.tolist() == list(range(6, 2000 - 6))


@pytest.mark.parametrize("estimator", ["gaussian", "ksg", "js"])
def test_the_interval_of_independent_series_with_memory_covers_0(estimator):
    covered = []
    for seed in range(4 if estimator == "js" else 40):
        x, y = autoregression(1000, 0.9, seed), autoregression(1000, 0.9, seed + 500)
        options = QUICK if estimator == "js" else {}
        found = mistcli.estimate_lags((x, y), lags=[1, 5], estimator=estimator, **options)
        covered += [one.interval.low <= 0 for one in found.estimates]
    # the nearest neighbours of a point are its neighbours in time, which ksg cannot know
    assert np.mean(covered) >= (0.5 if estimator == "ksg" else 0.9)


def test_errors_are_those_of_a_mean_over_time():
    # the spread of the estimate over many series, and what each says of it
    found = [mistcli.estimate_lags(delayed(1000, seed=s), lags=[DELAY], estimator="gaussian") for s in range(60)]
    values = np.array([one.estimates[0].nats for one in found])
    said = np.mean([one.estimates[0].stderr for one in found])
    assert said == pytest.approx(values.std(), rel=0.3)


def test_a_lag_beside_others_is_the_lag_alone(pair):
    config = {"estimator": "nwj", "max_steps": 30, "patience": 0, "hidden_dims": (8,)}
    both = mistcli.estimate_lags(pair, lags=[3, 4], **config).estimates
    alone = mistcli.estimate_lags(pair, lags=[4], **config).estimates[0]  # which reaches as far, so to the same rows
    assert alone.n == both[1].n
    assert alone.nats == pytest.approx(both[1].nats, abs=1e-4)
    np.testing.assert_allclose(alone.pointwise, both[1].pointwise, atol=1e-3)
    again = mistcli.estimate_lags(pair, lags=[3, 4], **config).estimates
    assert [one.nats for one in again] == [one.nats for one in both]
    assert len(both[0].history) == len(both[1].history) > 0
    assert not both[0].history.equals(both[1].history)


def test_what_is_known_of_the_data_is_said_once(pair):
    x, y = (side.copy() for side in pair)
    x[:3] = np.nan
    found = mistcli.estimate_lags({"x": x, "y": y, "one": np.ones(len(x))}, x="x,one", y="y", lags=[1], estimator="ksg")
    assert found.to_dict()["warnings"] == list(found.warnings)
    for words in ("constant", "missing", "neighbours in time"):
        assert any(words in warning for warning in found.warnings)


def test_a_series_and_its_own_past():
    x = autoregression(3000, PHI, 0)
    found = mistcli.estimate_lags({"a": x}, x="a", y="a", lags=[1, 2], estimator="gaussian")
    for lag, one in zip(found.lags, found.estimates, strict=True):
        assert one.nats == pytest.approx(-0.5 * math.log(1 - PHI ** (2 * lag)), abs=3 * one.stderr)
    with pytest.raises(ConfigError, match="at lag 0 'a' would be on both sides; leave 0 out of the lags"):
        mistcli.estimate_lags({"a": x}, x="a", y="a", lags=[0, 1], estimator="gaussian")


def test_a_gap_in_the_series_keeps_partners_apart():
    x, y = delayed(2000)
    x[700] = np.nan
    found = mistcli.estimate_lags((x, y), lags=[1, DELAY], estimator="gaussian")
    assert found.estimates[0].n == 2000 - DELAY - 3
    assert not {700, 699, 696} & set(found.estimates[0].rows.tolist())
    assert found.estimates[1].nats == pytest.approx(nats(DELAY), abs=3 * found.estimates[1].stderr)


def test_events_tell_of_one_run_and_of_all_fits(pair):
    class Heard(Listener):
        events = []  # noqa: RUF012

        def emit(self, event):
            self.events.append(event)

    mistcli.estimate_lags(pair, lags=[1, 4], estimator="js", folds=3, listener=Heard(), **QUICK)
    first, *between, last = Heard.events
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    assert last.result["schema"] == "mist.lag/2"
    assert {len(event.per_fit["loss"]) for event in between if isinstance(event, Evaluated)} == {6}


@pytest.mark.parametrize("estimator", ["gaussian", "js"])
def test_interrupted_it_keeps_what_it_has(pair, estimator):
    options = QUICK if estimator == "js" else {}
    found = mistcli.estimate_lags(pair, lags=[1, 4], estimator=estimator, should_stop=lambda: True, **options)
    assert not found.complete
    assert found.lags == ((1,) if estimator == "gaussian" else (1, 4))


@pytest.mark.parametrize(
    ("asked", "lags"),
    [("1:4", (1, 2, 3, 4)), ("5", (5,)), ("0:10:5, 3", (0, 3, 5, 10)), ("-1:1", (-1, 0, 1)), ([3, 1, 3], (1, 3))],
)
def test_lags(asked, lags):
    assert lags_of(asked) == lags


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("", "expected at least one lag; got none: say --lags 1:50"),
        ([], "expected at least one lag"),
        ("1.5", "expected lags as whole numbers or ranges, such as 1:50 or 1,2,5; got '1.5'"),
        ([1.5], r"expected lags as whole numbers of rows; got 1\.5"),
        ([True], "expected lags as whole numbers"),
        ("5:1", "expected a range of lags that rises"),
        ("1:5:0", "expected a range of lags that rises"),
        ("0:999999999999", f"expected at most {MOST:,} lags"),
        (range(MOST + 1), f"expected at most {MOST:,} lags"),
        ("a", "got 'a'"),
    ],
)
def test_lags_that_are_refused(asked, sentence):
    with pytest.raises(ConfigError, match=sentence):
        lags_of(asked)


@pytest.mark.parametrize(
    ("lags", "options", "sentence"),
    [
        ([300], {}, "expected lags shorter than the series; got a lag of 300 for 300 rows"),
        ([-400, 1], {}, "got a lag of -400 for 300 rows"),
        ([295], {}, "estimator 'gaussian' needs at least 10 rows; got 5"),
        (
            [60],
            {"estimator": "js"},
            "got 240 rows for 5 folds with gaps of 60: bring a longer series, or pass smaller lags",
        ),
    ],
)
def test_series_that_are_too_short(lags, options, sentence):
    with pytest.raises(DataError, match=sentence):
        mistcli.estimate_lags(delayed(300), lags=lags, **({"estimator": "gaussian"} | options))


def test_unknown_options_are_errors():
    with pytest.raises(ConfigError, match="Did you mean 'neg_samples'"):
        mistcli.estimate_lags(delayed(300), lags=[1], neg_sampels=16)


@given(n=st.integers(120, 400), folds=st.integers(2, 6), valid=st.sampled_from([0, 0.1, 0.3]), gap=st.integers(0, 8))
def test_blocks_of_time(n, folds, valid, gap):
    found = blocked(n, folds, valid, gap)
    assert np.array_equal(np.concatenate([fold.test for fold in found]), np.arange(n))
    assert len({len(fold.valid) for fold in found}) == 1
    for fold in found:
        assert np.array_equal(fold.test, np.arange(fold.test[0], fold.test[-1] + 1))
        assert len(fold.train) > 1
        assert len(fold.valid) > 0 or not valid
        for one, other in ((fold.train, fold.test), (fold.valid, fold.test), (fold.train, fold.valid)):
            assert not len(one) or not len(other) or np.abs(one[:, None] - other).min() > gap


def test_alignment_uses_the_same_moments_at_every_lag():
    aligned = align(np.arange(10), 10, [-2, 0, 3])
    assert aligned.time.tolist() == [2, 3, 4, 5, 6]
    assert [y.tolist() for y in aligned.y] == [[0, 1, 2, 3, 4], [2, 3, 4, 5, 6], [5, 6, 7, 8, 9]]
    assert aligned.span == 5
    with pytest.raises(DataError, match="no row of the series has a partner without gaps"):
        align(np.arange(0, 10, 2), 10, [1])


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_error_of_a_mean_over_time(phi):
    values = np.array([autoregression(4000, phi, seed) for seed in range(40)])
    truth = math.sqrt((1 + phi) / (1 - phi) / 4000)
    said = np.mean([series_stderr(one, block_length(4000, 5)) for one in values])
    assert said == pytest.approx(truth, rel=0.1)
    assert phi == 0 or stderr(values[0]) < 0.7 * truth
    assert series_stderr(np.zeros(100), 10, least=0.1) == 0.1


@pytest.fixture
def series(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savetxt("s.csv", np.column_stack(delayed(500)), delimiter=",", header="a,b", comments="")
    return tmp_path


def test_the_command_prints_a_table_and_writes_it(series, mist):
    done = mist("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "1:6", "-e", "gaussian", "--out", "lags.csv")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["lag", "mi", "(nats)", "stderr", "95", "%", "interval"]
    assert [line.split()[0] for line in lines[1:7]] == [str(lag) for lag in range(1, 7)]
    assert lines[-1] == f"highest at lag {DELAY}"
    rows = list(csv.DictReader((series / "lags.csv").read_text().splitlines()))
    assert max(rows, key=lambda row: float(row["mi"]))["lag"] == str(DELAY)


def test_the_command_shows_p_values_where_there_are_any(series, mist):
    arguments = ("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "1,3", "-e", "gaussian", "--out", "p.csv")
    done = mist(*arguments, "--permutations", 99)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split()[-1] == "p-value"
    rows = (series / "p.csv").read_text().splitlines()
    assert rows[0] == "lag,mi,stderr,low,high,p_value"
    assert float(rows[2].split(",")[-1]) < 0.05
    without = mist(*arguments, "--force")
    assert "p-value" not in without.stdout
    assert all(row.endswith(",") for row in (series / "p.csv").read_text().splitlines()[1:])


def test_the_command_as_json(series, mist):
    done = mist("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "3:4", "-e", "js", "--max-steps", "20", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["schema"], found["peak"], found["n"], found["gap"]) == ("mist.lag/2", DELAY, 496, 4)
    assert [one["lag"] for one in found["lags"]] == [3, 4]
    assert set(found["lags"][0]) == {"lag", "mi", "stderr", "interval", "p_value", "verdict", "warnings"}
    bits = mist("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "3:4", "-e", "gaussian", "--json", "--units", "bits")
    nat = mist("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "3:4", "-e", "gaussian", "--json")
    one, other = (json.loads(done.stdout)["lags"][0]["mi"] for done in (bits, nat))
    assert one == pytest.approx(other / math.log(2))


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 2, "no lags are given; say --lags 1:50"),
        (("--lags", "x"), 2, "expected lags as whole numbers"),
        (("--lags", "600"), 1, "expected lags shorter than the series; got a lag of 600 for 500 rows"),
        (("--lags", "1", "--out", "."), 2, "expected --out to name a file"),
        (("--lags", "1", "--out", "no/where.csv"), 2, "in a folder that is there"),
        (("--lags", "1", "--out", "s.csv"), 2, "'s.csv' exists; pass --force"),
        (("--lags", "1", "-o", "kk=1"), 2, "'kk' is not an option"),
    ],
)
def test_what_the_command_refuses(series, mist, arguments, code, sentence):
    done = mist("lag", "s.csv", "--x", "a", "--y", "b", "-e", "gaussian", *arguments)
    assert done.exit_code == code
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_table_that_cannot_be_written_costs_the_file_only(series, mist, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", refuse)
    done = mist("lag", "s.csv", "--x", "a", "--y", "b", "--lags", "3:4", "-e", "gaussian", "--json", "--out", "p.csv")
    assert done.exit_code == 4
    assert json.loads(done.stdout)["peak"] == DELAY
    assert "cannot write 'p.csv': No space left on device" in done.stderr
    assert not list(series.glob("p.csv*"))
