from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from mistcli import estimate
from mistcli.benchmark import Plan, Row, find, leaderboard, problems, run
from mistcli.benchmark.beyond_normal import beyond_normal
from mistcli.benchmark.copulas import clayton_log_density, frank_log_density, gumbel_log_density
from mistcli.benchmark.leaderboard import confidently_wrong, to_dict
from mistcli.benchmark.problem import rotation
from mistcli.benchmark.quadrature import copula_information, table_information
from mistcli.errors import ConfigError, UnknownNameError
from mistcli.executors.process import ProcessExecutor
from mistcli.persistence.result_store import Store
from mistcli.plugin import EstimatorSpec, hookimpl
from mistcli.plugin.registry import Registry

SHARED = Path(__file__).parent.parent.parent / "shared" / "bmi"
shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the samples of the paper's package are not here")
FORTY = [problem.name for problem in beyond_normal()]
SMOOTH = [
    problem.name
    for problem in problems().values()
    if (problem.x_dim, problem.y_dim, problem.x_kind, problem.y_kind) == (1, 1, "continuous", "continuous")
    and problem.suite == "further"
    and problem.name != "near-cubic-1v1"  # too close to a function for neighbours among 4,000
]


def mean_of(log_ratio, mi):
    """Whether the mean of log ratios, (N,), is `mi` within its error."""
    return abs(log_ratio.mean() - mi) < 4.5 * log_ratio.std() / math.sqrt(len(log_ratio)) + 1e-9


# --- the 40 tasks -----------------------------------------------------------------------------------------


@shared
def test_true_values_are_those_of_the_paper():
    meta = json.loads((SHARED / "meta.json").read_text())
    found = {name: problems()[name] for name in FORTY}
    assert found.keys() == meta.keys()
    for name, problem in found.items():
        assert problem.mi == pytest.approx(meta[name]["mi"], abs=1e-6)
        assert (problem.x_dim, problem.y_dim) == (meta[name]["dim_x"], meta[name]["dim_y"])


@shared
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (problems()[name].x_dim > 5)) for name in FORTY],
)
def test_samples_are_distributed_as_those_of_the_paper(name):
    theirs = np.load(SHARED / f"{name}__0.npz")
    ours = problems()[name].sample(10_000, 0)
    for side, mine in zip("xy", ours, strict=True):
        for column in range(min(3, mine.shape[1])):
            assert stats.ks_2samp(mine[:, column], theirs[side][:, column]).statistic < 0.035
    pairs = (ours, (theirs["x"].astype(float), theirs["y"].astype(float)))
    first, second = (estimate(pair, estimator="gaussian", transform="normal") for pair in pairs)
    assert abs(first.nats - second.nats) < 5 * math.hypot(first.stderr, second.stderr)
    if problems()[name].x_dim <= 3:
        x, y = (estimate((x[:1500], y[:1500]), estimator="ksg") for x, y in pairs)
        assert abs(x.nats - y.nats) < 4.5 * math.hypot(x.stderr, y.stderr)


# --- further families -------------------------------------------------------------------------------------


def test_names_are_unique_and_shapes_are_as_declared():
    assert len(problems()) == 40 + len(find("further"))
    for problem in problems().values():
        x, y = problem.sample(40, 3)
        assert (x.shape, y.shape) == ((40, problem.x_dim), (40, problem.y_dim)), problem.name
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        assert problem.mi >= 0
        for side, kind in ((x, problem.x_kind), (y, problem.y_kind)):
            assert (side.dtype.kind == "i") == (kind == "discrete")


def test_samples_depend_on_the_seed_and_the_problem_alone():
    one, other = find("clayton-1v1-4,clayton-1v1-0.5")
    assert np.array_equal(one.sample(50, 1)[1], one.sample(50, 1)[1])
    assert not np.array_equal(one.sample(50, 1)[0], one.sample(50, 2)[0])
    assert not np.array_equal(one.sample(50, 1)[0], other.sample(50, 1)[0])


