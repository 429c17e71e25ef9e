"""The estimators that look at the data once: closed forms, tables that are known, and each other."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from problems import normal, normal_nats
from sklearn.feature_selection import mutual_info_classif
from torch import Generator

import mistcli
from mistcli.errors import ConfigError, DataError
from mistcli.estimators import GMM, KSG, Gaussian, GaussianCopula, MixedKSG, PlugIn, Ross, TCopula

EXAMPLES = Path(__file__).parent.parent / "examples"
BMI = Path(__file__).parent.parent.parent / "shared" / "bmi"


def seeded(seed=0):
    return Generator().manual_seed(seed)


def mean(estimator, x, y, seed=0):
    return estimator.fit_log_ratio(x, y, generator=seeded(seed)).mean().item()


def indicators(codes, count=None):
    """Codes as the encoder gives them: one centred indicator a level."""
    count = count or int(codes.max()) + 1
    return torch.nn.functional.one_hot(codes, count).double() - 1 / count


def rows(table):
    """The rows that a table of counts was made of."""
    cells = [(i, j) for i, line in enumerate(table) for j, count in enumerate(line) for _ in range(count)]
    x, y = torch.tensor(cells).T
    return indicators(x), indicators(y)


def student(n, dx, dy, nu, seed=0):
    """Independent Student columns with one scale a row, whose sides share what the scale is."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, dx + dy)) / np.sqrt(rng.chisquare(nu, (n, 1)) / nu)
    return torch.from_numpy(z[:, :dx].copy()), torch.from_numpy(z[:, dx:].copy())


def student_nats(dx, dy, nu):
    def omega(a):
        return math.lgamma(a / 2) - a / 2 * torch.digamma(torch.tensor(a / 2, dtype=torch.float64)).item()

    return omega(nu) + omega(nu + dx + dy) - omega(nu + dx) - omega(nu + dy)


@pytest.mark.parametrize(
    ("x", "truth"),
    [("status", 0.0411), ("sex", 0.0987), ("status,sex,age", 0.1526)],
)
@pytest.mark.parametrize("correction", ["miller_madow", "shrinkage", "none"])
def test_plugin_on_the_titanic(x, truth, correction):
    found = mistcli.estimate(
        str(EXAMPLES / "titanic.csv"), x=x, y="survived", estimator="plugin", correction=correction
    )
    assert found.nats == pytest.approx(truth, abs=0.0005 if correction == "none" else 0.0025)
    assert found.n == 2201


def test_plugin_on_play_tennis():
    # Outlook and play of the textbook's 14 days: 0.247 bits.
    x, y = rows([[2, 3], [4, 0], [3, 2]])
    assert mean(PlugIn(correction="none"), x, y) / math.log(2) == pytest.approx(0.247, abs=0.0005)
    assert mean(PlugIn(), x, y) == pytest.approx(mean(PlugIn(correction="none"), x, y) - (5 - 3 - 2 + 1) / 28)


def test_plugin_corrections_remove_bias():
    values = {"none": [], "miller_madow": [], "shrinkage": []}
    for correction, seed in itertools.product(values, range(60)):
        codes = torch.randint(6, (2, 150), generator=seeded(seed))
        values[correction].append(mean(PlugIn(correction=correction), *map(indicators, codes)))
    biased, corrected, shrunk = (np.mean(found) for found in values.values())
    assert biased == pytest.approx(25 / 300, rel=0.15)
    assert abs(corrected) < 0.2 * biased
    assert 0 <= shrunk < 0.2 * biased


def test_plugin_of_a_column_and_itself_is_its_entropy():
    codes = torch.arange(4).repeat(100)
    x = indicators(codes)
    assert mean(PlugIn(correction="none"), x, x) == pytest.approx(math.log(4))
    assert mean(PlugIn(correction="shrinkage"), x, x) == pytest.approx(math.log(4), abs=0.06)


def test_plugin_values_cells_that_it_has_not_seen():
    x, y = rows([[50, 0], [0, 50]])
    estimator = PlugIn(correction="none")
    estimator.fit_log_ratio(x, y)
    torn = estimator.log_ratio(x[:1], y[-1:])
    assert torn.item() == pytest.approx(math.log(0.5 * 100 / (50 * 50)))
    assert estimator.log_ratio(torch.full((1, 2), 7.0), y[:1]).item() == 0.0


def test_plugin_applies_through_the_command_line_too(mist, tmp_path):
    table, run = EXAMPLES / "titanic.csv", tmp_path / "run"
    first = mist("estimate", table, "--x", "sex", "--y", "survived", "--estimator", "plugin", "--out", run, "--json")
    again = mist("evaluate", run, table, "--json")
    values = [json.loads(result.stdout)["mi"] for result in (first, again)]
    assert values[0] == pytest.approx(values[1]) == pytest.approx(0.0985, abs=0.0005)


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_mixed_ksg_is_ksg_on_continuous_columns(rho):
    x, y = normal(400, rho, dim=2)
    ratio = MixedKSG(k=4).fit_log_ratio(x, y)
    torch.testing.assert_close(ratio, KSG(k=4).fit_log_ratio(x, y, generator=seeded()))


