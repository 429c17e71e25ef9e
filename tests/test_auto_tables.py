"""`auto` on ordinary tables: few rows, classes, zeros, rounding, counts, noise columns; against known truths."""

import time

import numpy as np
import pytest
from scipy import stats

import mistcli
from mistcli.auto.budget import Budget
from mistcli.auto.classes import combine
from mistcli.auto.columns import in_rows, levels_of
from mistcli.auto.continuous import partners
from mistcli.auto.discriminant import Classified, classifiers
from mistcli.auto.engine import ClosedForm
from mistcli.auto.found import Found, better
from mistcli.auto.kernel import kernel_ratios
from mistcli.auto.screening import screened
from mistcli.auto.strata import atoms, restricted
from mistcli.auto.weights import weigh
from mistcli.data.cleaning import Variable
from mistcli.data.splitting import cross_fitting


def side(*columns):
    """Columns of numbers, or of levels where they hold integers."""
    values = [np.asarray(column) for column in columns]
    levels = tuple(tuple(map(str, range(int(v.max()) + 1))) if v.dtype.kind == "i" else None for v in values)
    return Variable(tuple(f"c{k}" for k in range(len(values))), np.column_stack(values).astype(float), levels)


def folds(n, seed=0):
    return cross_fitting(n, 5, 0.15, np.random.default_rng(seed))


def closed(x, y):
    return ClosedForm(0, independent=True).estimate(x, y, folds(len(x.values)))


def pair(n, r, seed=0):
    x, noise = np.random.default_rng(seed).standard_normal((2, n))
    return x, r * x + (1 - r**2) ** 0.5 * noise


@pytest.mark.parametrize(("share", "truth"), [(0.1, 0.3251), (0.5, 0.6931)])
def test_values_that_many_rows_share_are_no_copies(share, truth):
    rng = np.random.default_rng(1)
    zero = rng.random(1000) < share
    x, y = (np.where(zero, 0.0, rng.standard_normal(1000)) for _ in range(2))
    found = mistcli.estimate((x, y))
    assert found.interval.low < truth < found.interval.high
    assert found.nats == pytest.approx(truth, abs=0.06)


def test_a_table_of_copies_is_still_told_from_shared_values():
    x, y = pair(100, 0.6)
    found = mistcli.estimate((np.repeat(x, 5), np.repeat(y, 5)))
    assert found.n == 100


@pytest.mark.parametrize("n", [20, 30, 61, 200])
def test_few_rows_give_what_a_copula_gives(n):
    off = []
    for seed in range(5):
        x, y = pair(n, 0.8, seed)
        off.append(mistcli.estimate((x, y)).nats + 0.5 * np.log(1 - np.corrcoef(x, y)[0, 1] ** 2))
    assert abs(np.median(off)) < 0.7 / n**0.5
    assert max(np.abs(off)) < 3 / n**0.5


def test_counts_are_classes_where_they_are_few():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(1500)
    y = rng.poisson(np.exp(0.5 * x))
    rate = np.exp(0.5 * stats.norm.ppf((np.arange(2000) + 0.5) / 2000))
    law = stats.poisson.pmf(np.arange(60), rate[:, None])
    truth = float((law * np.log(np.maximum(law, 1e-300) / law.mean(0))).sum(1).mean())
    found = mistcli.estimate((x, y))
    assert found.nats == pytest.approx(truth, abs=0.04)


def test_a_steep_curve_is_found_by_narrow_neighbourhoods():
    x = np.random.default_rng(4).uniform(0, 1, 600)
    found = mistcli.estimate((x, np.sin(20 * x) + 0.1 * np.random.default_rng(5).standard_normal(600)))
    assert found.interval.low < 1.7 < found.interval.high
    assert found.nats > 1.4