@pytest.mark.parametrize(
    ("name", "log_density", "theta"),
    [
        ("clayton-1v1-0.5", clayton_log_density, 0.5),
        ("clayton-1v1-4", clayton_log_density, 4),
        ("gumbel-1v1-3", gumbel_log_density, 3),
        ("frank-1v1-12", frank_log_density, 12),
        ("frank-normal-1v1--8", frank_log_density, -8),
    ],
)
def test_copulas_by_quadrature_and_by_their_own_samples(name, log_density, theta):
    problem = problems()[name]
    assert copula_information(lambda s, t: log_density(s, t, theta)) == pytest.approx(problem.mi, abs=1e-6)
    x, y = problem.sample(100_000, 0)
    scores = (x, y) if "normal" in name else (ndtri(x), ndtri(y))
    assert mean_of(log_density(*scores, theta).ravel(), problem.mi)


def test_ranks_of_copulas_are_tied_as_theory_says():
    taus = {"clayton-1v1-4": 4 / 6, "gumbel-1v1-3": 1 - 1 / 3}
    for name, tau in taus.items():
        x, y = problems()[name].sample(20_000, 0)
        assert stats.kendalltau(x.ravel(), y.ravel()).statistic == pytest.approx(tau, abs=0.015)


@pytest.mark.parametrize(
    ("name", "mean", "scale"),
    [
        ("sine-1v1-6", lambda u: np.sin(12 * np.pi * u), lambda u: 0.3 + 0 * u),
        ("steps-1v1-5", lambda u: np.floor(5 * u), lambda u: 0.3 + 0 * u),
        ("heteroscedastic-1v1-wedge", lambda u: 0 * u, lambda u: 0.1 + 2 * u),
    ],
)
def test_regressions_by_monte_carlo(name, mean, scale):
    x, y = problems()[name].sample(1500, 0)
    others = (np.arange(2000) + 0.5) / 2000
    marginal = stats.norm.pdf(y, mean(others), scale(others)).mean(1)
    assert mean_of(stats.norm.logpdf(y, mean(x), scale(x)).ravel() - np.log(marginal), problems()[name].mi)


@pytest.mark.parametrize(
    ("name", "x_places", "y_places", "noise"),
    [
        ("clusters-1v1-4", [[0], [1], [2], [3]], [[2], [0], [3], [1]], 0.25),
        ("xor-2v1", [[-1, -1], [-1, 1], [1, -1], [1, 1]], [[1], [-1], [-1], [1]], 0.4),
        (
            "clusters-2v2-5",
            [[1.5, 1.5], [1.5, -1.5], [-1.5, 1.5], [-1.5, -1.5], [0, 0]],
            [[0, 0], [1.5, 1.5], [-1.5, -1.5], [1.5, -1.5], [-1.5, 1.5]],
            0.7,
        ),
    ],
)
def test_clusters_by_monte_carlo(name, x_places, y_places, noise):
    x, y = problems()[name].sample(100_000, 0)
    px, py = (
        np.exp(-np.square(side[:, None] - np.array(places)).sum(2) / (2 * noise**2))
        for side, places in ((x, x_places), (y, y_places))
    )
    log_ratio = np.log((px * py).mean(1)) - np.log(px.mean(1)) - np.log(py.mean(1))
    assert mean_of(log_ratio, problems()[name].mi)


def test_a_mixture_by_monte_carlo():
    problem = problems()["mixture-cross-1v1"]
    both = np.concatenate(problem.sample(100_000, 0), 1)
    densities = [stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).pdf(both) for r in (0.95, -0.95)]
    log_ratio = np.log(np.mean(densities, 0)) - stats.norm.logpdf(both).sum(1)
    assert mean_of(log_ratio, problem.mi)


def test_counts_and_classes_by_monte_carlo():
    x, y = problems()["poisson-1v1"].sample(100_000, 0)
    log_ratio = stats.poisson.logpmf(y, 3 * x) - stats.geom.logpmf(y + 1, 1 / 4)
    assert mean_of(log_ratio, problems()["poisson-1v1"].mi)
    x, y = problems()["mixed-1v1-scales"].sample(100_000, 0)
    scales = np.array([1, 5])
    marginal = stats.norm.pdf(y, 0, scales).mean(1, keepdims=True)
    log_ratio = stats.norm.logpdf(y, 0, scales[x]) - np.log(marginal)
    assert mean_of(log_ratio, problems()["mixed-1v1-scales"].mi)


