"""Rows that belong together: folds, errors and shuffles that heed it, from Python and the command line."""

import math

import numpy as np
import pytest

import mistcli
from mistcli.config.schema import TrainingConfig
from mistcli.data.splitting import blocked
from mistcli.errors import ConfigError, DataError
from mistcli.inference.interval import stderr
from mistcli.inference.sampling_design import Apart, Groups, Series

QUICK = {"estimator": "js", "max_steps": 30, "hidden_dims": (8,)}


def designs():
    label = np.repeat(np.arange(12), [3, 5, 2, 8, 5, 5, 4, 6, 7, 5, 5, 5])
    return {"apart": Apart(60), "groups": Groups(label, "g"), "series": Series.of_blocks(60, 4)}


def autoregression(n, phi, seed):
    noise = np.random.default_rng(seed).standard_normal(n)
    x = np.empty(n)
    x[0] = noise[0] / math.sqrt(1 - phi**2)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + noise[t]
    return x


def subjects(seed=0, groups=40, size=10):
    """Rows of subjects, alike within each, on both sides, which know nothing of each other."""
    rng = np.random.default_rng(seed)
    subject = np.repeat(np.arange(groups), size)
    x, y = (rng.standard_normal(groups)[subject] + 0.3 * rng.standard_normal(len(subject)) for _ in range(2))
    return {"x": x, "y": y, "subject": subject}


@pytest.mark.parametrize("name", ["apart", "groups", "series"])
def test_a_shuffle_stays_within_its_parts(name):
    design = designs()[name]
    parts = [fold.test for fold in design.folds(TrainingConfig(folds=3), seed=0)]
    orders = [design.order(parts, np.random.default_rng(seed)) for seed in range(3)]
    for order in orders:
        for rows in parts:
            assert set(order[rows]) <= set(rows)
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[0], design.order(parts, np.random.default_rng(0)))
    if name != "groups":
        assert all(sorted(order) == list(range(60)) for order in orders)