def test_a_class_and_a_normal_column_give_the_information_of_normals():
    rng = np.random.default_rng(6)
    level = rng.integers(0, 2, 300)
    z = np.linspace(-12, 12, 20001)
    density = (stats.norm.pdf(z, 0) + stats.norm.pdf(z, 1.5)) / 2
    truth = -np.trapezoid(density * np.log(density), z) - 0.5 * np.log(2 * np.pi * np.e)
    found = mistcli.estimate((1.5 * level + rng.standard_normal(300), np.array(["a", "b"])[level]))
    assert found.nats == pytest.approx(truth, abs=0.06)
    assert found.interval.high <= np.log(2) + 1e-12


def test_estimate_interval_and_p_value_do_not_contradict_each_other():
    for seed in range(12):
        x, y = pair(120, 0.25 * (seed % 3), seed)
        found = mistcli.estimate((x, y), permutations=99, seed=seed)
        assert found.interval.low <= found.nats <= found.interval.high
        if found.p_value > 0.05:
            assert found.interval.low == 0


def test_p_values_of_independent_tables_are_even():
    rng = np.random.default_rng(7)
    small = 0
    for _ in range(60):
        x, level = rng.standard_t(2, 60), np.array(["a", "b", "c"])[rng.integers(0, 3, 60)]
        small += mistcli.estimate((x, level), permutations=19, effort="quick").p_value <= 0.05
    assert small <= 8  # 3 in expectation


def test_noise_columns_and_noise_levels_are_screened_out():
    rng = np.random.default_rng(8)
    x, y = pair(300, 0.8, 80)
    noise = rng.standard_normal((20, 300))
    found = closed(
        side(*noise[:10], x**3, rng.integers(0, 5, 300)), side(np.exp(y), *noise[10:], rng.integers(0, 4, 300))
    )
    assert found.columns == ((10,), (0,))
    assert found.value == pytest.approx(0.5108, abs=0.15)
    assert screened(side(*noise[:10]), side(*noise[10:])) == []


def test_levels_beside_numbers_add_up_by_the_chain_rule():
    rng = np.random.default_rng(9)
    level = rng.integers(0, 3, 900)
    x, noise = rng.standard_normal((2, 900))
    both = closed(side(level, x), side(3.0 * level + x + noise))
    z = np.linspace(-10, 16, 20001)
    density = sum(stats.norm.pdf(z, 3 * k, 2**0.5) for k in range(3)) / 3
    apart = -np.trapezoid(density * np.log(density), z) - 0.5 * np.log(4 * np.pi * np.e)
    assert both.value == pytest.approx(np.log(2) / 2 + apart, abs=0.1)


def test_folds_of_some_rows_hold_these_rows_alone():
    rows = np.array([0, 3, 4, 7, 9])
    parts = restricted(folds(10), rows, 10)
    assert sorted(np.concatenate([part.test for part in parts]).tolist()) == [0, 1, 2, 3, 4]


def test_atoms_are_few_and_large():
    column = np.concatenate([np.zeros(40), np.full(10, 2.0), np.arange(3.0, 53.0)])
    assert atoms(column).tolist() == [0.0, 2.0]
    assert atoms(np.round(np.random.default_rng(0).standard_normal(1000))).tolist() == [-1.0, 0.0, 1.0]
    assert in_rows(side(np.zeros(5)), np.arange(5)) is None
    assert levels_of(np.array([4, 9, 4])).values.ravel().tolist() == [0.0, 1.0, 0.0]


def test_classifiers_tell_levels_and_are_weighed_by_it():
    rng = np.random.default_rng(10)
    codes = rng.integers(0, 2, 400)
    z = (2.0 * codes + rng.standard_normal(400))[:, None]
    found = classifiers(z, z, codes, folds(400))
    noise = Classified("noise", rng.standard_normal((400, 2)), None)
    combined = combine([*found, noise], codes)
    assert combined.weights["noise"] < 0.2
    assert combined.unseen.mean() > 0.25
    assert combined.seen.mean() >= combined.unseen.mean() - 0.01


def test_kernels_are_ratios_of_densities_on_a_grid_and_by_rows():
    x, y = pair(600, 0.7, 11)
    parts = folds(600)
    other = partners(parts, 600, 8)
    grid = kernel_ratios(x[:, None], y[:, None], parts, other, [0.4])[0]
    twice = np.column_stack([x, np.zeros(600)])
    rows = kernel_ratios(twice, y[:, None], parts, other, [0.4])[0]
    assert np.corrcoef(grid[0], rows[0])[0, 1] > 0.99
    assert grid[0].mean() == pytest.approx(0.3367, abs=0.12)
    assert np.exp(grid[1]).mean() == pytest.approx(1, abs=0.1)