@pytest.mark.parametrize("name", ["discrete-1v1-2x2", "discrete-1v1-5x8", "discrete-2v1-xor", "rounded-1v1"])
def test_tables_by_counting(name):
    x, y = problems()[name].sample(200_000, 0)
    (_, a), (_, b) = (np.unique(side, axis=0, return_inverse=True) for side in (x, y))
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a.ravel(), b.ravel()), 1 / len(x))
    bias = (table.shape[0] - 1) * (table.shape[1] - 1) / (2 * len(x))
    assert table_information(table) == pytest.approx(problems()[name].mi, abs=0.005 + bias)


@pytest.mark.parametrize("name", SMOOTH)
def test_neighbours_agree_with_the_truth(name):
    found = estimate(problems()[name].sample(4000, 1), estimator="ksg")
    assert abs(found.nats - problems()[name].mi) < 0.09


def test_rotations_and_embeddings_keep_what_they_are_made_of():
    turn = rotation(5, "here")
    assert np.allclose(turn @ turn.T, np.eye(5))
    wide = problems()["padded-normal-30v30"]
    x, y = wide.sample(20_000, 0)
    assert estimate((x, y), estimator="gaussian").nats == pytest.approx(wide.mi, abs=0.04)
    x, _ = problems()["lifted-sine-20v20"].sample(2000, 0)
    assert np.linalg.matrix_rank(x - x.mean(0)) > 5  # a curve that no plane holds


def test_problems_are_found_by_name_glob_and_suite():
    assert [p.name for p in find("frank-1v1-3, frank-1v1-*")] == ["frank-1v1-3", "frank-1v1-12"]
    assert len(find("beyond-normal")) == 40
    assert len(find("all")) == len(problems())
    with pytest.raises(UnknownNameError, match=r"no task is named 'frank-1v1-4'\. Did you mean 'frank-1v1-3'\?"):
        find("frank-1v1-4")
    with pytest.raises(UnknownNameError, match="no task is named in ' ,'"):
        find(" ,")


# --- running ----------------------------------------------------------------------------------------------

SMALL = Plan(("gaussian", "js:max_steps=10,critic=separable"), "1v1-normal-0.75,discrete-1v1-2x2", (200,), 2, 0.9)


@pytest.fixture(scope="module")
def rows():
    return run(SMALL, Registry(discover=False))


def test_every_estimator_meets_every_problem_that_it_takes(rows):
    assert len(rows) == 2 + 4
    assert {row.task for row in rows if row.estimator == "gaussian"} == {"1v1-normal-0.75"}
    assert all(not row.error and row.low < row.mi < row.high for row in rows)


def test_results_do_not_depend_on_the_executor(rows):
    others = run(SMALL, Registry(discover=False), executor=ProcessExecutor(workers=2))
    told = ("estimator", "task", "n", "seed", "mi", "stderr")
    assert [[getattr(row, name) for name in told] for row in others] == [
        [getattr(row, name) for name in told] for row in rows
    ]


class Broken:
    """A plugin whose estimator fails."""

    @hookimpl
    def mist_estimators(self):
        yield EstimatorSpec("broken", "test_benchmark:Missing", "Is not there.")


def test_a_fit_that_fails_is_recorded():
    registry = Registry(discover=False, plugins=[Broken()])
    found = run(Plan(("gaussian", "broken"), "1v1-normal-0.75", (100,)), registry)
    assert [bool(row.error) for row in found] == [False, True]
    lines = {line.estimator: line for line in leaderboard(found)}
    assert (lines["broken"].failed, lines["broken"].mae, lines["gaussian"].failed) == (1, None, 0)
    with pytest.raises(ConfigError, match="only an object of this process"):
        run(Plan(("broken",), "1v1-normal-0.75", (100,)), registry, executor=ProcessExecutor(workers=1))


