"""Contingency tables, the moments of independence and the estimate against enumeration, permutations and truths."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import adjusted_mutual_info_score, mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from mistcli.numerics.contingency import cell_codes, cross_tabulate
from mistcli.numerics.dirichlet import dirichlet_information, leave_one_out_log_ratio
from mistcli.numerics.discrete_information import discrete_information, rescaled_information
from mistcli.numerics.independence import independence_moments


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def sides(x_levels, y_levels, n, seed):
    rng = np.random.default_rng(seed)
    return column(rng.integers(x_levels, size=n)), column(rng.integers(y_levels, size=n))


def information(joint):
    joint = joint / joint.sum()
    product = np.outer(joint.sum(1), joint.sum(0))
    return float(np.sum(joint[joint > 0] * np.log(joint[joint > 0] / product[joint > 0])))


def sampled(joint, n, rng):
    cell = rng.choice(joint.size, n, p=joint.ravel() / joint.sum())
    return column(cell // joint.shape[1]), column(cell % joint.shape[1])


def test_cells_are_rows_of_equal_values():
    rng = np.random.default_rng(0)
    columns = rng.integers(3, size=(200, 4)).astype(float)
    expected = np.unique(columns, axis=0, return_inverse=True)[1].ravel()
    np.testing.assert_array_equal(cell_codes(columns), expected)


def test_many_columns_do_not_overflow():
    columns = np.random.default_rng(0).integers(1000, size=(50, 60))
    assert len(np.unique(cell_codes(np.concatenate([columns, columns])))) == 50


def test_plug_in_is_that_of_scikit_learn():
    x, y = sides(5, 7, 300, 1)
    table = cross_tabulate(x, y)
    assert table.plug_in == pytest.approx(mutual_info_score(x[:, 0], y[:, 0]))
    assert table.log_ratio.mean() == pytest.approx(table.plug_in)
    assert table.x_entropy == pytest.approx(stats.entropy(np.bincount(x[:, 0].astype(int))))
    assert table.ceiling == pytest.approx(min(table.x_entropy, table.y_entropy))


def test_strata_are_averaged():
    rng = np.random.default_rng(2)
    x, y, z = rng.integers(4, size=(3, 500))
    table = cross_tabulate(column(x), column(y), column(z))
    expected = sum((z == level).mean() * mutual_info_score(x[z == level], y[z == level]) for level in range(4))
    assert table.plug_in == pytest.approx(expected)
    assert table.swapped().plug_in == pytest.approx(expected)


@pytest.mark.parametrize(("x_levels", "y_levels", "n"), [(2, 2, 30), (20, 20, 300), (3, 40, 50), (30, 30, 40)])
def test_expectation_under_independence_is_that_of_scikit_learn(x_levels, y_levels, n):
    x, y = sides(x_levels, y_levels, n, 3)
    expected = expected_mutual_information(contingency_matrix(x[:, 0], y[:, 0], sparse=True), n)
    assert independence_moments(cross_tabulate(x, y)).mean == pytest.approx(expected, abs=1e-9)


def test_expectation_under_independence_is_exact_in_strata():
    x, y, z = column([0, 0, 1, 0, 1, 2]), column([0, 1, 1, 0, 0, 1]), column([0, 0, 0, 1, 1, 1])
    permuted = [
        cross_tabulate(x, y[[*first, *second]], z).plug_in
        for first in itertools.permutations(range(3))
        for second in itertools.permutations(range(3, 6))
    ]
    moments = independence_moments(cross_tabulate(x, y, z))
    assert moments.mean == pytest.approx(np.mean(permuted))
    assert moments.std == pytest.approx(np.std(permuted), rel=0.3)


@pytest.mark.parametrize("skewed", [False, True])
def test_standard_deviation_under_independence_is_that_of_permutations(skewed):
    rng = np.random.default_rng(4)
    share = np.array([0.9, 0.04, 0.03, 0.02, 0.01]) if skewed else np.full(5, 0.2)
    x, y = rng.choice(5, (2, 200), p=share)
    permuted = [mutual_info_score(x, rng.permutation(y)) for _ in range(400)]
    moments = independence_moments(cross_tabulate(column(x), column(y)))
    assert moments.std == pytest.approx(np.std(permuted), rel=0.15)


def test_rescaled_information_is_the_adjusted_one_times_the_smaller_entropy():
    x, y = sides(6, 8, 60, 5)
    table = cross_tabulate(x, y)
    found = rescaled_information(table.plug_in, independence_moments(table).mean, table.ceiling)
    adjusted = adjusted_mutual_info_score(x[:, 0], y[:, 0], average_method="min")
    assert found == pytest.approx(adjusted * table.ceiling, abs=1e-9)


INDEPENDENT = [(20, 20, 1000), (50, 50, 2000), (100, 100, 600), (300, 2, 200), (300, 300, 200), (2, 2, 50), (3, 4, 5)]


@pytest.mark.parametrize(("x_levels", "y_levels", "n"), INDEPENDENT)
def test_intervals_of_independent_tables_hold_0(x_levels, y_levels, n):
    found = [discrete_information(cross_tabulate(*sides(x_levels, y_levels, n, 100 + seed))) for seed in range(20)]
    assert sum(one.nats > 1.96 * one.stderr for one in found) <= 2
    assert np.median([one.nats for one in found]) < 0.03
    assert all(0 <= one.nats <= one.ceiling and one.log_ratio.mean() == pytest.approx(one.nats) for one in found)


def test_too_few_rows_for_so_many_levels_is_undetermined():
    told = {size: discrete_information(cross_tabulate(*sides(*size, 0))).undetermined for size in INDEPENDENT[:5]}
    assert told == dict(zip(INDEPENDENT[:5], [False, False, True, True, True], strict=True))


@pytest.mark.parametrize(("levels", "n"), [(2, 30), (10, 200), (100, 600)])
def test_a_copy_has_the_information_of_its_entropy(levels, n):
    x = sides(levels, 2, n, 6)[0]
    found = discrete_information(cross_tabulate(x, x))
    assert abs(found.nats - math.log(levels)) < max(0.03, 1.96 * found.stderr)
    assert found.nats <= found.ceiling
    assert not found.undetermined


def test_many_rows_a_cell_give_the_estimate_of_miller_and_madow():
    rng = np.random.default_rng(7)
    joint = rng.dirichlet(np.full(12, 5.0)).reshape(3, 4)
    x, y = sampled(joint, 5000, rng)
    found = discrete_information(cross_tabulate(x, y))
    assert found.nats == pytest.approx(mutual_info_score(x[:, 0], y[:, 0]) - 6 / 10_000, abs=0.0005)


def random_table(rng, kind):
    k, m = rng.integers(2, 25, 2)
    p, q = rng.dirichlet(np.ones(k)) + 0.01, rng.dirichlet(np.ones(m)) + 0.01
    if kind == "log-linear":
        return np.outer(p, q) * np.exp(rng.uniform(0.2, 1.2) * rng.standard_normal((k, m)))
    if kind == "classes":
        share = rng.dirichlet(np.full(3, 2.0))
        return np.einsum("c,ci,cj->ij", share, rng.dirichlet(np.ones(k), 3), rng.dirichlet(np.ones(m), 3))
    share = rng.uniform(0.1, 0.9)
    return share * np.diag(p) + (1 - share) * np.outer(p, p)


@pytest.mark.parametrize("kind", ["log-linear", "classes", "diagonal"])
def test_intervals_hold_as_often_as_they_say(kind):
    held = []
    for seed in range(100):
        rng = np.random.default_rng([11, seed])
        joint = random_table(rng, kind)
        found = discrete_information(cross_tabulate(*sampled(joint, int(np.exp(rng.uniform(4, 8))), rng)))
        held.append(abs(found.nats - information(joint)) < 1.645 * found.stderr)
    assert 0.82 <= np.mean(held) <= 0.99


def test_rows_that_belong_together_widen_the_error_and_lower_the_estimate():
    x, y = (np.repeat(side, 5, axis=0) for side in sides(6, 6, 60, 8))
    table = cross_tabulate(x, y)

    def spread(log_ratio):
        means = log_ratio.reshape(-1, 5).mean(1)
        return float(means.std() / math.sqrt(len(means)))

    apart, together = discrete_information(table), discrete_information(table, spread)
    assert apart.nats > 2 * apart.stderr  # copies look like evidence
    assert together.nats < 1.96 * together.stderr


def test_left_out_log_ratios_do_not_see_their_own_row():
    independent, copy = sides(50, 50, 200, 9), sides(5, 5, 200, 9)[0]
    assert leave_one_out_log_ratio(cross_tabulate(*independent)).mean() < 0.02
    assert leave_one_out_log_ratio(cross_tabulate(copy, copy)).mean() == pytest.approx(math.log(5), abs=0.05)
    assert dirichlet_information(cross_tabulate(*independent)) < 0.05


@pytest.mark.parametrize("alike", [1, 99])
def test_one_row_unlike_all_others(alike):
    x = column(np.arange(100) < alike)
    found = discrete_information(cross_tabulate(x, sides(2, 3, 100, 10)[1]))
    assert found.nats <= 1.96 * found.stderr
    assert math.isfinite(found.stderr)
    assert found.stderr > 0
