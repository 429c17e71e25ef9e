"""Log-linear models of several discrete columns against the tables that they are made of."""

import numpy as np
import pytest
from scipy import stats

from mistcli.numerics.log_linear import fit_log_linear, indicator_features


def binary(n, d, seed):
    return np.random.default_rng(seed).integers(2, size=(n, d))


def test_features_are_uncorrelated_within_a_block():
    columns = np.random.default_rng(0).integers(4, size=(500, 2))
    features = indicator_features(columns, order=2)
    for block in range(3):
        values = features.values[:, features.block == block]
        np.testing.assert_allclose(values.T @ values / 500, np.eye(values.shape[1]), atol=1e-9)
        np.testing.assert_allclose(values.mean(0), 0, atol=1e-9)
    assert np.bincount(features.block).tolist() == [3, 3, 9]


def test_one_column_a_side_gives_the_log_ratios_of_the_table():
    rng = np.random.default_rng(1)
    x = rng.integers(3, size=(1000, 1))
    y = np.where(rng.random((1000, 1)) < 0.5, x, rng.integers(3, size=(1000, 1)))
    sides = indicator_features(x), indicator_features(y)
    model = fit_log_linear(*sides, [1e-6], rng=rng)[0]
    table = np.histogram2d(x[:, 0], y[:, 0], bins=3)[0] / 1000
    ratio = np.log(table / np.outer(table.sum(1), table.sum(0)))[x[:, 0], y[:, 0]]
    np.testing.assert_allclose(model.log_ratio(sides[0].values, sides[1].values), ratio, atol=2e-3)


def test_a_chain_and_noisy_copies_have_the_truth_of_enumeration():
    """x is a chain, each column of y a copy of one of x: no product over columns, but bilinear in their levels."""
    rng = np.random.default_rng(2)
    x = np.zeros((20_000, 3), dtype=np.int64)
    x[:, 0] = rng.integers(2, size=20_000)
    for column in (1, 2):
        x[:, column] = x[:, column - 1] ^ (rng.random(20_000) < 0.2)
    y = x ^ (rng.random(x.shape) < 0.25)
    states = (np.arange(8)[:, None] >> np.arange(3)) & 1
    chain = 0.5 * np.prod(np.where(states[:, 1:] != states[:, :-1], 0.2, 0.8), axis=1)
    joint = chain[:, None] * np.prod(np.where(states[:, None] != states, 0.25, 0.75), axis=2)
    truth = stats.entropy(joint.sum(1)) + stats.entropy(joint.sum(0)) - stats.entropy(joint.ravel())
    sides = indicator_features(x), indicator_features(y)
    found = fit_log_linear(*sides, [1.0], rng=rng)[0].log_ratio(sides[0].values, sides[1].values)
    assert found.mean() == pytest.approx(truth, abs=4 * found.std() / 20_000**0.5)


def test_screening_keeps_blocks_that_depend_on_each_other():
    rng = np.random.default_rng(3)
    x, y = binary(1000, 4, 4), binary(1000, 4, 5)
    y[:, 0] = x[:, 0] ^ x[:, 1] ^ (rng.random(1000) < 0.1)
    sides = indicator_features(x, 2), indicator_features(y, 2)
    kept = np.argwhere(fit_log_linear(*sides, [10.0], screened=True, rng=rng)[0].coefficients)
    assert kept.tolist() == [[4, 0]]  # the pair of the first columns of x with the first column of y
    main = indicator_features(x), indicator_features(y)
    model = fit_log_linear(*main, [10.0], screened=True, rng=rng)[0]
    assert not model.coefficients.any()
    np.testing.assert_array_equal(model.log_ratio(main[0].values, main[1].values), 0)
