"""The test of independence: valid under independence, powerful where there is dependence of many kinds."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import mistcli
from mistcli.cli.group import mist
from mistcli.errors import ConfigError, DataError
from mistcli.independence.combination import log_tail, smallest_p
from mistcli.independence.family import Side, statistics
from mistcli.independence.features import column_blocks, kernel_blocks
from mistcli.independence.neighbours import distance, nearest_by_distance, nearest_by_rank
from mistcli.independence.orders import LocalOrders, Residual
from mistcli.independence.ranks import RankNull, RankNulls
from mistcli.independence.statistics import CommonNeighbours, Covariances, Successors


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def nulls():
    return RankNulls(499)


def rejected(p_values, level=0.05):
    return np.mean(np.array(p_values) <= level)


def autoregression(rng, n):
    noise = rng.standard_normal(n)
    for t in range(1, n):
        noise[t] += 0.8 * noise[t - 1]
    return noise


def test_the_smallest_p_value_is_uniform_whatever_the_statistics_are(rng):
    p_values = []
    for _ in range(1000):
        values = np.column_stack([rng.standard_normal(100), rng.exponential(size=100) ** 2])
        p_values.append(smallest_p(values[0], values[1:]).p_value)
    assert rejected(p_values) == pytest.approx(0.05, abs=0.02)
    assert rejected(p_values, 0.5) == pytest.approx(0.5, abs=0.06)


def test_the_tail_is_that_of_pearson_type_three():
    scaled = np.array([[-1.0, 0.0], [0.5, 2.0], [3.0, 5.0]])
    exact = stats.pearson3.logsf(scaled, [0.0, 1.5])
    np.testing.assert_allclose(log_tail(scaled, np.array([0.0, 1.5])), exact, rtol=1e-6)
    far = log_tail(np.array([[50.0], [90.0]]), np.array([0.0]))
    assert far[1] < far[0] < -700


def test_a_statistic_that_never_changes_counts_for_nothing(rng):
    values = np.column_stack([rng.standard_normal(100), np.ones(100)])
    found = smallest_p(np.array([9.0, 1.0]), values)
    assert (found.winner, found.p_value) == (0, 1 / 101)
    assert smallest_p(np.ones(1), np.ones((99, 1))).p_value == 1


@pytest.mark.parametrize("n", [10, 60, 250])
def test_one_column_a_side_rejects_independence_as_often_as_it_says(n, nulls, rng):
    null = nulls.of(n)
    p_values = [null.test(rng.standard_normal(n), rng.exponential(size=n), rng)[0].p_value for _ in range(1000)]
    assert rejected(p_values) == pytest.approx(0.05, abs=0.02)
    assert rejected(p_values, 0.3) == pytest.approx(0.3, abs=0.06)


RELATIONSHIPS = {
    "line": lambda x, e: x + e,
    "square": lambda x, e: x**2 + 0.4 * e,
    "wave": lambda x, e: np.sin(4 * np.pi * x) + 0.8 * e,
    "fast wave": lambda x, e: np.sin(14 * np.pi * x) + 0.3 * e,
    "product": lambda x, e: x * e,
}


@pytest.mark.parametrize("name", RELATIONSHIPS)
def test_relationships_of_many_kinds_are_found_in_100_rows(name, nulls, rng):
    p_values = []
    for _ in range(40):
        x, noise = rng.uniform(-1, 1, 100), rng.standard_normal(100)
        p_values.append(nulls.of(100).test(x, RELATIONSHIPS[name](x, noise), rng)[0].p_value)
    assert rejected(p_values) > 0.8


def test_only_the_order_of_each_column_counts(nulls, rng):
    x, y = rng.standard_normal((2, 100))
    first, second = (nulls.of(100).test(*sides, np.random.default_rng(0)) for sides in ((x, y), (np.exp(x), y**3)))
    np.testing.assert_array_equal(first[1], second[1])


def test_nulls_are_made_once_for_each_number_of_rows(nulls, rng):
    assert nulls.of(50) is nulls.of(50) is not nulls.of(51)
    pair = tuple(rng.standard_normal((2, 80)))
    shared = mistcli.independence_test(pair, permutations=499, nulls=nulls)
    assert shared.p_value == mistcli.independence_test(pair, permutations=499).p_value
    with pytest.raises(ConfigError, match="expected nulls of 99 permutations"):
        mistcli.independence_test(pair, permutations=99, nulls=nulls)


def test_the_statistics_of_discrete_columns_are_chi_square_and_of_normal_scores_a_correlation(rng):
    x, y = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    sides = [column_blocks(v[:, None].astype(float), [int(v.max()) + 1], 8, rng) for v in (x, y)]
    found = Covariances(*sides, [("coarse", "fine")], "ranks").values(np.arange(200)[None])[0, 0]
    table = stats.contingency.crosstab(x, y).count
    assert found == pytest.approx(200 / 199 * stats.chi2_contingency(table, correction=False).statistic, rel=1e-4)
    u, v = rng.standard_normal((2, 200))
    sides = [column_blocks(w[:, None], [0], 8, rng) for w in (u, v)]
    found = Covariances(*sides, [("linear", "linear")], "ranks").values(np.arange(200)[None])[0, 0]
    scores = [stats.norm.ppf((stats.rankdata(w) - 0.5) / 200) for w in (u, v)]
    assert found == pytest.approx(200**2 / 199 * np.corrcoef(*scores)[0, 1] ** 2, rel=1e-3)


def test_many_levels_are_pooled_into_few(rng):
    codes = np.concatenate([np.repeat(np.arange(10), 20), np.arange(10, 400)]).astype(float)
    (block,) = column_blocks(codes[:, None], [400], 8, rng)
    assert block.features.shape == (590, 201)
    np.testing.assert_allclose(block.features.mean(0), 0, atol=1e-12)


@pytest.mark.parametrize("n", [80, 400])
def test_a_kernel_is_spanned_by_its_features(n, rng):
    points = rng.standard_normal((n, 2))
    centre = np.eye(n) - 1 / n
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(-1))
    gaussian = np.exp(-0.5 * (apart / np.median(apart[apart > 0])) ** 2)
    for name, kernel in (("distance", -centre @ apart @ centre), ("gaussian", centre @ gaussian @ centre)):
        features = kernel_blocks(points, rng)[name].features
        found = features @ features.T
        assert np.corrcoef(found.ravel(), kernel.ravel())[0, 1] > 0.99


def test_neighbours_are_the_nearest(rng):
    points = rng.standard_normal((60, 3))
    wide = np.concatenate([points, np.zeros((60, 20))], 1)
    apart = np.sqrt(((points[:, None] - points) ** 2).sum(-1))
    exact = np.argsort(apart, axis=1)[:, 1:6]
    for side in (points, wide):
        found, reach = nearest_by_distance(side, 5)
        np.testing.assert_array_equal(np.sort(found), np.sort(exact))
        np.testing.assert_allclose(reach, np.sort(apart, axis=1)[:, 5])
    found, _ = nearest_by_distance(np.repeat(points[:10], 6, axis=0), 4)
    assert (found != np.arange(60)[:, None]).all()
    assert distance(points, points[::-1]).shape == (60,)
    ranks = rng.permutation(20)
    near = nearest_by_rank(ranks, 2)
    assert (np.abs(ranks[near] - ranks[:, None]).max(1) <= 4).all()
    assert (np.sort(near, axis=1)[:, 1:] != np.sort(near, axis=1)[:, :-1]).all()


def test_statistics_of_neighbours_do_not_depend_on_the_order_of_the_rows(rng):
    x, y = rng.standard_normal((2, 60, 2))
    order, orders = rng.permutation(60), np.stack([np.arange(60), rng.permutation(60)])
    scores = y - y.mean(0)
    for make in (
        lambda a, b: CommonNeighbours(nearest_by_distance(a, 5)[0], b, nearest_by_distance(b, 5)[1], ""),
        lambda a, b: Successors(nearest_by_distance(a, 2)[0], b - b.mean(0), ""),
    ):
        plain, shuffled = make(x, y).values(orders[:1]), make(x[order], y[order]).values(orders[:1])
        np.testing.assert_allclose(plain, shuffled)
    forward = Successors(nearest_by_distance(y, 2)[0], x, "").values(np.argsort(orders[1])[None])
    reverse = Successors(nearest_by_distance(y, 2)[0], x, "", reverse=True).values(orders[1:])
    np.testing.assert_allclose(forward, reverse)
    assert Successors(nearest_by_distance(x, 2)[0], scores, "").values(orders).shape == (2, 1)


def independent(kind, rng):
    n, normal = 100, rng.standard_normal
    subject = np.repeat(np.arange(20), 5)
    series = {"a": autoregression(rng, n), "b": autoregression(rng, n)}
    levels = rng.integers(0, 3, n)
    return {
        "rounded": ((normal(n).round(), normal(n).round(1)), {"continuous": "x,y"}),
        "discrete": ({"a": normal(n), "b": rng.integers(0, 4, n)}, {"x": "a", "y": "b"}),
        "levels": ({"a": rng.integers(0, 2, n), "b": rng.integers(0, 3, n)}, {"x": "a", "y": "b"}),
        "several": ((normal((n, 2)), normal((n, 3)) ** 3), {}),
        "mixed": ({"a": normal(n), "c": levels, "b": rng.integers(0, 3, n), "d": normal(n)}, {"x": "a,c", "y": "b,d"}),
        "group": (
            {"a": normal(20)[subject] + 0.5 * normal(n), "b": normal(20)[subject] + 0.5 * normal(n), "s": subject},
            {"x": "a", "y": "b", "group": "s"},
        ),
        "series": (series, {"x": "a", "y": "b", "block": 10}),
        "given levels": (
            {"a": normal(n) + 2 * levels, "b": levels + normal(n), "g": levels},
            {"x": "a", "y": "b", "given": "g"},
        ),
    }[kind]


@pytest.mark.parametrize(
    "kind", ["rounded", "discrete", "levels", "several", "mixed", "group", "series", "given levels"]
)
def test_independent_columns_of_any_kind_are_rejected_as_often_as_said(kind, rng):
    p_values = []
    for seed in range(60):
        data, options = independent(kind, rng)
        p_values.append(mistcli.independence_test(data, permutations=99, seed=seed, **options).p_value)
    assert rejected(p_values) <= 0.15  # 3 of 60 are expected; 10 have a probability of 0.001
    assert 0.1 < rejected(p_values, 0.3) < 0.52


def test_dependence_between_columns_of_any_kind_is_found(rng):
    n = 300
    a, b, noise = rng.standard_normal((3, n))
    levels = rng.integers(0, 3, n)
    table = {
        "a": a, "b": b, "xor": np.sign(a * b) + 0.3 * noise, "levels": levels, "class": (levels + (a > 0)) % 3,
        "radius": np.hypot(a, b) + 0.2 * noise, "mean": levels + noise,
    }  # fmt: skip
    for x, y in (("a,b", "xor"), ("a,b", "radius"), ("levels", "mean"), ("a,levels", "class")):
        assert mistcli.independence_test(table, x=x, y=y, permutations=199).p_value <= 0.01, (x, y)
    assert mistcli.independence_test(table, x="a", y="class", permutations=199).p_value > 0.05
    assert mistcli.independence_test(table, x="a", y="class", given="levels", permutations=199).p_value <= 0.01


def test_local_orders_keep_what_is_given(rng):
    z = np.column_stack([rng.standard_normal(400), rng.integers(0, 2, 400)])
    order = LocalOrders(z, [0, 2]).order(rng)
    assert sorted(order) == list(range(400))
    assert (z[order, 1] == z[:, 1]).all()
    assert np.corrcoef(z[order, 0], z[:, 0])[0, 1] > 0.95
    assert (order != np.arange(400)).mean() > 0.7
    strata = LocalOrders(z[:, 1:], [2]).order(rng)
    assert (z[strata, 1] == z[:, 1]).all()
    assert np.unique(LocalOrders(z[:5, 1:], [2]).order(rng)).tolist() == [0, 1, 2, 3, 4]
    with pytest.raises(DataError, match="no two rows have the same value in what is given"):
        LocalOrders(np.arange(5.0)[:, None], [5])


def test_a_regression_removes_what_is_given_and_no_more(rng):
    z, noise = rng.standard_normal((2, 500))
    residual = Residual(z[:, None], [0], rng)
    explained, left = residual(np.sin(2 * z)[:, None] + 0.1 * noise[:, None])
    assert explained.std() < 0.13
    untouched, shares = residual(noise[:, None])
    assert untouched.std() > 0.9
    assert shares.shape == left.shape == (500,)
    assert shares.mean() > left.mean()


def confounded(rng, effect):
    z = rng.standard_normal((300, 2))
    x = np.sin(2 * z[:, 0]) + z[:, 1] + 0.5 * rng.standard_normal(300)
    y = np.cos(2 * z[:, 0]) + z[:, 1] + effect * x + 0.5 * rng.standard_normal(300)
    return {"x": x, "y": y, "z": z[:, 0], "w": z[:, 1]}


def test_given_continuous_columns(rng):
    null = [
        mistcli.independence_test(confounded(rng, 0), x="x", y="y", given="z,w", permutations=99) for _ in range(40)
    ]
    assert rejected([one.p_value for one in null]) <= 0.2
    assert mistcli.independence_test(confounded(rng, 0), x="x", y="y", permutations=99).p_value == 0.01
    found = mistcli.independence_test(confounded(rng, 0.5), x="x", y="y", given="z,w", permutations=99)
    assert found.p_value <= 0.02
    assert found.given == ("z", "w")
    assert found.y == ("y",)
    assert any("the p-value is approximate" in warning for warning in found.warnings)


def test_the_result_says_what_was_done(rng):
    x = rng.standard_normal(500)
    pair = (x, x + rng.standard_normal(500))
    found, again = (mistcli.independence_test(pair, seed=3, permutations=199) for _ in range(2))
    assert (found.p_value, found.statistic, found.method) == (again.p_value, again.statistic, again.method)
    assert found.p_values[found.method] == min(found.p_values.values())
    assert found.mi == pytest.approx(0.5 * np.log(2), abs=0.1)
    told = found.to_dict("bits")
    assert told["mi"] == pytest.approx(found.mi / np.log(2))
    assert told["schema"] == "mist.test/1"
    assert json.loads(json.dumps(told)) == told


def test_the_information_of_many_levels_is_that_of_counts(rng):
    levels = rng.integers(0, 300, 2000).astype(str)
    table = {"a": levels, "b": rng.standard_normal(2000), "c": rng.integers(0, 2, 2000)}
    found = [mistcli.independence_test(table, x="a", y=y, permutations=49) for y in "bc"]
    assert [one.estimator for one in found] == ["ross", "plugin"]
    assert all(abs(one.mi) < 0.1 for one in found)


def test_it_can_be_stopped_between_permutations(rng):
    pair = tuple(rng.standard_normal((2, 100, 2)))
    found = mistcli.independence_test(pair, permutations=199, should_stop=lambda: True)
    assert (found.permutations, found.complete) == (50, False)
    assert "interrupted: the p-value rests on 50 permutations" in found.warnings


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"permutations": 9}, "expected at least 19 permutations, for with fewer no p-value is as low as 0.05; got 9"),
        ({"permutations": 0}, "expected a positive whole number of permutations; got 0"),
        ({"permutations": True}, "expected a positive whole number of permutations; got True"),
        ({"max_epochs": 3}, "a test has no option 'max_epochs'; there are block, continuous, discrete, group"),
        ({"given": "z", "block": 5}, "expected independent rows beside --given"),
    ],
)
def test_what_is_refused(options, sentence, rng):
    table = dict(zip("xyz", rng.standard_normal((3, 100)), strict=True))
    with pytest.raises(ConfigError, match=sentence):
        mistcli.independence_test(table, x="x", y="y", **options)


def test_few_rows_are_refused(rng):
    with pytest.raises(DataError, match="needs at least"):
        mistcli.independence_test((rng.standard_normal(5), rng.standard_normal(5)))
    for n in (10, 12, 30):
        assert 0 < mistcli.independence_test(tuple(rng.standard_normal((2, n))), permutations=99).p_value <= 1
        assert 0 < mistcli.independence_test(tuple(rng.standard_normal((2, n, 2))), permutations=99).p_value <= 1


def test_the_command_line(tmp_path, monkeypatch, rng):
    monkeypatch.chdir(tmp_path)
    x, z = rng.standard_normal((2, 200))
    table = np.column_stack([x, x**2 + 0.1 * z, z])
    np.savetxt("data.csv", table, delimiter=",", header="a,b,c", comments="")

    def call(*arguments):
        return CliRunner().invoke(mist, ["test", "data.csv", *arguments])

    shown = call("--x", "a", "--y", "b")
    assert shown.exit_code == 0
    assert shown.output.startswith("p = 0.001   not independent at 5 %\n")
    assert "no dependence found at 5 %" in call("--x", "a", "--y", "c").output
    told = json.loads(call("--x", "a", "--y", "b", "--given", "c", "--json", "-q", "--permutations", "99").stdout)
    assert (told["p_value"], told["permutations"], told["given"], told["n"]) == (0.01, 99, ["c"], 200)
    assert call("--x", "a", "--y", "b", "--permutations", "3").exit_code == 2
    assert "no y is given" in call("--x", "a").output
    assert call("--x", "a", "--y", "a,b").exit_code != 0


def test_statistics_of_two_sides_have_names_of_their_own(rng):
    x, y = Side(rng.standard_normal((300, 2)), [0, 0]), Side(rng.standard_normal((300, 1)), [0])
    names = [name for one in statistics(x, y, rng) for name in one.names]
    assert len(set(names)) == len(names)
    assert {"distance all x all", "neighbours k=24"} <= set(names)
    assert RankNull(300, 19, rng).names[0] == "ranks linear x linear"
