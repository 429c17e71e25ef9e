"""Information of x and y given z, on pairs whose value is known."""

import math

import numpy as np
import pandas as pd
import pytest

import mistcli
from mistcli.errors import ConfigError, DataError
from mistcli.pipeline.conditional import amplification

TITANIC = pd.read_csv("examples/titanic.csv")
QUICK = {"max_steps": 300, "hidden_dims": (32,)}


def chain(n, seed=0):
    """x -> z -> y, so that x and y are independent given z; and w, which knows of x beside z."""
    rng = np.random.default_rng(seed)
    x, e, f, g = rng.standard_normal((4, n))
    z = x + e
    return {"x": x, "z": z, "y": z + f, "w": x + z + g}


@pytest.mark.parametrize(
    ("x", "y", "given", "truth"),
    [("status", "survived", "", 0.0411), ("sex", "survived", "", 0.0987), ("status", "survived", "sex", 0.0389)],
)
def test_titanic(x, y, given, truth):
    found = mistcli.estimate(TITANIC, x=x, y=y, given=given, estimator="plugin")
    assert found.nats == pytest.approx(truth, abs=0.002)
    assert found.given == tuple(filter(None, [given]))


@pytest.mark.parametrize(("estimator", "options"), [("gaussian", {}), ("js", QUICK)])
def test_known_values(estimator, options):
    table = chain(3000)
    none = mistcli.estimate(table, x="x", y="y", given="z", estimator=estimator, **options)
    assert none.interval.low < 0.02
    assert none.nats == pytest.approx(0, abs=0.02)
    some = mistcli.estimate(table, x="x", y="w", given="z", estimator=estimator, **options)
    # given z, x has the variance 1/2, and w = x + g + z is x seen through noise of variance 1
    assert some.nats == pytest.approx(0.5 * math.log(1.5), abs=3 * some.stderr + (0.03 if options else 0))
    assert (some.x, some.y, some.given, some.bound) == (("x",), ("w",), ("z",), "none")
    assert some.nats == pytest.approx(some.terms.joint - some.terms.given)
    assert some.pointwise.mean() == pytest.approx(some.nats)
    assert some.explanation["I(x; y, given)"]["nats"] == some.terms.joint
    assert some.explanation["columns"]["given"] == "1 continuous"


def test_the_error_is_that_of_repetitions():
    found = [mistcli.estimate(chain(500, s), x="x", y="w", given="z", estimator="gaussian") for s in range(80)]
    values = np.array([one.nats for one in found])
    assert np.mean([one.stderr for one in found]) == pytest.approx(values.std(), rel=0.25)


def test_a_small_difference_of_large_terms_is_warned_of():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(2000)
    table = {"x": x, "z": x + 0.1 * rng.standard_normal(2000), "y": rng.standard_normal(2000)}
    found = mistcli.estimate(table, x="x", y="y", given="z", estimator="gaussian")
    assert "amplified_errors" in found.verdict
    assert found.terms.amplification > 10
    assert found.to_dict("bits")["terms"]["joint"] == pytest.approx(found.terms.joint / math.log(2))
    assert amplification((0.0, 0.0)) == math.inf


def test_a_discrete_condition_allows_a_test():
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 600)
    x, y = z + rng.standard_normal(600), z + rng.standard_normal(600)
    table = {"x": x, "y": y, "z": z, "w": x + y}
    options = {"estimator": "js", "permutations": 39, "max_steps": 60, "hidden_dims": (16,)}
    assert mistcli.estimate(table, x="x", y="y", **options).p_value == 1 / 40
    assert mistcli.estimate(table, x="x", y="y", given="z", **options).p_value > 0.05
    assert mistcli.estimate(table, x="x", y="w", given="z", **options).p_value == 1 / 40
    with pytest.raises(ConfigError, match=r"few or none have one of 'w', which is continuous: leave --permutations"):
        mistcli.estimate(table, x="x", y="y", given="w", **options)
    with pytest.raises(ConfigError, match="keeps what is given and the order of a series, or groups, is not known"):
        mistcli.estimate(table, x="x", y="y", given="z", block=20, **options)


@pytest.mark.parametrize(
    ("change", "given", "error", "message"),
    [
        ({}, "x", ConfigError, "given and x share 'x'"),
        ({}, "nothing", ConfigError, "given: no column matches 'nothing'"),
        ({"z": np.ones(300)}, "z", DataError, "what is given is constant, and changes nothing; leave --given out"),
        ({"y": np.ones(300)}, "z", DataError, "y is constant, so nothing can depend on it"),
    ],
)
def test_what_cannot_be_is_refused(change, given, error, message):
    with pytest.raises(error, match=message):
        mistcli.estimate(chain(300) | change, x="x", y="y", given=given, estimator="gaussian")


def test_rows_that_lack_what_is_given_are_dropped():
    table = chain(300)
    table["z"][:20] = np.nan
    found = mistcli.estimate(table, x="x", y="y", given="z", estimator="gaussian")
    assert (found.n, found.cleaning["missing_by_column"]) == (280, {"z": 20})


def levels(n, strata, seed, kind):
    """x and y of five levels, which depend on z each, and on each other beside z unless the kind is "independent"."""
    rng = np.random.default_rng([seed, n])
    z = rng.integers(strata, size=n)
    x, y = ((z + rng.choice(5, n, p=[0.4, 0.3, 0.1, 0.1, 0.1])) % 5 for _ in range(2))
    if kind == "dependent":
        y = np.where(rng.random(n) < 0.4, x, y)
    return {
        name: np.array([f"{name}{v}" for v in values], object) for name, values in zip("xyz", (x, y, z), strict=True)
    }


def truth(share):
    p = np.array([0.4, 0.3, 0.1, 0.1, 0.1])
    joint = share * np.diag(p) + (1 - share) * np.outer(p, p)
    return np.sum(joint * np.log(joint / np.outer(joint.sum(1), joint.sum(0))))


@pytest.mark.parametrize(("n", "strata"), [(300, 5), (2000, 100), (3000, 20)])
@pytest.mark.parametrize(("kind", "share"), [("independent", 0.0), ("dependent", 0.4)])
def test_tables_per_level_of_what_is_given(n, strata, kind, share):
    found = [mistcli.estimate(levels(n, strata, s, kind), x="x", y="y", given="z") for s in range(8)]
    held = [abs(one.nats - truth(share)) <= 1.96 * one.stderr for one in found]
    assert sum(held) >= 7
    assert np.mean([one.nats for one in found]) == pytest.approx(truth(share), abs=0.03)
    assert all(one.terms is None and "amplified_errors" not in one.verdict for one in found)
    assert found[0].explanation["strata"] == strata


def test_tables_per_level_are_tested_within_levels():
    options = {"x": "x", "y": "y", "given": "z", "permutations": 39}
    assert mistcli.estimate(levels(500, 10, 0, "independent"), **options).p_value > 0.05
    assert mistcli.estimate(levels(500, 10, 0, "dependent"), **options).p_value == 1 / 40
