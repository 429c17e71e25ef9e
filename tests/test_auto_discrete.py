"""What `auto` does with discrete columns, one or several a side."""

import numpy as np
import pytest
from test_auto import context, variable

from mistcli import estimate
from mistcli.auto.estimator import Auto
from mistcli.inference.interval import stderr


def value(x, y, seed=0):
    x, y = (np.asarray(side).reshape(len(side), -1) for side in (x, y))
    return Auto().value(variable(x, ("a", "b")), variable(y, ("a", "b")), context(len(x), seed=seed))


def noisy(bits, share, rng):
    return bits ^ (rng.random(bits.shape) < share)


def test_a_table_of_few_cells():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 3, 400)
    y = np.where(rng.random(400) < 0.6, x, rng.integers(0, 3, 400))
    joint = 0.6 * np.eye(3) / 3 + 0.4 / 9
    found = value(x, y)
    assert found.explanation["method"] == "table"
    assert abs(found.log_ratio.mean() - np.sum(joint * np.log(joint * 9))) < 2 * found.stderr < 0.15
    assert found.statistic(np.arange(400)) > found.statistic(rng.permutation(400))


@pytest.mark.parametrize("n", [150, 1000])
def test_six_independent_columns_a_side(n):
    rng = np.random.default_rng(3)
    found = [value(*rng.integers(2, size=(2, n, 6)), seed) for seed in range(3)]
    assert all(one.log_ratio.mean() <= 1.96 * one.stderr for one in found)
    assert np.median([one.log_ratio.mean() for one in found]) < 0.05


@pytest.mark.parametrize("kind", ["pairs", "parity"])
def test_structure_in_many_cells(kind):
    rng = np.random.default_rng(4)
    x, y = rng.integers(2, size=(2, 1000, 6))
    if kind == "pairs":
        y[:, :3], truth = noisy(x[:, :3], 0.2, rng), 3 * (np.log(2) + 0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    else:
        y[:, 0], truth = noisy(x[:, 0] ^ x[:, 1], 0.05, rng), np.log(2) + 0.05 * np.log(0.05) + 0.95 * np.log(0.95)
    found = value(x, y)
    assert found.explanation["method"] == "log_linear_model"
    assert -1.96 * found.error_low < truth - found.log_ratio.mean() < 1.96 * found.error_high
    assert found.error_low < 0.05
    assert found.error_high < 0.2  # so many cells can hide what no model of pairs of columns sees
    assert found.statistic(np.arange(1000)) > found.statistic(rng.permutation(1000)) + 0.2


def test_too_few_rows_for_so_many_levels_is_said():
    rng = np.random.default_rng(5)
    found = value(rng.integers(100, size=600), rng.integers(100, size=600))
    assert found.verdict == ("too_few_rows_for_levels",)
    assert "600 rows for 100 levels of x and 99 of y" in found.warnings[0]
    assert stderr(found.log_ratio) < found.stderr


def test_tables_with_many_cells_have_a_longer_interval_towards_larger_values():
    rng = np.random.default_rng(6)
    few, many = (value(*rng.integers(k, size=(2, 300, 1))) for k in (2, 40))
    assert few.error_high == pytest.approx(few.error_low, rel=0.2)
    assert many.error_high > 1.5 * many.error_low
    assert many.explanation["standard_error"]["high"] == many.error_high


def test_titanic_is_as_the_correction_of_miller_and_madow_has_it():
    values = {name: estimate("examples/titanic.csv", x=name, y="survived").nats for name in ("status", "age", "sex")}
    plain = {name: estimate("examples/titanic.csv", x=name, y="survived", estimator="plugin").nats for name in values}
    assert values == pytest.approx(plain, abs=0.002)