def test_groups_take_the_rows_of_one_other_group():
    groups = Groups(np.arange(60) // 6, "g")
    order = groups.order([np.arange(60)], np.random.default_rng(0))
    assert sorted(order) == list(range(60))
    assert {len(set(rows // 6)) for rows in order.reshape(10, 6)} == {1}
    uneven = designs()["groups"]
    order = uneven.order([np.arange(60)], np.random.default_rng(0))
    assert all(len(set(uneven.label[order[uneven.label == g]])) == 1 for g in range(12))


def test_a_series_is_shifted_and_keeps_its_memory():
    order = designs()["series"].order([np.arange(30), np.arange(30, 60)], np.random.default_rng(3))
    assert {*np.diff(order[:30]) % 30, *np.diff(order[30:]) % 30} == {1}


def test_groups_and_blocks_are_never_parted():
    groups = designs()["groups"]
    for fold in groups.folds(TrainingConfig(), seed=0):
        parts = [set(groups.label[rows]) for rows in (fold.train, fold.valid, fold.test)]
        assert sum(map(len, parts)) == 12
    for fold in blocked(1003, 5, 0.15, 20, unit=20):
        assert fold.test[0] % 20 == 0
        assert min(abs(fold.train[:, None] - fold.test).ravel()) > 20
    assert sorted(np.concatenate([f.test for f in blocked(1003, 5, 0.15, 20, unit=20)])) == list(range(1003))


def test_the_error_is_that_of_a_mean_over_groups():
    values = np.random.default_rng(0).standard_normal(50)
    rows, label = np.repeat(values, 20), np.repeat(np.arange(50), 20)
    assert Groups(label, "g").spread(rows) == pytest.approx(values.std(ddof=1) / math.sqrt(50))
    assert Apart(1000).spread(rows) == stderr(rows)
    assert stderr(rows) < 0.3 * Groups(label, "g").spread(rows)


@pytest.mark.parametrize("options", [{"estimator": "gaussian"}, {"estimator": "ksg"}, QUICK])
def test_every_kind_of_estimator_heeds_them(options):
    table = subjects()
    rows = mistcli.estimate({"x": table["x"], "y": table["y"]}, x="x", y="y", **options)
    group = mistcli.estimate(table, x="x", y="y", group="subject", **options)
    block = mistcli.estimate((table["x"], table["y"]), block=20, **options)
    assert group.explanation["rows"]["sampling_design"] == "40 groups by 'subject'"
    assert block.explanation["rows"]["sampling_design"] == "a series, in blocks of 20"
    if options is QUICK:
        parts = [set(table["subject"][group.folds == fold]) for fold in range(5)]
        assert sum(map(len, parts)) == 40
    else:
        assert group.nats == rows.nats
        assert group.stderr > 1.3 * rows.stderr
        assert block.stderr > 1.3 * rows.stderr


def test_what_looks_like_a_series_is_warned_of_unless_it_is_said():
    pair = autoregression(1000, 0.99, 0), autoregression(1000, 0.99, 1)
    plain = mistcli.estimate(pair, estimator="gaussian")
    assert "series" in plain.verdict
    (warning,) = [text for text in plain.warnings if "neighbouring rows are alike" in text]
    assert "pass --block 100" in warning
    block = mistcli.estimate(pair, estimator="gaussian", block=100)
    assert "series" not in block.verdict
    assert block.interval.low <= 0
    assert block.stderr > 5 * plain.stderr


def test_a_group_may_be_of_any_kind_and_selects_nothing():
    table = subjects(groups=12)
    named = table | {"subject": np.array([f"s{k}" for k in table["subject"]], dtype=object)}
    one, other = (mistcli.estimate(t, x="x", y="y", group="subject", estimator="gaussian") for t in (table, named))
    assert (one.nats, one.stderr) == pytest.approx((other.nats, other.stderr))
    assert one.x + one.y == ("x", "y")


def lacking(table):
    return table | {"subject": np.where(table["subject"] == 3, np.nan, table["subject"])}


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (dict, {"block": 0}, ConfigError, "'block' of inference takes int | None, x >= 1; got 0"),
        (dict, {"block": 41}, DataError, "a --block of at most a tenth of the rows, 40, .* got 41"),
        (dict, {"block": 5, "group": "subject"}, ConfigError, "pass --block or --group, not both"),
        (dict, {"group": "subjct"}, ConfigError, "group: no column matches 'subjct'; nearest: 'subject'"),
        (dict, {"group": "x"}, ConfigError, "group and x share 'x': a column can be on one side only"),
        (dict, {"group": "subject,z"}, ConfigError, "no column matches 'z'"),
        (lacking, {"group": "subject"}, DataError, "the group 'subject' is missing in 10 of 400 rows"),
        (dict, {"group": "subject", "folds": 30} | QUICK, DataError, "two groups of 'subject' a fold; got 40 for 30"),
    ],
)
def test_what_cannot_be_is_refused(change, options, error, message):
    with pytest.raises(error, match=message):
        mistcli.estimate(change(subjects()), x="x", y="y", **({"estimator": "gaussian"} | options))


def test_few_groups_and_several_columns_are_refused():
    table = subjects(groups=4) | {"z": subjects(1, groups=4)["x"]}
    with pytest.raises(DataError, match=r"at least 5 groups in 'subject', .*; got 4: leave --group out"):
        mistcli.estimate(table, x="x", y="y", group="subject", estimator="gaussian")
    with pytest.raises(ConfigError, match="--group takes one column; got 2: subject, z"):
        mistcli.estimate(table, x="x", y="y", group="subject,z", estimator="gaussian")


def test_lags_take_blocks_and_permutations_but_no_groups():
    pair = autoregression(600, 0.8, 0), autoregression(600, 0.8, 1)
    found = mistcli.estimate_lags(pair, lags=[0, 1], estimator="gaussian", block=40, permutations=19)
    assert found.block == 40
    assert all(0.05 <= one.p_value <= 1 for one in found.estimates)
    assert found.to_dict()["lags"][0]["p_value"] == found.estimates[0].p_value
    with pytest.raises(ConfigError, match="at lags neither --given nor --group is known"):
        mistcli.estimate_lags(subjects(), x="x", y="y", lags=[1], group="subject", estimator="gaussian")
