from __future__ import annotations

import numpy as np
import pytest

from mistcli.benchmark.calibration import LEVELS, Factors, Measured, cell, conformal, fit_factors, interval_score


def drawn(n, seed, low, high, heavy=0.0):
    """Estimates whose residuals are normal with the variances that these factors of two random terms give."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        terms = np.exp(rng.uniform(-8, 0, 2))
        below, above = (float(np.sqrt(terms @ factors)) for factors in (low, high))
        residual = rng.standard_normal()
        if heavy:
            residual *= rng.choice([1.0, 3.0], p=[1 - heavy, heavy])
        residual *= above if residual > 0 else below
        true = rng.uniform(0, 1)
        found.append(Measured(true, true - residual, below, above, terms={"a": terms[0], "b": terms[1]}))
    return found


def test_coverage_of_known_normals_is_the_level():
    summed = cell(drawn(4000, 0, [1, 4], [2, 1]))
    for share, error, level in zip(summed.coverage, summed.errors, LEVELS, strict=True):
        assert abs(share - level) < 4 * error
        assert error == pytest.approx(np.sqrt(level * (1 - level) / 4000), rel=0.1)


def test_factors_are_found_again():
    factors = fit_factors(drawn(6000, 1, [1.0, 4.0], [2.0, 0.5]))
    assert factors.names == ("a", "b")
    assert factors.low == pytest.approx([1.0, 4.0], rel=0.25)
    assert factors.high == pytest.approx([2.0, 0.5], rel=0.25)


def test_conformal_factors_hold_on_other_tables_with_heavy_tails():
    fitted = fit_factors(drawn(2000, 2, [1, 1], [1, 1], heavy=0.3))
    widened = conformal(drawn(2000, 3, [1, 1], [1, 1], heavy=0.3), fitted)
    fresh = drawn(4000, 4, [1, 1], [1, 1], heavy=0.3)
    low, high = widened.scales(fresh)
    held = [Measured(one.true, one.value, a, b).holds(0.9) for one, a, b in zip(fresh, low, high, strict=True)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_the_interval_score_is_least_at_the_quantiles():
    rng = np.random.default_rng(0)
    true = rng.standard_normal(20_000)
    scores = {z: np.mean([interval_score(-z, z, t, 0.9) for t in true]) for z in (1.2, 1.645, 2.2)}
    assert min(scores, key=scores.get) == 1.645


def test_a_cell_counts_what_is_confidently_wrong():
    right = Measured(0.5, 0.52, 0.05, 0.05)
    near = Measured(0.5, 0.52, 0.001, 0.001)
    wrong = Measured(0.5, 0.7, 0.02, 0.02)
    summed = cell([right, right, near, wrong])
    assert (summed.count, summed.wrong) == (4, 0.25)
    assert summed.coverage[-1] == 0.5
    assert summed.mae == pytest.approx(0.065)
    assert summed.bias == pytest.approx(0.065)


def test_intervals_end_where_logic_ends():
    one = Measured(0.0, 0.01, 0.1, 0.1, least=0.0, most=0.05)
    assert one.ends(0.95) == (0.0, 0.05)
    assert one.holds(0.95)
    assert Factors(("a",), (1.0,), (4.0,)).widened(2.0, 0.5) == Factors(("a",), (4.0,), (1.0,))
