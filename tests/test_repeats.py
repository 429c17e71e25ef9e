"""Rows that can only be copies are left out; rows that are equal by chance are not."""

import numpy as np
import pytest

import mistcli

RNG = np.random.default_rng(0)
X = RNG.standard_normal(200)
Y = X + RNG.standard_normal(200)


@pytest.mark.parametrize("estimator", ["gaussian", "ksg", "js"])
def test_a_table_that_is_repeated_says_no_more(estimator):
    options = {"max_steps": 20} if estimator == "js" else {}
    once = mistcli.estimate((X, Y), estimator=estimator, **options)
    thrice = mistcli.estimate((np.tile(X, 3), np.tile(Y, 3)), estimator=estimator, **options)
    assert (thrice.nats, thrice.stderr, thrice.n) == (once.nats, once.stderr, 200)
    assert thrice.cleaning["repeated_rows"] == 400
    assert thrice.cleaning["rows_used"] == 200
    assert thrice.rows.tolist() == list(range(200))
    assert "400 of 600 rows left out, for they can only be copies of others" in thrice.warnings


@pytest.mark.parametrize(
    ("table", "options"),
    [
        ((X.round(1), Y.round(1)), {}),
        ((RNG.integers(0, 9, 200), RNG.integers(0, 7, 200)), {}),
        ((X.round(0), Y.round(1)), {"discrete": "x"}),
    ],
)
def test_rounded_and_discrete_tables_too(table, options):
    twice = tuple(np.tile(side, 2) for side in table)
    once, found = (mistcli.estimate(pair, estimator="mixed_ksg", **options) for pair in (table, twice))
    assert found.nats == pytest.approx(once.nats)
    assert found.n == once.n == 200


def test_some_copies_of_numbers_that_never_meet_otherwise():
    found = mistcli.estimate((np.append(X, X[:50]), np.append(Y, Y[:50])), estimator="ksg")
    assert (found.n, found.nats) == (200, mistcli.estimate((X, Y), estimator="ksg").nats)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X.round(1), Y.round(1)),
        (np.repeat([0, 1], 100), np.tile([0, 1], 100)),
        (np.repeat(X[:10], 20), np.tile(Y[:4], 50)),
        (np.array([f"s{k % 40}" for k in range(200)], dtype=object), np.arange(200) % 40 // 3),
    ],
)
def test_rows_that_meet_by_chance_stay(x, y):
    found = mistcli.estimate((x, y), estimator="mixed_ksg")
    assert (found.n, found.cleaning["repeated_rows"]) == (200, 0)


def test_of_a_series_or_of_groups_all_rows_stay():
    x, y = np.tile(X, 2), np.tile(Y, 2)
    assert mistcli.estimate((x, y), estimator="gaussian", block=20).n == 400
    assert mistcli.estimate_lags((x, y), lags=[0], estimator="gaussian").estimates[0].n == 400
    table = {"x": x, "y": y, "g": np.arange(400) // 8}
    assert mistcli.estimate(table, x="x", y="y", group="g", estimator="gaussian").n == 400
