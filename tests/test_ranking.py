"""Columns by their information about a target: values, order, where it stops, what is heeded and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import mistcli
from mistcli.data.splitting import cross_fitting
from mistcli.errors import ConfigError, DataError
from mistcli.matrix.columns import Unit
from mistcli.ranking.blocks import Blocks, features
from mistcli.ranking.totals import out_of_fold

ROWS = 800


@pytest.fixture(scope="module")
def table():
    """A target that depends on a, on b by its square, and on c; twin repeats a; u and v tell nothing."""
    rng = np.random.default_rng(1)
    a, b, c, u, v, noise = rng.standard_normal((6, ROWS))
    kind = rng.choice(["red", "green"], ROWS).astype(object)
    y = a + b**2 + 0.6 * c + noise
    return {"a": a, "twin": a + 0.3 * u, "b": b, "c": c, "u": u, "v": v, "kind": kind, "y": y}


def test_the_order_takes_what_adds_and_stops_where_nothing_does(table):
    found = mistcli.rank_features(table, "y")
    assert set(found.selected) == {"a", "b", "c"}
    assert found.next_p_value > 0.05
    by_name = found.table.set_index("name")
    assert by_name.loc["twin", "q_value"] < 1e-6
    assert (by_name.loc[found.selected, "adds"] > 0).all()
    assert by_name["order"].isna()["twin"]
    totals = by_name.loc[found.selected, "total"]
    assert totals.is_monotonic_increasing
    assert found.total == totals.iloc[-1]
    assert by_name.loc[found.selected, "adds"].sum() == pytest.approx(found.total)
    assert found.interval.low < found.total < found.interval.high
    assert (by_name.loc[found.selected, "p_adds"] <= 0.05).all()


def test_the_total_of_a_linear_target_is_that_of_the_formula():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((3000, 3))
    table = {f"x{place}": x[:, place] for place in range(3)}
    table["y"] = x @ [1, 1, 0] + rng.standard_normal(3000)
    found = mistcli.rank_features(table, "y")
    assert set(found.selected) == {"x0", "x1"}
    assert found.total == pytest.approx(0.5 * math.log(3), abs=4 * found.stderr)


def test_what_moves_the_spread_and_not_the_mean_is_chosen():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 600)
    table = {"x": np.cos(angle), "z": rng.standard_normal(600), "y": np.sin(angle) + 0.1 * rng.standard_normal(600)}
    found = mistcli.rank_features(table, "y")
    assert found.selected == ["x"]
    assert found.total > 0.3


def test_independent_columns_are_not_chosen_more_often_than_the_p_value_says():
    chosen = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        table = {f"x{place}": rng.standard_normal(100) for place in range(10)}
        table["y"] = rng.choice(["u", "v", "w"], 100).astype(object)
        chosen.append(bool(mistcli.rank_features(table, "y", permutations=39).selected))
    assert np.mean(chosen) < 0.15


@pytest.mark.parametrize("method", ["cmi", "jmi", "mrmr"])
def test_a_copy_of_what_is_chosen_comes_late(table, method):
    selected = mistcli.rank_features(table, "y", columns="a,twin,b,c,u", method=method, k=2).selected
    assert not {"a", "twin"} <= set(selected)


def test_alone_the_copy_is_as_good(table):
    selected = mistcli.rank_features(table, "y", columns="a,twin,b,c,u", method="mim", k=3).selected
    assert {"a", "twin"} <= set(selected)


def test_jmi_sees_two_columns_that_tell_only_together():
    rng = np.random.default_rng(0)
    x = rng.choice(2, (600, 6))
    y = np.where(rng.uniform(size=600) < 0.05, 1, 0) ^ x[:, 0] ^ x[:, 1]
    table = {f"x{place}": x[:, place].astype(str).astype(object) for place in range(6)}
    table["x0"] = np.where(rng.uniform(size=600) < 0.25, y.astype(str), table["x0"]).astype(object)
    table["y"] = y.astype(str).astype(object)
    assert mistcli.rank_features(table, "y", method="jmi", k=2).selected == ["x0", "x1"]


def test_what_is_given_tells_nothing_more(table):
    found = mistcli.rank_features(table, "y", given="a")
    assert found.given == ("a",)
    assert set(found.selected) == {"b", "c"}
    alone = found.table.set_index("name")
    assert alone.loc["twin", "p_value"] > 0.01
    assert abs(alone.loc["twin", "mi"]) < 0.01
    assert found.total == pytest.approx(mistcli.rank_features(table, "y", k=3).total - 0.17, abs=0.12)


def test_rows_that_belong_together_count_as_one():
    rng = np.random.default_rng(3)
    subject = np.repeat(np.arange(30), 20)
    rejected = {"": 0, "subject": 0}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        table = {name: rng.standard_normal(30)[subject] + 0.1 * rng.standard_normal(600) for name in "xy"}
        table["subject"] = subject
        for group in rejected:
            found = mistcli.rank_features(table, "y", columns="x", group=group, permutations=39)
            rejected[group] += found.features[0].p_value <= 0.05
    assert rejected["subject"] <= 5
    assert rejected[""] >= 20


def test_a_series_is_shifted():
    rejected = {None: 0, 60: 0}
    for seed in range(30):
        noise = np.random.default_rng(seed).standard_normal((2, 800))
        sides = np.apply_along_axis(lambda e: np.convolve(e, 0.95 ** np.arange(100), "valid"), 1, noise)
        for block in rejected:
            found = mistcli.rank_features(dict(zip("xy", sides, strict=True)), "y", block=block, permutations=39)
            rejected[block] += found.features[0].p_value <= 0.05
    assert rejected[60] <= 6
    assert rejected[None] >= 15


def test_groups_of_columns_count_as_one():
    rng = np.random.default_rng(0)
    table = {f"f{group}_{place}": rng.standard_normal(500) for group in range(1, 5) for place in (1, 2)}
    table["y"] = table["f2_1"] + table["f2_2"] + 0.5 * table["f4_1"] + rng.standard_normal(500)
    found = mistcli.rank_features(table, "y", groups="f*")
    assert found.selected == ["f2", "f4"]
    assert found.features[0].mi == pytest.approx(0.46, abs=0.15)


def test_any_kinds_and_gaps_are_taken():
    rng = np.random.default_rng(0)
    table = {
        "number": rng.standard_normal(400),
        "truth": rng.uniform(size=400) < 0.5,
        "count": rng.poisson(3, 400),
        "text": rng.choice(["u", "v", None], 400),
    }
    table["y"] = np.where(table["truth"] ^ (rng.uniform(size=400) < 0.2), "yes", "no").astype(object)
    table["number"][::7] = np.nan
    table["y"][::11] = None
    found = mistcli.rank_features(table, "y")
    assert found.selected[0] == "truth"
    assert found.n == 400 - len(range(0, 400, 11))
    assert found.total < math.log(2)


def test_leaks_are_named():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 300))
    y = np.digitize(x[0], [-0.5, 0.5])
    table = {"x": x[1], "code": np.array(["low", "mid", "high"], dtype=object)[y], "same": y, "y": y}
    found = mistcli.rank_features(table, "y")
    assert set(found.leaks) == {"code", "same"}
    assert "determine the target: a leak" in found.warnings[0]
    assert not found.skipped
    curve = {"x": x[1], "cube": x[0] ** 3, "y": x[0]}
    assert mistcli.rank_features(curve, "y").leaks == ("cube",)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("y", {"columns": "a,y"}, "'y' is the target and a feature too; take it away .* '!y'"),
        ("a:c", {}, "expected one column as target; got 4"),
        ("z", {}, "target: no column matches 'z'"),
        ("y", {"given": "y"}, "given and target share 'y'"),
        ("y", {"given": "a", "columns": "a,b"}, "'a' is given or the group and a feature too"),
        ("y", {"method": "best"}, "expected the method cmi, jmi, mrmr or mim; got 'best'"),
        ("y", {"k": 0}, "expected k to be 1 or more; got 0"),
        ("y", {"stop": 1}, "between 0 and 1; got 1"),
        ("y", {"permutations": 5}, "expected 19 permutations or more"),
        ("y", {"group": "kind", "block": 5}, "pass block or group, not both"),
    ],
)
def test_wrong_options_are_refused(table, target, options, message):
    with pytest.raises(ConfigError, match=message):
        mistcli.rank_features(table, target, **options)


def test_targets_that_cannot_be_used_are_refused(table):
    with pytest.raises(DataError, match="column 'y' is constant"):
        mistcli.rank_features({**table, "y": np.ones(ROWS)}, "y")
    with pytest.raises(DataError, match=r"no column is left to rank \('a': constant"):
        mistcli.rank_features({"a": np.ones(ROWS), "y": table["y"]}, "y")
    with pytest.raises(DataError, match="what is given, 'c' cannot be used: constant"):
        mistcli.rank_features({**table, "c": np.ones(ROWS)}, "y", given="c")
    labels = np.array(["s", None] * (ROWS // 2), dtype=object)
    with pytest.raises(DataError, match="the group 'kind' is missing in 400 of 800 rows"):
        mistcli.rank_features({**table, "kind": labels}, "y", group="kind")


def test_twelve_rows_are_enough_to_say_little():
    rng = np.random.default_rng(0)
    found = mistcli.rank_features({name: rng.standard_normal(12) for name in "abcy"}, "y")
    assert all(0 < one.p_value <= 1 for one in found.features)


def test_the_closed_form_is_that_of_the_correlation():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 400))
    y += x
    blocks = Blocks([x[:, None] - x.mean()], y[:, None] - y.mean(), np.empty((400, 0)), ordered=True)
    expected = -0.5 * math.log(1 - np.corrcoef(x, y)[0, 1] ** 2)
    assert blocks.gains()[0, 0] == pytest.approx(expected - 1 / (2 * 399), abs=1e-6)
    assert blocks.pointwise(0).mean() == pytest.approx(expected, abs=1e-6)
    blocks.choose(0)
    assert blocks.gains()[0, 0] == pytest.approx(0, abs=1e-8)


def test_features_of_missing_values_are_zero():
    present = np.arange(20) % 2 == 0
    for unit in (Unit("a", np.arange(20), 0, present), Unit("b", np.arange(20) % 3, 3, present)):
        found = features(unit, np.arange(20))
        assert (found[~present] == 0).all()
        assert found.sum(0) == pytest.approx(0, abs=1e-9)


def test_a_logistic_regression_finds_the_information_of_classes():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=2000)
    x = 2.0 * y[:, None] + rng.standard_normal((2000, 1))
    found = out_of_fold(x, y, 2, cross_fitting(2000, 5, 0, rng)).mean()
    grid = np.linspace(-6, 8, 4001)
    density = [np.exp(-np.square(grid - mean) / 2) / math.sqrt(2 * math.pi) for mean in (0, 2)]
    mixed = (density[0] + density[1]) / 2
    truth = sum(np.trapezoid(one * np.log(one / mixed), grid) / 2 for one in density)
    assert found == pytest.approx(truth, abs=0.04)
    assert abs(out_of_fold(rng.standard_normal((2000, 3)), y, 2, cross_fitting(2000, 5, 0, rng)).mean()) < 0.005


def test_it_is_plain_values(table):
    found = mistcli.rank_features(table, "y", k=1)
    data = found.to_dict("bits")
    assert data["schema"] == "mist.rank/1"
    assert data["features"][0]["order"] == 1
    assert data["features"][1]["order"] is data["features"][1]["adds"] is None
    assert data["features"][0]["mi"] == pytest.approx(found.features[0].mi / math.log(2))
    assert data["selected"] == found.selected
    assert found.next_p_value < 0.05