def test_mixed_ksg_is_a_table_on_discrete_columns():
    x, y = rows([[120, 40], [60, 130], [30, 90]])
    assert mean(MixedKSG(), x, y) == pytest.approx(mean(PlugIn(), x, y), abs=1e-4)


def test_mixed_ksg_and_ross_on_a_discrete_and_a_uniform_side():
    # Gao et al., 2017: X uniform on 0 to 4, Y uniform on [X, X + 2].
    truth = math.log(5) - 0.8 * math.log(2)
    found = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        codes = rng.integers(0, 5, 1500)
        x, y = indicators(torch.from_numpy(codes)), torch.from_numpy(codes + rng.uniform(0, 2, 1500))[:, None]
        found.append([mean(MixedKSG(), x, y / 2), mean(Ross(), x, y), mean(Ross(), y, x)])
    assert np.mean(found, axis=0) == pytest.approx([truth] * 3, abs=0.02)


def test_mixed_ksg_on_atoms_in_a_continuous_column():
    # Half of the rows are at (9, 9), the others are a normal pair: log 2 for which half, and half of the normal's.
    x, y = normal(4000, 0.9)
    atom = torch.arange(4000)[:, None] % 2 == 0
    value = mean(MixedKSG(), x.where(~atom, 9), y.where(~atom, 9))
    assert value == pytest.approx(math.log(2) + normal_nats(0.9) / 2, abs=0.03)


def test_ross_is_what_scikit_learn_has():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, 500)
    y = rng.standard_normal(500) + codes
    other = mutual_info_classif(y[:, None], codes, n_neighbors=3, random_state=0)[0]
    x = indicators(torch.from_numpy(codes))
    assert mean(Ross(k=3), x, torch.from_numpy(y)[:, None]) == pytest.approx(other, abs=1e-3)


@pytest.mark.parametrize(("column", "told"), [("sepal_length", 0.498), ("petal_length", 0.986), ("petal_width", 0.986)])
def test_ross_on_iris(column, told):
    found = mistcli.estimate(str(EXAMPLES / "iris.csv"), x=column, y="species", estimator="ross", k=3)
    assert found.nats == pytest.approx(told, abs=0.05)


def test_ross_gives_nothing_for_a_class_of_one():
    codes = torch.tensor([0] * 30 + [1] * 30 + [2])
    y = torch.randn(61, 1, generator=seeded(), dtype=torch.float64)
    estimator = Ross()
    ratio = estimator.fit_log_ratio(indicators(codes), y)
    assert ratio[-1] == 0
    assert ratio.isfinite().all()
    assert estimator.log_ratio(torch.full((1, 3), 9.0), y[:1]).item() == 0


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.randn(50, 1), torch.randn(50, 1), "expected a discrete side"),
        (indicators(torch.arange(50) % 2), indicators(torch.arange(50) % 5), "expected a continuous side"),
    ],
)
def test_ross_refuses_sides_of_one_kind(x, y, message):
    with pytest.raises(DataError, match=message):
        Ross().fit_log_ratio(x.double(), y.double())


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_both_algorithms_of_ksg_agree(rho):
    values = np.array([[mean(KSG(algorithm=a), *normal(1500, rho, seed=s)) for a in (1, 2)] for s in range(5)])
    assert values.mean(0) == pytest.approx([normal_nats(rho)] * 2, abs=0.03)


def test_the_second_algorithm_of_ksg_equals_its_definition():
    x, y = normal(60, 0.7, dim=2)
    k, n = 3, 60
    distances = [(side[:, None] - side[None]).abs().amax(-1) for side in (x, y)]
    near = torch.maximum(*distances).fill_diagonal_(math.inf).argsort(-1)[:, :k]
    counts = [(d <= d.gather(1, near).amax(1)[:, None] + 1e-9).sum(-1) - 1 for d in distances]
    psi = [torch.digamma(torch.as_tensor(c, dtype=torch.float64)) for c in (k, n, *counts)]
    expected = psi[0] - 1 / k + psi[1] - psi[2] - psi[3]
    torch.testing.assert_close(KSG(k=k, algorithm=2).fit_log_ratio(x, y, generator=seeded()), expected)


@pytest.mark.parametrize("make", [GaussianCopula, TCopula, GMM])
def test_copulas_know_nothing_of_the_scale_of_a_column(make):
    x, y = normal(1000, 0.8)
    assert mean(make(), x.exp(), y**3) == pytest.approx(mean(make(), x, y), abs=1e-9)


@pytest.mark.parametrize(("dx", "dy", "nu"), [(1, 1, 1), (2, 2, 2), (5, 5, 2)])
def test_t_copula_on_student_columns(dx, dy, nu):
    values = [mean(TCopula(), *student(2000, dx, dy, nu, seed)) for seed in range(5)]
    assert np.mean(values) == pytest.approx(student_nats(dx, dy, nu), abs=0.03)