def test_weights_readmit_a_member_that_was_at_0():
    """Two noisy members that only help together: the optimum has both weights above 0."""
    rng = np.random.default_rng(12)
    truth_pos, truth_neg = rng.normal(1, 2**0.5, 2000), rng.normal(-1, 2**0.5, (2000, 4))
    noise_pos, noise_neg = rng.standard_normal(2000), rng.standard_normal((2000, 4))
    pos = np.stack([truth_pos + 3 * noise_pos, truth_pos - 3 * noise_pos], -1)
    neg = np.stack([truth_neg + 3 * noise_neg, truth_neg - 3 * noise_neg], -1)
    found = weigh(np.zeros(2000), np.zeros((2000, 4)), pos, neg)
    np.testing.assert_allclose(found.weights, 0.5, atol=0.05)
    assert found.sure > 5


def test_what_exceeds_an_estimate_surely_is_taken_and_what_may_be_noise_is_not():
    rng = np.random.default_rng(13)
    best, noise = Found(np.zeros(400)), rng.standard_normal(400)
    noise -= noise.mean()
    assert better(best, Found(noise + 0.02), 1.0).value == 0
    assert better(best, Found(noise + 0.02), 1.0).apart == pytest.approx(0.02)
    assert better(best, Found(noise + 1), 1.0).value == pytest.approx(1)


def test_a_budget_is_kept_and_what_was_left_out_is_said():
    rng = np.random.default_rng(14)
    x = rng.standard_normal((3000, 4))
    y = np.prod(x[:, :2], 1, keepdims=True) + 0.3 * rng.standard_normal((3000, 2))
    began = time.monotonic()
    found = mistcli.estimate((x, y), budget=0)
    assert time.monotonic() - began < 10
    assert found.explanation["left_out"] == ["blocks", "critics"]
    assert found.complete
    assert "probe" not in mistcli.estimate((x, y), effort="quick").explanation
    assert not Budget().spent
    assert Budget(0).stops(lambda: False)()


@pytest.mark.parametrize(
    "make",
    [
        lambda rng: (rng.standard_normal(100), np.array(["a"] * 60 + ["b"] * 39 + ["c"])),
        lambda rng: (np.where(rng.random(300) < 0.9, 0.0, rng.standard_normal(300)), rng.standard_normal(300)),
        lambda rng: (np.where(np.arange(100) == 3, 1.5, 0.0), rng.standard_normal(100)),
        lambda rng: (rng.standard_normal((200, 2)) * [1e12, 1e-12], rng.standard_normal(200)),
        lambda rng: (rng.standard_normal((40, 30)), rng.standard_normal((40, 20))),
        lambda rng: (rng.standard_normal(200), np.array([f"l{k % 60}" for k in range(200)])),
    ],
)
def test_odd_tables_get_a_finite_answer_that_holds_no_dependence(make):
    found = mistcli.estimate(make(np.random.default_rng(15)))
    assert found.interval.low <= 0.02
    assert np.isfinite([found.nats, found.stderr, found.interval.high]).all()


def test_points_on_a_curve_are_deterministic_and_near_one_are_not():
    rng = np.random.default_rng(16)
    for n in (120, 600):
        angle = rng.uniform(0, 2 * np.pi, n)
        noise = 0.05 * rng.standard_normal((2, n))
        assert "deterministic" in mistcli.estimate((np.cos(angle), np.sin(angle))).verdict
        assert "deterministic" in mistcli.estimate((np.cos(2 * angle), np.sin(3 * angle))).verdict
        assert "deterministic" not in mistcli.estimate((np.cos(angle) + noise[0], np.sin(angle) + noise[1])).verdict
    assert "deterministic" not in mistcli.estimate(pair(600, 0.999)).verdict