def test_what_was_done_is_not_done_again(tmp_path, rows):
    store = Store.create(tmp_path / "run", "bench", vars(SMALL))
    told = []
    first = run(SMALL, Registry(discover=False), store=store, told=lambda task, done: told.append(done.key))
    lines = (tmp_path / "run" / "results.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / "results.jsonl").write_bytes(b"".join(lines[:3]) + lines[3][:20])
    again = run(SMALL, Registry(discover=False), store=Store.open(tmp_path / "run"))
    assert [(row.mi, row.stderr) for row in again] == [(row.mi, row.stderr) for row in first]
    kept = (tmp_path / "run" / "results.jsonl").read_bytes().splitlines(keepends=True)
    assert kept[:3] == lines[:3]
    assert len(kept) == len(lines) + 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"estimators": ()}, "expected an estimator"),
        ({"tasks": "random:1"}, "random tables are written random:SEED:N"),
        ({"tasks": "random:1:0"}, "between 1 and 100,000 random tables; got 0"),
        ({"n": (1,)}, "numbers of pairs between 2 and"),
        ({"seeds": 0}, "between 1 and 10,000 seeds"),
        ({"level": 1.0}, "a level between 0 and 1"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(change, told):
    with pytest.raises(ConfigError, match=told):
        run(Plan(**({"estimators": ("ksg",)} | change)), Registry(discover=False))


@pytest.mark.parametrize(
    ("estimator", "told"),
    [
        ("ksh", "unknown estimator 'ksh'. Did you mean 'ksg'?"),
        ("ksg:kk=3", "'kk' is not an option of estimator 'ksg'"),
        ("js:max_steps=0", "takes int | None, x >= 1"),
        ("js:seed=3", "'seed' is not for an estimator of a benchmark to say"),
    ],
)
def test_a_wrong_estimator_is_refused_before_anything_runs(estimator, told):
    with pytest.raises(ConfigError) as error:
        run(Plan(("gaussian", estimator), "all"), Registry(discover=False))
    assert told in str(error.value)


def test_random_tables_are_run_with_their_own_rows_and_kinds(tmp_path):
    found = find("random:12000:4")
    assert [task.name for task in found] == [f"random-12000-{k}" for k in range(4)]
    assert find("random-12000-2") == found[2:3]
    plan = Plan(("gaussian", "mixed_ksg"), "random:12000:4,1v1-normal-0.75")
    store = Store.create(tmp_path / "run", "bench", vars(plan))
    rows = run(plan, Registry(discover=False), store=store)
    assert all(not row.error for row in rows)
    assert {row.n for row in rows if row.pooled} == {task.rows for task in found}
    assert {(row.task, row.n) for row in rows if not row.pooled} == {("1v1-normal-0.75", 10_000)}
    lines = leaderboard(rows)
    assert sorted((line.estimator, line.n or 0, line.fits) for line in lines if line.estimator == "mixed_ksg") == [
        ("mixed_ksg", 0, 4),
        ("mixed_ksg", 10_000, 1),
    ]
    again = run(plan, Registry(discover=False), store=Store.open(tmp_path / "run"))
    assert again == rows
    sized = run(Plan(("mixed_ksg",), "random:12000:2", (100,)), Registry(discover=False))
    assert [(row.n, row.pooled) for row in sized] == [(100, False)] * 2


def test_an_estimate_is_confidently_wrong_far_outside_of_its_interval():
    def row(mi, low, high):
        return Row("a", "t", 100, 0, 1.0, mi, 0.1, low, high)

    rows = [row(0.8, 0.7, 0.9), row(0.8, 0.6, 0.99), row(0.96, 0.95, 0.97), row(1.4, 1.3, 1.5), row(None, None, None)]
    assert [confidently_wrong(one) for one in rows] == [True, False, False, True, False]
    assert leaderboard(rows)[0].wrong == 0.5


def test_the_leaderboard_sums_up():
    rows = [
        Row("a", "t", 100, 0, 1.0, 1.05, 0.1, 0.9, 1.2, 2.0),
        Row("a", "u", 100, 0, 1.0, 0.5, 0.1, 0.4, 0.6, 4.0),
        Row("b", "t", 100, 0, 1.0, 1.01, 0.1, 0.9, 1.2, 1.0),
        Row("b", "u", 100, 0, 1.0, error="boom"),
    ]
    best, other = leaderboard(rows)
    assert (best.estimator, best.failed, best.near) == ("b", 1, 0.5)
    assert (other.mae, other.worst, other.worst_task) == (pytest.approx(0.275), 0.5, "u")
    assert (other.bias, other.coverage, other.seconds) == (pytest.approx(-0.225), 0.5, 3.0)
    told = to_dict(rows, 0.95, {"a": 3})
    assert told["schema"] == "mist.bench/1"
    assert [line["unsupported"] for line in told["leaderboard"]] == [0, 3]
    assert len(told["fits"]) == 4