def test_t_copula_is_normal_where_the_data_are():
    estimator, other = TCopula(), GaussianCopula()
    values = [e.fit_log_ratio(*normal(3000, 0.7, dim=3)) for e in (estimator, other)]
    assert math.isinf(estimator.nu)
    assert torch.equal(*values)


@pytest.mark.skipif(not BMI.exists(), reason="the benchmark's samples are not here")
def test_t_copula_on_a_task_of_the_benchmark():
    name = "student-identity-2-2-2"
    data, truth = np.load(BMI / f"{name}__0.npz"), json.loads((BMI / "meta.json").read_text())[name]["mi"]
    x, y = (torch.from_numpy(data[side].astype(np.float64)) for side in "xy")
    assert mean(TCopula(), x, y) == pytest.approx(truth, abs=0.02)


def test_copulas_are_unbiased_in_many_dimensions():
    values = [mean(GaussianCopula(), *normal(300, 0.3, dim=20, seed=s)) for s in range(20)]
    assert np.mean(values) == pytest.approx(normal_nats(0.3, dim=20), abs=0.06)


def latent(n, dim, k=4, rho=0.7):
    """k pairs of normals of correlation rho, mixed into dim columns a side."""
    a, b = normal(n, rho, dim=k)
    g = seeded(1)
    mixed = [side @ torch.randn(k, dim, generator=g, dtype=torch.float64) for side in (a, b)]
    return [side + 0.1 * torch.randn(n, dim, generator=g, dtype=torch.float64) for side in mixed]


@pytest.mark.parametrize("make", [Gaussian, GaussianCopula])
@pytest.mark.parametrize(("n", "dim"), [(300, 500), (600, 60)])
def test_normals_in_more_columns_than_rows_are_told_by_leading_components(make, n, dim):
    x, y = latent(n, dim)
    estimator = make()
    log_ratio = estimator.fit_log_ratio(x, y)
    error = estimator.stderr(log_ratio)
    assert error < 0.2
    assert log_ratio.mean() == pytest.approx(normal_nats(0.7, dim=4), abs=3 * error)
    torch.testing.assert_close(estimator.log_ratio(x, y), log_ratio)
    alone = make().fit_log_ratio(x, torch.randn(n, dim, generator=seeded(2), dtype=torch.float64))
    assert abs(float(alone.mean())) < 0.2


@pytest.mark.parametrize("make", [Gaussian, GaussianCopula])
def test_two_modes_in_many_columns_are_refused(make):
    label = torch.randint(0, 2, (400, 1), generator=seeded()) * 2.0 - 1
    curves = torch.cat([label, label * torch.rand(400, 4, generator=seeded(3))], -1).double()
    mix = torch.randn(5, 80, generator=seeded(4), dtype=torch.float64)
    sides = [curves @ mix + 0.1 * torch.randn(400, 80, generator=seeded(s), dtype=torch.float64) for s in (1, 2)]
    with pytest.raises(DataError, match="two modes each"):
        make().fit_log_ratio(*sides)


def test_a_student_copula_refuses_many_columns_and_few_rows():
    with pytest.raises(DataError, match="at least 16 rows a column for a Student copula"):
        TCopula().fit_log_ratio(*normal(100, 0.0, dim=60))


@pytest.mark.parametrize("make", [GaussianCopula, TCopula])
@pytest.mark.parametrize(("n", "dim"), [(30, 30), (60, 40)])
def test_fewer_rows_than_columns_give_a_value_that_is_not_too_large(make, n, dim):
    for rho in (0.0, 0.7):
        value = mean(make(), *normal(n, rho, dim=dim))
        assert -0.5 < value < normal_nats(rho, dim=dim) + 0.5


def test_a_column_that_determines_another_is_refused():
    x, _ = normal(100, 0)
    with pytest.raises(DataError, match="mutual information is infinite"):
        GaussianCopula().fit_log_ratio(x, x.exp())


def test_gmm_sees_what_a_copula_cannot():
    # A ring: rows at one radius, whose columns are not correlated.
    angle = 2 * math.pi * torch.rand(3000, 1, generator=seeded(), dtype=torch.float64)
    noise = 0.2 * torch.randn(3000, 2, generator=seeded(1), dtype=torch.float64)
    x, y = angle.cos() + noise[:, :1], angle.sin() + noise[:, 1:]
    known = mean(KSG(), x, y)
    assert abs(mean(GaussianCopula(), x, y)) < 0.01
    assert mean(GMM(), x, y) == pytest.approx(known, abs=0.06)


def test_gmm_takes_the_components_that_it_is_given():
    estimator = GMM(components=3)
    estimator.fit_log_ratio(*normal(200, 0.5), generator=seeded())
    assert estimator.mean.shape == (1, 3, 2)
    with pytest.raises(DataError, match="at least 30 rows, 5 for each column of each component; got 20"):
        GMM(components=3).fit_log_ratio(*normal(20, 0.5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KSG(algorithm=3), "algorithm 1 or 2; got 3"),
        (lambda: PlugIn(correction="mm"), "unknown correction 'mm'"),
    ],
)
def test_what_there_is_not_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
