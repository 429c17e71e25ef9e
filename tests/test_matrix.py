"""All pairs of columns: values against the truth, calibrated p-values, gaps, columns that are left out, levels."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import hypergeom

import mistcli
from mistcli.benchmark import find
from mistcli.errors import ConfigError, DataError
from mistcli.estimators import KSG, Ross
from mistcli.executors.base import Done, Executor
from mistcli.executors.serial import SerialExecutor
from mistcli.matrix.columns import FEWEST_ROWS
from mistcli.matrix.copula_cells import copula_cells, poisson_moments
from mistcli.matrix.counts import counts
from mistcli.matrix.discrete import chi_square_moments, tabled
from mistcli.matrix.neighbours import class_neighbours, continuous_neighbours
from mistcli.matrix.null import permutation_null
from mistcli.matrix.ranks import cosines, normal_scores, random_ranks
from mistcli.matrix.result import COLUMNS
from mistcli.matrix.running import run_matrix
from mistcli.matrix.settings import MatrixConfig, check_cost, group_names
from mistcli.persistence.result_store import Store
from mistcli.plugin.registry import Registry

ROWS = 2000


def drawn(name, rows=ROWS, seed=11):
    problem = next(iter(find(name)))
    x, y = (np.asarray(side).ravel() for side in problem.sample(rows, seed))
    discrete = [side for side, kind in (("x", problem.x_kind), ("y", problem.y_kind)) if kind == "discrete"]
    return {"x": x, "y": y}, discrete, problem.mi


FAMILIES = {
    "1v1-normal-0.75": ("copula", 0.05),
    "clayton-lognormal-1v1-2": ("neighbours", 0.06),
    "ring-1v1-0.1": ("neighbours", 0.06),
    "sine-1v1-2": ("neighbours", 0.08),
    "student-identity-1-1-1": ("neighbours", 0.06),
    "ring-1v1-0.4": ("neighbours", 0.03),
    "inflated-1v1": ("neighbours", 0.06),
    "mixed-1v1-means": ("neighbours", 0.05),
    "mixed-1v1-independent": ("cells", 0.01),
    "discrete-1v1-5x8": ("table", 0.04),
    "discrete-1v1-independent": ("table", 0.01),
    "independent-1v1-heavy": ("copula", 0.005),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_values_are_near_the_truth_and_say_what_settled_them(name):
    table, discrete, truth = drawn(name)
    found = mistcli.mi_matrix(table, discrete=discrete)
    method, error = FAMILIES[name]
    assert found.method.tolist() == [method]
    assert found.mi[0] == pytest.approx(truth, abs=error)
    assert found.low[0] - 0.02 <= truth <= found.high[0] + 0.02
    assert (found.p_value[0] < 1e-6) == (truth > 1e-9)


@pytest.mark.parametrize("rows", [12, 100, 1000])
def test_p_values_of_independent_columns_are_uniform(rows):
    rng = np.random.default_rng(rows)
    table = {f"c{place}": rng.standard_cauchy(rows) for place in range(60)}
    p_value = mistcli.mi_matrix(table).p_value
    for level in (0.05, 0.5):  # 1,770 pairs, any two of which are independent
        assert (p_value <= level).mean() == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 1770))


def test_p_values_of_classes_are_uniform_even_where_classes_are_small():
    rng = np.random.default_rng(1)
    table = {f"c{place}": rng.standard_normal(150) for place in range(40)}
    for place in range(40):
        shares = rng.dirichlet(np.full(2 + place % 5, 0.7))
        table[f"d{place}"] = rng.choice(len(shares), 150, p=shares).astype(str).astype(object)
    found = mistcli.mi_matrix(table)
    discrete = np.array([name.startswith("d") for name in found.names])
    kinds = discrete[found.x].astype(int) + discrete[found.y]
    for kind in (1, 2):
        assert (found.p_value[kinds == kind] <= 0.05).mean() == pytest.approx(0.05, abs=0.015)


def test_false_discoveries_stay_below_the_rate():
    false = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = {f"c{place}": rng.standard_normal(200) for place in range(20)}
        table["e"] = table["c0"] + rng.standard_normal(200)
        found = mistcli.mi_matrix(table)
        true = {(0, 20)}
        taken = [(i, j) for i, j, q in zip(found.x, found.y, found.q_value, strict=True) if q <= 0.05]
        assert (0, 20) in taken
        false.append(len([pair for pair in taken if pair not in true]) / len(taken))
    assert np.mean(false) < 0.1


def test_benjamini_yekutieli_is_stricter():
    table, _, _ = drawn("1v1-normal-0.75", 100)
    table["z"] = np.random.default_rng(0).standard_normal(100)
    first, second = (mistcli.mi_matrix(table, fdr=fdr).q_value for fdr in ("bh", "by"))
    assert (second >= first).all()
    assert (second > first).any()


def test_the_moments_of_chi_square_are_exact():
    rows, columns = np.array([15, 5]), np.array([12, 8])
    first = np.arange(7, 13)
    expected = np.outer(rows, columns) / 20
    tables = np.array([[[k, 15 - k], [12 - k, k - 7]] for k in first])
    share = hypergeom(20, 15, 12).pmf(first)
    square = (np.square(tables - expected) / expected).sum((1, 2))
    mean = float(share @ square)
    assert chi_square_moments(rows, columns) == pytest.approx((mean, share @ np.square(square) - mean**2))


def test_a_sparse_table_of_independent_columns_tells_nothing():
    rng = np.random.default_rng(0)
    values = [tabled(rng.integers(30, size=500), rng.integers(30, size=500)).mi for _ in range(50)]
    plain = (30 - 1) ** 2 / (2 * 500)
    assert abs(np.mean(values)) < 0.05 * plain


def test_cells_of_a_normal_copula_hold_what_it_gives_them():
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal((2, 200_000))
    y = 0.6 * x + 0.8 * noise
    codes = [random_ranks(side, rng)[:, None] * 8 // len(x) for side in (x, -y)]
    share = counts(codes[0], 8, codes[1], 8)[0, 0] / len(x)
    log_share, _, _ = copula_cells(8, len(x)).at(np.array([-0.6]))
    assert np.abs(np.exp(log_share[0]) - share).max() < 1e-3


def test_the_excess_of_a_poisson_count_tends_to_one_half():
    mean, variance = poisson_moments(np.array([1e-6, 100.0]))
    assert mean == pytest.approx([0, 0.5], abs=0.01)
    assert variance == pytest.approx([0, 0.5], abs=0.02)


def test_cosines_are_orthonormal_in_cells_of_unequal_size():
    share = np.bincount(np.arange(101) * 8 // 101) / 101
    basis = cosines(8, 101, 5)
    assert (basis * share) @ basis.T == pytest.approx(np.eye(5), abs=1e-12)
    assert basis @ share == pytest.approx(0, abs=1e-12)


def test_neighbours_are_those_of_the_estimators():
    import torch

    rng = np.random.default_rng(3)
    x, noise = rng.standard_normal((2, 400))
    ranks = [random_ranks(side, rng) for side in (x, x**2 + noise)]
    scores = [torch.from_numpy(normal_scores(400)[side])[:, None] for side in ranks]
    generator = torch.Generator().manual_seed(0)
    expected = KSG(k=3).fit_log_ratio(*scores, generator=generator).mean().item()
    assert continuous_neighbours(*ranks)[0] == pytest.approx(expected, abs=3e-3)  # ties are broken by noise there
    classes = rng.integers(4, size=400)
    expected = Ross(k=3).fit_log_ratio(torch.from_numpy(classes)[:, None].double(), scores[1], generator=generator)
    assert class_neighbours(classes, ranks[1])[0] == pytest.approx(expected.mean().item(), abs=1e-6)


def test_pairs_with_gaps_rest_on_the_rows_that_both_have():
    rng = np.random.default_rng(5)
    table = {name: rng.standard_normal(300) for name in "abc"}
    table["b"] += table["a"]
    table["d"] = rng.choice(["u", "v", None], 300)
    table["a"][:40] = np.nan
    table["b"][30:90] = np.nan
    found = mistcli.mi_matrix(table).table.set_index(["x", "y"])
    rows = np.arange(90, 300)
    whole = mistcli.mi_matrix({name: table[name][rows] for name in "ab"}).table
    assert found.loc[("a", "b"), "n"] == 210
    assert found.loc[("a", "b"), "mi"] == pytest.approx(whole["mi"][0], abs=1e-12)
    assert found.loc[("a", "c"), "n"] == 260
    assert found.loc[("c", "d"), "n"] == sum(value is not None for value in table["d"])


def test_a_column_may_be_constant_where_the_other_has_a_value():
    rng = np.random.default_rng(0)
    table = {"kind": np.array(["u"] * 60 + ["v"] * 40, dtype=object), "x": rng.standard_normal(100)}
    table["other"] = np.where(np.arange(100) < 50, rng.choice(["a", "b"], 100), None)
    table["x"][50:] = np.nan
    found = mistcli.mi_matrix(table).table.set_index(["x", "y"])
    for pair in (("kind", "x"), ("kind", "other")):
        assert found.loc[pair, ["mi", "p_value"]].tolist() == [0, 1]


def test_p_values_with_gaps_are_uniform():
    rng = np.random.default_rng(6)
    table = {f"c{place}": rng.standard_normal(250) for place in range(40)}
    for values in table.values():
        values[rng.uniform(size=250) < 0.2] = np.nan
    found = mistcli.mi_matrix(table)
    assert "values are missing" in found.warnings[0]
    assert (found.p_value <= 0.05).mean() == pytest.approx(0.05, abs=0.03)


def awkward(rows=200):
    rng = np.random.default_rng(0)
    a = rng.standard_normal(rows)
    return {
        "a": a,
        "b": a + rng.standard_normal(rows),
        "constant": np.full(rows, 2.5),
        "copy": a.copy(),
        "row": np.arange(rows),
        "empty": np.full(rows, np.nan),
        "text": np.array([f"note {place}" for place in range(rows)], dtype=object),
        "far": np.where(np.arange(rows) == 3, np.inf, a),
        "few": np.where(np.arange(rows) < FEWEST_ROWS - 1, a, np.nan),
    }


def test_columns_that_cannot_be_used_are_listed_and_the_others_go_on():
    found = mistcli.mi_matrix(awkward())
    assert found.table[["x", "y"]].to_numpy().tolist() == [["a", "b"]]
    assert {one.column: one.reason for one in found.skipped} == {
        "constant": "constant: nothing can depend on it",
        "copy": "duplicate: equal to 'a' in every row",
        "row": "looks like an identifier: it holds each integer from 0 to 199 once",
        "empty": "no values at all",
        "text": "free text or an identifier: 200 different values in 200 rows, too many for a discrete one",
        "far": "holds infinity in 1 of 200 rows",
        "few": "fewer than 5 values",
    }


def test_nothing_that_can_be_used_is_an_error():
    with pytest.raises(DataError, match=r"fewer than two columns can be used \('constant': constant"):
        mistcli.mi_matrix(awkward(), columns=["constant", "a"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fdr": "holm"}, "expected fdr bh or by; got 'holm'"),
        ({"level": 1.5}, "expected a level between 0 and 1; got 1.5"),
        ({"budget": -1}, "expected a budget of 0 seconds or more"),
        ({"columns": "a"}, "at least two columns"),
        ({"columns": "nosuch"}, "cols: no column matches 'nosuch'"),
        ({"groups": "g*"}, "'g\\*' matches no group"),
        ({"missing": "keep"}, "expected missing 'drop' or 'error'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        mistcli.mi_matrix(awkward(), **options)


def test_a_pair_of_arrays_is_no_table():
    with pytest.raises(ConfigError, match="got a pair of arrays"):
        mistcli.mi_matrix((np.zeros(9), np.zeros(9)))


def test_missing_values_may_be_an_error():
    table = {"a": np.array([1.0, np.nan] * 10), "b": np.random.default_rng(0).standard_normal(20)}
    table["a"][::4] += np.arange(5)
    with pytest.raises(DataError, match="values are missing \\('a' 10\\)"):
        mistcli.mi_matrix(table, missing="error")


def test_a_hundred_thousand_columns_are_refused_with_their_cost():
    with pytest.raises(ConfigError, match=r"4,999,950,000 pairs .* hours and 1,250.0 GB of memory; .*--cols"):
        mistcli.mi_matrix({f"c{place}": np.arange(3.0) for place in range(100_000)})
    with pytest.raises(ConfigError, match="--cols, or allow the time by --budget"):
        check_cost(20_000_000, 10_000, None)
    check_cost(20_000_000, 10_000, 1e9)


def test_many_categories_are_no_trouble():
    rng = np.random.default_rng(0)
    many = rng.integers(10_000, size=30_000)
    table = {"many": many.astype(str).astype(object), "x": rng.standard_normal(30_000)}
    table["half"] = (many % 2).astype(str).astype(object)
    found = mistcli.mi_matrix(table).table.set_index(["x", "y"])
    assert found.loc[("many", "half"), "mi"] == pytest.approx(math.log(2), abs=0.2)
    assert found.loc[("many", "half"), "normalised"] == pytest.approx(1, abs=0.3)
    assert found.loc[("many", "x"), "p_value"] > 0.001
    assert abs(found.loc[("many", "x"), "mi"]) < 0.2  # 3 rows a category; a plain table says 2.3


def test_rows_and_columns_are_sides_of_pairs():
    rng = np.random.default_rng(0)
    table = {name: rng.standard_normal(50) for name in "abcd"}
    pairs = mistcli.mi_matrix(table, columns="a:c", rows="d,a").table[["x", "y"]].to_numpy().tolist()
    assert sorted(map(sorted, pairs)) == [["a", "b"], ["a", "c"], ["a", "d"], ["b", "d"], ["c", "d"]]


def test_groups_see_what_no_column_shows_alone():
    rng = np.random.default_rng(0)
    table = {f"f{group}_{place}": rng.standard_normal(600) for group in (1, 2, 3) for place in (1, 2)}
    table["f2_1"] = table["f1_1"] * table["f1_2"] + 0.3 * rng.standard_normal(600)
    table["f3_1"] += table["f1_1"]
    table["z"] = rng.standard_normal(600)
    found = mistcli.mi_matrix(table, groups="f*", columns="z").table.set_index(["x", "y"])
    assert len(found) == 6
    assert found.loc[("f1", "f2"), "mi"] > 0.5
    assert found.loc[("f1", "f3"), "mi"] == pytest.approx(0.35, abs=0.12)
    assert found.loc[("f3", "z"), "p_value"] > 0.01
    assert group_names(list(table), "f1,f2") == {"f1": ["f1_1", "f1_2"], "f2": ["f2_1", "f2_2"]}


def test_groups_of_any_kind_are_tested_validly():
    rng = np.random.default_rng(2)
    table = {}
    for group in range(14):
        table[f"g{group}_1"] = rng.standard_normal(200)
        table[f"g{group}_2"] = rng.choice(["u", "v", "w"], 200).astype(object)
    p_value = mistcli.mi_matrix(table, groups="g*").p_value
    assert (p_value <= 0.05).mean() < 0.09


def test_arrow_tables_and_frames_are_taken():
    import pandas as pd

    rng = np.random.default_rng(0)
    table = {"a": rng.standard_normal(60), "b": rng.choice(["u", "v"], 60).astype(object), "c": rng.standard_normal(60)}
    expected = mistcli.mi_matrix(table)
    frame = pd.DataFrame(table)

    class Frame:
        """What any library of Arrow has, and nothing else."""

        def __arrow_c_stream__(self, requested_schema=None):
            return pa.Table.from_pandas(frame).__arrow_c_stream__(requested_schema)

    views = pa.Table.from_pandas(frame).set_column(1, "b", pa.array(table["b"], pa.string_view()).dictionary_encode())
    for data in (frame, pa.Table.from_pandas(frame), views, Frame()):
        assert mistcli.mi_matrix(data).mi.tolist() == expected.mi.tolist()
    one = mistcli.estimate(Frame(), x="a", y="c", estimator="gaussian")
    assert one.nats == mistcli.estimate(table, x="a", y="c", estimator="gaussian").nats
    pair = mistcli.estimate((pa.chunked_array([table["a"]]), pa.chunked_array([table["c"]])), estimator="gaussian")
    assert pair.nats == one.nats


def test_the_result_is_a_table_and_a_square():
    table, _, _ = drawn("1v1-normal-0.75", 100)
    table["c"] = np.array(["u", "v"] * 50, dtype=object)
    table["d"] = np.array(["u", "v", "v", "u"] * 25, dtype=object)
    found = mistcli.mi_matrix(table)
    assert tuple(found.table.columns) == COLUMNS
    square = found.matrix()
    assert square.loc["x", "y"] == square.loc["y", "x"] == found.mi[0]
    assert np.isnan(square.to_numpy()[np.eye(4, dtype=bool)]).all()
    assert found.matrix("correlation").loc["x", "y"] == pytest.approx(math.sqrt(-math.expm1(-2 * found.mi[0])))
    assert found.matrix("normalised").loc["c", "d"] == pytest.approx(0, abs=0.05)
    with pytest.raises(ConfigError, match="expected a value out of mi"):
        found.matrix("method")
    data = found.to_dict("bits")
    assert data["schema"] == "mist.matrix/1"
    assert data["pairs"][0]["mi"] == pytest.approx(found.mi[0] / math.log(2))
    assert data["pairs"][0]["normalised"] is None


def test_it_is_drawn(tmp_path):
    found = mistcli.mi_matrix({f"${name}$": np.random.default_rng(ord(name)).standard_normal(50) for name in "abcd"})
    for kind in ("heatmap", "network"):
        found.plot(kind, tmp_path / f"{kind}.png")
        assert (tmp_path / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="expected kind 'heatmap' or 'network'"):
        found.plot("tree")
    with pytest.raises(ConfigError, match=r"a picture is a \.png, \.svg, \.pdf file"):
        found.plot(path=tmp_path / "a.gif")


def test_a_missing_matplotlib_is_named(monkeypatch):
    found = mistcli.mi_matrix({name: np.random.default_rng(ord(name)).standard_normal(20) for name in "ab"})
    monkeypatch.setattr("mistcli.matrix.drawing.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'mistcli\[plot\]'"):
        found.plot()


def test_auto_settles_what_neighbours_and_cells_disagree_on():
    table, _, truth = drawn("sine-1v1-2", 500)
    without, within = mistcli.mi_matrix(table), mistcli.mi_matrix(table, budget=60)
    assert without.method.tolist() == ["neighbours"]
    assert within.method.tolist() == ["auto"]
    expected = mistcli.estimate(table, x="x", y="y", max_missing=1.0)
    assert within.mi[0] == expected.nats
    assert abs(within.mi[0] - truth) < 0.3
    assert mistcli.mi_matrix(table, budget=0).mi[0] == without.mi[0]


class Broken(Executor):
    """Ends after some tasks, as if it were killed."""

    def __init__(self, tasks):
        self.left = tasks
        self.done = []

    def run(self, work, tasks):
        for done in SerialExecutor().run(work, tasks):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.done.append(done.key)
            yield done


class Counting(Broken):
    """Ends never."""

    def __init__(self):
        super().__init__(10**6)


def test_it_goes_on_where_it_stopped_with_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("mistcli.matrix.running.BATCH", 1)
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, (3, 400))
    table = {
        f"{name}{place}": map_(angle[place]) for place in range(3) for name, map_ in (("c", np.cos), ("s", np.sin))
    }
    table = {name: values + 0.1 * rng.standard_normal(400) for name, values in table.items()}
    registry = Registry.from_environment()
    expected = run_matrix(table, list(table), MatrixConfig(), registry)
    assert (expected.method == "neighbours").sum() == 3
    store = Store.create(tmp_path / "run", "matrix", {})
    broken, rest = Broken(2), Counting()
    with pytest.raises(KeyboardInterrupt):
        run_matrix(table, list(table), MatrixConfig(), registry, executor=broken, store=store, fingerprint="f")
    found = run_matrix(table, list(table), MatrixConfig(), registry, executor=rest, store=store, fingerprint="f")
    assert found.mi.tolist() == expected.mi.tolist()
    assert len(rest.done) == 1
    assert not set(rest.done) & set(broken.done)
    other = Counting()
    run_matrix(table, list(table), MatrixConfig(), registry, executor=other, store=store, fingerprint="g")
    assert len(other.done) == 3


def test_a_pair_that_fails_keeps_the_value_of_the_screen():
    class Failing(Executor):
        def run(self, work, tasks):
            for task in tasks:
                yield Done(task.key, None, "its process died")

    table, _, _ = drawn("ring-1v1-0.1", 500)
    found = run_matrix(table, ["x", "y"], MatrixConfig(), Registry.from_environment(), executor=Failing())
    assert found.method.tolist() == ["cells"]
    assert "1 batch of pairs failed (its process died)" in found.warnings[-1]


def test_another_process_finds_the_same():
    table, _, _ = drawn("ring-1v1-0.1", 300)
    here, there = (mistcli.mi_matrix(table, executor=name) for name in ("serial", "process:workers=1"))
    assert here.mi.tolist() == there.mi.tolist()


def test_the_null_is_the_same_for_all_and_depends_on_n_alone():
    assert permutation_null(50).smallest.tolist() == permutation_null(50).smallest.tolist()
    table, _, _ = drawn("independent-1v1-normal", 80)
    mapped = {"x": np.exp(table["x"]), "y": table["y"] ** 3}
    assert mistcli.mi_matrix(table).p_value.tolist() == mistcli.mi_matrix(mapped).p_value.tolist()
